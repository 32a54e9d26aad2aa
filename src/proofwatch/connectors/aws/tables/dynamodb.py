"""DynamoDB tables."""

from __future__ import annotations

from proofwatch.connectors.aws.declare import AwsTable, Call

TABLES = (
    AwsTable(
        name="aws_dynamodb_table",
        service="dynamodb",
        op="ListTables",
        rows="TableNames[]",
        item="TableName",
        resource="arn:{partition}:dynamodb:{region}:{account}:table/{TableName}",
        about="Tables with their encryption and backups.",
        calls=(
            Call(
                op="DescribeTable",
                params={"TableName": "{TableName}"},
                take="Table",
                about="The table's settings",
            ),
            Call(
                op="DescribeContinuousBackups",
                params={"TableName": "{TableName}"},
                take="ContinuousBackupsDescription",
                about="Point-in-time recovery",
            ),
        ),
    ),
)
