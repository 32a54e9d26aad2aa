"""CloudWatch Logs: log groups and the metrics made from them."""

from __future__ import annotations

from proofwatch.connectors.aws.declare import AwsTable

TABLES = (
    AwsTable(
        name="aws_logs_log_group",
        service="logs",
        op="DescribeLogGroups",
        rows="logGroups[]",
        resource="arn:{partition}:logs:{region}:{account}:log-group:{logGroupName}",
        about="Log groups, their retention and key.",
    ),
    AwsTable(
        name="aws_logs_metric_filter",
        service="logs",
        op="DescribeMetricFilters",
        rows="metricFilters[]",
        resource="arn:{partition}:logs:{region}:{account}:log-group:{logGroupName}:metric-filter:{filterName}",
        about="Patterns in logs that are counted as metrics.",
    ),
)
