"""What a sweep is going to read: asked of the source once, kept as an object, the same after a restart."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import rfc8785

from proofwatch.connectors.base import EVERY, GLOBAL, Connector, Place, Scope, Shard, Table
from proofwatch.connectors.registry import connector_class
from proofwatch.errors import ProofwatchError
from proofwatch.snapshots.base import Objects
from proofwatch.store import derived
from proofwatch.store.models import Connection, Sweep
from proofwatch.store.models.sweeps import Trigger
from proofwatch.store.services import reads, sweeps
from proofwatch.store.shards import Shards, grouped

if TYPE_CHECKING:
    from proofwatch.checks.load import Catalog


@dataclass(frozen=True, slots=True)
class Plan:
    """What a sweep is going to read: fixed at its start, kept as an object, the same after a restart."""

    identity: Mapping[str, Any]
    scope: Scope
    shards: Shards
    failure: str = ""
    """Why nothing can be read at all (the identity is not accepted); then every place is unread."""


def kept(run: Sweep, objects: Objects) -> Plan:
    """Return the plan of a sweep that was begun."""
    return _parse_plan(json.loads(objects.get(run.plan)))


def keep(connection: Connection, plan: Plan, objects: Objects) -> str:
    """Keep a plan; return its object."""
    return objects.put(rfc8785.dumps(_plan_body(connection, plan)))


def make(run: Sweep, tables: Sequence[Table], catalog: Catalog, objects: Objects, now: datetime) -> Plan:
    """Ask the source who we are and what exists; what it refuses is the plan's failure.

    Args:
        run: the sweep.
        tables: what is to be read.
        catalog: for tables that are made from other connections.
        objects: where the plan of the sweep before is kept.
        now: the time.
    """
    return _known_plan(run, tables, objects, now) or _make_plan(run.connection, tables, catalog, objects)


def _known_plan(run: Sweep, tables: Sequence[Table], objects: Objects, now: datetime) -> Plan | None:
    """Return the plan of a sweep that an event asked for: the places that the last whole sweep found.

    Asking who we are and what exists again would cost more than the reading. A place that came into being
    since is found by the next whole sweep.
    """
    connection = run.connection
    last = sweeps.latest(connection, whole=True)
    fresh = timedelta(minutes=2 * connection.interval_minutes)
    if run.trigger != Trigger.EVENT or last is None or not last.plan or now - last.observed_at > fresh:
        return None
    known = _parse_plan(json.loads(objects.get(last.plan)))
    if known.failure or known.scope.unlisted:
        return None
    cls = connector_class(connection.kind)
    names = [table.name for table in tables]
    try:
        connector = cls(cls.parse_settings(connection.settings))
        return replace(known, shards=_shards(connector, known.scope, names))
    except ProofwatchError:
        return None


def _make_plan(connection: Connection, tables: Sequence[Table], catalog: Catalog, objects: Objects) -> Plan:
    cls = connector_class(connection.kind)
    names = [table.name for table in tables]
    try:
        connector = cls(cls.parse_settings(connection.settings))
        identity = connector.identity()
        scope = _with_known_places(connector.scope(), connection, objects)
        scope = derived.with_sources(scope, connection, tables, catalog)
        return Plan(asdict(identity), scope, _shards(connector, scope, names))
    except ProofwatchError as error:
        scope = _known_scope(connection, objects)
        return Plan({}, scope, Shards([]), failure=" ".join(error.problem.split()))


def _shards(connector: Connector, scope: Scope, names: Sequence[str]) -> Shards:
    """Return what a connector reads, which is asked account by account: all at once may be millions."""
    places: dict[str, list[Place]] = {}
    for place in scope.places:
        places.setdefault(place.account_id, []).append(place)
    parts = (replace(scope, places=tuple(places[account])) for account in sorted(places))
    return Shards(grouped(shard for part in parts for shard in connector.shards(part, names)))


def _with_known_places(scope: Scope, connection: Connection, objects: Objects) -> Scope:
    """Add what the last whole sweep read where the scope could not be listed: nothing drops out silently."""
    if not scope.unlisted:
        return scope
    named = {(place.account_id, place.region) for place in scope.places}
    accounts = {place.account_id for place in scope.places}
    lost = [
        Place(account, region)
        for account, region in sorted(_last_places(connection, objects) - named)
        if account in scope.unlisted or (EVERY in scope.unlisted and account not in accounts)
    ]
    return replace(scope, places=(*scope.places, *lost))


def _last_places(connection: Connection, objects: Objects) -> set[tuple[str, str]]:
    """Return the places of the last sweep that set out to read everything, else of the last one."""
    last = sweeps.latest(connection, whole=True) or sweeps.latest(connection)
    return {(place.account_id, place.region) for place in reads.places(last, objects)} if last else set()


def _known_scope(connection: Connection, objects: Objects) -> Scope:
    """Return the places that the last sweep read; before any, one place that stands for all."""
    places = _last_places(connection, objects)
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
        "reads": plan.shards.groups,
    }


def _parse_plan(body: Mapping[str, Any]) -> Plan:
    places = tuple(Place(**place) for place in body["places"])
    scope = Scope(places, tuple(body["unknown"]), tuple(body["unlisted"]))
    if "reads" in body:
        return Plan(body["identity"], scope, Shards(body["reads"]), body["failure"])
    # As it was written before shards were grouped.
    shards = (Shard(**{**shard, "tables": tuple(shard["tables"])}) for shard in body["shards"])
    return Plan(body["identity"], scope, Shards(grouped(shards)), body["failure"])
