"""Google Cloud: projects, who may do what, storage, machines, networks, databases, keys, logs, findings."""

from proofwatch.connectors.gcp.connector import GcpConnector

__all__ = ["GcpConnector"]
