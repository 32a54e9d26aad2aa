"""The views of policies that let anyone in: one rule, held against open and closed policies."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.catalog.conftest import VIEWS, Run


def allow(**more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "*", "Resource": "*", **more}


def everyone(operator: str, key: str, value: Any) -> dict[str, Any]:
    return allow(Principal="*", Condition={operator: {key: value}})


STRANGERS = {
    "everyone": [allow(Principal="*")],
    "everyone as an object": [allow(Principal={"AWS": "*"})],
    "everyone in a list": [allow(Principal={"AWS": ["arn:aws:iam::222222222222:root", "*"]})],
    "one statement without a list": allow(Principal="*"),
    "everyone but one": [allow(NotPrincipal={"AWS": "arn:aws:iam::222222222222:root"})],
    "only over TLS": [everyone("Bool", "aws:SecureTransport", "true")],
    "any source": [everyone("StringLike", "aws:SourceArn", "*")],
    "not that account": [everyone("StringNotEquals", "aws:SourceAccount", "222222222222")],
    "organisation, if told": [everyone("StringEqualsIfExists", "aws:PrincipalOrgID", "o-1")],
    "any IPv4 address": [everyone("IpAddress", "aws:SourceIp", "0.0.0.0/0")],
    "any IPv6 address": [everyone("IpAddress", "aws:SourceIp", ["10.0.0.0/8", "::/0"])],
}
FRIENDS = {
    "an account": [allow(Principal={"AWS": "arn:aws:iam::222222222222:root"})],
    "a service": [allow(Principal={"Service": "s3.amazonaws.com"})],
    "denied to everyone": [{"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}],
    "one account as source": [everyone("StringEquals", "aws:SourceAccount", "222222222222")],
    "one bucket as source": [everyone("ArnLike", "aws:SourceArn", ["arn:aws:s3:::x"])],
    "own network": [everyone("IpAddress", "aws:SourceIp", "198.51.100.0/24")],
    "old spelling of the owner": [
        allow(Principal={"AWS": "*"}, Condition={"StringEquals": {"AWS:SourceOwner": "1"}})
    ],
}
POLICIES = {
    "aws_ecr_repository_access": ("aws_ecr_repository", "policy"),
    "aws_kms_key_access": ("aws_kms_key", "policy"),
    "aws_lambda_function_access": ("aws_lambda_function", "policy"),
    "aws_s3_bucket_access": ("aws_s3_bucket", "policy"),
    "aws_secretsmanager_secret_access": ("aws_secretsmanager_secret", "resource_policy"),
    "aws_sns_topic_access": ("aws_sns_topic", "attributes"),
    "aws_sqs_queue_access": ("aws_sqs_queue", "attributes"),
}


def with_policy(column: str, statement: Any) -> dict[str, Any]:
    document = {"Version": "2012-10-17", "Statement": statement}
    return {column: {"Policy": json.dumps(document)} if column == "attributes" else document}


@pytest.mark.parametrize("view", POLICIES)
def test_an_open_policy_is_told_from_a_closed_one(run: Run, view: str) -> None:
    table, column = POLICIES[view]
    rows = [{"resource": name, **with_policy(column, each)} for name, each in (STRANGERS | FRIENDS).items()]
    opened = {row["resource"] for row in run(view, **{table: rows}) if len(row["open_statements"]) > 0}
    assert opened == set(STRANGERS)


@pytest.mark.parametrize("view", POLICIES)
def test_no_policy_is_closed_and_an_unread_one_is_unknown(run: Run, view: str) -> None:
    table, column = POLICIES[view]
    rows = [
        {"resource": "none", column: {"DisplayName": "x"} if column == "attributes" else None},
        {"resource": "unread", column: None, "_unread": {column: "AccessDenied"}},
    ]
    found = {row["resource"]: row["open_statements"] for row in run(view, **{table: rows})}
    assert found == {"none": [], "unread": None}


def test_the_views_of_policies_are_one_and_the_same_rule() -> None:
    rules = set()
    for view, (_, column) in POLICIES.items():
        document = f"CAST(t.{column}['Policy'] AS JSON)" if column == "attributes" else f"t.{column}"
        body = (VIEWS / f"{view}.sql").read_text(encoding="utf-8").split("  CASE\n", 1)[1]
        rules.add(
            body.rsplit("FROM", 1)[0].replace(document, "DOCUMENT").replace(f"['{column}']", "['COLUMN']")
        )
    assert len(rules) == 1
