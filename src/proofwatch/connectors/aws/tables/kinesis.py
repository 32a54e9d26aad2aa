"""Kinesis data streams."""

from __future__ import annotations

from proofwatch.connectors.aws.declare import AwsTable, Call

TABLES = (
    AwsTable(
        name="aws_kinesis_stream",
        service="kinesis",
        op="ListStreams",
        rows="StreamNames[]",
        item="StreamName",
        resource="arn:{partition}:kinesis:{region}:{account}:stream/{StreamName}",
        about="Streams, their encryption and retention.",
        calls=(
            Call(
                op="DescribeStreamSummary",
                params={"StreamName": "{StreamName}"},
                take="StreamDescriptionSummary",
                about="The stream's settings",
            ),
        ),
    ),
)
