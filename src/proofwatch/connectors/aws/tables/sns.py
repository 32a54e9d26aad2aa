"""SNS topics and subscriptions."""

from __future__ import annotations

from proofwatch.connectors.aws.declare import AwsTable, Call

TABLES = (
    AwsTable(
        name="aws_sns_topic",
        service="sns",
        op="ListTopics",
        rows="Topics[]",
        resource="{TopicArn}",
        about="Topics with their attributes (policy, key).",
        calls=(
            Call(
                op="GetTopicAttributes",
                params={"TopicArn": "{TopicArn}"},
                take="Attributes",
                into="attributes",
                about="Attributes by name; Policy is JSON text",
            ),
        ),
    ),
    AwsTable(
        name="aws_sns_subscription",
        service="sns",
        op="ListSubscriptions",
        rows="Subscriptions[]",
        resource="{TopicArn}|{Protocol}|{Endpoint}",
        about="Who is subscribed to which topic.",
    ),
)
