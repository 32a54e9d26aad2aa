"""Route 53."""

from __future__ import annotations

from proofwatch.connectors.aws.declare import AwsTable, Call

TABLES = (
    AwsTable(
        name="aws_route53_hosted_zone",
        service="route53",
        op="ListHostedZones",
        rows="HostedZones[]",
        place="global",
        resource="{Id}",
        about="Hosted zones, their query logging and DNSSEC.",
        calls=(
            Call(
                op="ListQueryLoggingConfigs",
                params={"HostedZoneId": "{Id}"},
                take="QueryLoggingConfigs",
                into="query_logging_configs",
                about="Where queries are logged",
            ),
            Call(
                op="GetDNSSEC",
                params={"HostedZoneId": "{Id}"},
                take="Status",
                into="dnssec_status",
                absent=("InvalidArgument", "DNSSECNotFound"),
                about="Signing state; NULL for private zones",
            ),
        ),
    ),
)
