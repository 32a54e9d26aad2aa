"""Okta: one organisation, by an API service app or an API token."""

from proofwatch.connectors.okta.connector import OktaConnector

__all__ = ["OktaConnector"]
