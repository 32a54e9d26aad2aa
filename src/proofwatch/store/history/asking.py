"""One SELECT over all rows of history, wherever they are: each once, as of one moment.

Partitions and rows are read in one transaction that sees the database as it is at one moment. A partition
that is there has all its rows in its object; a row that is here and stands in one of them (it is about to
leave, or was brought back) is taken from the object only. So it makes no difference how far archiving came.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from proofwatch.snapshots.base import Objects
from proofwatch.snapshots.engine import connect, quote, single_select
from proofwatch.snapshots.query import DOING, ask, named
from proofwatch.store import copying
from proofwatch.store.history import rows as files
from proofwatch.store.history.base import HISTORY, History, Month, PartitionState, partitions
from proofwatch.store.models import Connection, Finding, Sweep

BESIDE: dict[str, tuple[Any, tuple[str, ...]]] = {
    "sweep": (Sweep, ()),
    "finding": (Finding, ()),
    "connection": (Connection, ("id", "name", "kind", "created_at", "removed_at")),
}
"""Tables that never leave, to join with: name → model, and its columns if not all may be shown."""
NAMES = (*HISTORY, *BESIDE)


def query(
    sql: str,
    url: str,
    objects: Objects,
    *,
    first: Month | None = None,
    last: Month | None = None,
    limit: int = 1000,
) -> tuple[list[str], list[list[Any]]]:
    """Run one SELECT over archived and living rows together; limits and errors are `snapshots.query.query`'s.

    Args:
        sql: exactly one SELECT over `NAMES`, as a person wrote it.
        url: of the database in use: it is read over a connection of its own.
        objects: where partitions are.
        first: rows of history from this month on; all by default.
        last: rows of history up to this month.
        limit: at most so many rows.

    Raises:
        SnapshotError: the statement is not one SELECT, wrong, too slow or too large.
        HistoryError: a partition cannot be read.
        EvidenceError: an object is missing or changed.
    """
    with connect(allowed=()) as session:
        statement = single_select(session, sql, DOING)
    with tempfile.TemporaryDirectory(prefix="proofwatch-history-") as folder:
        work = Path(folder)
        with copying.reading(url) as alias:
            paths = {name: _files(name, alias, objects, work, first, last) for name in named(sql, NAMES)}
        return ask(statement, paths, NAMES, limit, see=f"There are {', '.join(NAMES)}.")


def union(
    history: History, alias: str, objects: Objects, work: Path, first: Month | None, last: Month | None
) -> list[Path]:
    """Return files that hold every row of a table in some months once; the first has those that are here.

    Args:
        history: the table.
        alias: Django's name of a database whose transaction sees one moment.
        objects: where partitions are.
        work: folder for the file of living rows.
        first: the first month; None for the oldest.
        last: the last month; None for no end.
    """
    found = [item for item in partitions(using=alias) if item.table == history.name]
    if first is not None:
        found = [item for item in found if item.month >= str(first)]
    if last is not None:
        found = [item for item in found if item.month <= str(last)]
    table = history.table()
    here, living = work / f"{history.name}-here.parquet", work / f"{history.name}.parquet"
    files.write(table, _living(history, table, alias, first, last), here)
    twice = [objects.path(item.digest) for item in found if item.state != PartitionState.AWAY]
    if not twice:
        here.replace(living)
    else:
        archived = f"SELECT id FROM {files.source(twice)}"  # noqa: S608 – our own names, here and below
        kept = f"SELECT * FROM {files.source([here])} WHERE id NOT IN ({archived})"  # noqa: S608
        with closing(connect(files.MEMORY, temp=work)) as session:
            session.execute(f"COPY ({kept}) TO {quote(str(living))} (FORMAT parquet)")
    return [living, *(objects.path(item.digest) for item in found)]


def _files(
    name: str, alias: str, objects: Objects, work: Path, first: Month | None, last: Month | None
) -> list[Path]:
    if name in HISTORY:
        return union(HISTORY[name], alias, objects, work, first, last)
    model, columns = BESIDE[name]
    [table] = [item for item in copying.tables() if item.model is model]
    if columns:
        kept = tuple(item for item in table.columns if item.name in columns)
        table = copying.Table(table.name, table.model, kept)
    path = work / f"{name}.parquet"
    files.write(table, _all(table, alias), path)
    return [path]


def _living(
    history: History, table: copying.Table, alias: str, first: Month | None, last: Month | None
) -> Iterator[tuple[Any, ...]]:
    within = {}
    if first is not None:
        within[f"{history.moment}__gte"] = first.first
    if last is not None:
        within[f"{history.moment}__lt"] = last.until
    rows = history.model.objects.using(alias).filter(**within).order_by("pk")
    wanted = rows.values_list(*[item.attribute for item in table.columns])
    yield from wanted.iterator(chunk_size=files.PAGE)


def _all(table: copying.Table, alias: str) -> Iterator[tuple[Any, ...]]:
    rows = table.model._base_manager.using(alias).order_by("pk")
    wanted = rows.values_list(*[item.attribute for item in table.columns])
    yield from wanted.iterator(chunk_size=files.PAGE)
