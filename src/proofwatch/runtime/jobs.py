"""Work that is done once by some worker, however many there are and whichever dies.

A job is a row. Claiming, prolonging and ending it are conditional UPDATEs on (state, owner,
attempt), so they work the same on SQLite and PostgreSQL, and a worker that lost its lease
cannot end a job that another one took over. Every function is handed the time.
"""

from __future__ import annotations

import os
import socket
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from proofwatch.store.base import StoreError
from proofwatch.store.django import disconnect, guarded
from proofwatch.store.models import Connection, Job
from proofwatch.store.models.jobs import JobState

LEASE = timedelta(minutes=2)
"""How long a silent worker keeps its job. A living one prolongs it three times as often."""
MAX_ATTEMPTS = 5
FIRST_DELAY = timedelta(seconds=30)
LONGEST_DELAY = timedelta(hours=1)
CANDIDATES = 10
PICTURES = "screenshots"
BINDERS = "binder"
EVENTS = "events"
"""Whose turn it is to answer the events of a connection; its key is the connection's id. See `turn`."""
HISTORY = "history"
"""What is done with old months once a day; its key is the day."""
APART = (PICTURES, BINDERS, EVENTS, HISTORY)
"""Kinds that are claimed by name only: they may take long, and no sweep waits for them."""

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Lease:
    """One worker's right to one job. `attempt` is the fencing token: each claim has its own."""

    job: int
    kind: str
    key: str
    connection: uuid.UUID | None
    owner: str
    attempt: int


def utc_now() -> datetime:
    """Return the time in UTC: the clock of a real worker."""
    return datetime.now(UTC)


def owner_name() -> str:
    """Return a name that no other worker has: host, process, and a random part."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


def enqueue(kind: str, key: str, due_at: datetime, connection: Connection | None = None) -> bool:
    """Add a job unless (kind, key) is there already; return whether it was added."""
    defaults = {"due_at": due_at, "connection": connection}
    with guarded("adding a job"):
        _, created = Job.objects.get_or_create(kind=kind, key=key, defaults=defaults)
    return bool(created)


def once_more(kind: str, key: str, due_at: datetime) -> bool:
    """Let a dead job be tried one more time; return whether there was one."""
    dead = Job.objects.filter(kind=kind, key=key, state=JobState.DEAD)
    return bool(
        dead.update(state=JobState.PENDING, due_at=due_at, attempts=MAX_ATTEMPTS - 1, finished_at=None)
    )


def delay(attempt: int) -> timedelta:
    """Return how long a job rests after its nth failed attempt: doubling, at most an hour."""
    return min(FIRST_DELAY * (1 << (max(attempt, 1) - 1)), LONGEST_DELAY)


def claim(owner: str, now: datetime, *, lease: timedelta = LEASE, only: str = "") -> Lease | None:
    """Take the job that has been due longest, or one whose worker fell silent; None if there is none.

    A job that has used up its attempts (its workers died) becomes dead here, with that reason.

    Args:
        owner: who takes it.
        now: the time.
        lease: how long the owner may be silent.
        only: kind of job; "" for every kind that does not stand `APART`.
    """
    free = Q(state=JobState.PENDING, due_at__lte=now) | Q(state=JobState.RUNNING, leased_until__lt=now)
    free &= Q(kind=only) if only else ~Q(kind__in=APART)
    with guarded("claiming a job"):
        # Others may be faster at every one of these; then there are more, or none.
        while jobs := list(Job.objects.filter(free).order_by("due_at", "pk")[:CANDIDATES]):
            for job in jobs:
                if held := _take(job, free, owner, now, lease):
                    return held
    return None


def _take(job: Job, free: Q, owner: str, now: datetime, lease: timedelta) -> Lease | None:
    seen = Job.objects.filter(
        free, pk=job.pk, state=job.state, lease_owner=job.lease_owner, attempts=job.attempts
    )
    if job.attempts >= MAX_ATTEMPTS:
        lost = job.error or f"{job.attempts} workers were lost while doing it"
        seen.update(state=JobState.DEAD, error=lost, finished_at=now, lease_owner="")
        return None
    attempt = job.attempts + 1
    taken = seen.update(state=JobState.RUNNING, lease_owner=owner, leased_until=now + lease, attempts=attempt)
    return Lease(job.pk, job.kind, job.key, job.connection_id, owner, attempt) if taken else None


def prolong(lease: Lease, now: datetime, *, length: timedelta = LEASE) -> bool:
    """Keep a job for longer; False if it is no longer this worker's."""
    with guarded("prolonging a lease"):
        return bool(_held(lease).update(leased_until=now + length))


def finish(lease: Lease, now: datetime) -> bool:
    """Mark a job done; False if another worker took it over meanwhile."""
    with guarded("ending a job"):
        ended = _held(lease).update(
            state=JobState.DONE, finished_at=now, lease_owner="", leased_until=None, error=""
        )
    return bool(ended)


def postpone(lease: Lease, now: datetime, error: str) -> bool:
    """Let a failed job rest before its next attempt, or end it as dead after the last one."""
    changes: dict[str, Any] = {"error": error[:2000], "lease_owner": "", "leased_until": None}
    if lease.attempt >= MAX_ATTEMPTS:
        changes |= {"state": JobState.DEAD, "finished_at": now}
    else:
        changes |= {"state": JobState.PENDING, "due_at": now + delay(lease.attempt)}
    with guarded("postponing a job"):
        return bool(_held(lease).update(**changes))


def release(lease: Lease) -> bool:
    """Give a job back at once, without counting the attempt: its worker was asked to stop."""
    with guarded("giving a job back"):
        given = _held(lease).update(
            state=JobState.PENDING, lease_owner="", leased_until=None, attempts=lease.attempt - 1
        )
    return bool(given)


def run_one(
    owner: str,
    handlers: Mapping[str, Callable[[Lease], None]],
    *,
    clock: Clock = utc_now,
    lease: timedelta = LEASE,
    only: str = "",
) -> Lease | None:
    """Claim one job and do it; return its lease, or None if there was nothing to do. `only`: see `claim`.

    The job is postponed *before* its error is raised, so that a poisoned one cannot be claimed
    again at once by the next worker.

    Raises:
        BaseException: whatever the handler raised, after the job was postponed.
    """
    held = claim(owner, clock(), lease=lease, only=only)
    if held is None:
        return None
    try:
        with heartbeat(held, clock=clock, lease=lease):
            _handler(handlers, held.kind)(held)
    except (KeyboardInterrupt, SystemExit):
        with suppress(StoreError):  # The database is away: the lease ends by itself.
            release(held)
        raise
    except BaseException as error:
        with suppress(StoreError):
            postpone(held, clock(), f"{type(error).__name__}: {error}")
        raise
    finish(held, clock())
    return held


@contextmanager
def turn(
    kind: str, key: str, owner: str, *, clock: Clock = utc_now, lease: timedelta = LEASE
) -> Iterator[bool]:
    """Do something that comes again and again, one worker at a time; yield whether it is this one's turn.

    A worker that dies loses its turn with its lease. `kind` has to stand `APART`.
    """
    now = clock()
    enqueue(kind, key, now)
    with guarded("taking a turn"):
        row = Job.objects.get(kind=kind, key=key)
        free = ~Q(state=JobState.RUNNING) | Q(leased_until__lt=now)
        seen = Job.objects.filter(free, pk=row.pk, attempts=row.attempts, lease_owner=row.lease_owner)
        attempt = row.attempts + 1
        taken = seen.update(
            state=JobState.RUNNING, lease_owner=owner, leased_until=now + lease, attempts=attempt
        )
    if not taken:
        yield False
        return
    held = Lease(row.pk, kind, key, row.connection_id, owner, attempt)
    try:
        with heartbeat(held, clock=clock, lease=lease):
            yield True
    finally:
        with suppress(StoreError):  # The database is away: the lease ends by itself.
            finish(held, clock())


@contextmanager
def heartbeat(held: Lease, *, clock: Clock = utc_now, lease: timedelta = LEASE) -> Iterator[threading.Event]:
    """Prolong a lease from a thread of its own while the body runs; yield an event set when it is lost."""
    stop, lost = threading.Event(), threading.Event()

    def beat() -> None:
        try:
            while not stop.wait(lease.total_seconds() / 3):
                try:
                    if not prolong(held, clock(), length=lease):
                        lost.set()
                        return
                except StoreError:
                    disconnect()  # Asked again over a new connection, well before the lease ends.
        finally:
            disconnect()

    thread = threading.Thread(target=beat, name=f"lease of job {held.job}", daemon=True)
    thread.start()
    try:
        yield lost
    finally:
        stop.set()
        thread.join()


def _handler(handlers: Mapping[str, Callable[[Lease], None]], kind: str) -> Callable[[Lease], None]:
    if kind not in handlers:
        known = ", ".join(sorted(handlers)) or "none"
        raise StoreError("running a job", f"no handler for {kind!r} (known: {known})", "update this worker")
    return handlers[kind]


def _held(lease: Lease) -> QuerySet:
    return Job.objects.filter(
        pk=lease.job, state=JobState.RUNNING, lease_owner=lease.owner, attempts=lease.attempt
    )
