"""`sweep`: collect and evaluate now, and say what could not be read."""

from __future__ import annotations

import fcntl
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from proofwatch.app import App
from proofwatch.cli.output import json_option, note, print_json, say, utc
from proofwatch.cli.progress import stage_progress
from proofwatch.config import ConfigError, check_executor

if TYPE_CHECKING:
    from proofwatch.snapshots.base import Objects
    from proofwatch.store.models import Connection, Sweep


@click.command()
@click.argument("connection", required=False)
@click.option("--tables", default="", help="Only these tables, with commas. Default: all.")
@json_option
def sweep(connection: str | None, tables: str, as_json: bool) -> None:
    """Collect and evaluate CONNECTION now, or every connection.

    Goes on with a sweep that was interrupted. Ends with 3 when something in scope could not be read.
    """
    from proofwatch.store.services import connections

    app = App().open()
    chosen = [connections.get(connection)] if connection else connections.every()
    if not chosen:
        raise click.UsageError("There is no connection yet. See `proofwatch connect aws --help`.")
    names = _tables(tables, chosen)
    runs = [run_sweep(app, item, tables=names, quiet=as_json) for item in chosen]
    if as_json:
        print_json([sweep_body(run, app.objects) for run in runs])
    else:
        for run in runs:
            show_sweep(run, app.objects)
    sys.exit(0 if all(run.state == "complete" for run in runs) else 3)


def _tables(text: str, chosen: Sequence[Connection]) -> tuple[str, ...]:
    """Return the named tables. Raises StoreError for one that no chosen connection has."""
    from proofwatch.connectors.registry import connector_class
    from proofwatch.store.services.naming import unknown

    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    known = {name for item in chosen for name in connector_class(item.kind).tables()}
    for name in names:
        if name not in known:
            raise unknown("choosing tables", "table", name, known)
    return names


def run_sweep(
    app: App,
    connection: Connection,
    *,
    tables: Sequence[str] = (),
    trigger: str = "manual",
    slot: datetime | None = None,
    quiet: bool = False,
) -> Sweep:
    """Carry one sweep of a connection to its end: the interrupted one if there is one, else a new one."""
    from proofwatch.store.services import sweeps

    # A scheduled one belongs to the worker that holds its lease, or to the next one.
    waiting = [
        run
        for run in sweeps.unfinished(connection)
        if run.trigger != "schedule" and tuple(run.tables) == tuple(tables)
    ]
    now = datetime.now(UTC)
    fresh = [run for run in waiting if not _abandoned(app, run, now)]
    if slot is None and fresh:
        return resume_sweep(app, fresh[0], quiet=quiet)
    run = sweeps.plan(connection, slot=slot or now, trigger=trigger, actor=app.actor, now=now, tables=tables)
    return resume_sweep(app, run, quiet=quiet)


def _abandoned(app: App, run: Sweep, now: datetime) -> bool:
    """End an interrupted sweep that is too old to go on with: it would mix old readings with new ones."""
    from proofwatch.store.services import sweeps

    began = run.observed_at or run.slot
    newest = sweeps.latest(run.connection)
    if newest is not None and newest.observed_at > began:
        why = "a newer sweep was applied meanwhile"
    elif now - began > timedelta(minutes=run.connection.interval_minutes):
        why = "it was interrupted more than one interval ago"
    else:
        return False
    sweeps.fail(run, error=f"abandoned: {why}", now=now, actor=app.actor)
    note(f"The sweep that was interrupted at {utc(began)} is given up: {why}.")
    return True


def resume_sweep(
    app: App, run: Sweep, *, quiet: bool = False, step: Callable[[str], None] = lambda name: None
) -> Sweep:
    """Carry a planned or interrupted sweep to its end; `step` hears of each step that is finished."""
    from proofwatch import pipeline
    from proofwatch.connectors.turns import FolderTurns
    from proofwatch.runtime.places import places
    from proofwatch.runtime.pool import running
    from proofwatch.store.django import guarded

    settings = app.settings
    where = places(
        *check_executor(settings.executor),
        settings.work,
        tls=settings.executor_tls,
        exchange=settings.exchange,
        endpoint=settings.objects_endpoint,
    )
    with _alone(app, run), stage_progress(not quiet) as progress, running(where.workers) as pool:
        tools = pipeline.Tools(
            objects=app.objects,
            catalog=app.catalog,
            cache=app.settings.cache,
            pool=pool,
            exchange=where.exchange,
            turns=where.turns,
            sign=app.sign,
            progress=progress,
            step=step,
        )
        with guarded(f"sweeping {run.connection.name}"):
            done = pipeline.sweep(tools, run, actor=app.actor)
    if isinstance(where.turns, FolderTurns):
        where.turns.forget()
    return done


@contextmanager
def _alone(app: App, run: Sweep) -> Iterator[None]:
    """Hold the sweep on this machine: two processes at one sweep would pull each other's files away.

    Raises:
        ConfigError: another process is at it. The lock ends with its process, however that ends.
    """
    app.settings.work.mkdir(parents=True, exist_ok=True)
    path = app.settings.work / f"{run.pk}.lock"
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            name = run.connection.name
            problem = f"another process is at the sweep that was asked for at {utc(run.slot)}"
            raise ConfigError(f"sweeping {name}", problem, "Wait for it to end, or stop it.") from None
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def sweep_body(run: Sweep, objects: Objects) -> dict[str, Any]:
    """Return a sweep as plain data."""
    from proofwatch.store.services import reads, sweeps

    return {
        "sweep": str(run.pk),
        "connection": run.connection.name,
        "state": run.state,
        "observed_at": run.observed_at,
        "finished_at": run.finished_at,
        "counts": run.counts,
        "manifest": run.manifest,
        "unknown": list(run.unknown),
        "unread": [
            {
                "table": read.table,
                "account": read.account_id,
                "region": read.region,
                "reason": read.reason,
                "permission": read.permission,
            }
            for read in reads.of(run, objects, only="failed")
        ],
        "lacking": [
            {
                "table": read.table,
                "account": read.account_id,
                "region": read.region,
                "rows": read.lacking,
                "why": read.lacking_why,
            }
            for read in reads.of(run, objects, only="lacking")
        ],
        "gaps": [
            {"account": gap.account_id, "region": gap.region, "reason": gap.reason}
            for gap in sweeps.gaps(run)
        ],
    }


def show_sweep(run: Sweep, objects: Objects, most: int = 8) -> None:
    """Print how a sweep ended, and by name what it could not read."""
    from proofwatch.store.services import reads, sweeps

    counts = run.counts
    took = f" in {(run.finished_at - run.started_at).total_seconds():.0f} s" if run.finished_at else ""
    say(
        f"Sweep of {run.connection.name} observed at {utc(run.observed_at)}: {run.state}{took}. "
        f"{counts.get('objects', 0)} objects read; {counts.get('failed', 0)} results fail, "
        f"{counts.get('passed', 0)} pass, {counts.get('inconclusive', 0)} could not be told."
    )
    first: dict[str, str] = {}
    reasons: Counter[str] = Counter()
    for item in reads.of(run, objects, only="failed"):
        first.setdefault(item.reason, f"{item.table} in {item.account_id} {item.region}")
        reasons[item.reason] += 1
    for reason, place in list(first.items())[:most]:
        more = f" and {reasons[reason] - 1} more" if reasons[reason] > 1 else ""
        say(f"  unread: {place}{more}: {reason}", "yellow")
    if len(reasons) > most:
        say(f"  … and {len(reasons) - most} more reasons (--json shows all)", "yellow")
    lacking = reads.totals(run).lacking
    for row in reads.rows(run, "lacking")[:most]:
        where = f"{row.account_id} {row.region}"
        say(f"  {row.lacking} rows of {row.table} in {where} lack {row.lacking_why}", "yellow")
    if lacking > most:
        say(f"  … and {lacking - most} more tables with rows that lack something (--json)", "yellow")
    for text in run.unknown:
        say(f"  unknown: {text}", "yellow")
    newest = sweeps.latest(run.connection)
    if newest is not None and run.observed_at and newest.observed_at > run.observed_at:
        say("  superseded: a newer sweep of this connection was applied; what that one saw stands", "yellow")
    if gaps := sweeps.gaps(run):
        name = run.connection.name
        say(f"  {len(gaps)} places exist and are not read: proofwatch connections show {name}")
