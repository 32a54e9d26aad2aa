"""What Okta says of its own interface judges what we ask, and what our fake answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proofwatch.connectors.base import ReadStats, Shard, Unread
from proofwatch.connectors.okta import OktaConnector
from proofwatch.connectors.okta.tables import TABLES as DECLARED
from proofwatch.demo.fakes.base import Said
from proofwatch.demo.fakes.okta import ORG, TOKEN, FakeOkta
from tests import servers
from tests.connectors.okta import described
from tests.connectors.okta.reading import TABLES, by_token, read

pytestmark = pytest.mark.shared
NOT_DESCRIBED = {"support_access", "support_until", "methods"}
"""Okta's description here is cut to 30 paths, without those of the support's access and of methods."""
OWN_EXAMPLE_REFUSED = {"okta_org", "okta_log", "okta_log_event"}
"""Where the example in Okta's description is not what the description says, so that none can be had of it."""


@pytest.fixture(scope="module")
def description(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return described.description(tmp_path_factory.mktemp("description"))


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMO_OKTA_TOKEN", TOKEN)


@pytest.fixture(scope="module")
def running() -> Iterator[FakeOkta]:
    fake = described.Described()
    with fake:
        yield fake


@pytest.fixture(scope="module")
def judge(description: Path, running: FakeOkta, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = servers.free_port()
    command = servers.prism_before(running.url, description, port)
    with servers.running(command, port, tmp_path_factory.mktemp("judge")) as url:
        running.public = url
        yield url


@pytest.fixture(scope="module")
def mock(description: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = servers.free_port()
    with servers.running(servers.prism(description, port), port, tmp_path_factory.mktemp("mock")) as url:
        yield url


@pytest.mark.parametrize("table", TABLES)
def test_requests_and_the_answers_of_our_fake_are_as_okta_describes(judge: str, table: str) -> None:
    made = by_token(judge, factors="all", group_members="all")
    assert made.identity().account_id == ORG
    found = read(made, table)
    assert found
    assert {name for row in found for name in row["_unread"] or ()} <= NOT_DESCRIBED


def test_an_answer_that_okta_does_not_describe_is_noticed(
    judge: str, running: FakeOkta, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = Said([{"id": "00u1", "status": "INVENTED", "profile": {"login": "a@b.example"}}])
    monkeypatch.setitem(running.broken, "/api/v1/users", said)
    with pytest.raises(Unread, match="status 500"):
        read(by_token(judge), "okta_user")


@pytest.mark.parametrize("table", sorted(set(TABLES) - OWN_EXAMPLE_REFUSED - {"okta_admin_assignment"}))
def test_an_example_of_the_described_shape_is_parsed(mock: str, table: str) -> None:
    made = by_token(mock, factors="all", group_members="all")
    shard = Shard(ORG, "global", "any", (table,))
    first = next(made.read(shard, table, ReadStats()))
    assert first["resource"]
    assert set(first["_unread"] or ()) <= NOT_DESCRIBED


def test_the_example_of_administrators_leads_to_another_host_and_is_not_followed(mock: str) -> None:
    with pytest.raises(Unread, match=r"a link leads to 'your-subdomain\.okta\.com'"):
        read(by_token(mock), "okta_admin_assignment")


@pytest.mark.parametrize("code", ["403", "429"])
def test_a_refusal_in_the_described_form_is_told_in_its_words(mock: str, code: str) -> None:
    made = by_token(mock)
    api = replace(made.api(), headers={"Prefer": f"code={code}"}, most_wait=0.1)
    with pytest.raises(Unread, match="Okta") as caught:
        api.get("/api/v1/users", {"limit": 1}, permission="okta.users.read")
    assert caught.value.code == code


def test_each_permission_is_the_scope_that_okta_asks_for(description: Path) -> None:
    paths = json.loads(description.read_text("utf-8"))["paths"]
    known = {re.sub(r"\{\w+\}", "{}", path): item["get"] for path, item in paths.items() if "get" in item}
    for table in DECLARED:
        asked = [(table.path, table.permission), *((call.path, call.permission) for call in table.calls)]
        for path, permission in asked:
            if re.sub(r"\{\w+\}", "{}", path) in known:
                assert permission in _scopes(known[re.sub(r"\{\w+\}", "{}", path)]), (table.name, path)


def _scopes(operation: Any) -> set[str]:
    return {scope for item in operation["security"] for scope in item.get("oauth2", [])}


def test_the_tables_are_those_of_the_connector() -> None:
    assert {table.name for table in DECLARED} == set(OktaConnector.tables())
