"""Every table of Azure, by topic."""

from proofwatch.connectors.azure.tables.asserted import ASSERTED
from proofwatch.connectors.azure.tables.compute import COMPUTE
from proofwatch.connectors.azure.tables.data import DATA
from proofwatch.connectors.azure.tables.governance import GOVERNANCE
from proofwatch.connectors.azure.tables.network import NETWORK

TABLES = (*GOVERNANCE, *DATA, *NETWORK, *COMPUTE, *ASSERTED)
