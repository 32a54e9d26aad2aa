"""One SELECT that a person wrote, over proven tables, in a process that can do nothing else.

The statement is checked here, then run by a child process with a locked engine, a limit on its address
space and a limit on its time: the engine's own memory limit does not cover every function.
"""

from __future__ import annotations

import difflib
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from proofwatch.snapshots.base import Objects, SnapshotError
from proofwatch.snapshots.engine import MEMORY_LIMIT, connect, identifier, lock, quote, single_select
from proofwatch.snapshots.rebuild import materialise

DOING = "running the query"

ADDRESS_SPACE = 2 * 2**30
"""Bytes of address space of the child, of which the engine may fill `memory_limit`; the rest is code,
stacks and what single functions allocate on their own."""

_ANSWER = 64 * 2**20
"""Characters of an answer; more is not for reading."""


def query(
    sql: str,
    tables: Mapping[str, str],
    objects: Objects,
    cache: Path,
    limit: int = 1000,
    *,
    seconds: float = 60,
    memory_limit: str = MEMORY_LIMIT,
) -> tuple[list[str], list[list[Any]]]:
    """Run one SELECT; return the column names and at most `limit` rows of plain JSON values.

    Times come as RFC 3339 text in UTC, dates as text, JSON columns as text.

    Args:
        sql: exactly one SELECT statement, as a person wrote it.
        tables: table name → manifest digest; only those named in `sql` are rebuilt.
        objects: where their objects are.
        cache: folder of rebuilt tables.
        limit: at most so many rows.
        seconds: after which the query is stopped.
        memory_limit: what the engine may hold.

    Raises:
        SnapshotError: not one SELECT, wrong SQL (with the place), an unknown table (with the nearest
            names), too slow, too large, or a table that cannot be rebuilt.
    """
    with connect(allowed=()) as session:
        statement = single_select(session, sql, DOING)
    paths = {
        name: [materialise(tables[name], objects, cache, memory_limit=memory_limit)]
        for name in named(sql, tables)
    }
    return ask(statement, paths, tables, limit, seconds=seconds, memory_limit=memory_limit)


def named(sql: str, tables: Iterable[str]) -> list[str]:
    """Return which of the tables a statement names, and perhaps some that it only mentions."""
    return [name for name in tables if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", sql, re.IGNORECASE)]


def ask(
    statement: str,
    paths: Mapping[str, Iterable[Path]],
    known: Iterable[str],
    limit: int,
    *,
    seconds: float = 60,
    memory_limit: str = MEMORY_LIMIT,
    see: str = "See `proofwatch snapshot tables`.",
) -> tuple[list[str], list[list[Any]]]:
    """Run a statement that `single_select` took over Parquet files, in the child; see `query`.

    Args:
        statement: the SELECT.
        paths: table name → the files that have its rows; a column that one of them lacks is NULL there.
        known: the tables that there are, for who asks for another.
        limit: at most so many rows.
        seconds: after which it is stopped.
        memory_limit: what the engine may hold.
        see: where the names of tables stand.
    """
    with tempfile.TemporaryDirectory(prefix="query-") as spill:
        order = {
            "sql": statement,
            "tables": {name: [str(path.resolve()) for path in files] for name, files in paths.items()},
            "limit": limit,
            "memory_limit": memory_limit,
            "address_space": ADDRESS_SPACE,
            "spill": spill,
        }
        answer = _ask(order, seconds)
    if "columns" in answer:
        return answer["columns"], answer["rows"]
    raise _refusal(answer["kind"], answer["error"], known, see)


def _ask(order: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    """Let the child run it; a child that dies without an answer ran out of memory."""
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "proofwatch.snapshots.query"],
            input=json.dumps(order),
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise SnapshotError(
            DOING, f"stopped after {seconds:g} s", "Narrow it down with WHERE, or aggregate less."
        ) from error
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        return {"kind": "memory", "error": f"the process ended with code {done.returncode}"}
    return answer


def _refusal(kind: str, error: str, tables: Iterable[str], see: str) -> SnapshotError:
    missing = re.search(r"Table with name (.+?) does not exist", error)
    if missing:
        name = missing[1].strip('"')
        near = difflib.get_close_matches(name.lower(), list(tables), n=3, cutoff=0.5)
        hint = f"Did you mean {' or '.join(near)}?" if near else see
        return SnapshotError(DOING, f"there is no table {name}", hint)
    if kind == "memory":
        return SnapshotError(
            DOING, "it needs more memory than a query may use", "Select fewer columns or rows, or aggregate."
        )
    if kind == "PermissionException":
        return SnapshotError(
            DOING,
            "it reaches for a file, the network or an extension",
            "Only the collected tables can be read.",
        )
    return SnapshotError(DOING, error, "Mend the SQL at the place marked.")


def serve() -> None:
    """Run one order from standard input in this process, and answer on standard output."""
    import resource

    order = json.loads(sys.stdin.read())
    resource.setrlimit(resource.RLIMIT_AS, (order["address_space"], order["address_space"]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        answer = json.dumps(_run(order), default=_plain, ensure_ascii=False, allow_nan=False)
        if len(answer) > _ANSWER:
            raise MemoryError
    except (MemoryError, duckdb.OutOfMemoryException) as error:
        answer = json.dumps({"kind": "memory", "error": str(error)})
    except duckdb.Error as error:
        answer = json.dumps({"kind": type(error).__name__, "error": str(error).strip()})
    sys.stdout.write(answer)


def _run(order: Mapping[str, Any]) -> dict[str, Any]:
    paths = [Path(path) for files in order["tables"].values() for path in files]
    with connect(order["memory_limit"], 1, temp=Path(order["spill"])) as session:
        for name, files in order["tables"].items():
            source = f"read_parquet([{', '.join(map(quote, files))}], union_by_name = true)"
            session.execute(f"CREATE VIEW {identifier(name)} AS SELECT * FROM {source}")  # noqa: S608
        lock(session, paths)
        found = session.execute(order["sql"])
        columns = [item[0] for item in found.description or []]
        return {"columns": columns, "rows": [_values(row) for row in found.fetchmany(order["limit"])]}


def _values(row: tuple[Any, ...]) -> list[Any]:
    """Return the row with numbers that JSON does not have as text."""
    return [str(value) if isinstance(value, float) and value - value != 0 else value for value in row]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if value.tzinfo else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    return str(value)


if __name__ == "__main__":
    serve()
