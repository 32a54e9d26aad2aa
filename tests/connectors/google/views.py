"""Run a view of the catalogue in DuckDB over rows of the tables that it joins."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

import proofwatch
from proofwatch.connectors.base import Table

VIEWS = Path(proofwatch.__file__).parent / "catalog" / "views"
Rows = list[dict[str, Any]]


def view(folder: Path, tables: Mapping[str, Table], name: str, /, **given: Rows) -> Rows:
    """Return a view's rows over the rows of its tables; none where a table is not named.

    Args:
        folder: for the rows.
        tables: declared ones.
        name: of the view.
        given: rows of each table; what they leave out is NULL.
    """
    session = duckdb.connect()
    session.execute("SET TimeZone = 'UTC'")
    sql = (VIEWS / f"{name}.sql").read_text(encoding="utf-8")
    for table in (table for table in tables.values() if table.name in sql):
        here = {"account_id": "111111111111", "region": "global"}
        rows = [
            here | {"resource": f"{table.name}/{number}"} | row
            for number, row in enumerate(given.get(table.name, []))
        ]
        path = folder / f"{table.name}.json"
        path.write_text("\n".join(json.dumps(row) for row in rows))
        types = ", ".join(f"'{column.name}': '{column.type}'" for column in table.columns)
        file = f"read_json('{path}', format='newline_delimited', columns={{{types}}})"
        session.execute(f"CREATE TABLE {table.name} AS FROM {file}")
    cursor = session.execute(sql)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
