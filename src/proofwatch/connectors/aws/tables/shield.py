"""Shield Advanced."""

from __future__ import annotations

from proofwatch.connectors.aws.declare import AwsTable

TABLES = (
    AwsTable(
        name="aws_shield_subscription",
        service="shield",
        op="GetSubscriptionState",
        rows="",
        single=True,
        place="global",
        resource="arn:{partition}:shield::{account}:subscription",
        about="Whether Shield Advanced is subscribed to.",
    ),
)
