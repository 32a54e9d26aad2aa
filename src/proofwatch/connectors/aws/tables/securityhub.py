"""Security Hub: whether it is on, which standards it checks, and what it finds against them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from proofwatch.connectors.aws.caller import Caller, Raw
from proofwatch.connectors.aws.declare import AwsTable
from proofwatch.connectors.base import Unread

NOT_ENABLED = ("InvalidAccessException", "ResourceNotFoundException")
"""What Security Hub answers where it is off."""
RESOLVED_DAYS = 7
"""How long a finding that passes again stays in the table: so that its repair is read, and not guessed."""
_STATES = ("FAILED", "WARNING", "NOT_AVAILABLE")

TABLES = (
    AwsTable(
        name="aws_securityhub_hub",
        service="securityhub",
        op="DescribeHub",
        rows="",
        single=True,
        absent=NOT_ENABLED,
        resource="arn:{partition}:securityhub:{region}:{account}:hub/default",
        about="Security Hub of the region; `exists` is false where it is off.",
    ),
    AwsTable(
        name="aws_securityhub_standard",
        service="securityhub",
        op="GetEnabledStandards",
        rows="StandardsSubscriptions[]",
        absent=NOT_ENABLED,
        resource="{StandardsSubscriptionArn}",
        about="Standards that Security Hub checks.",
    ),
    AwsTable(
        name="aws_securityhub_finding",
        service="securityhub",
        op="GetFindings",
        rows="",
        reader="read_findings",
        resource="{Id}",
        columns={
            "id": "VARCHAR",
            "title": "VARCHAR",
            "judged_at": "TIMESTAMPTZ",
            "product_name": "VARCHAR",
            "generator_id": "VARCHAR",
            "severity": "STRUCT(label VARCHAR, original VARCHAR)",
            "compliance": (
                "STRUCT(status VARCHAR, security_control_id VARCHAR, related_requirements VARCHAR[])"
            ),
            "workflow": "STRUCT(status VARCHAR)",
            "record_state": "VARCHAR",
            "resources": "STRUCT(type VARCHAR, id VARCHAR, region VARCHAR)[]",
            "first_observed_at": "TIMESTAMPTZ",
            "last_observed_at": "TIMESTAMPTZ",
            "updated_at": "TIMESTAMPTZ",
            "description": "VARCHAR",
            "aws_account_id": "VARCHAR",
            "related_config_rule": "VARCHAR",
        },
        about="Findings of Security Hub that fail a standard, and those resolved in the last week.",
    ),
)


def read_findings(caller: Caller) -> Iterator[Raw]:
    """Yield the active findings that do not pass, and those that were resolved lately, each one once."""
    active = {"RecordState": [_equals("ACTIVE")]}
    recent = {"UpdatedAt": [{"DateRange": {"Value": RESOLVED_DAYS, "Unit": "DAYS"}}]}
    seen: set[str] = set()
    for filters in (
        {**active, "ComplianceStatus": [_equals(state) for state in _STATES]},
        {
            **active,
            **recent,
            "ComplianceStatus": [_equals("PASSED")],
            "WorkflowStatus": [_equals("RESOLVED")],
        },
    ):
        try:
            for page in caller.pages("securityhub", "GetFindings", {"Filters": filters, "MaxResults": 100}):
                for item in page.get("Findings") or ():
                    if item["Id"] not in seen:
                        seen.add(item["Id"])
                        at = item.get("LastObservedAt") or item.get("UpdatedAt")
                        yield {**item, "JudgedAt": at, "RelatedConfigRule": _rule(item)}
        except Unread as error:
            if error.code not in NOT_ENABLED:
                raise
            return


def _rule(item: Raw) -> str | None:
    """Return the rule of AWS Config that a finding rests on, by its own words; None if it names none."""
    told = item.get("ProductFields") or {}
    named = told.get("RelatedAWSResources:0/name")
    return named if told.get("RelatedAWSResources:0/type") == "AWS::Config::ConfigRule" else None


def _equals(value: str) -> Mapping[str, Any]:
    return {"Value": value, "Comparison": "EQUALS"}
