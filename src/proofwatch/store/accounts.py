"""The accounts of every connected system in one form; `catalog/accounts/<kind>.sql` says how each has it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from proofwatch.connectors.base import Row
from proofwatch.store.derived import Work, others, read_at, select
from proofwatch.store.models import Connection

if TYPE_CHECKING:
    from proofwatch.checks.load import Catalog

_TABLES = re.compile(r"^-- tables: (.+)$", re.MULTILINE)


@cache
def known() -> dict[str, tuple[tuple[str, ...], str]]:
    """Return, for each kind of system whose accounts are known, their tables and the SELECT over them."""
    found = {}
    for item in files("proofwatch").joinpath("catalog", "accounts").iterdir():
        if item.name.endswith(".sql"):
            text = item.read_text(encoding="utf-8")
            told = _TABLES.search(text)
            if told is None:
                raise ValueError(f"{item.name} does not say its tables")
            names = tuple(name.strip() for name in told[1].split(","))
            found[item.name.removesuffix(".sql")] = (names, text)
    return found


def sources(connection: Connection, catalog: Catalog) -> list[Connection]:
    """Return the connections that have accounts."""
    return [item for item in others(connection) if item.kind in known()]


def rows(connection: Connection, source: Connection, work: Work) -> Iterator[Row]:
    """Yield the accounts of one connection. Raises Unread."""
    tables, sql = known()[source.kind]
    at = read_at(source, tables[0])
    seen: dict[str, int] = {}
    for row in select(source, tables, sql, work):
        name = f"{row['account']}/{row['login']}"
        seen[name] = seen.get(name, 0) + 1
        yield {
            **row,
            # Two users of one name are two accounts, in IAM for instance below different paths.
            "resource": name if seen[name] == 1 else f"{name}#{seen[name]}",
            "connection": source.name,
            "system": source.kind,
            "read_at": at,
        }
