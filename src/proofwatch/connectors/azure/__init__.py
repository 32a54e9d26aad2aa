"""Azure, over Resource Graph and Resource Manager."""

from proofwatch.connectors.azure.connector import AzureConnector

__all__ = ["AzureConnector"]
