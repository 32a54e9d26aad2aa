"""A month comes back under its old keys, proven first, for as long as it is needed; then it leaves again.

The object stays: bringing and releasing change only what is here. Rows that were written here and changed
afterwards are not taken over when they leave again: what counts is the object, which the log names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

import duckdb

from proofwatch.snapshots.base import Objects
from proofwatch.store import copying, log
from proofwatch.store.django import guarded, write
from proofwatch.store.history import absent, archive
from proofwatch.store.history import rows as files
from proofwatch.store.history.archive import BATCH, Progress
from proofwatch.store.history.base import HISTORY, HistoryError, Month, PartitionState, partitions
from proofwatch.store.history.entries import promised
from proofwatch.store.models import HistoryPartition

WHOLE = "reading a period from its beginning to its end"
STAYS = timedelta(days=30)
"""How long a month that was brought back stays, from the last time that somebody brought it."""


def bring(
    month: Month,
    objects: Objects,
    *,
    actor: str,
    now: datetime,
    progress: Progress = lambda stage, done, total: None,
) -> list[HistoryPartition]:
    """Write the rows of a month's partitions back, each proven by its digest and content before.

    Killed on the way, some rows are here and the month still counts as away; the next try writes the others.

    Args:
        month: one that has partitions.
        objects: where they are.
        actor: written in the log entry.
        now: from when on they stay for `STAYS`.
        progress: called with (what, rows written, rows in all).

    Returns:
        the partitions, all of them here.

    Raises:
        HistoryError: the month has none, one is not what the log promises, or somebody released it meanwhile.
        EvidenceError: an object is missing or changed.
    """
    doing, until = f"bringing {month} back", now + STAYS
    found = partitions(month)
    if not found:
        raise HistoryError(doing, "nothing of it was archived", "`proofwatch history list` has the months")
    with files.engine() as session:
        proven = [(item, prove(item, objects, session)) for item in found]
    with write(doing):
        coming = HistoryPartition.objects.filter(pk__in=[item.pk for item in found])
        coming.exclude(state=PartitionState.BROUGHT).update(state=PartitionState.COMING, brought_until=until)
    with files.engine() as session:
        for item, path in proven:
            _write(item, path, progress, session)
    with write(doing):
        ours = coming.filter(state__in=(PartitionState.COMING, PartitionState.BROUGHT))
        if ours.update(state=PartitionState.BROUGHT, brought_until=until) != len(found):
            raise _released(doing)
        data = {"month": str(month), "until": log.text(until), "partitions": [_named(item) for item in found]}
        log.append("history.brought", actor, data, now)
    return partitions(month)


def release(
    month: Month,
    objects: Objects,
    *,
    actor: str,
    now: datetime,
    progress: Progress = lambda stage, done, total: None,
) -> int:
    """Let the rows of a month that was brought back leave again; return how many partitions that were.

    Raises:
        HistoryError: the month is not here.
    """
    doing = f"releasing {month}"
    with write(doing):
        here = HistoryPartition.objects.filter(
            month=str(month), state__in=(PartitionState.BROUGHT, PartitionState.COMING)
        )
        named = [_named(item) for item in here.order_by("table", "part")]
        here.update(state=PartitionState.LEAVING)
        if named:
            log.append("history.released", actor, {"month": str(month), "partitions": named}, now)
    if not named:
        raise HistoryError(
            doing, "it was not brought back", "`proofwatch history list` says where months are"
        )
    archive.finish(objects, progress, month)
    return len(named)


def expire(objects: Objects, *, actor: str, now: datetime) -> list[Month]:
    """Release the months whose time is over; return them."""
    with guarded("looking for months that were brought back"):
        over = {
            Month.parse(item.month)
            for item in HistoryPartition.objects.filter(
                brought_until__lt=now, state__in=(PartitionState.BROUGHT, PartitionState.COMING)
            )
        }
    for month in sorted(over):
        release(month, objects, actor=actor, now=now)
    return sorted(over)


@contextmanager
def at_hand(
    first: datetime | None, until: datetime, objects: Objects, *, actor: str, now: datetime
) -> Iterator[list[Month]]:
    """Bring back what a report over a period reads, and make sure at its end that it was there throughout.

    With the months of the period comes the one before: how things stood on its first day may have been read
    in it. See `staying`.

    Args:
        first: the first moment; None for the beginning.
        until: the first moment after it.
        objects: where partitions are.
        actor: who makes the report.
        now: the time.

    Yields:
        the months that were brought.

    Raises:
        HistoryError: a month could not be brought, or left while the report was made: it is to be made again.
    """
    yield fetch(first, until, objects, actor=actor, now=now)
    absent.refuse(first, until, WHOLE)


def fetch(
    first: datetime | None, until: datetime, objects: Objects, *, actor: str, now: datetime
) -> list[Month]:
    """Bring back what a report over a period reads; return the months. See `at_hand`."""
    brought = absent.away(first, until)
    for month in brought:
        bring(month, objects, actor=actor, now=now)
    return brought


def prove(partition: HistoryPartition, objects: Objects, session: duckdb.DuckDBPyConnection) -> Path:
    """Return the file of a partition, proven by digest, number of rows and content.

    Raises:
        HistoryError: the log promises something else, or its rows are not those that were archived.
        EvidenceError: the object is missing or changed.
    """
    promised(partition)
    table = HISTORY[partition.table].table(partition.columns)
    path = objects.path(partition.digest)
    if files.content(table, path, session) != (partition.rows, partition.content):
        problem = f"the rows in object {partition.digest} are not those that were archived"
        raise HistoryError(f"proving {partition.name}", problem, "restore the object from a copy")
    return path


def _write(
    partition: HistoryPartition, path: Path, progress: Progress, session: duckdb.DuckDBPyConnection
) -> None:
    history = HISTORY[partition.table]
    table = history.table(partition.columns)
    place = partition.columns.index("id")
    lines, done = files.lines(table, path, session), 0
    mine = HistoryPartition.objects.filter(
        pk=partition.pk, state__in=(PartitionState.COMING, PartitionState.BROUGHT)
    )
    while batch := list(islice(lines, BATCH)):
        with write(f"writing {partition.name} back"):
            if not list(mine.select_for_update()):
                raise _released(f"bringing {partition.month} back")
            copying.load(table, _missing(history.model, batch, place))
        done += len(batch)
        progress(partition.name, done, partition.rows)


def _missing(model: type, batch: Sequence[bytes], place: int) -> list[bytes]:
    """Return the lines whose rows are not here: a try before may have come so far."""
    keyed = {files.key(line, place): line for line in batch}
    here = model.objects.filter(pk__in=list(keyed)).values_list("pk", flat=True)  # type: ignore[attr-defined]
    for key in here:
        del keyed[key]
    return list(keyed.values())


def _named(item: HistoryPartition) -> dict[str, object]:
    return {"table": item.table, "part": item.part, "sha256": item.digest, "rows": item.rows}


def _released(doing: str) -> HistoryError:
    return HistoryError(doing, "somebody released it meanwhile", "bring it once more")
