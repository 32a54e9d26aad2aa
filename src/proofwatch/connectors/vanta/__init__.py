"""Vanta: what it monitors, and its own verdicts, by an application with the scope `vanta-api.all:read`."""

from proofwatch.connectors.vanta.connector import VantaConnector

__all__ = ["VantaConnector"]
