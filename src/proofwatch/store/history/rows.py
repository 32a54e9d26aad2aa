"""Rows of a table as lines of JSON, as a Parquet file, and back to the same lines.

The lines are those of a backup (`store.copying`): the same bytes whichever database the rows come from, so
their SHA-256 says what a partition holds, whatever wrote the file. The bytes of a file are those of one
version of DuckDB: the same rows give the same file, and a month archived again after a crash the same object.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from django.db import models

from proofwatch.snapshots.engine import connect, identifier, quote
from proofwatch.store.columns import plain
from proofwatch.store.copying import Table
from proofwatch.store.history.base import HistoryError

PAGE = 2_000
"""Rows that are in memory at a time."""
MEMORY = "256MB"
_LINE = 16 << 20
"""Bytes of a line that DuckDB takes without being told."""
_MOMENT = "%Y-%m-%dT%H:%M:%S.%fZ"

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Written:
    """A file of rows: how many, the SHA-256 of their lines, the first and last key."""

    path: Path
    rows: int
    content: str
    first: int
    last: int


@contextmanager
def engine(temp: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a session for our own statements: one for many files, since opening costs more than a small file.

    Args:
        temp: folder that a sort may spill into.
    """
    with closing(connect(MEMORY, temp=temp)) as session:
        yield session


def write(
    table: Table, rows: Iterable[Sequence[Any]], path: Path, session: duckdb.DuckDBPyConnection
) -> Written:
    """Write rows to a Parquet file, in their order, with bounded memory.

    Args:
        table: whose columns the rows have.
        rows: values as the models give them, by primary key.
        path: of the new file; what is on the way stands beside it for a while.
        session: see `engine`.

    Raises:
        HistoryError: the engine failed.
    """
    digest, longest, number, first, last = hashlib.sha256(), 0, 0, 0, 0
    names = table.names
    jsons = [place for place, kind in enumerate(_kinds(table)) if kind == "JSON"]
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".ndjson") as spool:
        for row in rows:
            values = _values(table, row)
            digest.update(plain(values))
            for place in jsons:
                values[place] = _encode(values[place])
            line = _encode(dict(zip(names, values, strict=True))).encode() + b"\n"
            spool.write(line)
            longest, number, last = max(longest, len(line)), number + 1, row[0]
            first = first or last
        spool.flush()
        _copy(table, Path(spool.name), longest, path, session)
    return Written(path, number, digest.hexdigest(), first, last)


def _values(table: Table, row: Sequence[Any]) -> list[Any]:
    return [
        value if item.to_json is None or value is None else item.to_json(value)
        for item, value in zip(table.columns, row, strict=True)
    ]


def _kinds(table: Table) -> list[str]:
    """Return the kinds of a table's columns, in DuckDB's words; JSON is kept as text."""
    found = []
    for item in table.columns:
        field = next(field for field in table.model._meta.local_concrete_fields if field.column == item.name)
        while isinstance(field, models.ForeignKey):
            field = field.target_field
        kinds = (
            (models.UUIDField, "UUID"),
            (models.DateTimeField, "TIMESTAMPTZ"),
            (models.BooleanField, "BOOLEAN"),
            (models.JSONField, "JSON"),
            (models.IntegerField, "BIGINT"),
        )
        found.append(next((name for kind, name in kinds if isinstance(field, kind)), "VARCHAR"))
    return found


def _copy(table: Table, spool: Path, longest: int, path: Path, session: duckdb.DuckDBPyConnection) -> None:
    types = ", ".join(
        f"{quote(name)}: {quote('VARCHAR' if kind == 'JSON' else kind)}"
        for name, kind in zip(table.names, _kinds(table), strict=True)
    )
    source = (
        f"read_json([{quote(str(spool))}], format = 'newline_delimited', columns = {{{types}}}, "
        f"maximum_object_size = {max(_LINE, longest + 1)})"
    )
    try:
        if longest >= _LINE:
            session.execute("SET memory_limit = '1GB'")
        # Nothing but what came in: our own names, and values that DuckDB reads from the file.
        session.execute(f"COPY (FROM {source}) TO {quote(str(path))} (FORMAT parquet, COMPRESSION zstd)")
    except duckdb.Error as error:
        said = str(error).strip().splitlines()[0]
        raise HistoryError(f"writing {table.name} as Parquet", said) from error


def lines(table: Table, path: Path, session: duckdb.DuckDBPyConnection) -> Iterator[bytes]:
    """Yield the rows of a file as lines, in their order.

    Raises:
        HistoryError: the file is no Parquet with these columns.
    """
    kinds = _kinds(table)
    jsons = [place for place, kind in enumerate(kinds) if kind == "JSON"]
    casts = {"UUID": "{}::VARCHAR", "TIMESTAMPTZ": f"strftime({{}}, '{_MOMENT}')"}
    wanted = ", ".join(
        casts.get(kind, "{}").format(identifier(name)) for name, kind in zip(table.names, kinds, strict=True)
    )
    for batch in select(f"SELECT {wanted} FROM {source([path])}", session):  # noqa: S608 – our own names
        for row in batch:
            values = list(row)
            for place in jsons:
                values[place] = None if values[place] is None else json.loads(values[place])
            yield plain(values)


def key(line: bytes, place: int) -> int:
    """Return the value of a line at a place that holds its primary key."""
    found: int = json.loads(line)[place]
    return found


def source(paths: Iterable[Path]) -> str:
    """Return the SQL table that reads files of one table; a column that an older one lacks is NULL."""
    return f"read_parquet([{', '.join(quote(str(path)) for path in paths)}], union_by_name = true)"


def select(sql: str, session: duckdb.DuckDBPyConnection) -> Iterator[list[tuple[Any, ...]]]:
    """Run one of our own SELECTs over files; yield its rows a few at a time. One at a time in a session.

    Raises:
        HistoryError: the engine refuses, or a value is not of its kind.
    """
    try:
        found = session.execute(sql)
        while batch := found.fetchmany(PAGE):
            yield batch
    except (duckdb.Error, ValueError) as error:
        raise HistoryError("reading a partition", str(error).strip().splitlines()[0]) from error


def content(table: Table, path: Path, session: duckdb.DuckDBPyConnection) -> tuple[int, str]:
    """Return how many rows a file has, and the SHA-256 of their lines."""
    digest, number = hashlib.sha256(), 0
    for line in lines(table, path, session):
        digest.update(line)
        number += 1
    return number, digest.hexdigest()
