"""Sort rows into one file with memory that does not grow, however many or wide they are.

The engine sorts what fits, and spills narrow rows well. Wide rows it cannot: to give out 2,048 of them in
order it holds every block in which one of them lies, and with rows of 2,000 characters these blocks are more
than all memory that it may have. So what is large is not sorted as it is. First only what it is sorted by is
sorted, which gives each row its rank; then the rows go into shelves by their rank, each small enough to be
sorted by itself, and the shelves are written one behind the other.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import duckdb

from proofwatch.snapshots.canon import STAGING, copy, numbered, read_parquet
from proofwatch.snapshots.engine import quote

SHELF = 32_000_000
"""Bytes of rows, as JSON text, that are sorted at once: an eighth of what a session holds."""

_WIDE = 700
"""Bytes of a row on the average up to which the engine sorts and spills: a third of what failed."""

_WAITING = 64_000_000
"""Bytes of rows that wait in memory before they are put to their shelves."""


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is to be sorted: rows, and bytes of them all as JSON text."""

    rows: int
    size: int

    @property
    def plain(self) -> bool:
        """Whether the engine sorts this by itself: it is small, or narrow enough to be spilled."""
        return self.size <= SHELF or self.size <= _WIDE * self.rows

    def share(self, rows: int) -> Extent:
        """Return the extent of so many of these rows, if they are as wide as the others."""
        return Extent(rows, self.size * rows // max(1, self.rows))


def extent_of(session: duckdb.DuckDBPyConnection, source: str) -> Extent:
    """Return the extent of an SQL table that has _size."""
    row = session.execute(f"SELECT count(*), coalesce(sum(_size), 0) FROM {source}").fetchone()  # noqa: S608
    return Extent(int(row[0]), int(row[1])) if row else Extent(0, 0)


def sorted_copy(
    session: duckdb.DuckDBPyConnection,
    rows: str,
    columns: str,
    by: str,
    path: Path,
    options: str,
    extent: Extent,
) -> None:
    """Write `columns` of an SQL SELECT to a file, in the order of `by`.

    Args:
        session: an open engine; its folder for spilling is where it was told.
        rows: the SELECT, which must give the same rows in the same order each time: it is run twice.
        columns: what is written, as an SQL list.
        by: what it is sorted by, as an SQL list of columns of `rows`; no two rows have the same.
        path: the file; what is needed on the way is made beside it, and removed.
        options: of COPY.
        extent: of the rows, about: it decides how this is done, and never what is written.
    """
    if extent.plain:
        copy(session, f"SELECT {columns} FROM ({rows}) ORDER BY {by}", path, options)  # noqa: S608
        return
    with tempfile.TemporaryDirectory(dir=path.parent, prefix="shelves-") as folder:
        shelves = -(-extent.size // SHELF)
        each, waiting = -(-extent.rows // shelves), extent.rows * _WAITING // extent.size
        found = _shelves(session, rows, by, Path(folder), each=each, waiting=waiting)
        files = [_sorted(session, shelf) for shelf in found]
        listed = ", ".join(quote(str(file)) for file in files)
        copy(session, f"SELECT {columns} FROM read_parquet([{listed}])", path, options)  # noqa: S608


def _shelves(
    session: duckdb.DuckDBPyConnection, rows: str, by: str, folder: Path, *, each: int, waiting: int
) -> list[Path]:
    """Put `each` rows that follow one another on a shelf of their own; return the shelves in order.

    `waiting` rows are held in memory before they are put to their shelves.
    """
    ranked, ranks, shelves = folder / "ranked.parquet", folder / "ranks.parquet", folder / "shelves"
    keys = f"SELECT row_number() OVER () AS _at, {by} FROM ({rows})"  # noqa: S608
    copy(session, f"SELECT _at FROM ({keys}) ORDER BY {by}", ranked, STAGING)  # noqa: S608
    copy(
        session,
        f"SELECT file_row_number AS _rank FROM {numbered(ranked)} ORDER BY _at",  # noqa: S608
        ranks,
        STAGING,
    )
    session.execute(f"SET partitioned_write_flush_threshold = {max(1, waiting)}")
    copy(
        session,
        f"SELECT _rank // {each} AS _shelf, * "  # noqa: S608
        f"FROM {read_parquet(ranks)} r POSITIONAL JOIN ({rows}) s",
        shelves,
        f"{STAGING}, PARTITION_BY (_shelf)",
    )
    return sorted(shelves.iterdir(), key=lambda shelf: int(shelf.name.partition("=")[2]))


def _sorted(session: duckdb.DuckDBPyConnection, shelf: Path) -> Path:
    """Sort one shelf; return the file in which it is now."""
    path = shelf.with_suffix(".parquet")
    files = f"read_parquet({quote(str(shelf / '*.parquet'))}, hive_partitioning = false)"
    copy(session, f"SELECT * EXCLUDE (_rank) FROM {files} ORDER BY _rank", path, STAGING)  # noqa: S608
    shutil.rmtree(shelf)
    return path
