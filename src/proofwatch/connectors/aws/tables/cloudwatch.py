"""CloudWatch: alarms."""

from __future__ import annotations

from proofwatch.connectors.aws.declare import AwsTable

TABLES = (
    AwsTable(
        name="aws_cloudwatch_alarm",
        service="cloudwatch",
        op="DescribeAlarms",
        rows="MetricAlarms[]",
        params={"AlarmTypes": ["MetricAlarm"]},
        resource="{AlarmArn}",
        about="Alarms on one metric.",
    ),
    AwsTable(
        name="aws_cloudwatch_composite_alarm",
        service="cloudwatch",
        op="DescribeAlarms",
        rows="CompositeAlarms[]",
        params={"AlarmTypes": ["CompositeAlarm"]},
        resource="{AlarmArn}",
        about="Alarms on other alarms.",
    ),
)
