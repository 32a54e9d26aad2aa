"""Run a view of the catalogue in DuckDB over rows of the tables that it joins."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

import proofwatch
from proofwatch.connectors.aws.schema import load_tables

VIEWS = Path(proofwatch.__file__).parent / "catalog" / "views"
HERE = {"account_id": "111111111111", "region": "eu-west-1"}
Rows = list[dict[str, Any]]
Run = Callable[..., Rows]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return a function that gives a view's rows over the rows of its tables (none where not named)."""

    def rows_of(view: str, **given: Rows) -> Rows:
        session = duckdb.connect()
        session.execute("SET TimeZone = 'UTC'")
        sql = (VIEWS / f"{view}.sql").read_text(encoding="utf-8")
        for name, table in load_tables().items():
            if name not in sql:
                continue
            listed = enumerate(given.get(name, []))
            rows = [HERE | {"resource": f"{name}/{number}"} | row for number, row in listed]
            path = tmp_path / f"{name}.json"
            path.write_text("\n".join(json.dumps(row) for row in rows))
            types = ", ".join(f"'{column.name}': '{column.type}'" for column in table.columns)
            file = f"read_json('{path}', format='newline_delimited', columns={{{types}}})"
            session.execute(f"CREATE TABLE {name} AS FROM {file}")
        cursor = session.execute(sql)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    return rows_of
