"""`worker`: sweep at every interval, answer events, deliver messages, until stopped."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from proofwatch.app import App
from proofwatch.cli.output import errors, json_option, note, print_json_lines, say
from proofwatch.cli.sweeps import resume_sweep, run_sweep, show_sweep, sweep_body
from proofwatch.errors import ProofwatchError

if TYPE_CHECKING:
    from proofwatch.runtime.jobs import Lease
    from proofwatch.store.models import Connection, Hint

ENDED = ("complete", "partial", "failed", "skipped", "missed")
LONGEST_PAUSE = 30.0
"""Seconds between two attempts to reach a database that is away."""
LOOK_EVERY = 15.0
"""Seconds between two looks at everything that only waits for the time."""
ASK_EVERY = 0.5
"""Seconds between two questions whether a message or an event waits."""


@click.command()
@click.option("--once", is_flag=True, help="Do what is due now, then end.")
@json_option
def worker(once: bool, as_json: bool) -> None:
    """Sweep at every interval, answer events and deliver messages, until stopped (Ctrl-C or SIGTERM).

    Any number of workers may run: each occurrence is done by one, and one that dies is taken over.
    With --json, one object per line for every sweep that ended.
    """
    app = App().open()
    _ = app.catalog  # A wrong check file should stop the worker at once, not at its first sweep.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    stop = threading.Event()
    try:
        if once:
            failed = work_once(app, as_json)
        else:
            failed = False
            beside = (
                ("messages", send, ASK_EVERY),
                ("events", answer, ASK_EVERY),
                PICTURES,
                OUTSIDE,
                BINDERS,
                HISTORY,
            )
            for name, task, every in beside:
                threading.Thread(
                    target=keep_at, args=(app, name, task, stop, every), name=name, daemon=True
                ).start()
            _keep_sweeping(app, as_json)
    except KeyboardInterrupt:
        say("Stopped. A sweep in progress is taken up again by the next worker.")
        return
    finally:
        stop.set()
    sys.exit(3 if failed else 0)


def work_once(app: App, as_json: bool = False) -> bool:
    """Do everything that is due now; return whether a job failed (it is recorded with the job)."""
    from proofwatch.runtime import jobs

    failed = _sweep_due(app, jobs.owner_name(), as_json)
    answer(app)
    _look(app)
    send(app)
    picture(app)
    keep_outside(app)
    write_binders(app)
    keep_history(app)
    return failed


def send(app: App) -> int:
    """Deliver the messages and ticket steps that are due; return how many attempts were made."""
    from proofwatch.alerts import outbox
    from proofwatch.remediation import polling, tickets
    from proofwatch.runtime import jobs

    owner = jobs.owner_name()
    done = outbox.drain(app.sender(owner))
    done += tickets.drain(app.courier(owner))
    done += polling.poll(app.client, datetime.now(UTC))
    if done:
        app.sign()
    return done


def picture(app: App) -> int:
    """Let pictures of the pages be taken where they are due; return how often. A failure stops nothing."""
    from proofwatch.web.screens import due

    try:
        return due.take(app, datetime.now(UTC))
    except ProofwatchError as error:
        note(f"pictures: {error}")
        return 0


PICTURES = ("pictures", picture, LOOK_EVERY)
"""A loop of its own: a browser takes its time, and no sweep waits for it."""


def keep_outside(app: App) -> int:
    """Give checkpoints to the keepers that are due; return how many were tried."""
    from proofwatch.cli import outside

    return outside.keep_due(app)


OUTSIDE = ("checkpoints outside", keep_outside, LOOK_EVERY)
"""A loop of its own: a mail server or a repository takes its time, and no message waits for it."""


def write_binders(app: App) -> int:
    """Write the binders that were asked for, and the bundle of the month that ended; return how many."""
    from proofwatch.cli import binder

    return binder.write_due(app)


BINDERS = ("binders", write_binders, LOOK_EVERY)
"""A loop of its own: a binder takes minutes, and nothing else waits for it."""


def keep_history(app: App) -> int:
    """Archive old months, and release those that were brought back, once a day; return how often."""
    from proofwatch.cli import history

    return history.keep_up(app)


HISTORY = ("history", keep_history, LOOK_EVERY)
"""A loop of its own: a month of millions of rows takes its time."""


def answer(app: App) -> int:
    """Read again the tables that events and claims touch, and no others; return how many sweeps.

    Tables that neither an event nor a check joins are read in sweeps of their own, the longest waiting
    first: what is read fast does not wait for what is read slowly.
    """
    from proofwatch.runtime import jobs
    from proofwatch.store.services import hints

    done, owner = 0, jobs.owner_name()
    for connection in hints.waiting(datetime.now(UTC)):
        # Two workers at the same events would read the same tables twice, and pull at one sweep together.
        with jobs.turn(jobs.EVENTS, str(connection.pk), owner) as ours:
            if ours:
                done += _answer(app, connection)
    return done


def _answer(app: App, connection: Connection) -> int:
    from proofwatch.store.services import hints

    done = 0
    for tables in _groups(app, connection, hints.of(connection, datetime.now(UTC))):
        # Asked again: what was heard since is answered by this sweep, too.
        taken = [hint for hint in hints.of(connection, datetime.now(UTC)) if hint.table in tables]
        run = run_sweep(app, connection, tables=tuple(sorted(tables)), trigger="event", quiet=True)
        hints.settle(run, taken, datetime.now(UTC))
        done += 1
    known, left = _tables(connection), hints.of(connection, datetime.now(UTC))
    hints.forget([hint for hint in left if hint.table not in known])
    return done


def together(hinted: Iterable[str], joins: Iterable[Collection[str]]) -> list[set[str]]:
    """Return what to read together: each hinted table with those that a check joins it with.

    Args:
        hinted: names of tables, the longest waiting first; so are the groups.
        joins: the tables of each check.
    """
    joins = list(map(set, joins))
    groups: list[set[str]] = []
    for table in dict.fromkeys(hinted):
        group = {table}.union(*(bases for bases in joins if table in bases))
        same = [other for other in groups if other & group]
        if same:
            same[0] |= group.union(*same[1:])
            groups = [other for other in groups if all(other is not gone for gone in same[1:])]
        else:
            groups.append(group)
    return groups


def _groups(app: App, connection: Connection, waiting: Sequence[Hint]) -> list[set[str]]:
    """Return what to read together: what one event named, and what a check looks at as a whole."""
    known, views = _tables(connection), app.catalog.views
    joins: list[Collection[str]] = [
        views[check.table].tables if check.table in views else (check.table,)
        for check in app.catalog.checks.values()
    ]
    heard: dict[datetime, set[str]] = {}
    for hint in waiting:
        heard.setdefault(hint.heard_at, set()).add(hint.table)
    joins += heard.values()
    whole = [tables for tables in joins if all(name in known for name in tables)]
    return together([hint.table for hint in waiting if hint.table in known], whole)


def _tables(connection: Connection) -> Mapping[str, Any]:
    from proofwatch.connectors.registry import connector_class

    return connector_class(connection.kind).tables()


def keep_at(
    app: App, name: str, task: Callable[[App], int], stop: threading.Event, every: float = ASK_EVERY
) -> None:
    """Do one kind of short work again and again beside the sweeps; what fails is said, and rests."""
    from proofwatch.store.django import disconnect

    pause = 1.0
    try:
        while not stop.is_set():
            try:
                task(app)
                pause, rest = 1.0, every
            except Exception as error:  # noqa: BLE001 - said, and tried again; what waits stays queued
                words = str(error) if isinstance(error, ProofwatchError) else type(error).__name__
                note(f"{name}: {words}\n  trying again in {pause:.0f} s")
                disconnect()
                rest, pause = pause, min(2 * pause, LONGEST_PAUSE)
            stop.wait(rest)
    finally:
        disconnect()


def _keep_sweeping(app: App, as_json: bool) -> None:
    """Look at the clock and do what is due, for ever; a database that is away is waited for."""
    from proofwatch.runtime import jobs, scheduler
    from proofwatch.store.base import StoreError
    from proofwatch.store.django import disconnect, guarded

    owner, pause = jobs.owner_name(), 1.0
    while True:
        try:
            with guarded("looking for what is due"):
                _sweep_due(app, owner, as_json)
                _look(app)
                rest = _rest(scheduler.next_due())
            pause = 1.0
        except StoreError as error:
            if error.permanent:
                raise
            note(f"{error}\n  trying again in {pause:.0f} s")
            disconnect()
            rest, pause = pause, min(2 * pause, LONGEST_PAUSE)
        time.sleep(rest)


def sweep_and_look(app: App) -> int:
    """Do every sweep that is due, and what only waited for the time; return how many jobs failed."""
    from proofwatch.runtime import jobs

    failed = _sweep_due(app, jobs.owner_name(), as_json=False)
    _look(app)
    return int(failed)


def _look(app: App) -> None:
    """Move what only waited for the time, and keep the outcome of drills."""
    from proofwatch.alerts import drills
    from proofwatch.remediation import clock
    from proofwatch.runtime import scheduler

    now = datetime.now(UTC)
    scheduler.look_at_the_clock(now)
    clock.look(now, lambda name, error: note(f"{name}: {error}"))
    drills.keep(app.objects.put, now)
    app.sign()


def _sweep_due(app: App, owner: str, as_json: bool) -> bool:
    """Do every sweep that is due; return whether one failed."""
    from proofwatch.runtime import jobs, scheduler
    from proofwatch.store.base import StoreError

    scheduler.tick(datetime.now(UTC))
    failed = False
    handlers = {scheduler.SWEEP: lambda lease: _do_sweep(app, lease, as_json)}
    while True:
        try:
            if jobs.run_one(owner, handlers) is None:
                return failed
            app.sign()
        except Exception as error:  # recorded with the job, which was postponed
            if isinstance(error, StoreError) and not error.permanent:
                raise  # The database is away: the job's lease ends by itself, and this worker waits.
            failed = True
            note(
                str(error) if isinstance(error, ProofwatchError) else f"a job failed: {type(error).__name__}"
            )


def _do_sweep(app: App, lease: Lease, as_json: bool) -> None:
    from proofwatch.store.models.connections import ConnectionState
    from proofwatch.store.services import sweeps

    run = sweeps.get(lease.key)
    if run.state in ENDED:
        return
    owner = run.connection
    if owner.removed_at or owner.state == ConnectionState.PAUSED:
        why = "the connection was removed" if owner.removed_at else f"paused: {owner.paused_reason}"
        sweeps.skip(run, reason=why, now=datetime.now(UTC), actor="scheduler")
        return
    done = resume_sweep(app, run, quiet=as_json or not errors.is_terminal)
    if as_json:
        print_json_lines([sweep_body(done, app.objects)])
    else:
        show_sweep(done, app.objects)


def _rest(due: datetime | None) -> float:
    """Return how many seconds to sleep: until the next occurrence, at least 1, at most a look's time."""
    if due is None:
        return LOOK_EVERY
    return min(LOOK_EVERY, max(1.0, (due - datetime.now(UTC)) / timedelta(seconds=1)))
