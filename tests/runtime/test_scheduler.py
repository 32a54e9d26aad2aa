"""Every due occurrence becomes exactly one row and leaves an entry; on SQLite and PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime, timedelta

import pytest

from proofwatch.runtime import jobs, scheduler
from proofwatch.store.models import Connection, Job, Sweep
from proofwatch.store.services import connections, sweeps
from tests.store.samples import MINUTE, NOW, connection, entries

TICKER = """
import sys
from datetime import datetime, timedelta
from proofwatch.runtime import scheduler
from proofwatch.store import django as store
store.setup(sys.argv[1])
start = datetime.fromisoformat(sys.argv[2])
for minute in range(0, 61, 5):
    scheduler.tick(start + timedelta(minutes=minute))
"""


def states() -> list[str]:
    return list(Sweep.objects.order_by("slot").values_list("state", flat=True))


def finish_jobs(now: datetime) -> None:
    while held := jobs.claim("w", now):
        jobs.finish(held, now)


@pytest.mark.parametrize(
    ("minutes", "count", "newest"), [(0, 1, 0), (14, 1, 0), (15, 2, 15), (44, 3, 30), (45, 4, 45)]
)
def test_occurrences_lie_on_the_grid_of_the_interval(minutes: int, count: int, newest: int) -> None:
    found = scheduler.occurrences(NOW, 15 * MINUTE, NOW + minutes * MINUTE)
    assert found == (count, NOW + newest * MINUTE)


def test_a_due_occurrence_is_planned_once_with_its_job(database_url: str) -> None:
    connection()
    assert scheduler.tick(NOW - MINUTE) == scheduler.Tick()
    [sweep] = scheduler.tick(NOW).planned
    assert scheduler.tick(NOW) == scheduler.Tick()
    assert (sweep.slot, sweep.state, sweep.trigger) == (NOW, "planned", "schedule")
    assert Job.objects.get().key == str(sweep.pk)
    assert Connection.objects.get().next_due_at == NOW + 15 * MINUTE == scheduler.next_due()
    [entry] = entries("schedule.slot")
    assert (entry["actor"], entry["data"]["slot"]) == ("scheduler", "2026-11-01T12:00:00Z")


def test_what_a_stopped_worker_missed_is_recorded_as_missed(database_url: str) -> None:
    connection()
    tick = scheduler.tick(NOW + 65 * MINUTE)
    assert (tick.missed, len(tick.planned)) == (4, 1)
    assert states() == ["missed", "missed", "missed", "missed", "planned"]
    assert tick.planned[0].slot == NOW + 60 * MINUTE
    [entry] = entries("schedule.missed")
    assert {key: entry["data"][key] for key in ("count", "first", "last", "reason")} == {
        "count": 4,
        "first": "2026-11-01T12:00:00Z",
        "last": "2026-11-01T12:45:00Z",
        "reason": "no worker was running",
    }


def test_a_long_absence_is_counted_in_full_with_a_bounded_number_of_rows(database_url: str) -> None:
    connection(interval_minutes=1)
    tick = scheduler.tick(NOW + timedelta(days=30))
    assert tick.missed == 30 * 24 * 60
    assert Sweep.objects.filter(state="missed").count() == scheduler.MOST_ROWS
    assert Sweep.objects.order_by("slot").first().slot == NOW + (30 * 24 * 60 - 200) * MINUTE
    assert entries("schedule.missed")[0]["data"]["count"] == 43_200


def test_a_paused_connection_skips_and_wakes_by_itself(database_url: str) -> None:
    owner = connection()
    until = NOW + 20 * MINUTE
    connections.pause(owner, actor="me", now=NOW, reason="maintenance", until=until)
    assert scheduler.tick(NOW).skipped == 1
    assert scheduler.tick(NOW + 15 * MINUTE).skipped == 1
    assert len(scheduler.tick(NOW + 30 * MINUTE).planned) == 1
    assert states() == ["skipped", "skipped", "planned"]
    reason = "paused by me until 2026-11-01T12:20:00Z: maintenance"
    assert [entry["data"]["reason"] for entry in entries("schedule.skipped")] == [reason, reason]
    assert entries("connection.resumed")[0]["actor"] == "scheduler"


def test_an_occurrence_while_the_last_sweep_is_still_at_work_is_skipped(database_url: str) -> None:
    connection()
    [first] = scheduler.tick(NOW).planned
    assert scheduler.tick(NOW + 15 * MINUTE).skipped == 1
    assert (
        Sweep.objects.get(state="skipped").error == f"sweep {first.pk} of this connection has not ended yet"
    )
    finish_jobs(NOW + 20 * MINUTE)
    assert len(scheduler.tick(NOW + 30 * MINUTE).planned) == 1


def test_a_sweep_whose_job_is_dead_has_failed(database_url: str) -> None:
    connection()
    [sweep] = scheduler.tick(NOW).planned
    Job.objects.update(state="dead", error="ValueError: bad row")
    scheduler.tick(NOW + MINUTE)
    found = sweeps.get(sweep.pk)
    assert (found.state, found.error) == ("failed", "ValueError: bad row")
    assert entries("sweep.failed")[0]["data"]["sweep"] == str(sweep.pk)
    scheduler.tick(NOW + 2 * MINUTE)
    assert len(entries("sweep.failed")) == 1


def test_a_removed_or_unfinished_connection_is_never_due(database_url: str) -> None:
    connections.remove(connection(), actor="me", now=NOW, reason="sold")
    connections.create("new", "aws", {}, actor="me", now=NOW)
    assert scheduler.tick(NOW + timedelta(days=1)) == scheduler.Tick()
    assert scheduler.next_due() is None


def test_a_new_interval_counts_from_the_next_occurrence(database_url: str) -> None:
    owner = connection()
    scheduler.tick(NOW)
    finish_jobs(NOW)
    connections.change(owner, actor="me", now=NOW, interval_minutes=60)
    assert len(scheduler.tick(NOW + 15 * MINUTE).planned) == 1
    assert scheduler.next_due() == NOW + 75 * MINUTE


def test_three_schedulers_at_once_plan_every_occurrence_once(database_url: str) -> None:
    for name in ("a", "b"):
        connection(name)
    command = [sys.executable, "-c", TICKER, database_url, NOW.isoformat()]
    processes = [subprocess.Popen(command) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    slots = list(Sweep.objects.order_by("connection__name", "slot").values_list("connection__name", "slot"))
    assert slots == [(name, NOW + 15 * number * MINUTE) for name in ("a", "b") for number in range(5)]
    told = sum(
        entry["data"].get("count", 1)
        for entry in entries("schedule.slot", "schedule.missed", "schedule.skipped")
    )
    assert told == 10
