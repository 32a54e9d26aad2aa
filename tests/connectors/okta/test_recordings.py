"""Real answers of Okta, with all their nulls, are read without loss."""

from __future__ import annotations

import re
from typing import Any

import pytest

from proofwatch.connectors.base import ReadStats, Row
from proofwatch.connectors.okta.tables import TABLES
from proofwatch.connectors.rest.scrub import without_secrets
from proofwatch.demo.fakes.base import Fake, Said
from proofwatch.demo.fakes.okta import FakeOkta
from tests.connectors.okta import recorded
from tests.connectors.okta.reading import by_token, read

DROPPED = {table.name: set(table.drop) for table in TABLES}
LISTS = {
    "okta_user": (r"/api/v1/users", {"user_id", "status", "login", "email", "created", "provider"}),
    "okta_group": (r"/api/v1/groups", {"group_id", "name", "type", "created"}),
    "okta_app": (r"/api/v1/apps", {"app_id", "name", "label", "status", "sign_on_mode", "created"}),
    "okta_network_zone": (r"/api/v1/zones", {"zone_id", "name", "type", "status", "usage", "system"}),
    "okta_api_token": ("/api/v1/api-tokens", {"token_id", "name", "user_id", "network_connection"}),
    "okta_authenticator": (r"/api/v1/authenticators", {"authenticator_id", "key", "name", "status"}),
}  # fmt: skip


def rows(fake: Fake, table: str) -> list[Row]:
    return read(by_token(fake.url, factors="all", group_members="all"), table)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("DEMO_OKTA_TOKEN", "any")
    with Fake() as fake:
        yield fake


def kept(table: str, item: dict[str, Any]) -> Any:
    return without_secrets({key: value for key, value in item.items() if key not in DROPPED[table]})


@pytest.mark.parametrize("table", sorted(LISTS))
def test_real_lists_are_read_without_loss(served: Fake, table: str) -> None:
    path, filled = LISTS[table]
    found = recorded.of(path)
    assert found
    current: list[Any] = []
    served.route(f"GET {path}", lambda asked: Said([] if asked.query.get("filter") else current))
    served.route("GET /api/v1/authenticators/{id}/methods", lambda asked: Said([]))
    seen = 0
    for _, _, body in found:
        current[:] = list({item["id"]: item for item in body}.values())
        for row, item in zip(rows(served, table), current, strict=True):
            assert row["_unread"] is None
            assert row["raw"] == kept(table, item)
            assert {name for name in filled if row[name] is None} == set()
            seen += 1
    assert seen


@pytest.mark.parametrize(
    ("table", "pattern"),
    [("okta_org", "/api/v1/org"), ("okta_threat_insight", "/api/v1/threats/configuration")],
)
def test_real_single_things_are_read_without_loss(served: Fake, table: str, pattern: str) -> None:
    found = recorded.of(pattern)
    support = recorded.of("/api/v1/org/privacy/oktaSupport")[0][2]
    current: dict[str, Any] = {}
    served.route(f"GET {pattern}", lambda asked: Said(current["body"]))
    served.route("GET /api/v1/org/privacy/oktaSupport", lambda asked: Said(support))
    for _, _, body in found:
        current["body"] = body
        (row,) = rows(served, table)
        assert row["_unread"] is None
        assert row["raw"] == kept(table, body)
        if table == "okta_org":
            assert row["support_access"] == support["support"]
        else:
            assert row["action"] == body["action"]
    assert found


def test_real_policies_and_their_rules_are_read_without_loss(served: Fake) -> None:
    lists = recorded.of("/api/v1/policies")
    single = recorded.of(r"/api/v1/policies/[^/]+")
    rules = recorded.of(r"/api/v1/policies/[^/]+/rules/[^/]+")
    by_id = {item["id"]: item for _, _, body in lists for item in body} | {
        body["id"]: body for _, _, body in single
    }
    of_rule = {body["id"]: body for _, _, body in rules}
    served.route(
        "GET /api/v1/policies",
        lambda asked: Said([item for item in by_id.values() if item["type"] == asked.query["type"]]),
    )
    first = next(iter(by_id))
    served.route(
        "GET /api/v1/policies/{id}/rules",
        lambda asked: Said(list(of_rule.values()) if asked.parts["id"] == first else []),
    )
    read_policies = {row["policy_id"]: row for row in rows(served, "okta_policy")}
    known = [
        item
        for item in by_id.values()
        if item["type"] in ("OKTA_SIGN_ON", "PASSWORD", "MFA_ENROLL", "ACCESS_POLICY")
    ]
    assert set(read_policies) == {item["id"] for item in known}
    for item in known:
        row = read_policies[item["id"]]
        assert row["_unread"] is None
        assert row["raw"] == kept("okta_policy", item)
        if item["type"] == "PASSWORD":
            assert row["min_length"] == item["settings"]["password"]["complexity"]["minLength"]
            assert row["max_attempts"] == item["settings"]["password"]["lockout"]["maxAttempts"]
    found = {row["rule_id"]: row for row in rows(served, "okta_policy_rule")}
    assert set(found) == set(of_rule)
    for name, item in of_rule.items():
        assert found[name]["_unread"] is None
        assert found[name]["raw"] == kept("okta_policy_rule", item)


def test_real_factors_roles_assignments_and_members_are_read(served: Fake) -> None:
    user = recorded.of("/api/v1/users")[0][2][0]
    factors = [body for _, _, body in recorded.of(r"/api/v1/users/[^/]+/factors")]
    roles = next(body for _, _, body in recorded.of(r"/api/v1/users/[^/]+/roles") if body)
    app = next(item for _, _, body in recorded.of("/api/v1/apps") for item in body)
    assigned = max((body for _, _, body in recorded.of(r"/api/v1/apps/[^/]+/users")), key=len)
    now: dict[str, Any] = {}
    served.route("GET /api/v1/users", lambda asked: Said([] if asked.query.get("filter") else [user]))
    served.route("GET /api/v1/users/{id}/factors", lambda asked: Said(now["factors"]))
    served.route("GET /api/v1/users/{id}/roles", lambda asked: Said(roles))
    served.route("GET /api/v1/iam/assignees/users", lambda asked: Said({"value": [{"id": user["id"]}]}))
    served.route("GET /api/v1/groups", lambda asked: Said([]))
    served.route("GET /api/v1/apps", lambda asked: Said([app]))
    served.route("GET /api/v1/apps/{id}/users", lambda asked: Said(assigned))
    for body in factors:
        now["factors"] = body
        (row,) = rows(served, "okta_user_factor")
        assert row["_unread"] is None
        assert [item["factor_type"] for item in row["factors"]] == [item["factorType"] for item in body]
    assert [row["type"] for row in rows(served, "okta_admin_assignment")] == [item["type"] for item in roles]
    found = rows(served, "okta_app_assignment")
    assert [row["user_id"] for row in found] == [item["id"] for item in assigned]
    assert {row["parent_id"] for row in found} == {app["id"]}


def test_real_groups_with_roles_are_read_with_their_members(served: Fake) -> None:
    group = next(item for _, _, body in recorded.of("/api/v1/groups") for item in body)
    roles = max((body for _, _, body in recorded.of(r"/api/v1/groups/[^/]+/roles")), key=len)
    members = max((body for _, _, body in recorded.of(r"/api/v1/groups/[^/]+/users")), key=len)
    served.route("GET /api/v1/groups", lambda asked: Said([group]))
    served.route("GET /api/v1/groups/{id}/roles", lambda asked: Said(roles))
    served.route("GET /api/v1/groups/{id}/users", lambda asked: Said(members))
    token = by_token(served.url)
    assert [row["type"] for row in read(token, "okta_group_role")] == [item["type"] for item in roles]
    found = read(token, "okta_group_member")
    assert [row["login"] for row in found] == [item["profile"]["login"] for item in members]
    assert found


def test_real_pages_follow_each_other(served: Fake) -> None:
    pages = [item for item in recorded.of("/api/v1/users") if re.search(r"limit=1(&|$)", item[1])]
    assert pages
    (first,) = pages[0][2]
    second = {**first, "id": "00usecond"}

    def answer(asked: Any) -> Said:
        if asked.query.get("filter"):
            return Said([])
        if "after" in asked.query:
            return Said([second])
        base = f"{asked.base}/api/v1/users?limit=1"
        link = f'<{base}>; rel="self", <{base}&after=2>; rel="next"'
        return Said([first], 200, {"Link": link})

    served.route("GET /api/v1/users", answer)
    stats = ReadStats()
    assert len(read(by_token(served.url), "okta_user", stats)) == 2
    assert stats.pages == 3


def test_our_fake_has_the_members_that_real_answers_have(okta: FakeOkta) -> None:
    real = {key for _, _, body in recorded.of("/api/v1/users") for item in body for key in item}
    assert {key for user in okta.users for key in user} <= real
    real = {key for _, _, body in recorded.of("/api/v1/api-tokens") for item in body for key in item}
    assert {key for token in okta.tokens for key in token} <= real


def test_of_the_log_alone_nothing_was_recorded() -> None:
    assert not recorded.of("/api/v1/logs")
