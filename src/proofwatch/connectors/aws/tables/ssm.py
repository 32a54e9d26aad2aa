"""Systems Manager: managed machines, patches, documents, parameters (never their values)."""

from __future__ import annotations

from proofwatch.connectors.aws.declare import AwsTable, Call

TABLES = (
    AwsTable(
        name="aws_ssm_instance",
        service="ssm",
        op="DescribeInstanceInformation",
        rows="InstanceInformationList[]",
        resource="arn:{partition}:ssm:{region}:{account}:managed-instance/{InstanceId}",
        about="Machines that Systems Manager manages, and their patches.",
        calls=(
            Call(
                op="DescribeInstancePatchStates",
                params={"InstanceIds": "{InstanceId}"},
                take="InstancePatchStates",
                batch=50,
                match=("InstanceId", "InstanceId"),
                into="patch_state",
                about="Patches installed, missing and failed",
            ),
        ),
    ),
    AwsTable(
        name="aws_ssm_resource_compliance",
        service="ssm",
        op="ListResourceComplianceSummaries",
        rows="ResourceComplianceSummaryItems[]",
        resource="{ResourceType}/{ResourceId}/{ComplianceType}",
        about="Compliance of machines with patches and associations.",
    ),
    AwsTable(
        name="aws_ssm_document",
        service="ssm",
        op="ListDocuments",
        rows="DocumentIdentifiers[]",
        params={"Filters": [{"Key": "Owner", "Values": ["Self"]}]},
        resource="arn:{partition}:ssm:{region}:{account}:document/{Name}",
        about="The account's own documents and whom they are shared with.",
        calls=(
            Call(
                op="DescribeDocumentPermission",
                params={"Name": "{Name}", "PermissionType": "Share"},
                take="AccountIds",
                into="shared_with",
                about="Accounts it is shared with; 'all' is everyone",
            ),
        ),
    ),
    AwsTable(
        name="aws_ssm_parameter",
        service="ssm",
        op="DescribeParameters",
        rows="Parameters[]",
        resource="arn:{partition}:ssm:{region}:{account}:parameter/{Name}",
        about="Parameters, their kind and key; no value is read.",
    ),
)
