"""Kubernetes: one cluster of any make."""

from proofwatch.connectors.kubernetes.connector import KubernetesConnector

__all__ = ["KubernetesConnector"]
