"""Small tables, check files and snapshots for the tests of checks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from proofwatch.checks.apart import Order
from proofwatch.checks.base import Check, TableInput, UnreadPlace
from proofwatch.checks.evaluate import evaluate_here
from proofwatch.checks.load import Catalog, load_catalog
from proofwatch.checks.outcome import Evaluation
from proofwatch.checks.read import Where, results
from proofwatch.connectors.base import COMMON, Column, Table

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
ACCOUNT, REGION = "111111111111", "eu-west-1"
HERE = ((ACCOUNT, REGION),)
CRITERIA = {"CC6.1", "CC6.7", "CC7.2"}


def table(name: str, place: Any = "region", **columns: str) -> Table:
    own = tuple(Column(column, kind) for column, kind in columns.items())
    return Table(name, f"{name} rows", "test", place, (*COMMON, *own), ("test:List",), "test:List")


TABLES = {
    item.name: item
    for item in (
        table(
            "volume",
            volume_id="VARCHAR",
            encrypted="BOOLEAN",
            state="VARCHAR",
            size="BIGINT",
            created="TIMESTAMPTZ",
            tags="MAP(VARCHAR, VARCHAR)",
            policy="JSON",
            attached="STRUCT(instance VARCHAR, count BIGINT)[]",
        ),
        table("key", key_id="VARCHAR", enabled="BOOLEAN"),
        table("account", place="global", plan="VARCHAR"),
    )
}

CASES = """
cases:
  - {name: good, given: {encrypted: true}, expect: pass}
  - {name: bad, given: {encrypted: false}, expect: fail}
  - {name: unread, given: {encrypted: null}, expect: inconclusive}
"""

CHECK = {
    "title": "Volumes are encrypted",
    "table": "volume",
    "criteria": "[CC6.1]",
    "severity": "high",
    "why": "A stolen disk is unreadable.",
    "passes": "encrypted",
    "on_pass": '"{volume_id} is encrypted"',
    "on_fail": '"{volume_id} is not encrypted"',
    "fix": "Encrypt it.",
}


def text(**fields: str | None) -> str:
    """Return a check file; None leaves a field out, `cases` replaces the cases."""
    merged = {**CHECK, **{name: value for name, value in fields.items() if name != "cases"}}
    body = "".join(f"{name}: {value}\n" for name, value in merged.items() if value is not None)
    return body + (fields.get("cases") or CASES).lstrip("\n")


def write_checks(folder: Path, **files: str) -> Path:
    """Write `aws__ec2__name=text` as aws/ec2/name.yaml below the folder."""
    for name, body in files.items():
        path = folder.joinpath(*name.replace("_", "-").split("--")).with_suffix(".yaml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body, encoding="utf-8")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def catalog(folder: Path, views: Mapping[str, str] | None = None, **files: str) -> Catalog:
    """Load a catalogue of these files over TABLES."""
    views_folder = folder / "views"
    views_folder.mkdir(parents=True, exist_ok=True)
    for name, sql in (views or {}).items():
        (views_folder / f"{name}.sql").write_text(sql, encoding="utf-8")
    return load_catalog([write_checks(folder / "checks", **files)], views_folder, TABLES, CRITERIA)


def snapshot(path: Path, name: str, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Write rows as a snapshot: idx (its position unless given), then the table's columns."""
    lines = []
    for number, row in enumerate(rows):
        base = {"idx": number, "account_id": ACCOUNT, "region": REGION, "resource": f"{name}/{number}"}
        lines.append(json.dumps(base | dict(row)))
    source = path.with_suffix(".json")
    source.write_text("\n".join(lines), encoding="utf-8")
    kinds = {"idx": "BIGINT"} | {column.name: column.type for column in TABLES[name].columns}
    columns = ", ".join(f"{column}: '{kind}'" for column, kind in kinds.items())
    with duckdb.connect() as session:
        session.execute("SET TimeZone = 'UTC'")
        file = f"read_json('{source}', format = 'newline_delimited', columns = {{{columns}}})"
        if not rows:
            empty = ", ".join(f"CAST(NULL AS {kind}) AS {column}" for column, kind in kinds.items())
            file = f"(SELECT {empty} WHERE false)"
        session.execute(f"COPY (SELECT * FROM {file}) TO '{path}' (FORMAT parquet)")
    return path


def source(
    folder: Path,
    name: str,
    rows: Sequence[Mapping[str, Any]],
    places: Sequence[tuple[str, str]] = HERE,
    unread: Sequence[UnreadPlace] = (),
) -> TableInput:
    """Return a table as it is to be judged."""
    return TableInput(name, snapshot(folder / f"{name}.parquet", name, rows), tuple(places), tuple(unread))


def evaluate(
    found: Catalog,
    checks: Sequence[Check],
    inputs: Mapping[str, TableInput],
    params: Mapping[str, Mapping[str, Any]],
    now: datetime,
    out: Path,
    **options: Any,
) -> Evaluation:
    """Evaluate in this process, as shipped checks are; those of these tests would be taken for a user's."""
    return evaluate_here(Order(found, tuple(checks), inputs, params, now, out, **options))


def statuses(found: Evaluation, **where: Any) -> dict[tuple[str, str | None], tuple[str, str]]:
    """Return (check, resource) → (status, reason)."""
    return {(r.check, r.resource): (r.status, r.reason) for r in results(found, Where(**where))}
