"""Drata: what it monitors in each workspace, and its own verdicts, by an API key that may read."""

from proofwatch.connectors.drata.connector import DrataConnector

__all__ = ["DrataConnector"]
