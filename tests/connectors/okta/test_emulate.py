"""A stateful Okta that others wrote (`emulate`): people, groups and applications, and what changes there.

It has neither roles nor factors, policies or a log, and gives no pages: those are tested elsewhere.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from proofwatch.connectors.base import Unread
from tests import servers
from tests.connectors.okta.reading import by_token, read

pytestmark = pytest.mark.shared
SEED = """
okta:
  users:
    - {login: ada@acme.example, email: ada@acme.example, first_name: Ada, last_name: Marlowe}
    - {login: mary@acme.example, email: mary@acme.example, first_name: Mary, last_name: Departed}
  groups: [{name: Everyone, type: BUILT_IN, okta_id: 00g_everyone}, {name: Engineering}]
  apps: [{name: fleet, label: Fleet manager, sign_on_mode: SAML_2_0}]
"""


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    servers.shared()
    folder = tmp_path_factory.mktemp("emulate")
    (folder / "seed.yaml").write_text(SEED, "utf-8")
    port = servers.free_port()
    with servers.running(servers.emulate("okta", folder / "seed.yaml", port), port, folder) as url:
        yield url


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMO_OKTA_TOKEN", "any")


def ask(url: str, path: str, method: str = "GET") -> Any:
    headers = {"Authorization": "SSWS any"}
    request = urllib.request.Request(f"{url}{path}", b"" if method != "GET" else None, headers, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        data = answer.read()
    return json.loads(data) if data else None


def test_people_are_read_with_what_others_did_to_them(emulator: str) -> None:
    before = {row["login"]: row for row in read(by_token(emulator), "okta_user")}
    assert before["mary@acme.example"]["status"] == "ACTIVE"
    mary = before["mary@acme.example"]["user_id"]
    ask(emulator, f"/api/v1/users/{mary}/lifecycle/suspend", "POST")
    after = {row["login"]: row for row in read(by_token(emulator), "okta_user")}
    assert after["mary@acme.example"]["status"] == "SUSPENDED"
    assert {row["_unread"] and tuple(row["_unread"]) for row in after.values()} == {None}
    ask(emulator, f"/api/v1/users/{mary}/lifecycle/unsuspend", "POST")
    ask(emulator, f"/api/v1/users/{mary}/lifecycle/deactivate", "POST")
    gone = {row["login"]: row for row in read(by_token(emulator), "okta_user")}
    assert gone["mary@acme.example"]["status"] == "DEPROVISIONED"
    assert len(gone) == len(before)


def test_groups_and_applications_are_read(emulator: str) -> None:
    groups = read(by_token(emulator), "okta_group")
    assert {row["name"] for row in groups} >= {"Everyone", "Engineering"}
    assert "Fleet manager" in {row["label"] for row in read(by_token(emulator), "okta_app")}


def test_an_application_is_read_with_whom_others_assigned(emulator: str) -> None:
    apps = {row["label"]: row["app_id"] for row in read(by_token(emulator), "okta_app")}
    ada = next(row for row in read(by_token(emulator), "okta_user") if row["login"] == "ada@acme.example")
    assert read(by_token(emulator), "okta_app_assignment") == []
    ask(emulator, f"/api/v1/apps/{apps['Fleet manager']}/users/{ada['user_id']}", "PUT")
    (row,) = read(by_token(emulator), "okta_app_assignment")
    assert (row["user_id"], row["parent_label"]) == (ada["user_id"], "Fleet manager")


@pytest.mark.parametrize("table", ["okta_admin_assignment", "okta_policy", "okta_log", "okta_network_zone"])
def test_what_it_does_not_have_is_unread_and_not_empty(emulator: str, table: str) -> None:
    with pytest.raises(Unread):
        read(by_token(emulator), table)
