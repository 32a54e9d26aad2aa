"""Organizations: the organization, its accounts and policies."""

from __future__ import annotations

from proofwatch.connectors.aws.declare import AwsTable, Call

NO_ORGANIZATION = ("AWSOrganizationsNotInUseException",)
"""What the service answers outside of an organization."""

TABLES = (
    AwsTable(
        name="aws_organizations_organization",
        service="organizations",
        op="DescribeOrganization",
        rows="Organization",
        place="global",
        single=True,
        absent=NO_ORGANIZATION,
        resource="arn:{partition}:organizations::{account}:organization",
        about="The organization that the account is in; `exists` is false outside of one.",
    ),
    AwsTable(
        name="aws_organizations_account",
        service="organizations",
        op="ListAccounts",
        rows="Accounts[]",
        place="global",
        absent=NO_ORGANIZATION,
        resource="{Arn}",
        about="Accounts of the organization and their state.",
    ),
    AwsTable(
        name="aws_organizations_policy",
        service="organizations",
        op="ListPolicies",
        rows="Policies[]",
        params={"Filter": "SERVICE_CONTROL_POLICY"},
        place="global",
        absent=NO_ORGANIZATION,
        resource="{Arn}",
        about="Service control policies and what they are attached to.",
        calls=(
            Call(
                op="DescribePolicy",
                params={"PolicyId": "{Id}"},
                take="Policy.Content",
                into="content",
                form="json",
                about="The policy document",
            ),
            Call(
                op="ListTargetsForPolicy",
                params={"PolicyId": "{Id}"},
                take="Targets",
                into="targets",
                about="Accounts and units it applies to",
            ),
        ),
    ),
)
