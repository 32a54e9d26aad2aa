"""From sweeps to alerts, on both databases: what opens, what waits, what only readings may end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps

from proofwatch.alerts import engine, review, rulebook
from proofwatch.alerts.base import AlertError
from proofwatch.alerts.rules import Rule
from proofwatch.listings.base import Asked
from proofwatch.listings.registry import LISTINGS
from proofwatch.store import log
from proofwatch.store.base import StoreError
from proofwatch.store.models import Alert, AlertEvent, AlertResource, Connection, Review
from proofwatch.store.services import checks, connections
from tests.alerts.world import CHECK, FAIL, FAILING, PASS, UNSURE, A, B, C, World
from tests.store.samples import HERE, MINUTE, NOW, entries, outcome


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> World:
    return World(tmp_path)


def opened(world: World, rows: Any = None) -> Alert:
    """Let it fail until the alert is open."""
    for _ in range(3):
        world.sweep(rows or {A: FAIL, B: PASS})
    assert world.alert.state == "open"
    return world.alert


def test_a_failure_waits_then_opens_with_a_number_and_its_resources(world: World) -> None:
    world.sweep({A: FAIL, B: PASS})
    assert (world.alert.state, world.alert.number) == ("pending", None)
    world.sweep({A: FAIL, B: PASS})
    world.sweep({A: FAIL, B: PASS})
    alert = world.alert
    assert (alert.state, alert.name, alert.count, alert.population) == ("open", "AL-1", 1, 2)
    assert (alert.control_id, alert.severity) == ("ENC", "high")
    assert alert.first_failed_at == NOW + 15 * MINUTE
    assert alert.due_at == alert.first_failed_at + timedelta(days=7)
    assert alert.headline == "ENC Control ENC on prod"
    assert [item.finding.resource for item in alert.resources.select_related("finding")] == ["vol-a"]
    assert alert.evidence_before == world.run.__class__.objects.get(pk=world.run.pk).manifest
    assert world.told() == ["pending", "open"]
    (entry,) = [e for e in entries("alerts.changed") if e["data"]["alerts"][0]["after"] == "open"]
    assert entry["data"]["alerts"][0]["number"] == 1


def test_what_goes_on_failing_writes_nothing(world: World) -> None:
    opened(world)
    before = AlertEvent.objects.count(), len(entries("alerts.changed"))
    world.sweep({A: FAIL, B: PASS})
    assert (AlertEvent.objects.count(), len(entries("alerts.changed"))) == before


def test_what_passes_before_the_wait_is_over_did_not_last(world: World) -> None:
    world.sweep({A: FAIL})
    world.sweep({A: PASS})
    assert world.told() == ["pending", "closed: did not last"]
    assert world.alert.number is None


def test_time_alone_opens_what_waited(world: World) -> None:
    world.sweep({A: FAIL})
    world.tick(29)
    assert world.alert.state == "pending"
    world.tick(1)
    assert world.alert.state == "open"


def test_two_complete_passing_runs_verify_the_restoration(world: World) -> None:
    opened(world)
    failed = world.run
    world.sweep({A: PASS, B: PASS})
    assert (world.alert.state, world.alert.passes) == ("open", 1)
    engine.observe(world.now)
    assert world.alert.passes == 1  # the same run is not counted twice
    world.sweep({A: PASS, B: PASS})
    alert = world.alert
    assert alert.state == "verified restored"
    manifest = {row.pk: row.manifest for row in world.run.__class__.objects.all()}
    assert (alert.evidence_before, alert.evidence_after) == (manifest[failed.pk], manifest[world.run.pk])
    assert AlertResource.objects.get().ended_as == "restored"


def test_a_failure_in_between_begins_the_count_again(world: World) -> None:
    opened(world)
    for rows in ({A: PASS}, {A: FAIL}, {A: PASS}):
        world.sweep(rows)
    assert (world.alert.state, world.alert.passes) == ("open", 1)


def test_what_was_not_read_keeps_the_alert_and_marks_it(world: World) -> None:
    opened(world)
    world.sweep({A: PASS})
    world.sweep({A: UNSURE})
    world.sweep({A: PASS})
    assert world.alert.state == "open"
    world.sweep({A: PASS})
    assert world.alert.state == "verified restored"


def test_inconclusive_marks_evidence_as_interrupted(world: World) -> None:
    opened(world)
    world.sweep({A: UNSURE, B: PASS})
    alert = world.alert
    assert (alert.state, alert.interruption) == ("open", "encrypted could not be read")
    assert alert.interrupted_since is not None
    world.sweep({A: FAIL, B: PASS})
    assert world.alert.interrupted_since is None


def test_a_resource_that_is_gone_ends_it_as_such(world: World) -> None:
    opened(world)
    world.sweep({B: PASS})
    assert world.alert.state == "verified: resource gone"


def test_a_changed_check_ends_it_as_such(world: World) -> None:
    opened(world)
    for _ in range(2):
        found = outcome({CHECK: {A: PASS, B: PASS}})
        world.apply(replace(found, checks=tuple(replace(item, version="new") for item in found.checks)))
    assert world.alert.state == "closed: check changed"


def test_a_disabled_check_ends_nothing(world: World) -> None:
    opened(world)
    checks.disable(CHECK, actor="owner", now=world.now, reason="too loud")
    world.apply(replace(outcome({}), disabled={CHECK: "too loud"}))
    world.apply(replace(outcome({}), disabled={CHECK: "too loud"}))
    alert = world.alert
    assert alert.state == "open"
    assert "too loud" in alert.interruption


def test_a_removed_connection_ends_nothing(world: World) -> None:
    opened(world)
    connections.remove(world.owner, actor="owner", now=world.now, reason="sold")
    engine.observe(world.now + MINUTE)
    assert (world.alert.state, world.alert.interruption) == ("open", "its connection was removed")


def test_a_rule_that_is_off_ends_nothing(world: World) -> None:
    opened(world)
    rulebook.switch("failing", False, actor="owner", now=world.now, reason="quiet")
    world.sweep({A: PASS})
    world.sweep({A: PASS})
    assert (world.alert.state, world.alert.interruption) == ("open", "rule failing is off")
    with pytest.raises(AlertError, match="1 of its alerts are under way"):
        rulebook.remove("failing", actor="owner", now=world.now, reason="quiet")


def test_editing_a_rule_closes_nothing_and_binds_to_the_new_version(world: World) -> None:
    opened(world)
    changed = FAILING.model_copy(update={"count": 9, "recover_count": 3})
    rulebook.save([changed], actor="owner", now=world.now, reason="higher")
    world.sweep({A: FAIL, B: PASS})
    assert (world.alert.state, world.alert.rule_version) == ("open", 2)


def test_failing_again_soon_is_the_same_alert_and_later_a_new_one(world: World) -> None:
    opened(world)
    world.sweep({A: PASS})
    world.sweep({A: PASS})
    world.sweep({A: FAIL})
    assert (world.alert.name, world.alert.state, world.alert.regressed) == ("AL-1", "open", 1)
    world.sweep({A: PASS})
    world.sweep({A: PASS})
    world.sweep({A: FAIL}, minutes=60 * 24 * 8)
    fresh = world.alert
    assert (fresh.state, fresh.number, fresh.previous.name) == ("pending", None, "AL-1")
    assert Alert.objects.count() == 2


def test_an_alert_that_opens_again_stays_in_the_period_of_its_first_opening(world: World) -> None:
    begun = opened(world)
    first = begun.opened_at
    world.sweep({A: PASS})
    world.sweep({A: PASS})
    period_ends = world.now + timedelta(minutes=5)
    world.sweep({A: FAIL}, minutes=60)
    again = world.alert
    assert again.opened_at > period_ends and again.first_opened_at == first
    asked = Asked(filters={"from": log.text(first - timedelta(days=1)), "to": log.text(period_ends)})
    assert [row["alert"] for row in LISTINGS["alerts"].page(asked).rows] == ["AL-1"]
    Alert.objects.update(first_opened_at=None)
    import_module("proofwatch.store.migrations.0014_first_opened").forward(apps, None)
    assert world.alert.first_opened_at == first


def test_more_and_other_resources_join(world: World) -> None:
    opened(world)
    world.sweep({A: FAIL, B: FAIL})
    assert (world.alert.count, world.alert.resources.count()) == (2, 2)
    world.sweep({A: PASS, B: FAIL, C: FAIL})
    inside = {item.finding.resource: item.ended_as for item in world.alert.resources.all()}
    assert inside == {"vol-a": "restored", "vol-b": "", "vol-c": ""}


def test_a_rule_may_group(database_url: str, tmp_path: Path) -> None:
    world = World(tmp_path, FAILING.model_copy(update={"group": ("region",), "wait_minutes": 0}))
    world.sweep({A: FAIL, (HERE[0], HERE[1], "vol-z"): FAIL})
    assert [(row.group, row.count) for row in Alert.objects.all()] == [(f"region={HERE[1]}", 2)]


def test_a_threshold_in_percent(database_url: str, tmp_path: Path) -> None:
    world = World(tmp_path, FAILING.model_copy(update={"percent": 50.0, "wait_minutes": 0}))
    world.sweep({A: FAIL, B: PASS, C: PASS})
    assert not Alert.objects.exists()
    world.sweep({A: FAIL, B: FAIL, C: PASS})
    assert world.alert.state == "open"


def test_people_act_by_name_and_role_and_only_readings_end(world: World) -> None:
    opened(world)
    for by, problem in (("nobody", "there is no person"), ("aud", "may only read")):
        with pytest.raises((AlertError, StoreError), match=problem):
            review.acknowledge("AL-1", "seen", by=by, now=world.now, channel="cli")
    with pytest.raises(AlertError, match="a note is needed"):
        review.acknowledge("AL-1", " ", by="ana", now=world.now, channel="cli")
    row = review.acknowledge("AL-1", "I look into it", by="ana", now=world.now, channel="cli")
    assert (row.state, row.acknowledged_by) == ("acknowledged", "ana")
    with pytest.raises(AlertError, match="it is acknowledged"):
        review.acknowledge("AL-1", "again", by="ana", now=world.now, channel="cli")
    review.view(row, by="ana", now=world.now, channel="cli")
    review.review(["AL-1"], "repair", "the key is missing", by="ana", now=world.now, channel="cli")
    made = Review.objects.get()
    assert (made.reviewer, made.role, made.decision, made.bulk_size) == ("ana", "lead", "repair", 1)
    assert made.viewed_at == world.now
    assert made.evidence_seen == row.evidence_before
    assert world.alert.state == "acknowledged"
    assert len(entries("alert.acknowledged", "alert.reviewed", "alert.viewed")) == 3


def test_an_answer_that_nothing_followed_opens_it_again(world: World) -> None:
    opened(world)
    review.acknowledge("AL-1", "later", by="ana", now=world.now, channel="cli")
    world.tick(72 * 60)
    assert world.alert.state == "open"


def test_reviews_in_bulk_are_all_or_nothing(world: World) -> None:
    opened(world)
    with pytest.raises(StoreError):
        review.review(["AL-1", "AL-9"], "watch", "known", by="ana", now=world.now, channel="cli")
    assert not Review.objects.exists()


WATCH = Rule(id="watch", title="Something else", when="connection", wait_minutes=0)


def test_a_connection_that_fails_is_one_alert_and_a_pause_restores_nothing(
    database_url: str, tmp_path: Path
) -> None:
    world = World(tmp_path, WATCH)
    Connection.objects.update(state="failed", problem="ExpiredToken")
    engine.observe(NOW)
    assert (world.alert.state, world.alert.reason) == ("open", "connection prod failed: ExpiredToken")
    Connection.objects.update(state="paused")
    for minute in range(1, 4):
        engine.observe(NOW + minute * MINUTE)
    assert (world.alert.state, world.alert.interruption) == ("open", "it is paused")
    Connection.objects.update(state="connected", last_complete_at=NOW)
    for minute in range(4, 9):
        engine.observe(NOW + minute * MINUTE)
    assert world.alert.state == "open"  # Nothing was read since.
    for _ in range(2):
        world.sweep({A: PASS})
    engine.observe(world.now)
    assert world.alert.state == "verified restored" and world.alert.evidence_after


@pytest.mark.parametrize(
    ("when", "arrange", "said"),
    [
        ("write permission", lambda: Connection.objects.update(read_only=False), "could write"),
        (
            "check disabled",
            lambda: checks.disable(CHECK, actor="owner", now=NOW, reason="loud"),
            "1 of 1 checks are off",
        ),
    ],
)
def test_the_usual_findings_are_alerts(
    database_url: str, tmp_path: Path, when: Any, arrange: Any, said: str
) -> None:
    world = World(tmp_path, WATCH.model_copy(update={"when": when}))
    engine.observe(NOW)
    assert not Alert.objects.filter(state="open").exists()
    arrange()
    engine.observe(NOW + MINUTE)
    assert said in world.alert.reason
