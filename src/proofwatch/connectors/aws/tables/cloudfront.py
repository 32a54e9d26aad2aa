"""CloudFront distributions."""

from __future__ import annotations

from proofwatch.connectors.aws.declare import AwsTable, Call

TABLES = (
    AwsTable(
        name="aws_cloudfront_distribution",
        service="cloudfront",
        op="ListDistributions",
        rows="DistributionList.Items[]",
        place="global",
        resource="{ARN}",
        about="Distributions, their TLS, web ACL and access logs.",
        calls=(
            Call(
                op="GetDistributionConfig",
                params={"Id": "{Id}"},
                take="DistributionConfig.Logging",
                into="logging",
                about="Access logs",
            ),
        ),
    ),
)
