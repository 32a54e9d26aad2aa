"""SQS queues."""

from __future__ import annotations

from proofwatch.connectors.aws.declare import AwsTable, Call

TABLES = (
    AwsTable(
        name="aws_sqs_queue",
        service="sqs",
        op="ListQueues",
        rows="QueueUrls[]",
        item="QueueUrl",
        resource="{QueueUrl}",
        about="Queues with their attributes (policy, encryption).",
        calls=(
            Call(
                op="GetQueueAttributes",
                params={"QueueUrl": "{QueueUrl}", "AttributeNames": ["All"]},
                take="Attributes",
                into="attributes",
                about="Attributes by name; Policy is JSON text",
            ),
        ),
    ),
)
