"""What Google says of its own interfaces judges what we ask, and what our fake answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from proofwatch.connectors.base import ReadStats, Shard
from proofwatch.connectors.google_workspace import GoogleWorkspaceConnector
from proofwatch.demo.fakes.base import Said
from proofwatch.demo.fakes.google_workspace import CUSTOMER, FakeGoogleWorkspace
from tests.connectors.google.judged import before, instead, saved

TABLES = sorted(GoogleWorkspaceConnector.tables())
PATHS = r"/(users|users/\{userKey\}|members|groups|roles|roleassignments|mobile|orgunits|domains)$|activity"


@pytest.fixture(scope="module")
def description(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("description"), "admin.directory_v1", "admin.reports_v1", only=PATHS)


@pytest.fixture(scope="module")
def google() -> Iterator[FakeGoogleWorkspace]:
    with FakeGoogleWorkspace() as fake:
        assert isinstance(fake, FakeGoogleWorkspace)
        yield fake


@pytest.fixture(scope="module")
def judge(description: Path, google: FakeGoogleWorkspace) -> Iterator[str]:
    with before(google.url, description) as url:
        yield url


@pytest.fixture(scope="module")
def mock(description: Path) -> Iterator[str]:
    with instead(description) as url:
        yield url


def behind(
    url: str, google: FakeGoogleWorkspace, monkeypatch: pytest.MonkeyPatch
) -> GoogleWorkspaceConnector:
    for name, value in google.environment().items():
        monkeypatch.setenv(name, value)
    settings = {**google.settings(), "base_url": url}
    return GoogleWorkspaceConnector(GoogleWorkspaceConnector.parse_settings(settings))


@pytest.mark.parametrize("table", TABLES)
def test_requests_and_the_answers_of_our_fake_are_as_google_describes(
    judge: str, google: FakeGoogleWorkspace, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    connector = behind(judge, google, monkeypatch)
    assert connector.identity().account_id == CUSTOMER
    shard = Shard(CUSTOMER, "global", "directory", (table,))
    found = list(connector.read(shard, table, ReadStats()))
    assert found
    assert {row["_unread"] for row in found} == {None}


def test_an_answer_that_google_does_not_describe_is_noticed(
    judge: str, google: FakeGoogleWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector = behind(judge, google, monkeypatch)
    path = "/admin/directory/v1/customer/my_customer/roles"
    monkeypatch.setitem(google.broken, path, Said({"items": [{"roleId": "1", "inventedByUs": True}]}))
    shard = Shard(CUSTOMER, "global", "directory", ("google_workspace_role",))
    with pytest.raises(Exception, match="status 500"):
        list(connector.read(shard, "google_workspace_role", ReadStats()))


@pytest.mark.parametrize("table", [name for name in TABLES if not name.endswith("_event")])
def test_an_example_of_the_described_shape_is_parsed(
    mock: str, google: FakeGoogleWorkspace, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    connector = behind(mock, google, monkeypatch)
    # The example names a next page for ever, so that only the first is looked at.
    rows = connector.read(Shard(CUSTOMER, "global", "directory", (table,)), table, ReadStats())
    first = next(rows)
    assert first["resource"]
    own = [column.name for column in connector.tables()[table].columns[4:-1]]
    assert [name for name in own if first[name] is None and name not in (first["_unread"] or {})] == []
