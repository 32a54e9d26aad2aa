"""The least privilege that the chosen tables need, as IAM policies and as a CloudFormation template."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Sequence
from typing import Any

from proofwatch.connectors.base import ConnectorError, Document, Table

MAX_POLICY = 6144
"""Characters of a managed policy, without whitespace (IAM quota, not adjustable)."""

BASE = (
    "ec2:DescribeRegions",
    "iam:GetGroupPolicy",
    "iam:GetPolicy",
    "iam:GetPolicyVersion",
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:GetUser",
    "iam:GetUserPolicy",
    "iam:ListAccountAliases",
    "iam:ListAttachedGroupPolicies",
    "iam:ListAttachedRolePolicies",
    "iam:ListAttachedUserPolicies",
    "iam:ListGroupPolicies",
    "iam:ListGroupsForUser",
    "iam:ListRolePolicies",
    "iam:ListUserPolicies",
    "iam:SimulatePrincipalPolicy",
    "organizations:ListAccounts",
    "sts:GetCallerIdentity",
)
"""What identity, scope and the proof of read-only access need, whatever tables are chosen."""


def policy_actions(tables: Iterable[Table]) -> list[str]:
    """Return every action that `tables` and the connector itself need, sorted."""
    return sorted({*BASE, *(name for table in tables for name in table.permissions)})


def policy_document(tables: Iterable[Table]) -> dict[str, Any]:
    """Return one IAM policy of exactly the declared permissions (it may exceed one managed policy)."""
    return _document(policy_actions(tables))


def policy_documents(tables: Iterable[Table], limit: int = MAX_POLICY) -> list[dict[str, Any]]:
    """Return the same permissions as documents that each fit one managed policy of `limit` characters."""
    documents: list[dict[str, Any]] = []
    batch: list[str] = []
    for action in policy_actions(tables):
        if batch and _length(_document([*batch, action])) > limit:
            documents.append(_document(batch))
            batch = []
        batch.append(action)
    return [*documents, _document(batch)]


def cloudformation(
    tables: Iterable[Table], role_name: str = "ProofwatchReadOnly", members: bool = False
) -> dict[str, Any]:
    """Return a template that makes the role, trusted by one principal under one external id.

    Args:
        tables: the tables that the role must be able to read.
        role_name: name of the role; it must equal `member_role` in every member account.
        members: True to let the role assume the role of the same name in other accounts.
    """
    policies = policy_documents(tables)
    names = [f"ReadOnlyPolicy{number}" for number in range(1, len(policies) + 1)]
    if len(names) > 10:
        raise ConnectorError(
            "writing the CloudFormation template",
            f"{len(names)} policies are more than the ten that a role can hold",
            "Choose fewer tables.",
        )
    resources: dict[str, Any] = {
        name: {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {
                "Description": f"What Proofwatch reads, part {number} of {len(names)}",
                "PolicyDocument": document,
            },
        }
        for number, (name, document) in enumerate(zip(names, policies, strict=True), 1)
    }
    resources["Role"] = _role(role_name, names, members)
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "A role that lets Proofwatch read configuration, and nothing else.",
        "Parameters": copy.deepcopy(_PARAMETERS),
        "Resources": resources,
        "Outputs": {"RoleArn": {"Value": {"Fn::GetAtt": ["Role", "Arn"]}}},
    }


def documents(tables: Sequence[Table]) -> list[Document]:
    """Return the role as a template, and the same permissions as policies that are attached by hand."""
    policies = policy_documents(tables)
    role = "Makes a role that only reads; give its ARN as role_arn. Deploy it in CloudFormation."
    by_hand = "The same permissions as policy {} of {}, to attach to an identity by hand."
    return [
        Document("proofwatch-role.json", role, json.dumps(cloudformation(tables), indent=2)),
        *(
            Document(
                f"proofwatch-read-only-{number}.json",
                by_hand.format(number, len(policies)),
                json.dumps(policy, indent=2),
            )
            for number, policy in enumerate(policies, start=1)
        ),
    ]


_PARAMETERS: dict[str, Any] = {
    "TrustedPrincipal": {
        "Type": "String",
        "Description": "ARN of the user, role or account root that may assume the role",
        "AllowedPattern": "arn:aws[a-z-]*:iam::[0-9]{12}:(root|(user|role)/.+)",
    },
    "ExternalId": {
        "Type": "String",
        "NoEcho": True,
        "MinLength": 16,
        "Description": "A long random text; the same must stand in the connection's external_id",
    },
}


def _role(role_name: str, policies: Sequence[str], members: bool) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "RoleName": role_name,
        "MaxSessionDuration": 3600,
        "ManagedPolicyArns": [{"Ref": name} for name in policies],
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": {"Ref": "TrustedPrincipal"}},
                    "Action": "sts:AssumeRole",
                    "Condition": {"StringEquals": {"sts:ExternalId": {"Ref": "ExternalId"}}},
                }
            ],
        },
    }
    if members:
        arn = {"Fn::Sub": f"arn:${{AWS::Partition}}:iam::*:role/{role_name}"}
        statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": arn}
        document = {"Version": "2012-10-17", "Statement": [statement]}
        properties["Policies"] = [{"PolicyName": "AssumeMemberRoles", "PolicyDocument": document}]
    return {"Type": "AWS::IAM::Role", "Properties": properties}


def _document(actions: Sequence[str]) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "ProofwatchReads", "Effect": "Allow", "Action": list(actions), "Resource": "*"}
        ],
    }


def _length(document: dict[str, Any]) -> int:
    return len(json.dumps(document, separators=(",", ":")))
