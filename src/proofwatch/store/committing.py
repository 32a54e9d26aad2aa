"""From what was read to the next state of every table, committed here or by workers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from proofwatch.connectors.base import Table
from proofwatch.snapshots.base import State
from proofwatch.snapshots.exchange import Exchange
from proofwatch.snapshots.manifest import read_state
from proofwatch.snapshots.spread import Commit, Read, committed
from proofwatch.snapshots.tasks import Lost, Pool, Store
from proofwatch.store.collected import Collected
from proofwatch.store.models import Sweep
from proofwatch.store.services import sweeps


def commit_all(
    run: Sweep,
    tables: Sequence[Table],
    collected: Collected,
    exchange: Exchange,
    store: Store,
    pool: Pool,
    done: Callable[[str], None],
) -> dict[str, State]:
    """Commit every table of which something was read; the others keep the state that they had.

    A table that kills whoever commits it is unread, with that reason, and keeps the state that it had.

    Args:
        run: the sweep.
        tables: what it set out to read, or made of it.
        collected: what it read.
        exchange: where the parts are.
        store: where objects and rebuilt tables go.
        pool: the workers.
        done: called with the name of each table that is dealt with.
    """
    before = sweeps.table_states(run.connection)
    states: dict[str, State] = {}
    reads: list[Read] = []
    for table in tables:
        known = before.get(table.name)
        manifest, rows = (known.manifest, known.rows) if known else ("", 0)
        if parts := tuple(collected.named(table.name)):
            unread = tuple((place.account_id, place.region) for place in collected.unread(table.name))
            reads.append(Read(table, parts, unread, manifest, rows))
            continue
        if manifest:
            states[table.name] = read_state(manifest, store.objects)
        done(table.name)
    whole = Commit(tuple(reads), str(run.connection_id), f"{run.observed_at:%Y-%m}", exchange, store)
    for item, found in committed(whole, pool):
        name = item.table.name
        if not isinstance(found, Lost):
            states[name] = found
        else:
            collected.lose(name, found.reason)
            if item.before:
                states[name] = read_state(item.before, store.objects)
        done(name)
    sweeps.record_states(run, states.values())
    return states
