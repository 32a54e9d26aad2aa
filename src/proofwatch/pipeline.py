"""One whole sweep on one page: collect → snapshot → evaluate → reconcile → record. Read this first.

A sweep may be killed at any point. What it has finished is on disk, in the write-once store or in the
database, and a rerun of the same sweep goes on from there to the same end: reading is fixed to the places
of the stored plan, judging to the stored time of observation, and the state changes in one transaction.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from proofwatch.connectors.base import GLOBAL, Table
from proofwatch.connectors.registry import connector_class
from proofwatch.connectors.turns import Turns
from proofwatch.remediation.clock import observe
from proofwatch.snapshots.base import Objects, State
from proofwatch.snapshots.batches import batches
from proofwatch.snapshots.collect import Reading, Task, collect
from proofwatch.snapshots.exchange import Exchange
from proofwatch.snapshots.rebuild import prune
from proofwatch.snapshots.tasks import Lost, Pool, Store
from proofwatch.store import derived, planning, reconcile
from proofwatch.store.collected import Collected
from proofwatch.store.committing import commit_all
from proofwatch.store.judgement import Judged, judge
from proofwatch.store.models import Connection, Sweep
from proofwatch.store.outcome import Outcome
from proofwatch.store.planning import Plan
from proofwatch.store.services import connections, reads, sweeps
from proofwatch.store.shards import Shards

if TYPE_CHECKING:
    from proofwatch.checks.load import Catalog

TABLES = "tables"
"""Folder of rebuilt tables inside the cache."""

TOLD_EVERY = 2.0
"""Seconds between two times that the pages are told how far a sweep came."""

STATES_KEPT = 1000
"""Rebuilt tables that stay in the cache; older ones are rebuilt from the objects when they are asked for."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What a sweep works with; all of it is handed in.

    Attributes:
        objects: the write-once store.
        catalog: validated checks, views and tables.
        cache: folder of rebuilt tables; may be emptied at any time.
        pool: where shards are collected, and large tables committed and judged.
        exchange: for a sweep's id: where its workers leave what they read.
        turns: whose turn it is to ask a provider, for all workers together.
        sign: called after the state has changed, to sign the head of the log.
        progress: called with (stage, done, total).
        step: called with the name of each step that was just finished; the tests of resumption stop here.
    """

    objects: Objects
    catalog: Catalog
    cache: Path
    pool: Pool
    exchange: Callable[[str], Exchange]
    turns: Turns
    sign: Callable[[], None]
    progress: Callable[[str, int, int], None] = lambda stage, done, total: None
    step: Callable[[str], None] = lambda name: None


def sweep(tools: Tools, run: Sweep, *, actor: str) -> Sweep:
    """Carry a planned or interrupted sweep to its end; return it as it ended.

    Args:
        tools: what it works with.
        run: a sweep planned by `store.services.sweeps.plan`, or one that was killed.
        actor: written beside everything that it changes.

    Raises:
        ProofwatchError: the state cannot be read or written. What the source system refuses is no error
            here: its tables are unread and their checks inconclusive.
    """
    exchange = tools.exchange(str(run.pk))
    folder = exchange.folder()
    connection = run.connection
    tables = _tables(connection, run, tools.catalog)
    plan = _plan(tools, run, connection, tables)
    tools.step("planned")
    collected = _collect(tools, run, plan, tables, exchange)
    tools.step("collected")
    sweeps.move(run, "snapshotting")
    own = [table for table in tables if not table.derived]
    states = _snapshot(tools, run, own, collected, exchange)
    if made := _derive(tools, run, plan, tables, collected, states, exchange):
        states |= _snapshot(tools, run, made, collected, exchange)
    _keep_reads(tools, run, plan, collected, folder)
    tools.step("snapshotted")
    sweeps.move(run, "evaluating")
    outcome = _evaluate(tools, run, connection, collected, states, exchange)
    if plan.scope.unlisted or collected.lacking():
        outcome = replace(outcome, complete=False)
    tools.step("evaluated")
    sweeps.move(run, "applying")
    reconcile.apply(run, outcome, tools.objects, now=_now(), actor=actor, also=observe)
    connections.identified(connection, plan.identity, actor=actor, now=_now())
    tools.step("applied")
    tools.sign()
    tools.step("signed")
    exchange.clear()
    prune(tools.cache / TABLES, STATES_KEPT)
    return sweeps.get(run.pk)


def _tables(connection: Connection, run: Sweep, catalog: Catalog) -> list[Table]:
    """Return the tables to read: those asked for, else all that the connector has."""
    known = connector_class(connection.kind).tables()
    return [known[name] for name in (run.tables or sorted(known))]


def _plan(tools: Tools, run: Sweep, connection: Connection, tables: Sequence[Table]) -> Plan:
    """Ask who we are and what exists, once; a restarted sweep reads the plan that was kept."""
    if run.plan:
        return planning.kept(run, tools.objects)
    tools.progress("plan", 0, 1)
    plan = planning.make(run, tables, tools.catalog, tools.objects, _now())
    sweeps.begin(
        run,
        now=_now(),
        plan_object=planning.keep(connection, plan, tools.objects),
        unknown=plan.scope.unknown,
    )
    run.refresh_from_db()
    tools.progress("plan", 1, 1)
    return plan


def _collect(tools: Tools, run: Sweep, plan: Plan, tables: Sequence[Table], exchange: Exchange) -> Collected:
    """Read every shard; what was finished before a restart is not read again."""
    collected = Collected(table.name for table in tables)
    if plan.failure:
        collected.add(_nothing_read(plan, tables))
        return collected
    shards = plan.shards.some(lambda names: not derived.is_derived(names, tables))
    tasks = _tasks(tools, run, shards, exchange)
    told = _Told(tools, run, shards.readings())
    told.tell(0, 0)
    for task, found in tools.pool.each(collect, tasks):
        readings = found if isinstance(found, list) else _lost(task, found)
        collected.add(readings)
        for shard in task.shards:
            tools.step(f"shard {shard.id}")
        told.tell(len(readings), 0 if isinstance(found, list) else len(readings))
    return collected


def _tasks(tools: Tools, run: Sweep, shards: Shards, exchange: Exchange) -> Iterator[Task]:
    """Put shards together by what their reading took the last time."""
    connection, last = run.connection, sweeps.latest(run.connection, whole=True)
    cls = connector_class(connection.kind)
    settings = json.dumps(connection.settings, sort_keys=True)
    sizes = reads.sizes(last, shards.tables(), tools.objects)
    for batch in batches(shards, sizes, tools.pool.size, together=cls.one_worker):
        yield Task(connection.kind, settings, str(run.pk), batch, exchange, tools.turns)


@dataclass(slots=True)
class _Told:
    """How far collecting came: told at once where the sweep was started, and now and then on the pages."""

    tools: Tools
    run: Sweep
    total: int
    done: int = 0
    lost: int = 0
    next: float = 0.0

    def tell(self, done: int, lost: int) -> None:
        self.done += done
        self.lost += lost
        self.tools.progress("collect", self.done, self.total)
        if self.done == self.total or time.monotonic() >= self.next:
            sweeps.came(self.run, read=self.done, to_read=self.total, lost=self.lost)
            self.next = time.monotonic() + TOLD_EVERY


def _lost(task: Task, lost: Lost) -> list[Reading]:
    """Return an unread record for everything that a lost task was to read: nothing is known of it."""
    return [
        Reading(table, shard.account_id, shard.region, 0, 0, 0, 0.0, "", reason=lost.reason, code="worker")
        for shard in task.shards
        for table in shard.tables
    ]


def _derive(
    tools: Tools,
    run: Sweep,
    plan: Plan,
    tables: Sequence[Table],
    collected: Collected,
    states: Mapping[str, State],
    exchange: Exchange,
) -> list[Table]:
    """Make the tables that rest on what this sweep or other connections read; return them."""
    known, folder = {table.name: table for table in tables if table.derived}, exchange.folder()
    whole = {name: state.manifest for name, state in states.items() if not collected.unread(name)}
    cache, owner = tools.cache / TABLES, run.connection.name
    read = _judged(collected, states)
    work = derived.Work(tools.objects, cache, tools.catalog, run.observed_at, whole, owner, read, folder)
    for shard in plan.shards.some(lambda names: derived.is_derived(names, tables)):
        for name in shard.tables:
            reading = derived.read(known[name], run.connection, shard, work, folder)
            collected.add([reading])
    return list(known.values())


def _nothing_read(plan: Plan, tables: Sequence[Table]) -> Iterable[Reading]:
    """Yield one unread record per table and place: nobody may look, so nothing is known anywhere."""
    accounts = sorted({place.account_id for place in plan.scope.places})
    regional = sorted({(p.account_id, p.region) for p in plan.scope.places if p.region != GLOBAL})
    everywhere = [(account, GLOBAL) for account in accounts]
    for table in tables:
        for account, region in (regional or everywhere) if table.place == "region" else everywhere:
            yield Reading(table.name, account, region, 0, 0, 0, 0.0, "", reason=plan.failure)


def _keep_reads(tools: Tools, run: Sweep, plan: Plan, collected: Collected, folder: Path) -> None:
    found = (
        sweeps.Read(
            account_id=item.account_id,
            region=item.region,
            table=item.table,
            rows=item.rows,
            calls=item.calls,
            pages=item.pages,
            reason=item.reason,
            permission=item.permission,
            code=item.code,
            lacking=item.lacking,
            lacking_why=item.lacking_why,
        )
        for item in collected.readings()
    )
    reads.keep(run, found, collected.count(), tools.objects, folder)
    sweeps.record_gaps(run, plan.scope.gaps())


def _snapshot(
    tools: Tools, run: Sweep, tables: Sequence[Table], collected: Collected, exchange: Exchange
) -> dict[str, State]:
    """Commit every table of which something was read; the others keep the state that they had."""
    told = count(1)

    def done(name: str) -> None:
        tools.step(f"table {name}")
        tools.progress("snapshot", next(told), len(tables))

    tools.progress("snapshot", 0, len(tables))
    store = Store(tools.objects, tools.cache / TABLES)
    return commit_all(run, tables, collected, exchange, store, tools.pool, done)


def _evaluate(
    tools: Tools,
    run: Sweep,
    connection: Connection,
    collected: Collected,
    states: Mapping[str, State],
    exchange: Exchange,
) -> Outcome:
    """Judge every check whose tables were due, keep the verdicts, and say what was found."""
    tools.progress("evaluate", 0, 1)
    outcome = judge(
        tools.catalog,
        connection.kind,
        _judged(collected, states),
        tools.objects,
        tools.cache / TABLES,
        run.observed_at,
        exchange.folder() / "evaluation",
        tools.pool,
        exchange,
    )
    tools.progress("evaluate", 1, 1)
    return outcome


def _judged(collected: Collected, states: Mapping[str, State]) -> Judged:
    """Return what was read in the form in which it is judged."""
    return Judged(
        manifests={name: state.manifest for name, state in states.items()},
        sizes={name: state.rows for name, state in states.items()},
        places={name: collected.places(name) for name in collected.tables},
        unread={name: collected.unread(name) for name in collected.tables},
        rows=collected.rows(),
    )


def _now() -> datetime:
    return datetime.now(UTC)
