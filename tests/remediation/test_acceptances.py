"""Accepted risks on both databases: two people, a scope, an end; visible and counted all the while."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from proofwatch.alerts import people
from proofwatch.alerts.base import AlertError
from proofwatch.remediation import acceptances, tasks
from proofwatch.store.base import StoreError
from proofwatch.store.models import ControlStatus, Finding
from proofwatch.store.services import controls
from tests.alerts.world import FAIL, PASS, UNSURE, A, B, C
from tests.remediation.test_tasks import RULE, Company
from tests.store.samples import NOW, entries


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Company:
    made = Company(tmp_path, RULE)
    people.add("bob", role="owner", actor="owner", now=NOW)
    people.add("ben", role="responder", actor="owner", now=NOW)
    made.sweep({A: FAIL, B: FAIL, C: PASS})
    return made


def accepted(world: Company, days: int = 30, **scope):
    until = world.now + timedelta(days=days)
    acceptances.request(scope or {"alert": "AL-1"}, "isolated network", until, by="ana", now=world.now)
    return acceptances.decide("RA-1", True, "agreed", by="bob", now=world.now)


def status(world: Company) -> str:
    controls.judge(world.now)
    return ControlStatus.objects.get(control_id="ENC").status


def test_another_person_approves_and_the_failures_stay_visible_and_counted(world: Company) -> None:
    row = accepted(world)
    assert (row.state, row.count, world.alert.state) == ("approved", 2, "accepted")
    assert set(Finding.objects.values_list("acceptance", "state")) == {("RA-1", "open")}
    assert status(world) == "accepted"
    counts = ControlStatus.objects.get(control_id="ENC")
    assert "2 of 3 fail under an approved risk acceptance" in counts.reason
    assert [e["actor"] for e in entries("acceptance.requested")] == ["ana"]
    assert [e["actor"] for e in entries("acceptance.decided")] == ["bob"]


def test_one_resource_can_be_accepted_and_the_others_still_fail(world: Company) -> None:
    row = accepted(world, control="ENC", resources=["vol-a"])
    assert (row.count, world.alert.state, status(world)) == (1, "open", "failing")
    assert Finding.objects.get(resource="vol-b").acceptance == ""


def test_more_failures_end_it_for_the_alert(world: Company) -> None:
    accepted(world)
    world.sweep({A: FAIL, B: FAIL, C: PASS})
    assert world.alert.state == "accepted"
    world.sweep({A: FAIL, B: FAIL, C: FAIL})
    assert world.alert.state == "open" and status(world) == "failing"


def test_another_resource_in_the_place_of_one_ends_it(world: Company) -> None:
    accepted(world)
    world.sweep({A: FAIL, B: PASS, C: FAIL})
    assert world.alert.state == "open"


def test_it_expires_and_then_fails_again(world: Company) -> None:
    accepted(world, days=1)
    world.minutes += 24 * 60
    assert acceptances.tick(world.now) == 1
    assert acceptances.get("RA-1").state == "expired" and world.alert.state == "open"
    assert not Finding.objects.exclude(acceptance="").exists()


def test_it_can_be_withdrawn_with_a_reason(world: Company) -> None:
    accepted(world)
    acceptances.end("RA-1", "the network is no longer isolated", by="ana", now=world.now)
    assert world.alert.state == "open" and status(world) == "failing"


def test_what_is_repaired_while_accepted_is_verified(world: Company) -> None:
    accepted(world)
    for _ in range(2):
        world.sweep({A: PASS, B: PASS, C: PASS})
    assert world.alert.state == "verified restored"


@pytest.mark.parametrize(
    ("by", "problem"), [("ana", "same person"), ("aud", "may only read"), ("ben", "owner or lead")]
)
def test_only_another_owner_or_lead_decides(world: Company, by: str, problem: str) -> None:
    until = world.now + timedelta(days=30)
    acceptances.request({"alert": "AL-1"}, "r", until, by="ana", now=world.now)
    with pytest.raises(AlertError, match=problem):
        acceptances.decide("RA-1", True, "agreed", by=by, now=world.now)
    assert world.alert.state == "open"


@pytest.mark.parametrize(
    ("scope", "reason", "days", "problem"),
    [
        ({}, "r", 3, "scope is empty"),
        ({"colour": "red"}, "r", 3, "cannot be in a scope"),
        ({"alert": "AL-1"}, " ", 3, "reason"),
        ({"alert": "AL-1"}, "r", 366, "within a year"),
        ({"alert": "AL-1"}, "r", 0, "is past"),
        ({"resources": ["vol-c"]}, "r", 3, "nothing in this scope fails"),
    ],
)
def test_a_request_says_what_why_and_until_when(world: Company, scope, reason, days, problem) -> None:
    with pytest.raises(AlertError, match=problem):
        acceptances.request(scope, reason, world.now + timedelta(days=days), by="ana", now=world.now)


def test_a_refused_one_changes_nothing(world: Company) -> None:
    acceptances.request({"alert": "AL-1"}, "r", world.now + timedelta(days=3), by="ana", now=world.now)
    assert acceptances.decide("RA-1", False, "no", by="bob", now=world.now).state == "refused"
    with pytest.raises(AlertError, match="refused already"):
        acceptances.decide("RA-1", True, "yes", by="bob", now=world.now)
    assert world.alert.state == "open"


def test_the_task_of_what_is_accepted_waits_until_the_end(world: Company) -> None:
    tasks.make("AL-1", by="ana", now=world.now)
    row = accepted(world)
    assert tasks.get("TSK-1").due_at == row.expires_at
    acceptances.end("RA-1", "the network is open now", by="bob", now=world.now)
    task = tasks.get("TSK-1")
    assert task.due_at == world.now + timedelta(days=7)
    assert [item.kind for item in tasks.events(task)] == ["made", "due", "due"]


def test_what_is_accepted_shows_beside_what_cannot_be_told(world: Company) -> None:
    world.sweep({A: FAIL, B: FAIL, C: UNSURE})
    accepted(world)
    assert status(world) == "inconclusive"
    assert "2 fail under an approved risk acceptance" in ControlStatus.objects.get(control_id="ENC").reason


@pytest.mark.parametrize(("days", "said"), [(-1, "is past"), (400, "within a year")])
def test_a_wrong_end_is_named(world: Company, days: int, said: str) -> None:
    with pytest.raises(AlertError, match=said):
        accepted(world, days=days)


def test_an_alert_that_does_not_exist_is_named(world: Company) -> None:
    with pytest.raises(StoreError, match="AL-77"):
        accepted(world, alert="AL-77")


def test_what_fails_after_it_was_asked_for_is_not_covered(world: Company) -> None:
    until = world.now + timedelta(days=30)
    acceptances.request({"control": "ENC"}, "isolated", until, by="ana", now=world.now)
    world.sweep({A: FAIL, B: FAIL, C: FAIL})
    row = acceptances.decide("RA-1", True, "agreed", by="bob", now=world.now)
    assert (row.count, world.alert.state) == (2, "open")
    assert Finding.objects.get(resource="vol-c").acceptance == ""


def test_what_was_repaired_and_fails_again_is_not_covered(world: Company) -> None:
    accepted(world, control="ENC", resources=["vol-a"])
    for rows in ({A: PASS, B: FAIL}, {A: FAIL, B: FAIL}):
        world.sweep(rows)
    assert Finding.objects.get(resource="vol-a").acceptance == ""


def test_the_end_of_one_acceptance_leaves_what_another_covers(world: Company) -> None:
    accepted(world, days=90, control="ENC")
    until = world.now + timedelta(days=1)
    acceptances.request({"check": "aws.ec2.ebs-volume-encrypted"}, "too", until, by="ana", now=world.now)
    second = acceptances.decide("RA-2", True, "agreed", by="bob", now=world.now)
    assert second.count == 0  # They are covered already, for longer.
    acceptances.tick(until)
    assert world.alert.state == "accepted"
    acceptances.end("RA-1", "no more", by="bob", now=until)
    assert world.alert.state == "open"


def test_what_still_waits_is_accepted_too(database_url: str, tmp_path: Path) -> None:
    made = Company(tmp_path, RULE.model_copy(update={"wait_minutes": 30}))
    people.add("bob", role="owner", actor="owner", now=NOW)
    made.sweep({A: FAIL})
    row = accepted(made, days=1, control="ENC")
    made.sweep({A: FAIL}, minutes=60)
    assert made.alert.state == "accepted" and made.alert.number is None
    acceptances.tick(row.expires_at)
    assert (made.alert.state, made.alert.number) == ("open", 1)
