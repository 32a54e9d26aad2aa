"""The checks find the faults that were put into the demo, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofwatch.connectors.google_workspace import GoogleWorkspaceConnector
from proofwatch.demo.fakes.google_workspace import EXTERNAL, FakeGoogleWorkspace
from proofwatch.demo.staff import DOMAIN, LEAVER
from tests.connectors.google.views import view
from tests.connectors.verdicts import failing, verdicts

TABLES = GoogleWorkspaceConnector.tables()
LINUS = f"linus@{DOMAIN}"


def test_the_faults_of_the_demo_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeGoogleWorkspace() as google:
        assert isinstance(google, FakeGoogleWorkspace)
        for name, value in google.environment().items():
            monkeypatch.setenv(name, value)
        settings = GoogleWorkspaceConnector.parse_settings(google.settings())
        found = verdicts(GoogleWorkspaceConnector(settings), tmp_path)
        external = next(item["id"] for item in google.members["01acmegroup1"] if item["email"] == EXTERNAL)
    assert failing(found) == {
        "google_workspace.device.mobile-encrypted": ["AFiQxQ8demo3"],
        "google_workspace.group.no-external-member": [f"engineers@{DOMAIN}/{external}"],
        "google_workspace.user.account-used-lately": [LEAVER.email],
        "google_workspace.user.two-step-enforced": [LINUS],
        "google_workspace.user.two-step-enrolled": [LINUS],
    }
    assert not [name for name, status in found.items() if "inconclusive" in status]


@pytest.mark.parametrize(
    ("member", "expected"),
    [
        ({"email": "a@x.example", "type": "USER"}, False),
        ({"email": "A@MAIL.X.EXAMPLE", "type": "USER"}, False),
        ({"email": "b@y.example", "type": "USER"}, True),
        ({"email": "b@notx.example", "type": "GROUP"}, True),
        ({"email": None, "type": "CUSTOMER"}, False),
        ({"email": None, "type": "USER"}, None),
    ],
)
def test_who_is_of_another_company(tmp_path: Path, member: dict[str, str], expected: bool | None) -> None:
    domain = {"domain_name": "X.example", "domain_aliases": ["mail.x.example"]}
    given = {"google_workspace_group_member": [member], "google_workspace_domain": [domain]}
    (row,) = view(tmp_path, TABLES, "google_workspace_group_member_origin", **given)
    assert row["is_external"] is expected
    del given["google_workspace_domain"]
    (row,) = view(tmp_path, TABLES, "google_workspace_group_member_origin", **given)
    assert row["is_external"] in (None, False)


def test_super_administrators_are_not_counted_where_one_is_unknown(tmp_path: Path) -> None:
    known = {"is_admin": True, "suspended": False, "archived": False}
    users = [
        {**known, "primary_email": "b@x"},
        {**known, "primary_email": "a@x"},
        {**known, "primary_email": "c@x", "suspended": True},
        {**known, "primary_email": "d@x", "is_admin": False},
    ]
    (row,) = view(tmp_path, TABLES, "google_workspace_admin_count", google_workspace_user=users)
    assert (row["super_admins"], row["names"]) == (2, "a@x, b@x")
    users.append({"primary_email": "e@x", "suspended": False, "archived": False})
    (row,) = view(tmp_path, TABLES, "google_workspace_admin_count", google_workspace_user=users)
    assert row["super_admins"] is None


def test_days_of_use_are_counted_once_each(tmp_path: Path) -> None:
    events = [
        {"actor_email": email, "event_name": name, "time": time}
        for email, name, time in (
            ("A@x", "login_success", "2026-01-01T08:00:00Z"),
            ("a@x", "login_success", "2026-01-01T18:00:00Z"),
            ("a@x", "login_success", "2026-01-03T08:00:00Z"),
            ("a@x", "login_failure", "2026-01-04T08:00:00Z"),
            ("b@x", "login_success", "2026-01-05T08:00:00Z"),
        )
    ]
    users = [{"primary_email": "a@x", "is_admin": True}, {"primary_email": "b@x", "is_admin": False}]
    given = {"google_workspace_user": users, "google_workspace_login_event": events}
    (row,) = view(tmp_path, TABLES, "google_workspace_super_admin_use", **given)
    assert (row["primary_email"], row["days_used"]) == ("a@x", 2)


def test_signs_of_takeover_are_of_the_person_that_they_affect(tmp_path: Path) -> None:
    events = [
        {
            "event_name": "suspicious_login",
            "actor_email": None,
            "parameters": {"affected_email_address": "a@x"},
        },
        {"event_name": "gov_attack_warning", "actor_email": "A@x", "parameters": {}},
        {"event_name": "login_success", "actor_email": "b@x", "parameters": {}},
    ]
    users = [{"primary_email": "a@x"}, {"primary_email": "b@x"}]
    given = {"google_workspace_user": users, "google_workspace_login_event": events}
    found = view(tmp_path, TABLES, "google_workspace_user_threat", **given)
    assert {row["primary_email"]: row["threats"] for row in found} == {
        "a@x": ["gov_attack_warning", "suspicious_login"],
        "b@x": [],
    }
