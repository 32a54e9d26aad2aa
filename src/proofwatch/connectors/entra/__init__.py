"""Microsoft Entra ID, over Microsoft Graph v1.0."""

from proofwatch.connectors.entra.connector import EntraConnector

__all__ = ["EntraConnector"]
