"""Proofwatch: control monitoring whose evidence anyone can verify and re-perform."""

__version__ = "0.1.0"
