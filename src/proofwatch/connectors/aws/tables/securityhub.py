"""Security Hub: whether it is on, and which standards it checks."""

from __future__ import annotations

from proofwatch.connectors.aws.declare import AwsTable

NOT_ENABLED = ("InvalidAccessException", "ResourceNotFoundException")
"""What Security Hub answers where it is off."""

TABLES = (
    AwsTable(
        name="aws_securityhub_hub",
        service="securityhub",
        op="DescribeHub",
        rows="",
        single=True,
        absent=NOT_ENABLED,
        resource="arn:{partition}:securityhub:{region}:{account}:hub/default",
        about="Security Hub of the region; `exists` is false where it is off.",
    ),
    AwsTable(
        name="aws_securityhub_standard",
        service="securityhub",
        op="GetEnabledStandards",
        rows="StandardsSubscriptions[]",
        absent=NOT_ENABLED,
        resource="{StandardsSubscriptionArn}",
        about="Standards that Security Hub checks.",
    ),
)
