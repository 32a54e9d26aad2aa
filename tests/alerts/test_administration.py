"""Who may change how things are set up, on both databases; and that what is set up tells somebody."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from proofwatch.alerts import channelbook, dismissals, people, rulebook, teams
from proofwatch.alerts.base import AlertError
from proofwatch.outbound.http import Client
from proofwatch.remediation import trackerbook
from proofwatch.store.base import StoreError
from proofwatch.store.models import ChannelConfig, Person, TrackerConfig
from proofwatch.store.services import checks, connections, controls, hooks
from tests.alerts.probe import install
from tests.alerts.test_outbox import NOW_RULE
from tests.alerts.world import FAIL, A, World
from tests.store.samples import CHECK, NOW, entries


@pytest.fixture
def world(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(tmp_path, NOW_RULE)
    install(monkeypatch)
    return made


SLACK = {"url": "env:PW_URL"}
CHANGES: dict[str, Any] = {
    "people": lambda world, who: people.add("mallory", role="owner", **who),
    "leavers": lambda world, who: people.switch("ana", False, reason="x", **who),
    "teams": lambda world, who: teams.save("ops", {"members": ["ana"]}, reason="x", **who),
    "rules": lambda world, who: rulebook.save([NOW_RULE], reason="x", **who),
    "rule off": lambda world, who: rulebook.switch("now", False, reason="x", **who),
    "rule removed": lambda world, who: rulebook.remove("now", reason="x", **who),
    "channels": lambda world, who: channelbook.save("s", "slack-webhook", SLACK, client=Client(), **who),
    "channel off": lambda world, who: channelbook.switch("ops", False, reason="x", **who),
    "trackers": lambda world, who: trackerbook.save("j", "jira", {}, client=Client(), **who),
    "hooks": lambda world, who: hooks.save("h", "prod", "generic", {}, client=Client(), **who),
    "checks": lambda world, who: checks.disable(CHECK, reason="x", **who),
    "connections": lambda world, who: connections.remove(world.owner, reason="x", **who),
    "controls": lambda world, who: controls.approve(1, note="x", **who),
}


@pytest.mark.parametrize("what", CHANGES)
@pytest.mark.parametrize("who", ["aud", "ben", "gone"])
def test_only_owners_and_leads_change_settings(world: World, what: str, who: str) -> None:
    people.add("ben", actor="cli:root", now=NOW)
    people.add("gone", role="lead", actor="cli:root", now=NOW)
    people.switch("gone", False, actor="cli:root", now=NOW, reason="left")
    before = len(entries())
    with pytest.raises(StoreError, match=r"may not change this|no longer active"):
        CHANGES[what](world, {"actor": who, "now": NOW})
    assert len(entries()) == before


def test_only_what_is_given_of_a_person_changes(world: World) -> None:
    people.add("ana", email="ana@example.com", zone="Europe/Berlin", actor="cli:root", now=NOW)
    person = people.add("ana", handles={"jira": "5b10"}, actor="cli:root", now=NOW)
    assert (person.role, person.email, person.zone) == ("lead", "ana@example.com", "Europe/Berlin")
    assert people.add("ana", handles={"slack": "U1"}, actor="ana", now=NOW).handles == {
        "jira": "5b10", "slack": "U1",
    }  # fmt: skip
    assert people.add("ana", handles={"jira": ""}, actor="ana", now=NOW).handles == {"slack": "U1"}
    assert "ana@example.com" not in str(entries("person.changed"))
    assert people.add("new", actor="ana", now=NOW).role == "responder"


def test_who_left_acts_no_more_and_somebody_always_may(world: World) -> None:
    people.add("bob", role="owner", actor="cli:root", now=NOW)
    people.switch("ana", False, actor="bob", now=NOW, reason="left")
    with pytest.raises(AlertError, match="no longer active"):
        people.acting("ana", "x")
    with pytest.raises(AlertError, match="nobody would be left"):
        people.switch("bob", False, actor="bob", now=NOW, reason="left")
    assert people.switch("ana", True, actor="bob", now=NOW, reason="back").active
    assert Person.objects.get(pk="ana").role == "lead"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"channels": ["nochannel"]}, "no channel 'nochannel'"),
        ({"team": "noteam"}, "no team 'noteam'"),
        ({"tracker": "notracker"}, "no tracker 'notracker'"),
        ({"escalate": ["person:none"]}, "no person 'none'"),
        ({"escalate": ["role:boss"]}, "no role 'boss'"),
    ],
)
def test_a_rule_that_names_nobody_is_refused(world: World, values: dict, said: str) -> None:
    with pytest.raises(StoreError, match=said):
        rulebook.save([NOW_RULE.model_copy(update=values)], actor="ana", now=NOW, reason="x")
    rulebook.save([NOW_RULE.model_copy(update={"channels": ("ops",)})], actor="ana", now=NOW, reason="x")


def test_a_rule_that_was_off_for_a_while_is_the_same_rule(world: World) -> None:
    people.add("bob", role="owner", actor="cli:root", now=NOW)
    world.sweep({A: FAIL})
    for who in ("ana", "bob"):
        until = world.now + timedelta(days=30)
        dismissals.dismiss("AL-1", "a test disk", until, by=who, now=world.now)
    for enabled in (False, True):
        rulebook.switch("now", enabled, actor="ana", now=NOW, reason="noise")
    world.sweep({A: FAIL})
    assert world.alert.state == "closed: false positive"
    rulebook.save([NOW_RULE.model_copy(update={"title": "t"})], actor="ana", now=NOW, reason="changed")
    world.sweep({A: FAIL})
    assert world.alert.state == "open"


@pytest.mark.parametrize(
    ("values", "reason", "said"),
    [
        ({"members": ["ana"]}, " ", "needs a reason"),
        ({"members": ["ana", "ana"]}, "x", "stands twice"),
        ({"members": ["nobody"]}, "x", "no person"),
        ({"channels": ["nosuch"]}, "x", "no channel 'nosuch'"),
        ({"zone": "Mars/Base"}, "x", "no time zone"),
    ],
)
def test_a_wrong_team_is_refused(world: World, values: dict, reason: str, said: str) -> None:
    with pytest.raises((AlertError, StoreError), match=said):
        teams.save("ops", values, actor="ana", now=NOW, reason=reason)


def test_what_is_added_again_begins_anew(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PW_URL", "https://hooks.slack.com/services/T/B/x")
    for _ in range(2):
        row = channelbook.save("s", "slack-webhook", SLACK, actor="ana", now=NOW, client=Client())
        assert row.enabled and row.removed_at is None
        channelbook.remove("s", actor="ana", now=NOW, reason="moved")
    assert not ChannelConfig.objects.get(pk="s").enabled
    TrackerConfig.objects.create(
        name="gh", kind="github", settings={}, by="ana", at=NOW, enabled=False, removed_at=NOW
    )
    settings = {"repository": "acme/app", "token": "env:PW_T"}
    assert trackerbook.save("gh", "github", settings, actor="ana", now=NOW, client=Client()).enabled
