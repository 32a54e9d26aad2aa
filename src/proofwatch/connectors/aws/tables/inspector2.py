"""Inspector: vulnerability scanning."""

from __future__ import annotations

from proofwatch.connectors.aws.declare import AwsTable

TABLES = (
    AwsTable(
        name="aws_inspector2_account_status",
        service="inspector2",
        op="BatchGetAccountStatus",
        rows="accounts[]",
        params={"accountIds": ["{account}"]},
        resource="arn:{partition}:inspector2:{region}:{account}:account",
        about="Which kinds of scanning are on.",
    ),
    AwsTable(
        name="aws_inspector2_coverage",
        service="inspector2",
        op="ListCoverage",
        rows="coveredResources[]",
        resource="{resourceId}/{scanType}",
        about="Resources that Inspector scans, and whether it succeeds.",
    ),
)
