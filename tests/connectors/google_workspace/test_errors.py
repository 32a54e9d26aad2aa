"""Whatever goes wrong, a table is unread with the reason and never an empty one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from proofwatch.connectors.base import ReadStats, Shard, Unread
from proofwatch.connectors.google_workspace import GoogleWorkspaceConnector
from proofwatch.connectors.rest import api
from proofwatch.demo.fakes.base import Said
from proofwatch.demo.fakes.google_workspace import CUSTOMER, FakeGoogleWorkspace

USERS = "/admin/directory/v1/users"
QUOTA = {"error": {"code": 403, "message": "Quota", "errors": [{"reason": "quotaExceeded"}]}}
DENIED = {"error": {"code": 403, "message": "Not Authorized to access this resource/api"}}


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGoogleWorkspace]:
    monkeypatch.setattr(api.time, "sleep", lambda seconds: None)
    with FakeGoogleWorkspace() as fake:
        assert isinstance(fake, FakeGoogleWorkspace)
        for name, value in fake.environment().items():
            monkeypatch.setenv(name, value)
        yield fake


def read(google: FakeGoogleWorkspace, table: str) -> int:
    connector = GoogleWorkspaceConnector(GoogleWorkspaceConnector.parse_settings(google.settings()))
    shard = Shard(CUSTOMER, "global", "directory", (table,))
    return len(list(connector.read(shard, table, ReadStats())))


@pytest.mark.parametrize(
    ("said", "code", "words", "permanent"),
    [
        (Said({"error": {"message": "Invalid Credentials"}}, 401), "401", "Invalid Credentials", True),
        (Said(DENIED, 403), "403", "admin.directory.user.readonly is needed", True),
        (Said({"error": {"message": "Domain not found."}}, 404), "404", "Domain not found", True),
        (Said({"error": {"message": "Invalid Input"}}, 422), "422", "refuses the request", True),
        (Said({}, 429, {"Retry-After": "30"}), "429", "asks to wait 30 seconds", False),
        (Said(QUOTA, 403), "403", "limits how often", False),
        (Said({"error": {"message": "Backend Error"}}, 500), "500", "failed with status 500", False),
        (Said(b'{"users": [{"primaryEm', 200), "json", "no JSON", False),
        (Said({"users": {"not": "a list"}}, 200), "schema", "no list of objects", True),
        (Said({"users": [{"id": "1"}]}, 200), "schema", "primaryEmail", True),
        (Said(None, 302, {"Location": "https://evil.example/users"}), "host", "not the connection's", True),
    ],
)
def test_a_listing_that_fails_is_unread(
    google: FakeGoogleWorkspace, said: Said, code: str, words: str, permanent: bool
) -> None:
    google.broken[USERS] = said
    with pytest.raises(Unread, match=words) as caught:
        read(google, "google_workspace_user")
    assert (caught.value.code, caught.value.permanent) == (code, permanent)


def test_one_group_that_cannot_be_read_fails_the_table(google: FakeGoogleWorkspace) -> None:
    group = google.groups[1]["id"]
    google.broken[f"/admin/directory/v1/groups/{group}/members"] = Said(DENIED, 403)
    with pytest.raises(Unread, match=r"admin\.directory\.group\.member\.readonly is needed"):
        read(google, "google_workspace_group_member")


def test_reports_that_cannot_be_read_are_unread(google: FakeGoogleWorkspace) -> None:
    google.broken["/admin/reports/v1/activity/users/all/applications/login"] = Said(DENIED, 403)
    with pytest.raises(Unread, match=r"admin\.reports\.audit\.readonly is needed"):
        read(google, "google_workspace_login_event")


def test_a_credential_that_ended_leaves_the_table_unread(google: FakeGoogleWorkspace) -> None:
    google.broken["/token"] = Said({"error": "invalid_grant", "error_description": "account not found"}, 400)
    with pytest.raises(Unread, match="invalid_grant: account not found") as caught:
        read(google, "google_workspace_user")
    assert caught.value.code == "credential"


def test_a_token_that_was_revoked_is_had_again(google: FakeGoogleWorkspace) -> None:
    connector = GoogleWorkspaceConnector(GoogleWorkspaceConnector.parse_settings(google.settings()))
    shard = Shard(CUSTOMER, "global", "directory", ("google_workspace_role",))
    assert len(list(connector.read(shard, "google_workspace_role", ReadStats()))) == 2
    google.tokens.clear()
    assert len(list(connector.read(shard, "google_workspace_role", ReadStats()))) == 2


def test_a_value_of_another_type_marks_its_column(google: FakeGoogleWorkspace) -> None:
    google.users[0]["isAdmin"] = "perhaps"
    connector = GoogleWorkspaceConnector(GoogleWorkspaceConnector.parse_settings(google.settings()))
    shard = Shard(CUSTOMER, "global", "directory", ("google_workspace_user",))
    first = next(iter(connector.read(shard, "google_workspace_user", ReadStats())))
    assert first["is_admin"] is None
    assert "perhaps" in first["_unread"]["is_admin"]
