"""The rows of a sweep in the order of their keys, staged a few places at a time.

A key begins with its place, and each row is in one place. So all rows are in order when the places are, and
in each place its rows: what is sorted at once is small, however large the table is. Rows of places that were
not read come from the state before, where they are in order already.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from proofwatch.snapshots.base import Part, SnapshotError
from proofwatch.snapshots.canon import (
    KEYS,
    STAGING,
    Columns,
    copy,
    hashed,
    names,
    read_parquet,
    read_rows,
)
from proofwatch.snapshots.engine import identifier, quote
from proofwatch.snapshots.sorting import SHELF, Extent, extent_of, sorted_copy

Place = tuple[str, str]
"""(account_id, region)."""

_FILES = 500
"""Files that one statement reads, at most."""


@dataclass(frozen=True, slots=True)
class Former:
    """The state before: its columns, its rows in the order of their keys, and their places and sizes."""

    columns: Columns
    table: Path
    keys: Path


@dataclass(frozen=True, slots=True)
class _Source:
    """The rows of one place: of a part that was read, or (None) of the state before."""

    place: Place
    part: Part | None
    extent: Extent


@dataclass(frozen=True, slots=True)
class Staged:
    """The rows as they are now, with `_h` and `_size`, in files that follow one another in order."""

    files: tuple[Path, ...]
    columns: Columns

    @property
    def rows(self) -> str:
        """Return the SQL table of all rows in the order of their keys."""
        if not self.files:
            return f"({hashed(self.columns, f'SELECT * FROM {read_rows([], self.columns)}')})"  # noqa: S608
        return f"read_parquet([{', '.join(quote(str(file)) for file in self.files)}])"


def stage(
    session: duckdb.DuckDBPyConnection,
    table: str,
    columns: Columns,
    parts: Sequence[Part],
    unread: Sequence[Place],
    former: Former | None,
    folder: Path,
) -> tuple[Staged, Extent]:
    """Write all rows as they are now into files in `folder`; return them and how much it is.

    Args:
        session: an open engine with one thread.
        table: its name, for errors.
        columns: of now.
        parts: what was read.
        unread: places whose rows are carried over from `former`.
        former: the state before, if there was one.
        folder: existing, on local disk.

    Raises:
        SnapshotError: a file does not hold the rows that were written to it.
    """
    files = []
    for number, group in enumerate(_groups(_sources(session, parts, unread, former))):
        path = folder / f"stage-{number}.parquet"
        rows = " UNION ALL ".join(_selects(group, columns, former))
        if len(group) > 1 or group[0].part is None:
            order = KEYS if any(source.part for source in group) else ""
            whole = hashed(columns, rows)
            copy(session, f"{whole} ORDER BY {order}" if order else whole, path, STAGING)
        else:
            _stage_one(session, columns, rows, path, group[0].extent)
        files.append(path)
    staged = Staged(tuple(files), columns)
    _check_counts(session, table, parts, unread, staged)
    return staged, extent_of(session, staged.rows)


def _stage_one(
    session: duckdb.DuckDBPyConnection, columns: Columns, rows: str, path: Path, extent: Extent
) -> None:
    """Stage the part of one place, which may be of any size."""
    if extent.plain:
        copy(session, f"{hashed(columns, rows)} ORDER BY {KEYS}", path, STAGING)
        return
    unsorted = path.with_suffix(".unsorted")
    copy(session, hashed(columns, rows), unsorted, STAGING)
    select = f"SELECT * FROM {read_parquet(unsorted)}"  # noqa: S608 - our own path
    sorted_copy(session, select, f"{names(columns)}, _h, _size", KEYS, path, STAGING, extent)
    unsorted.unlink()


def _sources(
    session: duckdb.DuckDBPyConnection,
    parts: Sequence[Part],
    unread: Sequence[Place],
    former: Former | None,
) -> list[_Source]:
    """Return what holds rows, by place."""
    found = [
        _Source((part.account_id, part.region), part, Extent(part.rows, part.path.stat().st_size))
        for part in parts
        if part.rows
    ]
    if unread and former is not None:
        wanted = set(unread)
        held = session.execute(
            "SELECT account_id, region, count(*), sum(_size) "  # noqa: S608 - our own path
            f"FROM {read_parquet(former.keys)} GROUP BY account_id, region"
        ).fetchall()
        found += [
            _Source((account, region), None, Extent(rows, int(size)))
            for account, region, rows, size in held
            if (account, region) in wanted
        ]
    return sorted(found, key=lambda source: source.place)


def _groups(sources: Sequence[_Source]) -> Iterator[list[_Source]]:
    """Put places that follow one another together, as much as is sorted at once."""
    group: list[_Source] = []
    size = 0
    for source in sources:
        if group and (size + source.extent.size > SHELF or len(group) == _FILES):
            yield group
            group, size = [], 0
        group.append(source)
        size += source.extent.size
    if group:
        yield group


def _selects(group: Sequence[_Source], columns: Columns, former: Former | None) -> Iterator[str]:
    """Yield SELECTs that give the rows of a group together."""
    if read := [source.part.path for source in group if source.part is not None]:
        yield f"SELECT {names(columns)} FROM {read_rows(read, columns)}"  # noqa: S608
    carried = [source.place for source in group if source.part is None]
    if carried and former is not None:
        yield _carried(columns, carried, former)


def _carried(columns: Columns, places: Sequence[Place], former: Former) -> str:
    """Return the SELECT of the former rows of some places, in the columns of now."""
    known: Mapping[str, str] = dict(former.columns)
    lost = [name for name, kind in columns if known.get(name) != kind]
    chosen = []
    for name, kind in columns:
        if name in lost:
            chosen.append(f"NULL::{kind} AS {identifier(name)}")
        elif name == "_unread" and lost:
            reason = "not read since the column was added or its type changed"
            pairs = ", ".join(f"{quote(column)}: {quote(reason)}" for column in lost)
            chosen.append(f"map_concat(coalesce(_unread, MAP {{}}), MAP {{{pairs}}}) AS _unread")
        else:
            chosen.append(identifier(name))
    listed = ", ".join(f"({quote(account)}, {quote(region)})" for account, region in places)
    first, last = quote(places[0][0]), quote(places[-1][0])
    return (
        f"SELECT {', '.join(chosen)} FROM {read_parquet(former.table)} "  # noqa: S608
        f"WHERE account_id BETWEEN {first} AND {last} AND (account_id, region) IN ({listed})"
    )


def _check_counts(
    session: duckdb.DuckDBPyConnection,
    table: str,
    parts: Sequence[Part],
    unread: Sequence[Place],
    staged: Staged,
) -> None:
    """Every row that was spooled has arrived, in its own place."""
    counted = f"SELECT account_id, region, count(*) FROM {staged.rows} GROUP BY ALL"  # noqa: S608
    arrived = {(account, region): rows for account, region, rows in session.execute(counted).fetchall()}
    for part in parts:
        place = (part.account_id, part.region)
        if arrived.pop(place, 0) != part.rows:
            raise SnapshotError(
                f"committing {table}",
                f"{part.path.name} does not hold the {part.rows} rows that were written to it",
                "Remove the sweep's working folder and sweep again.",
            )
    if strange := sorted(set(arrived) - set(unread)):
        raise SnapshotError(f"committing {table}", f"a part holds rows of another place, {strange[0]}")
