"""Commit the tables of a sweep: one after the other, or several at once where that saves time.

A table's state is committed the same way wherever that is done, and gives the same objects: what travels is
where its parts and its objects are, and what comes back is the small `State`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from proofwatch.connectors.base import Table
from proofwatch.snapshots.base import Part, State
from proofwatch.snapshots.commit import commit
from proofwatch.snapshots.exchange import Exchange
from proofwatch.snapshots.manifest import read_state
from proofwatch.snapshots.staging import Place
from proofwatch.snapshots.tasks import (
    UNABLE,
    VERSION,
    Lost,
    Pool,
    Store,
    at_once,
    check_version,
    each,
    packed,
    reach,
)

TOGETHER = 100_000
"""Rows from which the tables of a sweep are given to workers: some three seconds of one core."""
EACH = 4_000
"""Rows that a table counts as beside its own: opening and closing it takes as long as they do."""
FETCHED_AT_ONCE = 16
"""Parts that are fetched at the same time, where they lie elsewhere."""
UNSEEN = (
    "The workers of the cluster do not see the evidence, which is a folder of this machine: this process "
    "commits and judges every table itself. With PROOFWATCH_OBJECTS=s3://... the workers do it."
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Read:
    """What was read of one table, and its state before.

    Attributes:
        table: its declaration.
        parts: what was read; each path is a name in the sweep's exchange.
        unread: places in scope that were not read.
        before: digest of the manifest of its last state; "" for none.
        rows: how many rows that one had.
    """

    table: Table
    parts: tuple[Part, ...]
    unread: tuple[Place, ...]
    before: str = ""
    rows: int = 0

    @property
    def weight(self) -> int:
        """Return about how much work it is, in rows."""
        return EACH + max(self.rows, sum(part.rows for part in self.parts))


@dataclass(frozen=True, slots=True)
class Commit:
    """A task: commit some tables of one sweep. Picklable, and without any secret.

    Attributes:
        tables: what was read of each.
        connection: id, named in the manifests.
        month: of the sweep.
        exchange: where the parts are.
        store: where the objects go.
        version: of Proofwatch and its engine, which the worker must have, too.
    """

    tables: tuple[Read, ...]
    connection: str
    month: str
    exchange: Exchange
    store: Store
    version: str = VERSION

    @property
    def doing(self) -> str:
        """Return what is done to a table."""
        return "committing it"

    @property
    def near(self) -> str:
        """Return the first table's name: who had its last state had better get the next one."""
        return self.tables[0].table.name

    def pieces(self) -> list[Commit]:
        """Return one task for each table."""
        return [replace(self, tables=(item,)) for item in self.tables]


def commit_tables(task: Commit) -> list[State]:
    """Commit the tables of a task; see `snapshots.commit`. Safe to repeat, and to do twice at once.

    Raises:
        WorkerFault: this worker, of another machine, cannot do it.
        ProofwatchError: as `commit`, on the machine that leads the sweep.
    """
    doing = f"committing {task.near}"
    check_version(task.version, doing)
    states = []
    with task.store.faults(doing), task.store.opened() as (objects, cache):
        for item in task.tables:
            previous = read_state(item.before, objects) if item.before else None
            parts = _fetched(item, task.exchange)
            states.append(
                commit(
                    item.table,
                    task.connection,
                    parts,
                    item.unread,
                    previous,
                    objects,
                    task.exchange.folder(),
                    task.month,
                    cache=cache,
                )
            )
            for part in parts:
                task.exchange.release(part.path)
    return states


def _fetched(item: Read, exchange: Exchange) -> list[Part]:
    """Return the parts of a table, on this machine."""
    with ThreadPoolExecutor(FETCHED_AT_ONCE, thread_name_prefix="fetch") as pool:
        paths = pool.map(exchange.fetch, (str(part.path) for part in item.parts))
        return [replace(part, path=path) for part, path in zip(item.parts, paths, strict=True)]


def committed(whole: Commit, pool: Pool) -> Iterator[tuple[Read, State | Lost]]:
    """Yield each table of a task with its new state as it ends, or why there is none.

    What is little, and what the workers cannot do, is done here.

    Args:
        whole: all tables of the sweep.
        pool: the workers.

    Raises:
        ProofwatchError: as `commit`.
    """
    tasks = _tasks(whole, pool)
    given = {item.table.name for task in tasks for item in task.tables}
    left, unable = [piece for piece in whole.pieces() if piece.near not in given], ""
    for task, found in each(pool, commit_tables, tasks):
        if not isinstance(found, Lost):
            yield from zip(task.tables, found, strict=True)
        elif found.killed:
            yield from ((item, found) for item in task.tables)
        else:
            unable = unable or found.reason
            left += replace(task, store=whole.store).pieces()
    if unable:
        logger.warning(UNABLE, "commit", unable)
    for piece in left:
        yield piece.tables[0], commit_tables(piece)[0]


def _tasks(whole: Commit, pool: Pool) -> list[Commit]:
    """Return the tables in tasks; none where one process is as good as several.

    What is made of other tables lies on this machine alone.
    """
    weighed = [(item, item.weight) for item in whole.tables if pool.here or not item.table.derived]
    if len(weighed) < 2 or sum(weight for _, weight in weighed) < TOGETHER:
        return []
    if not reach(pool, whole.store.objects):
        logger.warning(UNSEEN)
        return []
    many = at_once(pool)
    if many < 2 and pool.here:
        return []
    store = whole.store if pool.here else replace(whole.store, cache=None)
    return [replace(whole, tables=tables, store=store) for tables in packed(weighed, many)]
