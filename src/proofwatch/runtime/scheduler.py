"""Every due occurrence of every connection becomes exactly one row, and says what became of it.

An occurrence is a point on the grid that starts at a connection's first due time and has the
connection's interval. The newest due one is planned; those before it, when no worker was
there, are recorded as missed; those of a paused or busy connection as skipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from proofwatch.runtime import jobs
from proofwatch.store import log
from proofwatch.store.base import StoreError
from proofwatch.store.django import guarded, write
from proofwatch.store.models import Connection, Job, Sweep
from proofwatch.store.models.connections import ConnectionState
from proofwatch.store.models.jobs import JobState
from proofwatch.store.models.sweeps import RUNNING, SweepState, Trigger
from proofwatch.store.services import connections, controls, sweeps

ACTOR = "scheduler"
SWEEP = "sweep"
"""The kind of job that a planned occurrence makes; its key is the sweep's id."""
MOST_ROWS = 200
"""Missed or skipped occurrences of one gap that get a row each: the newest. The entry counts them all."""


@dataclass(slots=True)
class Tick:
    """What one look at the clock led to, as counts of occurrences and the sweeps planned."""

    planned: list[Sweep] = field(default_factory=list)
    missed: int = 0
    skipped: int = 0


def tick(now: datetime) -> Tick:
    """Turn every occurrence that is due at `now` into its row, once, whoever else does the same.

    Raises:
        StoreError: the database cannot be used. Occurrences stay due and are found next time.
    """
    done = Tick()
    settle(now)
    with guarded("looking for due connections"):
        rows = Connection.objects.filter(removed_at__isnull=True, next_due_at__lte=now)
        due = list(rows.order_by("next_due_at"))
    for connection in due:
        _occur(connection, now, done)
    return done


def settle(now: datetime) -> int:
    """Mark the sweeps whose job is dead as failed, with the job's last error; return how many."""
    with guarded("looking for dead jobs"):
        dead = dict(Job.objects.filter(kind=SWEEP, state=JobState.DEAD).values_list("key", "error"))
        stuck = list(Sweep.objects.filter(state__in=RUNNING))
    return sum(
        sweeps.fail(sweep, error=dead[str(sweep.pk)], now=now, actor=ACTOR)
        for sweep in stuck
        if str(sweep.pk) in dead
    )


def ask(connection: Connection, *, actor: str, now: datetime) -> Sweep:
    """Plan a sweep that somebody asked for outside the schedule; the next free worker takes it up.

    Raises:
        StoreError: the connection is paused or was removed, or a sweep of it has not ended yet.
    """
    doing = f"planning a sweep of {connection.name}"
    with write(doing):
        log.lock()  # so that of two who ask at once, the second is told
        fresh = connections.get(connection.name)
        if reason := _why_not(fresh):
            raise StoreError(doing, reason, "ask again when that is over")
        sweep = sweeps.plan(fresh, slot=now, trigger=Trigger.MANUAL, actor=actor, now=now)
        jobs.enqueue(SWEEP, str(sweep.pk), now, fresh)
    return sweep


def next_due() -> datetime | None:
    """Return when the next occurrence of any connection is due."""
    with guarded("looking for the next occurrence"):
        rows = Connection.objects.filter(removed_at__isnull=True, next_due_at__isnull=False)
        found: datetime | None = rows.order_by("next_due_at").values_list("next_due_at", flat=True).first()
    return found


def look_at_the_clock(now: datetime) -> list[str]:
    """Judge the controls again because time passed: a pass that grew old is no data."""
    return controls.judge(now, actor=ACTOR)


def occurrences(first: datetime, interval: timedelta, now: datetime) -> tuple[int, datetime]:
    """Return how many occurrences are due from `first` to `now`, and the newest of them."""
    count = (now - first) // interval + 1
    return count, first + (count - 1) * interval


def _occur(connection: Connection, now: datetime, done: Tick) -> None:
    interval = timedelta(minutes=connection.interval_minutes)
    first = connection.next_due_at
    count, newest = occurrences(first, interval, now)
    with write(f"scheduling connection {connection.name}"):
        won = Connection.objects.filter(
            pk=connection.pk,
            next_due_at=first,
            interval_minutes=connection.interval_minutes,
            removed_at__isnull=True,
        )
        if not won.update(next_due_at=newest + interval):
            return  # another scheduler did this
        fresh = _wake(Connection.objects.get(pk=connection.pk), now)
        if reason := _why_not(fresh):
            _record(fresh, SweepState.SKIPPED, first, count, reason, now)
            done.skipped += count
            return
        if count > 1:
            _record(fresh, SweepState.MISSED, first, count - 1, "no worker was running", now)
            done.missed += count - 1
        sweep = sweeps.plan(fresh, slot=newest, trigger=Trigger.SCHEDULE, actor=ACTOR, now=now)
        jobs.enqueue(SWEEP, str(sweep.pk), now, fresh)
        done.planned.append(sweep)


def _wake(connection: Connection, now: datetime) -> Connection:
    """End a pause whose time is over."""
    over = connection.paused_until is not None and connection.paused_until <= now
    if connection.state == ConnectionState.PAUSED and over:
        return connections.resume(connection, actor=ACTOR, now=now, reason="the pause ended")
    return connection


def _why_not(connection: Connection) -> str:
    if connection.state == ConnectionState.PAUSED:
        until = log.text(connection.paused_until)
        return f"paused by {connection.paused_by} until {until}: {connection.paused_reason}"
    ended = (JobState.DONE, JobState.DEAD)
    busy = Job.objects.filter(connection=connection, kind=SWEEP).exclude(state__in=ended).first()
    if busy is not None:
        return f"sweep {busy.key} of this connection has not ended yet"
    return ""


def _record(
    connection: Connection, state: str, first: datetime, count: int, reason: str, now: datetime
) -> None:
    """Write one entry for a run of occurrences without a sweep, and a row for each of the newest."""
    interval = timedelta(minutes=connection.interval_minutes)
    rows = [
        Sweep(
            connection=connection,
            slot=first + number * interval,
            trigger=Trigger.SCHEDULE,
            state=state,
            error=reason,
            finished_at=now,
            actor=ACTOR,
        )
        for number in range(max(0, count - MOST_ROWS), count)
    ]
    Sweep.objects.bulk_create(rows, batch_size=MOST_ROWS, ignore_conflicts=True)
    log.append(f"schedule.{state}", ACTOR, _gap(connection, rows, first, count, reason), now)


def _gap(
    connection: Connection, rows: Sequence[Sweep], first: datetime, count: int, reason: str
) -> dict[str, object]:
    return {
        "connection": str(connection.pk),
        "name": connection.name,
        "interval_minutes": connection.interval_minutes,
        "count": count,
        "first": log.text(first),
        "last": log.text(rows[-1].slot),
        "reason": reason,
    }
