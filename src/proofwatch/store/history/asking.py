"""One SELECT over all rows of history, wherever they are: each once, as of one moment.

Partitions and rows are read in one transaction that sees the database as it is at one moment. A partition
that is there has all its rows in its object; a row that is here and stands in one of them (it is about to
leave, or was brought back) is taken from the object only. So it makes no difference how far archiving came.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from proofwatch.snapshots.base import Objects
from proofwatch.snapshots.engine import connect, quote, single_select
from proofwatch.snapshots.query import DOING, ask, named
from proofwatch.store import copying
from proofwatch.store.history import rows
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
        with copying.reading(url) as alias, rows.engine(work) as engine:
            reader = Reader(alias, objects, work, engine, first, last)
            paths = {name: reader.files(name) for name in named(sql, NAMES)}
        return ask(statement, paths, NAMES, limit, see=f"There are {', '.join(NAMES)}.")


@dataclass(frozen=True, slots=True)
class Reader:
    """Writes files of rows as they are at one moment.

    Attributes:
        alias: Django's name of a database whose open transaction sees one moment.
        objects: where partitions are.
        work: folder for what is here.
        engine: see `rows.engine`.
        first: rows of history from this month on; None for the oldest.
        last: rows of history up to this month; None for no end.
    """

    alias: str
    objects: Objects
    work: Path
    engine: duckdb.DuckDBPyConnection
    first: Month | None = None
    last: Month | None = None

    def files(self, name: str) -> list[Path]:
        """Return the files that hold every row of one of `NAMES` once."""
        if name in HISTORY:
            return self.union(HISTORY[name])
        model, columns = BESIDE[name]
        [table] = [item for item in copying.tables() if item.model is model]
        if columns:
            kept = tuple(item for item in table.columns if item.name in columns)
            table = copying.Table(table.name, table.model, kept)
        path = self.work / f"{name}.parquet"
        rows.write(table, self._rows(table, {}), path, self.engine)
        return [path]

    def union(self, history: History) -> list[Path]:
        """Return files that hold every row of a table once; the first has those that are here only."""
        found = [item for item in partitions(using=self.alias) if item.table == history.name]
        if self.first is not None:
            found = [item for item in found if item.month >= str(self.first)]
        if self.last is not None:
            found = [item for item in found if item.month <= str(self.last)]
        here, living = (self.work / f"{history.name}{end}.parquet" for end in ("-here", ""))
        table = history.table()
        rows.write(table, self._rows(table, self._within(history)), here, self.engine)
        twice = [self.objects.path(item.digest) for item in found if item.state != PartitionState.AWAY]
        if not twice:
            here.replace(living)
        else:
            archived = f"SELECT id FROM {rows.source(twice)}"  # noqa: S608 – our own names, here and below
            kept = f"SELECT * FROM {rows.source([here])} WHERE id NOT IN ({archived})"  # noqa: S608
            self.engine.execute(f"COPY ({kept}) TO {quote(str(living))} (FORMAT parquet)")
        return [living, *(self.objects.path(item.digest) for item in found)]

    def _within(self, history: History) -> dict[str, datetime]:
        within = {}
        if self.first is not None:
            within[f"{history.moment}__gte"] = self.first.first
        if self.last is not None:
            within[f"{history.moment}__lt"] = self.last.until
        return within

    def _rows(self, table: copying.Table, within: dict[str, datetime]) -> Iterator[tuple[Any, ...]]:
        found = table.model._base_manager.using(self.alias).filter(**within).order_by("pk")
        yield from found.values_list(*[item.attribute for item in table.columns]).iterator(
            chunk_size=rows.PAGE
        )
