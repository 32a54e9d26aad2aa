"""False positives need two people; drills need an answer. On both databases."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from proofwatch.alerts import dismissals, drills, outbox, people, review
from proofwatch.alerts.base import AlertError
from proofwatch.alerts.rules import Rule
from proofwatch.outbound.http import Client
from proofwatch.remediation import clock
from proofwatch.store.models import Alert, ControlStatus, Finding
from tests.alerts.probe import Probe, install
from tests.alerts.world import FAIL, PASS, A, World
from tests.store.samples import NOW

NOW_RULE = Rule(id="now", title="A control fails", when="failing", wait_minutes=0, gather_minutes=0)
DRILL = Rule(id="drill", title="A drill", when="drill", wait_minutes=0, gather_minutes=0)
FAILED = Rule(id="drill-failed", title="The last drill failed", when="drill failed", wait_minutes=0)


@pytest.fixture
def world(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(tmp_path, NOW_RULE, DRILL, FAILED)
    people.add("bob", role="lead", actor="owner", now=NOW)
    install(monkeypatch)
    made.sweep({A: PASS})
    return made


def test_only_a_second_person_closes_a_false_positive_and_it_stays_closed(world: World) -> None:
    world.sweep({A: FAIL})
    until = world.now + timedelta(days=30)
    row, closed = dismissals.dismiss("AL-1", "the check is wrong", until, by="ana", now=world.now)
    assert not closed and row.state == "open"
    with pytest.raises(AlertError, match="another person"):
        dismissals.dismiss("AL-1", "really", until, by="ana", now=world.now)
    row, closed = dismissals.dismiss("AL-1", "I agree", until + timedelta(days=9), by="bob", now=world.now)
    assert closed and row.state == "closed: false positive" and row.dismissed_until == until
    world.sweep({A: FAIL})
    assert world.alert.state == "closed: false positive" and Finding.objects.get().state == "open"
    world.minutes += 31 * 24 * 60
    world.sweep({A: FAIL})
    assert Alert.objects.get(current=True).state == "open"


def test_a_proposal_from_before_it_reopened_does_not_count(world: World) -> None:
    world.sweep({A: FAIL})
    until = world.now + timedelta(days=300)
    dismissals.dismiss("AL-1", "wrong", until, by="ana", now=world.now)
    for rows in ({A: PASS}, {A: PASS}, {A: FAIL}):
        world.sweep(rows)
    assert world.alert.regressed == 1
    _, closed = dismissals.dismiss("AL-1", "wrong", until, by="bob", now=world.now)
    assert not closed


def look(world: World, minutes: int = 1) -> None:
    world.minutes += minutes
    clock.look(world.now)
    outbox.drain(outbox.Sender(Client(), "w", clock=lambda: world.now))


def test_a_drill_goes_the_whole_way_and_its_outcome_is_kept(world: World) -> None:
    row = drills.start("", by="ana", now=world.now)
    look(world)
    look(world)
    assert [str(message.happened) for message, _ in Probe.sent] == ["opened"]
    assert Probe.sent[0][0].mark == "DRILL" and Probe.sent[0][0].control == "ENC"
    alert = Alert.objects.get(drill=row.pk)
    review.acknowledge(alert.name, "I am here", by="bob", now=world.now, channel="cli")
    for _ in range(4):
        look(world)
    row.refresh_from_db()
    assert (row.state, row.acknowledged_by) == ("restored", "bob")
    assert drills.keep(world.objects.put, world.now) == 1
    row.refresh_from_db()
    kept = json.loads(world.objects.get(row.object))
    assert [item["happened"] for item in kept["deliveries"]] == [
        "opened",
        "acknowledged",
        "verified restored",
    ]
    assert not Finding.objects.exists() and not ControlStatus.objects.filter(status="failing").exists()


def test_a_drill_that_nobody_acknowledges_is_an_alert(world: World) -> None:
    drills.start("ENC", by="ana", now=world.now, within=timedelta(hours=1))
    look(world)
    look(world, 61)
    look(world)
    assert (
        drills.every()[0].state == "failed" and drills.every()[0].reason == "nobody acknowledged it in time"
    )
    assert Alert.objects.get(rule_id="drill-failed").state == "open"


def test_a_drill_that_reaches_nobody_says_why(world: World) -> None:
    from proofwatch.alerts import channelbook

    channelbook.switch("ops", False, actor="owner", now=world.now, reason="moved")
    drills.start("ENC", by="ana", now=world.now, within=timedelta(hours=1))
    look(world)
    look(world, 61)
    assert "channel ops is off" in drills.every()[0].reason


def test_only_one_drill_at_a_time_and_one_a_month_by_itself(world: World) -> None:
    drills.start("", by="ana", now=world.now)
    with pytest.raises(AlertError, match="under way"):
        drills.start("", by="ana", now=world.now)
    world.minutes += 31 * 24 * 60
    clock.look(world.now)  # ends the first
    clock.look(world.now)
    assert [row.by for row in drills.every()] == ["scheduler", "ana"]
