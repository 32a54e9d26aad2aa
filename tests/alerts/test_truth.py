"""What people are told is what happened: no noise, no silence about what got worse, no word of the dead."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from proofwatch.alerts import outbox, people, review, silences
from proofwatch.alerts.base import AlertError
from proofwatch.alerts.replay import replay
from proofwatch.alerts.rules import Rule
from proofwatch.alerts.times import times
from proofwatch.outbound.http import Client
from proofwatch.store.base import StoreError
from proofwatch.store.models import (
    AlertEvent,
    ControlList,
    ControlStatusHistory,
    Delivery,
    HistoryPartition,
)
from tests.alerts.probe import Probe, install
from tests.alerts.test_outbox import NOW_RULE
from tests.alerts.world import FAIL, FAILING, PASS, A, B, C, World
from tests.store.samples import MINUTE, NOW


@pytest.fixture
def world(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(tmp_path, NOW_RULE)
    install(monkeypatch)
    made.sweep({A: PASS, B: PASS, C: PASS})
    return made


def sender(world: World) -> outbox.Sender:
    return outbox.Sender(Client(), "worker-1", clock=lambda: world.now)


def test_a_reading_that_says_the_same_again_is_no_event(world: World) -> None:
    for _ in range(5):
        world.sweep({A: FAIL})
    assert AlertEvent.objects.count() == 1
    world.sweep({A: FAIL, B: FAIL})
    assert AlertEvent.objects.count() == 2


def test_what_gets_worse_after_the_first_digest_is_told(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path, FAILING)
    install(monkeypatch)
    world.sweep({A: FAIL, B: PASS})
    world.sweep({A: FAIL, B: FAIL})
    world.sweep({A: FAIL, B: FAIL})
    world.sweep({A: FAIL, B: FAIL})
    assert world.alert.state == "open"
    row = Delivery.objects.get(happened="opened", channel="ops", state="queued")
    assert row.reason == "waiting for others of the same event"


def test_a_message_told_among_others_says_where_and_when(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path, NOW_RULE)
    install(monkeypatch)
    world.sweep({A: FAIL})
    world.minutes += 1
    outbox.drain(sender(world))
    assert times(world.alert)["alert"] == 60


def test_what_people_said_of_an_earlier_failure_does_not_count_for_the_next(world: World) -> None:
    world.sweep({A: FAIL})
    review.acknowledge("AL-1", "on it", by="ana", now=world.now, channel="cli")
    review.review(["AL-1"], "watch", "known", by="ana", now=world.now, channel="cli")
    for rows in ({A: PASS}, {A: PASS}, {A: FAIL}):
        world.sweep(rows)
    row = world.alert
    assert (row.state, row.regressed, row.reviewed_at, row.acknowledged_by) == ("open", 1, None, "")


def test_only_people_look(world: World) -> None:
    world.sweep({A: FAIL})
    with pytest.raises(StoreError, match="no person 'zoe'"):
        review.view(world.alert, by="zoe", now=world.now, channel="cli")
    review.view(world.alert, by="aud", now=world.now, channel="cli")
    assert AlertEvent.objects.get(kind="viewed").role == "auditor"


def test_the_four_times_are_counted_from_readings(world: World) -> None:
    world.sweep({A: FAIL})
    world.minutes += 2
    outbox.drain(sender(world))
    world.minutes += 3
    review.review(["AL-1"], "watch", "known", by="ana", now=world.now, channel="cli")
    assert times(world.alert) == {"detect": 900, "alert": 120, "review": 300, "restore": None}
    for _ in range(2):
        world.sweep({A: PASS})
    assert times(world.alert)["restore"] == 5 * 60 + 2 * 900


def test_the_time_to_detect_is_not_known_while_the_runs_before_it_are_in_the_archive(world: World) -> None:
    world.sweep({A: PASS})
    world.sweep({A: FAIL})
    before = times(world.alert)["detect"]
    HistoryPartition.objects.create(
        table="check_run", month=f"{world.alert.first_failed_at:%Y-%m}", part=1, rows=1, size=1, first_id=1,
        last_id=1, entry=0, state="away", archived_at=world.now,
    )  # fmt: skip
    assert before == 900 and times(world.alert)["detect"] is None
    HistoryPartition.objects.update(state="brought")
    assert times(world.alert)["detect"] == before


@pytest.mark.parametrize(
    ("matcher", "said"),
    [
        ({"rule": "nosuch"}, "no rule 'nosuch'"),
        ({"control": "ZZ"}, "no control 'ZZ'"),
        ({"severity": "catastrophic"}, "no severity"),
        ({"alert": "AL-77"}, "no alert 'AL-77'"),
    ],
)
def test_a_silence_for_what_does_not_exist_is_refused(world: World, matcher: dict, said: str) -> None:
    world.sweep({A: FAIL})
    with pytest.raises(StoreError, match=said):
        silences.make(matcher, "quiet", world.now + timedelta(hours=1), by="ana", now=world.now)
    silences.make({"rule": "n*"}, "quiet", world.now + timedelta(hours=1), by="ana", now=world.now)


@pytest.mark.parametrize("given", [{"severity": "bogus"}, {"control": "ZZ-99"}])
def test_a_misspelt_filter_is_no_good_news(world: World, given: dict) -> None:
    with pytest.raises(StoreError, match=r"there is no|is no severity"):
        review.query(**given)


def test_a_failed_test_of_a_channel_does_not_come_later_by_itself(world: World) -> None:
    from proofwatch.alerts import channelbook
    from proofwatch.alerts.channels.base import NotAccepted

    row = channelbook.queue_test("ops", actor="ana", now=world.now)
    Probe.refuse.append(NotAccepted("x", "busy", answer="429", retry_after=1))
    outbox.deliver(outbox.claim("w", world.now, row), sender(world))
    world.minutes += 60
    assert outbox.drain(sender(world)) == 0
    assert Delivery.objects.get(pk=row.pk).state == "failed"


def test_how_controls_stood_is_played_again(world: World) -> None:
    for minutes, status in ((0, "inconclusive"), (30, "passing"), (60, "inconclusive"), (400, "passing")):
        ControlStatusHistory.objects.create(
            control_id="ENC", at=NOW + minutes * MINUTE, status=status, severity="high", reason="…",
            counts={}, checks=[], sweeps=[], control_list=ControlList.objects.get(),
        )  # fmt: skip
    rule = Rule(id="unsure", title="t", when="inconclusive", minutes=60, wait_minutes=0)
    (done,) = replay([rule], NOW, NOW + 600 * MINUTE)
    assert (done.alerts, done.why_not) == (1, "")
    assert done.messages["opened"] == 1 and done.messages["verified restored"] == 1


def test_the_owner_of_a_task_is_told_and_its_date_counts(world: World) -> None:
    from proofwatch.alerts.messages import from_body
    from proofwatch.remediation import tasks

    people.add("ben", role="responder", actor="owner", now=NOW, email="ben@example.com")
    world.sweep({A: FAIL})
    tasks.make("AL-1", by="ana", now=world.now)
    due = world.now + timedelta(days=2)
    tasks.move_due("TSK-1", due, by="ana", now=world.now, reason="sooner")
    tasks.assign("TSK-1", "ben", by="ana", now=world.now + MINUTE)
    last = from_body(Delivery.objects.order_by("order").last().message)
    assert (last.owner, last.due) == ("ben", due) and "TSK-1 is ben's now" in last.note
    with pytest.raises(AlertError, match="auditor"):
        tasks.assign("TSK-1", "aud", by="ana", now=world.now)
