"""DuckDB sessions: plain ones for our own statements, locked ones for anything a person wrote.

A locked session reads the allowed files and nothing else: no other path, no network, no extension, no
variable of this process, and none of its settings can be changed back. Two things stay open in DuckDB
and are the caller's to close: `COPY … TO` may overwrite an allowed file, so foreign text is accepted only
when `single_select` says that it is one SELECT; and some functions allocate outside `memory_limit`
(`repeat('x', 3e9)`), so foreign text runs in a process of its own with an address limit (see `query`).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import duckdb

from proofwatch.snapshots.base import SnapshotError

MEMORY_LIMIT = "256MB"
"""What a session may hold before it spills to its temporary folder."""

ROOMY_LIMIT = "768MB"
"""What it may hold where rows are so wide that a few thousand of them do not fit."""


def connect(
    memory_limit: str = MEMORY_LIMIT,
    threads: int = 1,
    allowed: Iterable[Path] | None = None,
    *,
    temp: Path | None = None,
    ordered: bool = True,
) -> duckdb.DuckDBPyConnection:
    """Open an in-memory DuckDB session in UTC that loads no extension and sees no Python variable.

    Args:
        memory_limit: DuckDB's own form, e.g. `256MB`.
        threads: worker threads of this session.
        allowed: None for our own statements; otherwise the session is locked and reads these files only
            (an empty list: no file at all).
        temp: existing folder to spill into; without it the session never spills and fails when full.
        ordered: keep rows in file order where no ORDER BY is given; False streams with less memory.
    """
    session = duckdb.connect(":memory:")
    session.execute("SET python_enable_replacements = false")
    session.execute("SET autoload_known_extensions = false")
    session.execute("SET autoinstall_known_extensions = false")
    session.execute("SET allow_community_extensions = false")
    session.execute("SET allow_persistent_secrets = false")
    session.execute("SET TimeZone = 'UTC'")
    session.execute("SET enable_progress_bar = false")
    session.execute(f"SET memory_limit = {quote(memory_limit)}")
    session.execute(f"SET threads = {int(threads)}")
    session.execute(f"SET preserve_insertion_order = {'true' if ordered else 'false'}")
    session.execute(f"SET temp_directory = {quote(str(temp) if temp else '')}")
    if allowed is not None:
        lock(session, allowed)
    return session


def lock(session: duckdb.DuckDBPyConnection, allowed: Iterable[Path] = ()) -> None:
    """Close a session for good: only `allowed` files can be read, and no setting can be changed again.

    Tables and views may still be created, so what a person wrote must come after `single_select`.
    """
    paths = ", ".join(quote(str(path)) for path in allowed)
    session.execute(f"SET allowed_paths = [{paths}]")
    session.execute("SET enable_external_access = false")
    session.execute("SET lock_configuration = true")


def single_select(session: duckdb.DuckDBPyConnection, sql: str, doing: str) -> str:
    """Return `sql` if it is exactly one SELECT statement.

    Raises:
        SnapshotError: it does not parse (with DuckDB's line and caret), is empty, holds several
            statements, or is anything but a SELECT.
    """
    try:
        statements = session.extract_statements(sql)
    except duckdb.Error as error:
        raise SnapshotError(doing, str(error).strip(), "Mend the SQL at the place marked.") from error
    if len(statements) != 1:
        found = "nothing" if not statements else f"{len(statements)} statements"
        raise SnapshotError(doing, f"expected one SELECT, found {found}", "Give exactly one SELECT.")
    if statements[0].type != duckdb.StatementType.SELECT:
        kind = str(statements[0].type).rsplit(".", 1)[-1].replace("_STATEMENT", "")
        raise SnapshotError(
            doing, f"only a SELECT can be run here, not {kind}", "Snapshots are read-only: write a SELECT."
        )
    return statements[0].query


def quote(text: str) -> str:
    """Return `text` as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Return `name` as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
