"""The views over Okta's tables: who is who, what is counted, and what stays unknown."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

import proofwatch
from proofwatch.connectors.okta import OktaConnector

VIEWS = Path(proofwatch.__file__).parent / "catalog" / "views"
HERE = {"account_id": "00oacme", "region": "global"}
Rows = list[dict[str, Any]]
Run = Callable[..., Rows]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return a function that gives a view's rows over the rows of its tables (none where not named)."""

    def rows_of(view: str, **given: Rows) -> Rows:
        session = duckdb.connect()
        session.execute("SET TimeZone = 'UTC'")
        for name, table in OktaConnector.tables().items():
            listed = enumerate(given.get(name, []))
            rows = [HERE | {"resource": f"{name}/{number}"} | row for number, row in listed]
            path = tmp_path / f"{name}.json"
            path.write_text("\n".join(json.dumps(row) for row in rows))
            types = ", ".join(f"'{column.name}': '{column.type}'" for column in table.columns)
            file = f"read_json('{path}', format='newline_delimited', columns={{{types}}})"
            session.execute(f"CREATE TABLE {name} AS FROM {file}")
        cursor = session.execute((VIEWS / f"{view}.sql").read_text(encoding="utf-8"))
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    return rows_of


def factor(kind: str, status: str = "ACTIVE") -> dict[str, Any]:
    return {"id": kind, "factor_type": kind, "provider": "OKTA", "status": status, "created": None}


def test_access_joins_roles_and_factors_and_keeps_unknown_what_was_not_asked(run: Run) -> None:
    rows = run(
        "okta_user_access",
        okta_user=[{"user_id": name, "login": name} for name in ("ada", "bob", "eve", "kim")],
        okta_admin_assignment=[
            {"user_id": "ada", "type": "SUPER_ADMIN", "status": "ACTIVE"},
            {"user_id": "ada", "type": "APP_ADMIN", "status": None},
            {"user_id": "ada", "type": "APP_ADMIN", "status": "ACTIVE"},
            {"user_id": "bob", "type": "ORG_ADMIN", "status": "INACTIVE"},
            {"user_id": "eve", "type": "HELP_DESK_ADMIN", "status": "ACTIVE"},
        ],
        okta_user_factor=[
            {"user_id": "ada", "factors": [factor("push"), factor("webauthn"), factor("u2f", "EXPIRED")]},
            {"user_id": "bob", "factors": []},
            {"user_id": "eve", "factors": None, "_unread": {"factors": "denied"}},
        ],
    )  # fmt: skip
    found = {row["login"]: row for row in rows}
    assert found["ada"]["admin_roles"] == ["APP_ADMIN", "SUPER_ADMIN"]
    assert found["ada"]["factor_types"] == ["push", "webauthn"]
    assert found["ada"]["phishing_resistant_types"] == ["webauthn"]
    assert (found["bob"]["is_admin"], found["bob"]["factor_types"]) == (False, [])
    assert (found["eve"]["is_admin"], found["eve"]["factor_types"]) == (True, None)
    assert (found["kim"]["is_admin"], found["kim"]["phishing_resistant_types"]) == (False, None)
    assert len(rows) == 4


def test_assignments_count_where_application_and_assignment_are_in_use(run: Run) -> None:
    rows = run(
        "okta_user_assignment",
        okta_user=[{"user_id": "mary", "login": "mary"}, {"user_id": "bob", "login": "bob"}],
        okta_app_assignment=[
            {"user_id": "mary", "status": "ACTIVE", "parent_status": "ACTIVE", "parent_label": "Figma"},
            {"user_id": "mary", "status": None, "parent_status": "ACTIVE", "parent_label": "Wiki"},
            {"user_id": "mary", "status": "DEPROVISIONED", "parent_status": "ACTIVE", "parent_label": "AWS"},
            {"user_id": "mary", "status": "ACTIVE", "parent_status": "INACTIVE", "parent_label": "Old"},
        ],
    )
    found = {row["login"]: (row["assignments"], row["applications"]) for row in rows}
    assert found == {"mary": (2, ["Figma", "Wiki"]), "bob": (0, [])}


def test_applications_count_whom_they_have(run: Run) -> None:
    rows = run(
        "okta_app_use",
        okta_app=[{"app_id": "a", "label": "A"}, {"app_id": "b", "label": "B"}],
        okta_app_assignment=[{"parent_id": "a", "user_id": name} for name in ("ada", "bob")],
    )
    assert {row["label"]: row["assigned"] for row in rows} == {"A": 2, "B": 0}


def test_super_administrators_are_people_who_may_sign_in_counted_once(run: Run) -> None:
    people = {
        "ada": "ACTIVE",
        "kat": "LOCKED_OUT",
        "old": "DEPROVISIONED",
        "sus": "SUSPENDED",
        "bob": "ACTIVE",
    }
    roles = [("ada", "SUPER_ADMIN"), ("ada", "SUPER_ADMIN"), ("kat", "SUPER_ADMIN"), ("old", "SUPER_ADMIN"),
             ("sus", "SUPER_ADMIN"), ("bob", "ORG_ADMIN")]  # fmt: skip
    (row,) = run(
        "okta_org_admins",
        okta_org=[{"name": "Acme"}],
        okta_user=[{"user_id": name, "login": name, "status": status} for name, status in people.items()],
        okta_admin_assignment=[{"user_id": name, "type": kind, "status": "ACTIVE"} for name, kind in roles],
    )
    assert (row["super_admins"], row["logins"]) == (2, ["ada", "kat"])
    assert run("okta_org_admins", okta_org=[{"name": "Acme"}])[0]["super_admins"] == 0


UNREAD = {"key": "okta_verify", "status": "ACTIVE", "methods": None, "_unread": {"methods": "denied"}}


def verify(method: str, status: str = "ACTIVE") -> dict[str, Any]:
    return {"key": "okta_verify", "status": "ACTIVE", "methods": [{"type": method, "status": status}]}


@pytest.mark.parametrize(
    ("authenticators", "count"),
    [
        ([], 0),
        ([{"key": "webauthn", "status": "ACTIVE"}], 1),
        ([{"key": "webauthn", "status": "INACTIVE"}], 0),
        ([verify("push")], 0),
        ([verify("push"), verify("signed_nonce")], 1),
        ([verify("signed_nonce", "INACTIVE")], 0),
        ([UNREAD], None),
        ([UNREAD, {"key": "webauthn", "status": "ACTIVE"}], 1),
    ],
)  # fmt: skip
def test_authenticators_that_resist_phishing_are_counted(
    run: Run, authenticators: Rows, count: int | None
) -> None:
    (row,) = run("okta_org_authenticators", okta_org=[{"name": "Acme"}], okta_authenticator=authenticators)
    assert row["phishing_resistant"] == count


def test_zones_count_that_are_in_use_and_name_something(run: Run) -> None:
    address = [{"type": "CIDR", "value": "192.0.2.0/24"}]
    (row,) = run(
        "okta_org_zones",
        okta_org=[{"name": "Acme"}],
        okta_network_zone=[
            {"type": "IP", "status": "ACTIVE", "gateways": address},
            {"type": "IP", "status": "ACTIVE", "gateways": None, "proxies": None},
            {"type": "IP", "status": "INACTIVE", "gateways": address},
            {"type": "DYNAMIC", "status": "ACTIVE"},
        ],
    )
    assert row["zones"] == 2


@pytest.mark.parametrize(
    ("policies", "theirs"), [([], False), ([{"type": "ACCESS_POLICY", "status": "ACTIVE"}], True)]
)
def test_a_session_rule_knows_whether_applications_have_policies(
    run: Run, policies: Rows, theirs: bool
) -> None:
    rows = run(
        "okta_sign_on_rule",
        okta_policy_rule=[
            {"name": "All", "policy_type": "OKTA_SIGN_ON"},
            {"name": "x", "policy_type": "PASSWORD"},
        ],
        okta_policy=policies,
    )
    assert [(row["name"], row["applications_have_policies"]) for row in rows] == [("All", theirs)]


def test_a_token_has_the_roles_of_its_owner(run: Run) -> None:
    rows = run(
        "okta_api_token_owner",
        okta_api_token=[{"name": "hr", "user_id": "bot"}, {"name": "import", "user_id": "kat"}],
        okta_admin_assignment=[
            {"user_id": "kat", "type": "SUPER_ADMIN", "status": "ACTIVE"},
            {"user_id": "kat", "type": "APP_ADMIN", "status": "INACTIVE"},
        ],
    )
    assert {row["name"]: row["owner_roles"] for row in rows} == {"hr": [], "import": ["SUPER_ADMIN"]}
