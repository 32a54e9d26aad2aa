"""Amazon Web Services. Importing this package imports neither boto3 nor botocore."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from proofwatch.connectors.aws.connector import AwsConnector

__all__ = ["AwsConnector"]


def __getattr__(name: str) -> Any:
    """Import the connector on first use."""
    if name == "AwsConnector":
        from proofwatch.connectors.aws.connector import AwsConnector

        return AwsConnector
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
