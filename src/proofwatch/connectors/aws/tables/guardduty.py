"""GuardDuty: threat detection."""

from __future__ import annotations

from proofwatch.connectors.aws.declare import AwsTable, Call

TABLES = (
    AwsTable(
        name="aws_guardduty_detector",
        service="guardduty",
        op="ListDetectors",
        rows="DetectorIds[]",
        item="DetectorId",
        resource="arn:{partition}:guardduty:{region}:{account}:detector/{DetectorId}",
        about="Detectors, whether they are on, and their features.",
        calls=(Call(op="GetDetector", params={"DetectorId": "{DetectorId}"}, about="State and features"),),
    ),
)
