"""One whole sweep on one page: collect → snapshot → evaluate → reconcile → record. Read this first.

A sweep may be killed at any point. What it has finished is on disk, in the write-once store or in the
database, and a rerun of the same sweep goes on from there to the same end: reading is fixed to the places
of the stored plan, judging to the stored time of observation, and the state changes in one transaction.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rfc8785

from proofwatch.connectors.base import EVERY, GLOBAL, Place, Scope, Shard, Table
from proofwatch.connectors.registry import connector_class
from proofwatch.errors import ProofwatchError
from proofwatch.remediation.clock import observe
from proofwatch.snapshots.base import Objects, State
from proofwatch.snapshots.collect import Reading, collect_shard
from proofwatch.snapshots.commit import commit
from proofwatch.snapshots.manifest import read_state
from proofwatch.snapshots.rebuild import prune
from proofwatch.store import derived, reconcile
from proofwatch.store.collected import Collected
from proofwatch.store.judgement import Judged, judge
from proofwatch.store.models import Connection, Sweep
from proofwatch.store.models.sweeps import Trigger
from proofwatch.store.outcome import Outcome
from proofwatch.store.services import connections, sweeps

if TYPE_CHECKING:
    from proofwatch.checks.load import Catalog

TABLES = "tables"
"""Folder of rebuilt tables inside the cache."""

STATES_KEPT = 1000
"""Rebuilt tables that stay in the cache; older ones are rebuilt from the objects when they are asked for."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What a sweep works with; all of it is handed in.

    Attributes:
        objects: the write-once store.
        catalog: validated checks, views and tables.
        work: folder of sweeps in progress, on local disk.
        cache: folder of rebuilt tables; may be emptied at any time.
        executor: where shards are collected.
        sign: called after the state has changed, to sign the head of the log.
        progress: called with (stage, done, total).
        step: called with the name of each step that was just finished; the tests of resumption stop here.
    """

    objects: Objects
    catalog: Catalog
    work: Path
    cache: Path
    executor: Executor
    sign: Callable[[], None]
    progress: Callable[[str, int, int], None] = lambda stage, done, total: None
    step: Callable[[str], None] = lambda name: None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a sweep is going to read: fixed at its start, kept as an object, the same after a restart."""

    identity: Mapping[str, Any]
    scope: Scope
    shards: tuple[Shard, ...]
    failure: str = ""
    """Why nothing can be read at all (the identity is not accepted); then every place is unread."""


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
    folder = tools.work / str(run.pk)
    folder.mkdir(parents=True, exist_ok=True)
    connection = run.connection
    tables = _tables(connection, run, tools.catalog)
    plan = _plan(tools, run, connection, tables)
    tools.step("planned")
    collected = _collect(tools, connection, plan, tables, folder)
    tools.step("collected")
    sweeps.move(run, "snapshotting")
    own = [table for table in tables if not table.derived]
    states = _snapshot(tools, run, connection, own, collected, folder)
    if made := _derive(tools, run, plan, tables, collected, states, folder):
        states |= _snapshot(tools, run, connection, made, collected, folder)
    _keep_reads(run, plan, collected)
    tools.step("snapshotted")
    sweeps.move(run, "evaluating")
    outcome = _evaluate(tools, run, connection, collected, states, folder)
    if plan.scope.unlisted or collected.lacking():
        outcome = replace(outcome, complete=False)
    tools.step("evaluated")
    sweeps.move(run, "applying")
    reconcile.apply(run, outcome, tools.objects, now=_now(), actor=actor, also=observe)
    connections.identified(connection, plan.identity, actor=actor, now=_now())
    tools.step("applied")
    tools.sign()
    tools.step("signed")
    shutil.rmtree(folder, ignore_errors=True)
    prune(tools.cache / TABLES, STATES_KEPT)
    return sweeps.get(run.pk)


def _tables(connection: Connection, run: Sweep, catalog: Catalog) -> list[Table]:
    """Return the tables to read: those asked for, else all that the connector has."""
    known = connector_class(connection.kind).tables()
    return [known[name] for name in (run.tables or sorted(known))]


def _plan(tools: Tools, run: Sweep, connection: Connection, tables: Sequence[Table]) -> Plan:
    """Ask who we are and what exists, once; a restarted sweep reads the plan that was kept."""
    if run.plan:
        return _parse_plan(json.loads(tools.objects.get(run.plan)))
    tools.progress("plan", 0, 1)
    plan = _known_plan(tools, run, connection, tables) or _make_plan(tools, connection, tables)
    body = rfc8785.dumps(_plan_body(connection, plan))
    sweeps.begin(run, now=_now(), plan_object=tools.objects.put(body), unknown=plan.scope.unknown)
    run.refresh_from_db()
    tools.progress("plan", 1, 1)
    return plan


def _known_plan(tools: Tools, run: Sweep, connection: Connection, tables: Sequence[Table]) -> Plan | None:
    """Return the plan of a sweep that an event asked for: the places that the last whole sweep found.

    Asking who we are and what exists again would cost more than the reading. A place that came into being
    since is found by the next whole sweep.
    """
    last = sweeps.latest(connection, whole=True)
    fresh = timedelta(minutes=2 * connection.interval_minutes)
    if run.trigger != Trigger.EVENT or last is None or not last.plan or _now() - last.observed_at > fresh:
        return None
    known = _parse_plan(json.loads(tools.objects.get(last.plan)))
    if known.failure or known.scope.unlisted:
        return None
    cls = connector_class(connection.kind)
    names = [table.name for table in tables]
    try:
        connector = cls(cls.parse_settings(connection.settings))
        return replace(known, shards=tuple(connector.shards(known.scope, names)))
    except ProofwatchError:
        return None


def _make_plan(tools: Tools, connection: Connection, tables: Sequence[Table]) -> Plan:
    cls = connector_class(connection.kind)
    names = [table.name for table in tables]
    try:
        connector = cls(cls.parse_settings(connection.settings))
        identity = connector.identity()
        scope = _with_known_places(connector.scope(), connection)
        scope = derived.with_sources(scope, connection, tables, tools.catalog)
        return Plan(asdict(identity), scope, tuple(connector.shards(scope, names)))
    except ProofwatchError as error:
        scope = _known_scope(connection)
        return Plan({}, scope, (), failure=" ".join(error.problem.split()))


def _with_known_places(scope: Scope, connection: Connection) -> Scope:
    """Add what the last whole sweep read where the scope could not be listed: nothing drops out silently."""
    if not scope.unlisted:
        return scope
    named = {(place.account_id, place.region) for place in scope.places}
    accounts = {place.account_id for place in scope.places}
    lost = [
        Place(account, region)
        for account, region in sorted(_last_places(connection) - named)
        if account in scope.unlisted or (EVERY in scope.unlisted and account not in accounts)
    ]
    return replace(scope, places=(*scope.places, *lost))


def _last_places(connection: Connection) -> set[tuple[str, str]]:
    """Return the places of the last sweep that set out to read everything, else of the last one."""
    last = sweeps.latest(connection, whole=True) or sweeps.latest(connection)
    return {(read.account_id, read.region) for read in sweeps.reads(last)} if last else set()


def _known_scope(connection: Connection) -> Scope:
    """Return the places that the last sweep read; before any, one place that stands for all."""
    places = _last_places(connection)
    account = str(connection.identity.get("account_id", "")) or "unknown"
    return Scope(tuple(Place(*place) for place in sorted(places or {(account, GLOBAL)})))


def _plan_body(connection: Connection, plan: Plan) -> dict[str, Any]:
    return {
        "type": "proofwatch sweep plan",
        "connection": str(connection.pk),
        "connector": connection.kind,
        "identity": dict(plan.identity) | {"details": dict(plan.identity.get("details", {}))},
        "failure": plan.failure,
        "places": [asdict(place) for place in plan.scope.places],
        "unknown": list(plan.scope.unknown),
        "unlisted": list(plan.scope.unlisted),
        "shards": [{**asdict(shard), "tables": list(shard.tables)} for shard in plan.shards],
    }


def _parse_plan(body: Mapping[str, Any]) -> Plan:
    places = tuple(Place(**place) for place in body["places"])
    scope = Scope(places, tuple(body["unknown"]), tuple(body["unlisted"]))
    shards = tuple(Shard(**{**shard, "tables": tuple(shard["tables"])}) for shard in body["shards"])
    return Plan(body["identity"], scope, shards, body["failure"])


def _collect(
    tools: Tools, connection: Connection, plan: Plan, tables: Sequence[Table], folder: Path
) -> Collected:
    """Read every shard; what was finished before a restart is not read again."""
    collected = Collected()
    for table in tables:
        collected.readings[table.name] = []
    if plan.failure:
        for reading in _nothing_read(plan, tables):
            collected.readings[reading.table].append(reading)
        return collected
    settings = json.dumps(connection.settings, sort_keys=True)
    waiting = {
        tools.executor.submit(collect_shard, connection.kind, settings, shard, folder): shard
        for shard in plan.shards
        if not derived.is_derived(shard, tables)
    }
    tools.progress("collect", 0, len(waiting))
    for done, future in enumerate(as_completed(waiting), start=1):
        for reading in future.result():
            collected.readings[reading.table].append(reading)
        tools.step(f"shard {waiting[future].id}")
        tools.progress("collect", done, len(waiting))
    collected.sort(tables, folder)
    return collected


def _derive(
    tools: Tools,
    run: Sweep,
    plan: Plan,
    tables: Sequence[Table],
    collected: Collected,
    states: Mapping[str, State],
    folder: Path,
) -> list[Table]:
    """Make the tables that rest on what this sweep or other connections read; return them."""
    known = {table.name: table for table in tables if table.derived}
    whole = {name: state.manifest for name, state in states.items() if not collected.unread(name)}
    cache, owner = tools.cache / TABLES, run.connection.name
    read = _judged(collected, states)
    work = derived.Work(tools.objects, cache, tools.catalog, run.observed_at, whole, owner, read, folder)
    for shard in plan.shards if not plan.failure else ():
        for name in shard.tables if derived.is_derived(shard, tables) else ():
            reading = derived.read(known[name], run.connection, shard, work, folder)
            collected.readings[name].append(reading)
    collected.sort(list(known.values()), folder)
    return list(known.values())


def _nothing_read(plan: Plan, tables: Sequence[Table]) -> Iterable[Reading]:
    """Yield one unread record per table and place: nobody may look, so nothing is known anywhere."""
    accounts = sorted({place.account_id for place in plan.scope.places})
    regional = sorted({(p.account_id, p.region) for p in plan.scope.places if p.region != GLOBAL})
    everywhere = [(account, GLOBAL) for account in accounts]
    for table in tables:
        for account, region in (regional or everywhere) if table.place == "region" else everywhere:
            yield Reading(table.name, account, region, 0, 0, 0, 0.0, "", reason=plan.failure)


def _keep_reads(run: Sweep, plan: Plan, collected: Collected) -> None:
    sweeps.record_reads(
        run,
        [
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
            for readings in collected.readings.values()
            for item in readings
        ],
    )
    sweeps.record_gaps(run, plan.scope.gaps())


def _snapshot(
    tools: Tools,
    run: Sweep,
    connection: Connection,
    tables: Sequence[Table],
    collected: Collected,
    folder: Path,
) -> dict[str, State]:
    """Commit every table of which something was read; the others keep the state that they had."""
    before = sweeps.table_states(connection)
    states: dict[str, State] = {}
    tools.progress("snapshot", 0, len(tables))
    for done, table in enumerate(tables, start=1):
        parts = collected.parts.get(table.name, [])
        previous = read_state(before[table.name].manifest, tools.objects) if table.name in before else None
        if parts:
            states[table.name] = commit(
                table,
                str(connection.pk),
                parts,
                [(place.account_id, place.region) for place in collected.unread(table.name)],
                previous,
                tools.objects,
                folder,
                f"{run.observed_at:%Y-%m}",
                cache=tools.cache / TABLES,
            )
        elif previous is not None:
            states[table.name] = previous
        tools.step(f"table {table.name}")
        tools.progress("snapshot", done, len(tables))
    sweeps.record_states(run, states.values())
    return states


def _evaluate(
    tools: Tools,
    run: Sweep,
    connection: Connection,
    collected: Collected,
    states: Mapping[str, State],
    folder: Path,
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
        folder / "evaluation",
    )
    tools.progress("evaluate", 1, 1)
    return outcome


def _judged(collected: Collected, states: Mapping[str, State]) -> Judged:
    """Return what was read in the form in which it is judged."""
    return Judged(
        manifests={name: state.manifest for name, state in states.items()},
        places={name: collected.places(name) for name in collected.readings},
        unread={name: collected.unread(name) for name in collected.readings},
        rows=sum(item.rows for readings in collected.readings.values() for item in readings),
    )


def _now() -> datetime:
    return datetime.now(UTC)
