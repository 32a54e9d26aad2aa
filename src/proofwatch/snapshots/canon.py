r"""The canonical form of rows and the digest of a whole table, so that another program can redo both.

- *row hash*: SHA-256 of the UTF-8 text that DuckDB's `to_json` gives for the struct of all declared
  columns in their declared order, in UTC, without spaces; a missing value is `null`. (Object keys inside
  MAP and JSON columns were sorted when the row was spooled.)
- *line* of a row: `<idx>:<row hash, lower-case hex>\n`, where idx is the row's integer in this table.
- *bucket* b holds the rows with idx // 1024 = b; its digest is the SHA-256 of its lines, by ascending idx.
- *digest of the table*: SHA-256 of `<b>:<bucket digest, hex>\n` over all buckets that hold rows, by
  ascending b. The table without rows has the SHA-256 of nothing.

Every level is injective, so two different tables with one digest would be a collision of SHA-256.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import duckdb

from proofwatch.connectors.base import KEY
from proofwatch.snapshots.base import NoRoom, SnapshotError
from proofwatch.snapshots.engine import MEMORY_LIMIT, ROOMY_LIMIT, identifier, quote

Answer = TypeVar("Answer")

Columns = tuple[tuple[str, str], ...]
"""(name, DuckDB type) of every column, in order."""

RESERVED = ("idx", "_h", "_size", "_seq", "_gone", "_op", "_at", "_rank", "_shelf", "_text")
"""Names that this stage adds beside a table's own columns."""

BUCKET = 1024
_SPAN = 256 * BUCKET
"""Rows whose lines the engine holds at a time."""

PARQUET = (
    "FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd, ROW_GROUP_SIZE 61440, ROW_GROUP_SIZE_BYTES '32MB'"
)
STAGING = "FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE 20480, ROW_GROUP_SIZE_BYTES '16MB'"
"""A group of rows is held in memory until it is written, so wide rows make smaller groups."""

KEYS = ", ".join(identifier(name) for name in KEY)


def names(columns: Columns, prefix: str = "") -> str:
    """Return the columns as an SQL list, each behind `prefix`."""
    return ", ".join(prefix + identifier(name) for name, _ in columns)


def row_text(columns: Columns) -> str:
    """Return the SQL expression of the text of a row."""
    members = ", ".join(f"{quote(name)}: {identifier(name)}" for name, _ in columns)
    return f"to_json({{{members}}})::VARCHAR"


def hashed(columns: Columns, rows: str) -> str:
    """Return the SELECT of the SELECT `rows` with _h, the row hash, and _size, the bytes of its text."""
    return (
        f"SELECT * EXCLUDE (_text), unhex(sha256(_text)) AS _h, strlen(_text)::INTEGER AS _size "  # noqa: S608
        f"FROM (SELECT *, {row_text(columns)} AS _text FROM ({rows}))"
    )


def read_rows(paths: Sequence[Path], columns: Columns, *, gzip: bool = False) -> str:
    """Return the SQL table that reads NDJSON files with explicit types; without files, no rows."""
    if not paths:
        empty = ", ".join(f"NULL::{kind} AS {identifier(name)}" for name, kind in columns)
        return f"(SELECT {empty} WHERE false)"
    files = ", ".join(quote(str(path)) for path in paths)
    types = ", ".join(f"{identifier(name)}: {quote(kind)}" for name, kind in columns)
    compression = "gzip" if gzip else "none"
    return (
        f"read_json([{files}], format = 'newline_delimited', compression = '{compression}', "
        f"columns = {{{types}}})"
    )


def read_parquet(path: Path) -> str:
    """Return the SQL table that reads one Parquet file."""
    return f"read_parquet({quote(str(path))})"


def numbered(path: Path) -> str:
    """Return the SQL table that reads one Parquet file with the number of each row, `file_row_number`."""
    return f"read_parquet({quote(str(path))}, file_row_number = true)"


def copy(session: duckdb.DuckDBPyConnection, select: str, path: Path, options: str) -> None:
    """Write the rows of a SELECT to a file."""
    session.execute(f"COPY ({select}) TO {quote(str(path))} ({options})")


def count(session: duckdb.DuckDBPyConnection, source: str) -> int:
    """Return the number of rows of an SQL table."""
    row = session.execute(f"SELECT count(*) FROM {source}").fetchone()  # noqa: S608 - our own text
    return int(row[0]) if row else 0


def table_digest(session: duckdb.DuckDBPyConnection, source: str) -> str:
    """Return the digest over `source`, an SQL table with idx and _h (the row hash, 32 bytes)."""
    whole = hashlib.sha256()
    last = session.execute(f"SELECT max(idx) FROM {source}").fetchone()  # noqa: S608
    end = -1 if last is None or last[0] is None else int(last[0])
    for start in range(0, end + 1, _SPAN):
        buckets = session.execute(
            f"SELECT idx // {BUCKET} AS b, "  # noqa: S608
            "sha256(string_agg(idx || ':' || lower(hex(_h)) || chr(10), '' ORDER BY idx)) "
            f"FROM {source} WHERE idx >= ? AND idx < ? GROUP BY b ORDER BY b",
            [start, start + _SPAN],
        ).fetchall()
        for number, digest in buckets:
            whole.update(f"{number}:{digest}\n".encode())
    return whole.hexdigest()


def with_room(work: Callable[[str], Answer], memory_limit: str = "") -> Answer:
    """Call `work` with what the engine may hold: what was asked for, else the usual, and if need be more.

    The engine takes 2,048 rows at a time, and holds some copies of them. Of rows of 10,000 characters that
    alone is more than the usual limit. Whatever `work` left unfinished must not be in its way.

    Raises:
        NoRoom: it was not enough.
    """
    try:
        return work(memory_limit or MEMORY_LIMIT)
    except NoRoom:
        if memory_limit:
            raise
        return work(ROOMY_LIMIT)


@contextmanager
def engine_errors(doing: str) -> Iterator[None]:
    """Turn the engine's and the disk's errors into ours."""
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        problem = str(error).splitlines()[0]
        raise NoRoom(doing, problem, "Give more memory or disk space.", permanent=False) from error
    except duckdb.Error as error:
        raise SnapshotError(doing, " ".join(str(error).split())[:500]) from error
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise SnapshotError(doing, f"{where}{error.strerror or error}", permanent=False) from error
