"""The whole connector against Acme Robotics over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from proofwatch.connectors.base import ConnectorError, ReadStats, Row
from proofwatch.connectors.google_workspace import GoogleWorkspaceConnector
from proofwatch.demo.fakes.base import Said
from proofwatch.demo.fakes.google_workspace import ADMIN, CUSTOMER, EXTERNAL, FakeGoogleWorkspace
from proofwatch.demo.staff import DOMAIN, LEAVER, STAFF

TABLES = sorted(GoogleWorkspaceConnector.tables())


@pytest.fixture
def google() -> Iterator[FakeGoogleWorkspace]:
    with FakeGoogleWorkspace() as fake:
        assert isinstance(fake, FakeGoogleWorkspace)
        yield fake


@pytest.fixture
def connector(google: FakeGoogleWorkspace, monkeypatch: pytest.MonkeyPatch) -> GoogleWorkspaceConnector:
    for name, value in google.environment().items():
        monkeypatch.setenv(name, value)
    return made(google)


def made(google: FakeGoogleWorkspace, **more: Any) -> GoogleWorkspaceConnector:
    return GoogleWorkspaceConnector(GoogleWorkspaceConnector.parse_settings({**google.settings(), **more}))


def rows(connector: GoogleWorkspaceConnector, table: str, stats: ReadStats | None = None) -> list[Row]:
    shard = next(item for item in connector.shards(connector.scope(), [table]) if table in item.tables)
    return list(connector.read(shard, table, stats or ReadStats()))


def test_it_says_who_it_is(connector: GoogleWorkspaceConnector) -> None:
    found = connector.identity()
    assert found.account_id == CUSTOMER
    assert found.principal == f"proofwatch@acme-robotics-audit.iam.gserviceaccount.com for {ADMIN}"
    assert found.details["role"] == "an administrator with a role of its own"


def test_it_proves_that_it_only_reads(
    connector: GoogleWorkspaceConnector, google: FakeGoogleWorkspace
) -> None:
    found = connector.prove_read_only()
    assert found.read_only is True
    assert not found.writes
    assert "cloud-platform" in found.evidence["refused"]
    assert all(name.endswith(".readonly") for name in found.evidence["granted"])
    google.delegated.add("admin.directory.group")
    found = connector.prove_read_only()
    assert found.read_only is False
    assert found.writes == ("delegated: admin.directory.group",)


def test_it_cannot_prove_what_google_does_not_answer(
    connector: GoogleWorkspaceConnector, google: FakeGoogleWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    google.broken["/tokeninfo"] = Said({"error": "down"}, 500)
    found = connector.prove_read_only()
    assert found.read_only is None
    assert "does not tell which scopes" in found.reason


def test_its_scope_is_the_customer(connector: GoogleWorkspaceConnector, google: FakeGoogleWorkspace) -> None:
    found = connector.scope()
    assert [(place.account_id, place.account_name, place.gap) for place in found.places] == [
        (CUSTOMER, DOMAIN, "")
    ]
    google.broken["/admin/directory/v1/customer/my_customer/domains"] = Said({}, 403)
    assert [place.account_name for place in connector.scope().places] == [""]


def test_every_permission_is_tried(connector: GoogleWorkspaceConnector, google: FakeGoogleWorkspace) -> None:
    assert {item.allowed for item in connector.permissions(TABLES)} == {True}
    google.broken["/admin/directory/v1/customer/my_customer/roles"] = Said({"error": {"message": "no"}}, 403)
    google.broken["/admin/directory/v1/customer/my_customer/roleassignments"] = Said({}, 403)
    denied = {item.name: item for item in connector.permissions(TABLES) if not item.allowed}
    assert list(denied) == ["admin.directory.rolemanagement.readonly"]


def test_every_table_is_read_whole(connector: GoogleWorkspaceConnector, google: FakeGoogleWorkspace) -> None:
    members = sum(map(len, google.members.values()))
    expected = {
        "google_workspace_user": len(STAFF) + 1,
        "google_workspace_group": 3,
        "google_workspace_group_member": members,
        "google_workspace_role": 2,
        "google_workspace_role_assignment": 3,
        "google_workspace_org_unit": 2,
        "google_workspace_domain": 1,
        "google_workspace_mobile_device": 4,
        "google_workspace_admin_event": 1,
    }
    for table in TABLES:
        found = rows(connector, table)
        keys = {(row["account_id"], row["region"], row["resource"]) for row in found}
        assert len(keys) == len(found) > 0
        assert {row["_unread"] for row in found} == {None}
        assert {row["account_id"] for row in found} == {CUSTOMER}
        if table in expected:
            assert len(found) == expected[table], table


def test_pages_are_followed(connector: GoogleWorkspaceConnector) -> None:
    stats = ReadStats()
    assert len(rows(connector, "google_workspace_user", stats)) == 9
    assert (stats.pages, stats.calls) == (3, 3)


def test_a_person_is_told_with_the_second_factor_and_without_private_things(
    connector: GoogleWorkspaceConnector,
) -> None:
    found = {row["primary_email"]: row for row in rows(connector, "google_workspace_user")}
    linus, ada = found[f"linus@{DOMAIN}"], found[f"ada@{DOMAIN}"]
    assert (linus["is_enrolled_in_2sv"], linus["is_enforced_in_2sv"]) == (False, False)
    assert (ada["is_admin"], ada["is_enrolled_in_2sv"]) == (True, True)
    assert found[LEAVER.email]["suspended"] is False
    assert found[LEAVER.email]["last_login_time"].isoformat() == "2026-08-11T15:00:00+00:00"
    assert "recoveryEmail" not in ada["raw"]
    assert ada["raw"]["emails"][0]["address"] == ada["primary_email"]


def test_members_name_their_group(connector: GoogleWorkspaceConnector) -> None:
    found = {row["resource"]: row for row in rows(connector, "google_workspace_group_member")}
    everyone = found[f"all@{DOMAIN}/{CUSTOMER}"]
    assert (everyone["type"], everyone["email"]) == ("CUSTOMER", None)
    assert [row["parent_email"] for row in found.values() if row["email"] == EXTERNAL] == [
        f"engineers@{DOMAIN}"
    ]


def test_a_group_that_went_away_meanwhile_has_no_members(
    connector: GoogleWorkspaceConnector, google: FakeGoogleWorkspace
) -> None:
    gone = google.groups[1]["id"]
    del google.members[gone]
    assert gone not in {row["parent_id"] for row in rows(connector, "google_workspace_group_member")}


def test_events_are_of_the_last_days_and_keep_their_parameters(
    connector: GoogleWorkspaceConnector, google: FakeGoogleWorkspace
) -> None:
    week = rows(connector, "google_workspace_login_event")
    assert len(rows(made(google, login_days=60), "google_workspace_login_event")) > len(week) > 0
    assert week[0]["parameters"] == {
        "login_type": "google_password",
        "login_challenge_method": "password,totp",
        "is_suspicious": "false",
    }
    (change,) = rows(connector, "google_workspace_admin_event")
    assert (change["event_name"], change["parameters"]["NEW_VALUE"]) == (
        "ENFORCE_STRONG_AUTHENTICATION",
        "true",
    )
    assert change["raw"]["event"]["type"] == "SECURITY_SETTINGS"


def test_devices_are_left_out_where_google_does_not_manage_them(
    google: FakeGoogleWorkspace, connector: GoogleWorkspaceConnector
) -> None:
    google.delegated.remove("admin.directory.device.mobile.readonly")
    without = made(google, mobile_devices=False)
    shards = without.shards(without.scope(), TABLES)
    assert "google_workspace_mobile_device" not in {name for shard in shards for name in shard.tables}
    assert len(rows(without, "google_workspace_user")) == 9
    # The scope is asked for with the others, and Google refuses all of them for one.
    with pytest.raises(ConnectorError, match="unauthorized_client"):
        connector.identity()


def test_what_is_told_to_connect_holds_every_scope_and_no_other() -> None:
    steps, scopes = GoogleWorkspaceConnector.documents()
    needed = {name for table in GoogleWorkspaceConnector.tables().values() for name in table.permissions}
    assert {part.rpartition("/")[2] for part in scopes.text.strip().split(",")} == needed
    assert all(name.endswith(".readonly") for name in needed)
    assert "Domain-wide delegation".lower() in steps.text.lower()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"admin_email": "ada"}, "admin_email: write the administrator's address"),
        ({"key": "{}"}, "key: write env:NAME or file:/path"),
        ({"base_url": "http://admin.googleapis.com"}, "base_url"),
        ({"login_days": 999}, "login_days"),
        ({"adminemail": "x"}, "did you mean admin_email"),
    ],
)
def test_settings_are_refused_in_words(given: dict[str, Any], words: str) -> None:
    full = {"key": "env:KEY", "admin_email": f"ada@{DOMAIN}", **given}
    with pytest.raises(ConnectorError, match=words.replace("(", r"\(")):
        GoogleWorkspaceConnector.parse_settings(full)
