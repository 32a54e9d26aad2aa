"""Which of our resources another source means."""

from __future__ import annotations

import pytest

from proofwatch.connectors.base import GLOBAL
from proofwatch.store.matching import Ours, Same, _Names

ACCOUNT, REGION = "123456789012", "eu-west-1"
HERE = (ACCOUNT, REGION)
EC2 = f"arn:aws:ec2:{REGION}:{ACCOUNT}:"


def ours(
    found: dict[str, str], place: tuple[str, str] = HERE, left: set[tuple[str, str]] | None = None
) -> Ours:
    names = _Names()
    for resource in found:
        names.add(resource)
    return Ours({"c": "t"}, {"c": {place: found}}, {"t": {place: names}}, {"t": left or set()})


@pytest.mark.parametrize(
    ("resource", "item"),
    [
        (EC2 + "volume/vol-1", "vol-1"),
        (EC2 + "volume/vol-1", EC2 + "volume/vol-1"),
        (EC2 + "elastic-ip/eipalloc-0123456789abcdef0", EC2 + "eip/eipalloc-0123456789abcdef0"),
        ("arn:aws:s3:::b-1", "b-1"),
        (f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/f", "/aws/lambda/f"),
        (
            f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/f",
            f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/f:*",
        ),
        (f"arn:aws:es:{REGION}:{ACCOUNT}:domain/d", f"{ACCOUNT}/d"),
        (f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/q", f"arn:aws:sqs:{REGION}:{ACCOUNT}:q"),
    ],
)
def test_the_usual_forms_of_a_name_are_one_resource(resource: str, item: str) -> None:
    assert ours({resource: "pass"}).same("c", item, *HERE) == Same(resource, "pass")


def test_a_name_that_two_have_means_neither() -> None:
    found = {"arn:aws:apigateway:r::/restapis/a/stages/prod": "pass", "arn:x:/restapis/b/stages/prod": "fail"}
    assert ours(found).same("c", "prod", *HERE) is None


def test_an_arn_of_another_thing_with_the_same_end_is_no_match() -> None:
    found = {"arn:aws:apigateway:r::/restapis/a/stages/prod": "pass"}
    assert ours(found).same("c", "arn:aws:apigateway:r::/restapis/b/stages/prod", *HERE) is None


def test_the_same_name_in_another_region_is_another_thing() -> None:
    assert ours({EC2 + "volume/vol-1": "pass"}).same("c", "vol-1", ACCOUNT, "us-east-1") is None


def test_what_is_read_once_for_an_account_is_found_from_every_region() -> None:
    user = f"arn:aws:iam::{ACCOUNT}:user/u"
    found = ours({user: "fail"}, (ACCOUNT, GLOBAL))
    assert found.same("c", "AIDAEXAMPLE", *HERE) is None
    assert found.same("c", "AIDAEXAMPLE", *HERE, arn=user) == Same(user, "fail")


def test_an_account_is_the_one_thing_that_we_judge_there_or_all_of_them() -> None:
    one = f"{ACCOUNT}/{REGION}/ebs-encryption-by-default"
    assert ours({one: "pass"}).same("c", ACCOUNT, *HERE) == Same(one, "pass")
    several = ours({"a": "pass", "b": "fail", "c": "not_applicable"})
    assert several.same("c", f"AWS::::Account:{ACCOUNT}", *HERE) == Same(
        f"{ACCOUNT} {REGION} as a whole", "fail"
    )
    unclear = ours({"a": "pass", "b": "inconclusive"}).same("c", ACCOUNT, *HERE)
    assert unclear is not None and unclear.status == ""
    idle = ours({"a": "not_applicable", "b": "not_applicable"}).same("c", ACCOUNT, *HERE)
    assert idle is not None and idle.status == "not_applicable"


def test_parts_of_a_thing_are_judged_together() -> None:
    user, balancer = f"arn:aws:iam::{ACCOUNT}:user/u", f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:"
    attached = ours({f"{user}|ReadOnly": "pass", f"{user}|AdministratorAccess": "fail"})
    assert attached.same("c", user, *HERE) == Same(user, "fail") and attached.of_parts("c")
    listener = balancer + "listener/app/n/1/2"
    assert ours({listener: "pass"}).same("c", balancer + "loadbalancer/app/n/1", *HERE) == Same(
        listener, "pass"
    )


def test_a_table_that_was_not_read_is_named() -> None:
    found = ours({"a": "pass"}, left={(ACCOUNT, GLOBAL)})
    assert found.unread("c", *HERE) == "t"
    assert not found.unread("c", "999999999999", REGION)
