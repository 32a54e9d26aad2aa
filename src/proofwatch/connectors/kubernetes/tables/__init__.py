"""Kubernetes' tables, by topic."""

from proofwatch.connectors.kubernetes.tables.cluster import CLUSTER
from proofwatch.connectors.kubernetes.tables.network import NETWORK
from proofwatch.connectors.kubernetes.tables.rights import RIGHTS
from proofwatch.connectors.kubernetes.tables.workloads import WORKLOADS
from proofwatch.connectors.rest.declare import RestTable

TABLES: tuple[RestTable, ...] = (*CLUSTER, *RIGHTS, *WORKLOADS, *NETWORK)
