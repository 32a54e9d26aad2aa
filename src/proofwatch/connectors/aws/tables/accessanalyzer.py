"""IAM Access Analyzer."""

from __future__ import annotations

from proofwatch.connectors.aws.declare import AwsTable

TABLES = (
    AwsTable(
        name="aws_accessanalyzer_analyzer",
        service="accessanalyzer",
        op="ListAnalyzers",
        rows="analyzers[]",
        resource="{arn}",
        permission="access-analyzer:ListAnalyzers",
        about="Analyzers of access from outside.",
    ),
    AwsTable(
        name="aws_accessanalyzer_finding",
        service="accessanalyzer",
        op="ListFindingsV2",
        rows="findings[]",
        parent="aws_accessanalyzer_analyzer",
        params={"analyzerArn": "{arn}"},
        keep=("arn",),
        resource="{arn}/finding/{id}",
        permission="access-analyzer:ListFindings",
        about="What analyzers found; `arn` is the analyzer's, `item_resource` what it is about.",
    ),
)
