"""From a moved alert to the provider's answer, on both databases: queued once, sent in order, never lost."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from proofwatch.alerts import channelbook, digest, engine, outbox, people, review, rulebook, silences, teams
from proofwatch.alerts.base import AlertError
from proofwatch.alerts.channels.base import NotAccepted
from proofwatch.alerts.messages import from_body
from proofwatch.alerts.rules import Rule
from proofwatch.outbound.http import Client
from proofwatch.store.models import Alert, Connection, Delivery, DeliveryAttempt
from proofwatch.store.models.connections import ConnectionState
from tests.alerts.probe import Probe, install
from tests.alerts.world import FAIL, PASS, A, B, C, World
from tests.store.samples import HERE, MINUTE, entries

NOW_RULE = Rule(id="now", title="A control fails", when="failing", wait_minutes=0, gather_minutes=0)


@pytest.fixture
def world(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(tmp_path, NOW_RULE)
    install(monkeypatch)
    made.sweep({A: PASS, B: PASS, C: PASS})  # The first sweep is told by a digest; there is nothing to tell.
    return made


def sender(world: World, **values: Any) -> outbox.Sender:
    return outbox.Sender(Client(), "worker-1", clock=lambda: world.now, **values)


def told() -> list[str]:
    return [str(message.happened) for message, _ in Probe.sent]


def test_an_alert_is_told_once_in_one_thread_until_it_is_restored(world: World) -> None:
    world.sweep({A: FAIL, B: PASS, C: PASS})
    assert outbox.drain(sender(world, texts=lambda check: ("it matters", "mend it"))) == 1
    world.sweep({A: FAIL, B: PASS, C: PASS})
    review.acknowledge("AL-1", "on it", by="ana", now=world.now, channel="cli")
    review.review(["AL-1"], "repair", "a ticket", by="ana", now=world.now, channel="cli")
    for _ in range(2):
        world.sweep({A: PASS, B: PASS, C: PASS})
    outbox.drain(sender(world))
    assert told() == ["opened", "acknowledged", "reviewed", "verified restored"]
    first, thread = Probe.sent[0]
    assert thread is None and Probe.sent[1][1] == {"last": 1} and Probe.sent[3][1] == {"last": 3}
    assert (first.number, first.severity, first.why, first.fix) == ("AL-1", "high", "it matters", "mend it")
    assert [item.resource for item in first.failing] == ["vol-a"] and first.more == 0
    assert len({message.thread for message, _ in Probe.sent}) == 1
    assert len({message.key for message, _ in Probe.sent}) == 4
    assert {row.state for row in Delivery.objects.all()} == {"accepted"}
    assert [e["data"]["outcome"] for e in entries("delivery.attempted")] == ["accepted"] * 4


def test_ten_resources_are_named_and_the_others_counted(world: World) -> None:
    rows = {(*HERE, f"vol-{number:03}"): FAIL for number in range(41)}
    world.sweep(rows)
    message = from_body(Delivery.objects.get().message)
    assert len(message.failing) == 10 and message.more == 31


def test_more_failures_are_told_at_most_once_in_fifteen_minutes(world: World) -> None:
    world.sweep({A: FAIL, B: PASS, C: PASS})
    outbox.drain(sender(world))
    world.sweep({A: FAIL, B: FAIL, C: PASS}, minutes=1)
    world.sweep({A: FAIL, B: FAIL, C: FAIL}, minutes=1)
    assert outbox.drain(sender(world)) == 0
    world.minutes += 15
    outbox.drain(sender(world))
    assert told() == ["opened", "changed"]
    assert len(Probe.sent[1][0].failing) == 3


def test_what_fails_in_the_first_sweep_is_one_digest(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path, NOW_RULE)
    install(monkeypatch)
    world.sweep({A: FAIL, B: FAIL})
    outbox.drain(sender(world))
    assert told() == ["digest"]
    assert "First sweep of prod: 1 alert begins" in Probe.sent[0][0].headline
    held = Delivery.objects.get(state="not sent")
    assert held.into is not None and held.into.happened == "digest" and "first sweep" in held.reason


def test_a_provider_that_refuses_for_now_is_asked_again_and_keeps_the_order(world: World) -> None:
    world.sweep({A: FAIL})
    Probe.refuse.append(NotAccepted("x", "busy", answer="429", retry_after=90))
    outbox.drain(sender(world))
    row = Delivery.objects.get()
    assert (row.state, row.reason, row.attempts) == ("retrying", "429", 1)
    assert row.due_at == world.now + timedelta(seconds=90)
    review.acknowledge("AL-1", "on it", by="ana", now=world.now, channel="cli")
    assert outbox.drain(sender(world)) == 0  # The answer waits for the message that it answers.
    world.minutes += 2
    outbox.drain(sender(world))
    assert told() == ["opened", "acknowledged"]
    assert [row.outcome for row in DeliveryAttempt.objects.order_by("pk")] == [
        "retry",
        "accepted",
        "accepted",
    ]


def test_a_message_that_can_never_be_accepted_fails_and_does_not_block_the_next(world: World) -> None:
    world.sweep({A: FAIL})
    Probe.refuse.append(NotAccepted("x", "no such channel", permanent=True, answer="404"))
    outbox.drain(sender(world))
    review.acknowledge("AL-1", "on it", by="ana", now=world.now, channel="cli")
    outbox.drain(sender(world))
    assert [row.state for row in Delivery.objects.order_by("order")] == ["failed", "accepted"]


def test_attempts_end_after_some_hours(world: World) -> None:
    world.sweep({A: FAIL})
    for _ in range(outbox.MOST_ATTEMPTS + 3):
        Probe.refuse[:] = [NotAccepted("x", "down", answer="503")]
        outbox.drain(sender(world))
        world.minutes += 61
    row = Delivery.objects.get()
    assert (row.state, row.attempts) == ("failed", outbox.MOST_ATTEMPTS)


@pytest.mark.parametrize("step", ["claimed", "sending", "sent"])
def test_a_worker_that_ends_in_the_middle_loses_nothing_and_owns_up_to_a_second_copy(
    world: World, step: str
) -> None:
    class Killed(BaseException):
        pass

    def stop(name: str) -> None:
        if name == step:
            raise Killed

    world.sweep({A: FAIL})
    with pytest.raises(Killed):
        outbox.drain(sender(world, step=stop))
    assert outbox.drain(sender(world)) == 0  # Somebody has it.
    world.minutes += 3
    assert outbox.drain(sender(world)) == 1
    row = Delivery.objects.get()
    assert (row.state, row.perhaps_twice, row.attempts) == ("accepted", True, 2)
    assert len(Probe.sent) == (2 if step == "sent" else 1)
    assert len({message.key for message, _ in Probe.sent}) == 1
    outcomes = [row.outcome for row in DeliveryAttempt.objects.order_by("number")]
    assert outcomes == ["unanswered", "accepted"]


def test_two_workers_do_not_send_one_message_twice(world: World) -> None:
    world.sweep({A: FAIL})
    first = outbox.claim("worker-1", world.now)
    assert first is not None and outbox.claim("worker-2", world.now) is None


def test_a_silence_counts_at_once_both_ways(world: World) -> None:
    until = world.now + timedelta(hours=2)
    world.sweep({A: FAIL})  # Queued before the silence begins, and not sent after it has begun.
    made = silences.make({"control": "ENC"}, "planned work", until, by="ana", now=world.now)
    assert outbox.drain(sender(world)) == 1 and told() == []
    row = Delivery.objects.get()
    assert row.state == "not sent" and row.reason.startswith("silenced by ana until ")
    assert world.alert.state == "open"
    silences.end(made.pk.hex[:8], "done early", by="ana", now=world.now)
    outbox.drain(sender(world))
    assert told() == ["repeated"] and "the silence by ana has ended" in Probe.sent[0][0].note


def test_a_silence_until_worse_ends_for_what_grew(world: World) -> None:
    world.sweep({A: FAIL, B: PASS})
    outbox.drain(sender(world))
    until = world.now + timedelta(hours=2)
    silences.make({"control": "EN*"}, "known", until, by="ana", now=world.now, until_worse=True)
    world.sweep({A: FAIL, B: FAIL}, minutes=20)
    outbox.drain(sender(world))
    assert told() == ["opened", "changed"]


def test_a_silence_ends_by_itself_and_what_it_hid_is_told(world: World) -> None:
    silences.make({"severity": "high"}, "quiet", world.now + timedelta(hours=1), by="ana", now=world.now)
    world.sweep({A: FAIL})
    world.minutes += 60
    assert silences.expire(world.now) == 1 and silences.expire(world.now) == 0
    outbox.drain(sender(world))
    assert told() == ["repeated"]


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"matcher": {}}, "nothing says"),
        ({"matcher": {"colour": "red"}}, "cannot be matched"),
        ({"reason": " "}, "needs a reason"),
        ({"until": timedelta(days=31)}, "30 days"),
        ({"until": timedelta(0)}, "30 days"),
        ({"by": "aud"}, "may only read"),
    ],
)
def test_a_silence_needs_a_matcher_a_reason_an_end_and_a_person(
    world: World, values: dict[str, Any], problem: str
) -> None:
    given = {"matcher": {"control": "ENC"}, "reason": "r", "until": timedelta(hours=1), "by": "ana", **values}
    with pytest.raises(AlertError, match=problem):
        silences.make(
            given["matcher"], given["reason"], world.now + given["until"], by=given["by"], now=world.now
        )


def test_a_storm_becomes_one_message_and_keeps_the_number_held_back(world: World) -> None:
    world.sweep({A: FAIL})
    alert = world.alert
    template = Delivery.objects.get()
    for number in range(20):
        copy = Alert.objects.get(pk=alert.pk)
        copy.pk, copy.number, copy.key, copy._state.adding = None, number + 2, f"{number:064}", True
        copy.id = None
        from uuid import uuid4

        copy.id = uuid4()
        copy.save(force_insert=True)
        Delivery.objects.create(
            key=f"k{number}", alert=copy, channel="ops", thread=copy.pk.hex, happened="opened",
            message=template.message, created_at=world.now, due_at=world.now,
        )  # fmt: skip
    outbox.drain(sender(world))
    assert told() == ["digest"] and "21 alerts at once" in Probe.sent[0][0].headline
    assert Delivery.objects.filter(state="not sent", into__happened="digest").count() == 21
    assert digest.held_back(world.now - timedelta(hours=1)) == [
        "21 messages held back: grouped into one message"
    ]


def test_an_alert_nobody_answers_goes_up_and_names_the_next(world: World, monkeypatch: Any) -> None:
    install(monkeypatch, "mail", kind="email")
    world.sweep({A: FAIL})
    outbox.drain(sender(world))
    world.tick(4 * 60 + 1)
    outbox.drain(sender(world))
    up = [message for message, _ in Probe.sent if message.happened == "escalated"]
    assert {message.to for message in up} == {(), ("ana@example.com",)}
    assert up[0].owner == "ana" and "nobody has acknowledged" in up[0].note


def test_quiet_hours_move_a_message_to_their_end_and_say_so(world: World) -> None:
    quiet = {"from": "00:00", "to": "23:59", "reason": "weekend", "except": ["critical"]}
    teams.save("sec", {"members": ["ana"], "quiet": quiet}, actor="owner", now=world.now, reason="rota")
    from proofwatch.alerts import rulebook

    changed = NOW_RULE.model_copy(update={"team": "sec"})
    rulebook.save([changed], actor="owner", now=world.now, reason="by the team")
    world.sweep({A: FAIL})
    row = Delivery.objects.get()
    assert row.due_at > world.now and row.reason.startswith("quiet hours of sec until ")
    assert outbox.drain(sender(world)) == 0
    assert row.message["owner"] == "ana"


def test_a_connection_that_is_down_holds_back_what_it_explains(world: World) -> None:
    down = Rule(id="down", title="A connection is down", when="connection", wait_minutes=0)
    rulebook.save([down], actor="owner", now=world.now, reason="it has an alert of its own")
    world.sweep({A: FAIL})
    outbox.drain(sender(world))
    Connection.objects.update(state=ConnectionState.FAILED, problem="ExpiredToken")
    engine.observe(world.now)
    world.tick(25 * 60)
    outbox.drain(sender(world))
    held = Delivery.objects.filter(state="not sent", happened="repeated")
    assert held.get().reason.startswith("inhibited: connection prod is down")
    assert "escalated" in told()


def test_a_channel_that_is_off_says_so(world: World) -> None:
    channelbook.switch("ops", False, actor="owner", now=world.now, reason="moved")
    world.sweep({A: FAIL})
    assert Delivery.objects.get().reason == "channel ops is off: moved"


def test_the_digest_comes_once_a_day_and_tells_what_was_held_back(world: World) -> None:
    assert digest.due(world.now) == 0  # A new team begins to count now.
    world.sweep({A: FAIL})
    world.minutes += 24 * 60
    assert digest.due(world.now) == 1 and digest.due(world.now) == 0
    world.minutes += 1
    outbox.drain(sender(world))
    message = next(message for message, _ in Probe.sent if message.happened == "digest")
    assert "1 alerts need a review" in message.headline
    assert any("AL-1 ENC" in line for line in message.lines)


def test_on_call_goes_round_and_skips_who_left(world: World) -> None:
    people.add("ben", role="responder", actor="owner", now=world.now)
    values = {"members": ["ana", "ben"], "rotation_days": 7}
    team = teams.save("sec", values, actor="owner", now=world.now, reason="rota")
    assert teams.order(team, world.now) == ["ana", "ben"]
    assert teams.order(team, world.now + timedelta(days=7)) == ["ben", "ana"]
    people.add("ben", role="responder", actor="owner", now=world.now)
    from proofwatch.store.models import Person

    Person.objects.filter(pk="ben").update(active=False)
    assert teams.order(team, world.now + timedelta(days=7)) == ["ana"]


def test_a_test_message_is_marked_and_its_answer_is_kept(world: World) -> None:
    queued = channelbook.queue_test("ops", actor="ana", now=world.now)
    claimed = outbox.claim("cli", world.now, queued)
    assert claimed is not None
    assert outbox.deliver(claimed, sender(world)).state == "accepted"
    assert Probe.sent[0][0].mark == "TEST"
    assert channelbook.get("ops").tested == "accepted: 200 ok"


def test_a_rule_that_does_not_name_the_channel_does_not_tell_it(world: World) -> None:
    from proofwatch.alerts import rulebook

    rule = NOW_RULE.model_copy(update={"channels": ("pager-*",)})
    rulebook.save([rule], actor="owner", now=world.now, reason="pager only")
    world.sweep({A: FAIL}, minutes=15)
    assert not Delivery.objects.exists()
    assert world.now - world.alert.opened_at < MINUTE
