"""IAM Identity Center."""

from __future__ import annotations

from proofwatch.connectors.aws.declare import AwsTable, Call

TABLES = (
    AwsTable(
        name="aws_sso_instance",
        service="sso-admin",
        op="ListInstances",
        rows="Instances[]",
        resource="{InstanceArn}",
        permission="sso:ListInstances",
        about="Instances of Identity Center.",
    ),
    AwsTable(
        name="aws_sso_permission_set",
        service="sso-admin",
        op="ListPermissionSets",
        rows="PermissionSets[]",
        item="PermissionSetArn",
        parent="aws_sso_instance",
        params={"InstanceArn": "{InstanceArn}"},
        keep=("InstanceArn",),
        resource="{PermissionSetArn}",
        permission="sso:ListPermissionSets",
        about="Permission sets and how long their sessions last.",
        calls=(
            Call(
                op="DescribePermissionSet",
                params={"InstanceArn": "{InstanceArn}", "PermissionSetArn": "{PermissionSetArn}"},
                take="PermissionSet",
                permission="sso:DescribePermissionSet",
                about="The set's settings",
            ),
        ),
    ),
)
