"""Every table of Google Cloud."""

from proofwatch.connectors.gcp.tables.compute import COMPUTE
from proofwatch.connectors.gcp.tables.data import DATA
from proofwatch.connectors.gcp.tables.iam import IAM
from proofwatch.connectors.gcp.tables.organization import ORGANIZATION
from proofwatch.connectors.gcp.tables.watch import WATCH

TABLES = (*ORGANIZATION, *IAM, *DATA, *COMPUTE, *WATCH)

__all__ = ["TABLES"]
