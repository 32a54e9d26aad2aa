from __future__ import annotations

import dataclasses
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest

from proofwatch.demo.company import Company
from proofwatch.demo.errors import DemoError
from proofwatch.demo.events import Story, break_one, repair_one

Client = Callable[..., Any]


def _ssh_is_open(plain: Client, group: str) -> bool:
    found = plain("production", "ec2").describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
    return any(
        rule.get("FromPort") == 22 and {"CidrIp": "0.0.0.0/0"} in rule["IpRanges"]
        for rule in found["IpPermissions"]
    )


def _restorable(plain: Client) -> bool:
    found = plain("production", "rds", "eu-central-1").describe_db_snapshot_attributes(
        DBSnapshotIdentifier="analytics-before-migration"
    )["DBSnapshotAttributesResult"]["DBSnapshotAttributes"]
    return any(item["AttributeName"] == "restore" and "all" in item["AttributeValues"] for item in found)


def _check_exists(story: Story) -> bool:
    connector, service, name = story.check.split(".")
    folder = files("proofwatch").joinpath("catalog", "checks", connector, service)
    return folder.joinpath(f"{name}.yaml").is_file()


def test_somebody_opens_a_door(plain: Client, company: Company) -> None:
    groups = plain("production", "ec2").describe_security_groups(GroupNames=["orders-app"])["SecurityGroups"]
    assert not _ssh_is_open(plain, groups[0]["GroupId"])
    story = break_one(company)
    assert _ssh_is_open(plain, groups[0]["GroupId"])
    owner = company.accounts["production"]
    assert story.resource == f"arn:aws:ec2:eu-west-1:{owner}:security-group/{groups[0]['GroupId']}"
    assert (story.account_id, story.region) == (owner, "eu-west-1")
    assert (story.before, story.after) == ("pass", "fail")
    assert _check_exists(story)
    with pytest.raises(DemoError, match=r"InvalidPermission\.Duplicate"):
        break_one(company)


def test_somebody_repairs_a_snapshot(plain: Client, company: Company) -> None:
    assert _restorable(plain)
    story = repair_one(company)
    assert not _restorable(plain)
    assert story.resource.startswith(f"arn:aws:rds:eu-central-1:{company.accounts['production']}:snapshot:")
    assert (story.before, story.after) == ("fail", "pass")
    assert _check_exists(story)


def test_a_company_that_is_gone_is_an_error(company: Company) -> None:
    gone = dataclasses.replace(company, endpoint="http://127.0.0.1:9")
    with pytest.raises(DemoError, match="Could not connect"):
        break_one(gone)
