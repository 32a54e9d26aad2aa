"""A month leaves the database: first the object, then entry and partition in one transaction, then the rows.

Killed before that transaction, nothing has happened but an object that the next try makes again. Killed
after it, the partition says that its rows are leaving, and the next run goes on. Only rows that stand in the
object, read back from it and proven, are ever deleted, by their keys.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from itertools import islice
from pathlib import Path

import duckdb

from proofwatch.evidence.entry import object_ref
from proofwatch.snapshots.base import Objects
from proofwatch.store import log
from proofwatch.store.django import guarded, write
from proofwatch.store.history import rows as files
from proofwatch.store.history.base import (
    HISTORY,
    History,
    HistoryError,
    Month,
    NotYet,
    PartitionState,
    months,
    partitions,
)
from proofwatch.store.history.staying import Leaving
from proofwatch.store.models import HistoryPartition, Sweep
from proofwatch.store.models.sweeps import RUNNING

BATCH = 2_000
"""Rows that are deleted in one transaction: others write in between."""
FEW = 1_000
"""Rows that stayed leave by themselves only so many at a time, for a partition is an object for ever."""
AGAIN = 12
"""Months before a new one that are looked at again for what stayed in them."""

Progress = Callable[[str, int, int], None]


def archive(
    month: Month,
    objects: Objects,
    *,
    actor: str,
    now: datetime,
    few: int = 1,
    progress: Progress = lambda stage, done, total: None,
) -> list[HistoryPartition]:
    """Let the rows of a month leave that the present does not need; go on where this was interrupted.

    Args:
        month: one that is over.
        objects: where they go.
        actor: written in the log entries.
        now: the time.
        few: make another part of a table only of so many rows.
        progress: called with (what, rows deleted, rows in all).

    Returns:
        the partitions that were made.

    Raises:
        NotYet: the month is not over, a sweep of it has not ended, or its rows were brought back.
        HistoryError: the rows could not be written down exactly; they stay.
        EvidenceError: the object could not be stored.
    """
    _refuse(month, now)
    made = []
    with files.engine() as session:
        for history in HISTORY.values():
            for item in _leaving(month, history.name):
                leave(item, objects, progress, session)
            partition = _part(history, month, objects, actor, now, few, session)
            if partition is not None:
                made.append(partition)
                leave(partition, objects, progress, session)
    return made


def older(
    keep: int, objects: Objects, *, actor: str, now: datetime,
    progress: Progress = lambda stage, done, total: None,
) -> list[HistoryPartition]:  # fmt: skip
    """Archive every whole month that is older than so many, the oldest first.

    A month with a sweep that never ended, or that was brought back, is left for the next time.

    Args:
        keep: whole months before this one that stay.
        objects: where they go.
        actor: written in the log entries.
        now: the time.
        progress: see `archive`.
    """
    finish(objects, progress)
    end = Month.of(now).plus(-keep)
    with guarded("looking for months that are over"):
        there = {row.month for row in partitions()}
        over = [month for month in months() if month < end]
    newest = max(there, default="")
    new = [month for month in over if str(month) not in there]
    again = [month for month in over if str(month) == newest]  # Perhaps only some of its tables have left.
    if new:
        again += [month for month in over if str(month) in there and month >= new[0].plus(-AGAIN)]
    made: list[HistoryPartition] = []
    for month in sorted({*new, *again}):
        with suppress(NotYet):
            made += archive(month, objects, actor=actor, now=now, few=FEW, progress=progress)
    return made


def finish(objects: Objects, progress: Progress, month: Month | None = None) -> None:
    """Delete what is left of the rows of partitions that are leaving, of one month or all."""
    found = _leaving(month)
    if found:
        with files.engine() as session:
            for partition in found:
                leave(partition, objects, progress, session)


def _leaving(month: Month | None, table: str = "") -> list[HistoryPartition]:
    return [
        item
        for item in partitions(month)
        if item.state == PartitionState.LEAVING and table in ("", item.table)
    ]


def leave(
    partition: HistoryPartition, objects: Objects, progress: Progress, session: duckdb.DuckDBPyConnection
) -> bool:
    """Delete the rows that stand in a partition's object; False if somebody brings them back meanwhile."""
    model = HISTORY[partition.table].model
    mine = HistoryPartition.objects.filter(pk=partition.pk, state=PartitionState.LEAVING)
    keys = _keys(objects.path(partition.digest), session)
    done = 0
    while batch := list(islice(keys, BATCH)):
        with write(f"deleting archived rows of {partition.name}"):
            if not list(mine.select_for_update()):
                return False
            model.objects.filter(pk__in=batch).delete()
        done += len(batch)
        progress(partition.name, done, partition.rows)
    with write(f"closing {partition.name}"):
        return bool(mine.update(state=PartitionState.AWAY, brought_until=None))


def _keys(path: Path, session: duckdb.DuckDBPyConnection) -> Iterator[int]:
    for batch in files.select(f"SELECT id FROM {files.source([path])}", session):  # noqa: S608 – our own names
        yield from (row[0] for row in batch)


def _refuse(month: Month, now: datetime) -> None:
    doing = f"archiving {month}"
    if month >= Month.of(now):
        raise NotYet(doing, "it is not over", "name a month before this one")
    with guarded(doing):
        running = Sweep.objects.filter(
            observed_at__gte=month.first, observed_at__lt=month.until, state__in=RUNNING
        ).first()
        here = [
            row for row in partitions(month) if row.state in (PartitionState.BROUGHT, PartitionState.COMING)
        ]
    if running is not None:
        raise NotYet(doing, f"sweep {running.pk} of it has not ended", "let it end first")
    if here:
        problem = f"its rows were brought back until {here[0].brought_until:%Y-%m-%d}"
        raise NotYet(doing, problem, f"run `proofwatch history release {month}`")


def _part(
    history: History,
    month: Month,
    objects: Objects,
    actor: str,
    now: datetime,
    few: int,
    session: duckdb.DuckDBPyConnection,
) -> HistoryPartition | None:
    """Make the next part of a month, if rows may leave; everything but deleting them."""
    doing = f"archiving {history.name} of {month}"
    table = history.table()
    with guarded(doing), tempfile.TemporaryDirectory(prefix="proofwatch-history-") as folder:
        before = _states(history, month)
        written = files.write(table, Leaving(history, month, now), Path(folder) / "rows.parquet", session)
        if written.rows < (few if before else 1):
            return None
        if files.content(table, written.path, session) != (written.rows, written.content):
            problem = "what was read back from the file is not what the database has"
            raise HistoryError(doing, problem, "the rows stay; please report this")
        size = written.path.stat().st_size
        digest = objects.put_file(written.path)
    with write(doing):
        log.lock()
        if _states(history, month) != before or set(before) - {PartitionState.AWAY}:
            return None  # Another process did this meanwhile, or brings the rows back.
        data = {
            "table": history.name, "month": str(month), "part": len(before) + 1, "rows": written.rows,
            "content": written.content, "columns": table.names, "first_id": written.first,
            "last_id": written.last, "partition": object_ref(digest, size, "rows of history"),
        }  # fmt: skip
        entry = log.append("history.archived", actor, data, now)
        made: HistoryPartition = HistoryPartition.objects.create(
            table=history.name, month=str(month), part=len(before) + 1, digest=digest, size=size,
            rows=written.rows, content=written.content, columns=table.names, first_id=written.first,
            last_id=written.last, entry=entry, archived_at=now,
        )  # fmt: skip
    return made


def _states(history: History, month: Month) -> list[str]:
    rows = HistoryPartition.objects.filter(table=history.name, month=str(month))
    return list(rows.order_by("part").values_list("state", flat=True))
