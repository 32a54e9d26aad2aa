"""What a check can be tried on: the tables as they were read last, on every connection that has them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from proofwatch.checks.base import TableInput, UnreadPlace
from proofwatch.checks.load import Catalog
from proofwatch.checks.trial import Source
from proofwatch.connectors.registry import connector_class
from proofwatch.snapshots.base import Objects
from proofwatch.snapshots.rebuild import materialise
from proofwatch.store.models import Sweep, TableState
from proofwatch.store.services import connections, reads, sweeps


def sources(catalog: Catalog, table: str, objects: Objects, cache: Path) -> tuple[Source, ...]:
    """Return what was read last of a table or view, by connection.

    Args:
        catalog: knows the tables of a view.
        table: name of a table or view; one that is unknown has no source.
        objects: where the snapshots are.
        cache: folder of rebuilt tables.

    Raises:
        SnapshotError: a snapshot cannot be rebuilt from its objects.
    """
    view = catalog.views.get(table)
    bases = view.tables if view else (table,)
    found = []
    for connection in connections.every():
        known = connector_class(connection.kind).tables()
        last = sweeps.latest(connection, whole=True)
        if last is None or not all(name in known for name in bases):
            continue
        states = sweeps.table_states(connection)
        newest: list[datetime] = [states[name].sweep.observed_at for name in bases if name in states]
        inputs = {name: _input(last, name, states.get(name), objects, cache) for name in bases}
        found.append(Source(connection.name, max([last.observed_at, *newest]), inputs))
    return tuple(found)


def _input(last: Sweep, table: str, state: TableState | None, objects: Objects, cache: Path) -> TableInput:
    """Return one table with the places in which the sweep that read it last could read it, and not."""
    found = list(reads.of(state.sweep if state else last, objects, table=table))
    return TableInput(
        table,
        materialise(state.manifest, objects, cache) if state else None,
        tuple((read.account_id, read.region) for read in found if not read.reason),
        tuple(
            UnreadPlace(read.account_id, read.region, read.reason, read.permission)
            for read in found
            if read.reason
        ),
    )
