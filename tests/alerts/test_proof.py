"""Nothing ends without proof, nothing new goes untold: the stories that were found to go wrong."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from proofwatch.alerts import dismissals, drills, engine, outbox, people, review, rulebook, silences
from proofwatch.alerts.base import AlertError
from proofwatch.alerts.rules import Rule
from proofwatch.controls.base import ControlList
from proofwatch.outbound.http import Client
from proofwatch.remediation import clock, tasks
from proofwatch.store import reconcile
from proofwatch.store.models import Alert, AlertEvent, Connection, ControlStatus, Delivery, Drill, Sweep
from proofwatch.store.models.connections import ConnectionState
from proofwatch.store.services import controls
from tests.alerts.probe import Probe, install
from tests.alerts.test_outbox import NOW_RULE
from tests.alerts.world import FAIL, PASS, A, B, C, World, control
from tests.store.samples import CHECK, HERE, MINUTE, NOW, begun, connection, outcome

OTHER = "aws.ec2.other"
DAY = timedelta(days=1)


@pytest.fixture
def world(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(tmp_path, NOW_RULE)
    install(monkeypatch)
    made.sweep({A: PASS, B: PASS, C: PASS})
    return made


def two_checks() -> None:
    listed = ControlList("soc2", "2", "t", (control("ENC", CHECK, OTHER),), "1" * 64)
    row = controls.import_list(listed, actor="owner", now=NOW)
    controls.approve(row.number, actor="owner", now=NOW, note="two checks")


def sender(world: World) -> outbox.Sender:
    return outbox.Sender(Client(), "worker-1", clock=lambda: world.now)


def told() -> list[str]:
    return [str(message.happened) for message, _ in Probe.sent]


def stands(control_id: str, status: str, at, sweep: Sweep) -> None:
    ControlStatus.objects.filter(control_id=control_id).update(
        status=status, observed_at=at, since=NOW, sweeps=[str(sweep.pk)]
    )


# What proves, and what does not.


def test_no_data_does_not_prove_that_a_control_can_be_judged(database_url: str, tmp_path: Path) -> None:
    world = World(tmp_path, Rule(id="unsure", title="t", when="inconclusive", wait_minutes=0))
    world.sweep({A: PASS})
    stands("ENC", "inconclusive", world.now, world.run)
    engine.observe(world.now)
    assert world.alert.state == "open"
    stands("ENC", "no data", world.now + 9 * MINUTE, world.run)
    for minute in range(10, 15):
        engine.observe(world.now + minute * MINUTE)
    assert world.alert.state == "open" and "it is no data now" in world.alert.interruption
    for minute in (30, 45):
        stands("ENC", "passing", world.now + minute * MINUTE, world.run)
        for second in (0, 15, 30):
            engine.observe(world.now + minute * MINUTE + timedelta(seconds=second))
        assert world.alert.state == ("open" if minute == 30 else "verified restored")
    assert world.alert.evidence_after == Sweep.objects.get(pk=world.run.pk).manifest


def test_repairs_seen_by_different_sweeps_end_what_never_opened(database_url: str, tmp_path: Path) -> None:
    world = World(tmp_path, Rule(id="slow", title="t", when="failing", wait_minutes=30))
    two_checks()
    world.apply(outcome({CHECK: {A: FAIL}, OTHER: {B: FAIL}}))
    world.apply(outcome({CHECK: {A: PASS}}), minutes=5)
    world.apply(outcome({OTHER: {B: PASS}}), minutes=5)
    assert world.alert.state == "closed: did not last"


def test_the_clock_opens_nothing_that_fails_no_more(database_url: str, tmp_path: Path) -> None:
    world = World(tmp_path, Rule(id="slow", title="t", when="failing", wait_minutes=30, count=2))
    world.sweep({A: FAIL, B: FAIL})
    world.sweep({A: PASS, B: FAIL}, minutes=5)
    world.tick(60)
    assert world.alert.state == "pending"


def test_a_claim_is_not_refuted_by_a_sweep_of_something_else(world: World) -> None:
    two_checks()
    world.apply(outcome({CHECK: {A: FAIL}, OTHER: {B: PASS}}))
    before = world.alert.evidence_before
    tasks.make("AL-1", by="ana", now=world.now)
    tasks.claim_fixed("TSK-1", "done", by="ana", now=world.now + MINUTE)
    world.apply(outcome({OTHER: {B: PASS}}))
    assert (world.alert.state, world.alert.evidence_before) == ("fix claimed", before)
    world.apply(outcome({CHECK: {A: FAIL}}))
    assert world.alert.state == "in remediation"


def test_readings_between_the_thresholds_are_no_passes(database_url: str, tmp_path: Path) -> None:
    rule = NOW_RULE.model_copy(update={"count": 3, "recover_count": 1})
    world = World(tmp_path, rule)
    for rows in ({A: FAIL, B: FAIL, C: FAIL}, {A: PASS}, {A: FAIL, B: FAIL, C: PASS}, {A: PASS}):
        world.sweep({A: PASS, B: PASS, C: PASS} | rows)
    assert world.alert.state == "open"


def test_what_still_fails_under_the_threshold_is_not_gone(database_url: str, tmp_path: Path) -> None:
    world = World(tmp_path, NOW_RULE.model_copy(update={"count": 2, "recover_count": 1}))
    world.sweep({A: FAIL, B: FAIL, C: FAIL})
    world.sweep({C: FAIL})
    assert world.alert.state == "open"


def test_what_a_check_is_not_about_any_more_needs_as_many_readings(world: World) -> None:
    world.sweep({A: FAIL})
    away = ("not_applicable", "it is stopped")
    world.sweep({A: away})
    assert world.alert.state == "open"
    world.sweep({A: away})
    assert world.alert.state == "verified: resource gone"
    assert "no longer applies" in world.alert.reason


def test_after_a_regression_the_evidence_is_of_the_failure(world: World) -> None:
    for rows in ({A: FAIL}, {A: PASS}, {A: PASS}, {A: FAIL}):
        world.sweep(rows)
    (made,) = review.review(["AL-1", "1"], "watch", "seen", by="ana", now=world.now, channel="cli")
    run = Sweep.objects.get(pk=world.run.pk)
    assert made.evidence_seen == run.manifest and world.alert.evidence_after == ""


# What is new is told.


def test_another_failure_inside_an_alert_is_told_and_asked_about_again(world: World) -> None:
    world.sweep({A: FAIL, B: PASS})
    outbox.drain(sender(world))
    review.review(["AL-1"], "watch", "known", by="ana", now=world.now, channel="cli")
    world.sweep({A: PASS, B: FAIL}, minutes=20)
    outbox.drain(sender(world))
    assert told()[-1] == "changed" and "something else fails, too" in Probe.sent[-1][0].note
    assert world.alert.reviewed_at is None and world.alert.escalate_at is not None


def test_a_higher_severity_starts_sharper_clocks(world: World) -> None:
    world.sweep({A: FAIL})
    review.acknowledge("AL-1", "on it", by="ana", now=world.now, channel="cli")
    found = outcome({CHECK: {A: FAIL, B: FAIL}})
    worse = tuple(type(item)(**{**_fields(item), "severity": "critical"}) for item in found.checks)
    world.apply(type(found)(**{**_fields(found), "checks": worse}))
    row = world.alert
    assert row.severity == "critical"
    assert row.due_at == world.now + DAY and row.ack_until == world.now + timedelta(hours=8)


def _fields(item) -> dict:
    return {name: getattr(item, name) for name in item.__dataclass_fields__}


def test_a_false_positive_covers_what_two_people_spoke_about(world: World) -> None:
    people.add("bob", role="owner", actor="owner", now=NOW)
    world.sweep({A: FAIL, B: PASS})
    for who in ("ana", "bob"):
        dismissals.dismiss("AL-1", "a test disk", world.now + 300 * DAY, by=who, now=world.now)
    world.sweep({A: FAIL, B: PASS})
    assert world.alert.state == "closed: false positive"
    world.sweep({A: FAIL, B: FAIL})
    assert (world.alert.state, world.alert.regressed) == ("open", 1)


def test_a_false_positive_ends_with_the_check_that_it_was_about(world: World) -> None:
    people.add("bob", role="owner", actor="owner", now=NOW)
    world.sweep({A: FAIL})
    for who in ("ana", "bob"):
        dismissals.dismiss("AL-1", "a test disk", world.now + 300 * DAY, by=who, now=world.now)
    world.sweep({A: FAIL}, version="v2")
    assert world.alert.state == "open"


def test_a_review_of_what_was_acknowledged_is_an_answer(world: World) -> None:
    world.sweep({A: FAIL})
    review.acknowledge("AL-1", "on it", by="ana", now=world.now, channel="cli")
    review.review(["AL-1"], "watch", "planned", by="ana", now=world.now, channel="cli")
    world.tick(73 * 60)
    assert world.alert.state == "acknowledged"


def test_an_answer_that_nothing_followed_goes_up_a_level(world: World) -> None:
    world.sweep({A: FAIL})
    review.acknowledge("AL-1", "on it", by="ana", now=world.now, channel="cli")
    world.tick(73 * 60)
    assert (world.alert.state, world.alert.escalated) == ("open", 1)


# What is held back is not lost.


def test_an_outage_without_an_alert_of_its_own_hides_nothing(world: World) -> None:
    world.sweep({A: FAIL, B: PASS})
    Connection.objects.update(state=ConnectionState.FAILED, problem="ExpiredToken")
    world.tick(25 * 60)
    assert Delivery.objects.get(happened="repeated").state == "queued"


def test_what_an_outage_hid_is_told_when_it_is_over(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    down = Rule(id="down", title="t", when="connection", wait_minutes=0)
    world = World(tmp_path, NOW_RULE, down)
    install(monkeypatch)
    world.sweep({A: PASS})
    world.sweep({A: FAIL})
    outbox.drain(sender(world))
    Connection.objects.update(state=ConnectionState.FAILED, problem="ExpiredToken")
    engine.observe(world.now + MINUTE)
    world.tick(25 * 60)
    assert Delivery.objects.filter(happened="repeated", state="not sent").count() == 1
    Connection.objects.update(state=ConnectionState.CONNECTED, last_complete_at=world.now)
    for _ in range(2):
        world.sweep({A: FAIL})
    engine.observe(world.now)
    assert Alert.objects.get(rule_id="down").state == "verified restored"
    last = Delivery.objects.filter(happened="repeated").order_by("order").last()
    assert last.state == "queued" and "is back" in last.message["note"]


def test_flapping_ends_and_is_said(world: World) -> None:
    for rows in ({A: FAIL}, {A: PASS}, {A: PASS}) * 2:
        world.sweep(rows)
    world.sweep({A: FAIL})
    for _ in range(3):
        world.tick(12 * 60)
    assert world.alert.flapping_since is None
    rows = Delivery.objects.filter(happened="repeated", state="queued")
    assert any("flaps no more" in row.message["note"] for row in rows)


def test_what_never_lasts_flaps_all_the_same(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path, Rule(id="slow", title="t", when="failing", wait_minutes=30))
    install(monkeypatch)
    world.sweep({A: PASS})
    for _ in range(5):
        world.sweep({A: FAIL})
        world.sweep({A: PASS})
    assert Delivery.objects.filter(happened="flapping").count() == 1


def test_a_first_sweep_hides_only_its_own_connections_alerts(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path, NOW_RULE)
    install(monkeypatch)
    world.sweep({A: FAIL})
    rulebook.save([NOW_RULE.model_copy(update={"id": "new"})], actor="owner", now=world.now, reason="more")
    second = connection("second")
    run = begun(second, 45)
    found = outcome({CHECK: {B: FAIL}})
    reconcile.apply(run, found, world.objects, now=run.observed_at, also=engine.observe)
    held = Delivery.objects.filter(state="not sent", happened="opened", into__isnull=True)
    assert not held.exists()
    fresh = Alert.objects.get(rule_id="new", connection=world.owner)
    assert not fresh.baseline and fresh.deliveries.get().state == "queued"


def test_a_channel_that_heard_no_first_digest_hears_each_alert(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path, Rule(id="slow", title="t", when="failing", wait_minutes=30))
    world.sweep({A: FAIL})
    install(monkeypatch)
    world.sweep({A: FAIL}, minutes=60)
    assert Delivery.objects.get(happened="opened").state == "queued"


def test_until_worse_holds_back_until_it_is_worse(world: World) -> None:
    world.sweep({A: FAIL, B: PASS, C: PASS})
    outbox.drain(sender(world))
    silences.make({"rule": NOW_RULE.id}, "known", world.now + DAY, by="ana", now=world.now, until_worse=True)
    review.acknowledge("AL-1", "on it", by="ana", now=world.now, channel="cli")
    assert Delivery.objects.get(happened="acknowledged").state == "not sent"
    world.sweep({A: FAIL, B: FAIL, C: PASS})
    assert Delivery.objects.get(happened="changed").state == "queued"


def test_a_silence_does_not_keep_the_end_from_who_heard_the_beginning(world: World) -> None:
    world.sweep({A: FAIL})
    outbox.drain(sender(world))
    silences.make({"alert": "AL-1"}, "known", world.now + DAY, by="ana", now=world.now)
    for _ in range(2):
        world.sweep({A: PASS})
    outbox.drain(sender(world))
    assert told()[-1] == "verified restored"


def test_a_storm_that_was_told_at_once_ends_at_once(world: World) -> None:
    rule = NOW_RULE.model_copy(update={"id": "each", "group": ("resource",)})
    rulebook.save([rule], actor="owner", now=world.now, reason="one by one")
    rulebook.switch(NOW_RULE.id, False, actor="owner", now=world.now, reason="one by one")
    rows = [(*HERE, f"vol-{number:02}") for number in range(30)]
    world.sweep(dict.fromkeys(rows, FAIL))
    outbox.drain(sender(world))
    world.tick(5 * 60)
    outbox.drain(sender(world))
    for _ in range(2):
        world.sweep(dict.fromkeys(rows, PASS))
    outbox.drain(sender(world))
    assert told() == ["digest"] * 3
    assert "30 of them ended" in Probe.sent[-1][0].headline


def test_silenced_messages_make_no_empty_digest(world: World) -> None:
    rule = NOW_RULE.model_copy(update={"id": "each", "group": ("resource",)})
    rulebook.save([rule], actor="owner", now=world.now, reason="one by one")
    world.sweep({(*HERE, f"vol-{number:02}"): FAIL for number in range(25)})
    silences.make({"rule": "*"}, "known", world.now + DAY, by="ana", now=world.now)
    outbox.drain(sender(world))
    assert told() == []


# A look goes on.


def test_a_step_that_cannot_be_done_does_not_keep_the_others_from_being_done(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(now):
        raise AlertError("starting a drill", "it cannot be done")

    monkeypatch.setattr(clock, "STEPS", {**clock.STEPS, "drills": broken})
    world.sweep({A: FAIL})
    failures = []
    clock.look(world.now + 25 * 60 * MINUTE, lambda name, error: failures.append(name))
    assert failures == ["drills"] and AlertEvent.objects.filter(kind="time passed").exists()
    with pytest.raises(AlertError):
        clock.look(world.now + 26 * 60 * MINUTE)


def test_no_drill_begins_by_itself_where_nothing_is_automated(world: World) -> None:
    listed = ControlList("soc2", "3", "t", (control("HR-01"),), "3" * 64)
    row = controls.import_list(listed, actor="owner", now=NOW)
    controls.approve(row.number, actor="owner", now=NOW, note="by hand")
    assert drills.tick(NOW + 40 * DAY) == 0 and not Drill.objects.exists()
