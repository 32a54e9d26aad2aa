"""Judge with a connector's own checks what it reads, so that a fake's faults are found and nothing else."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import proofwatch
from proofwatch.checks.apart import Order
from proofwatch.checks.base import TableInput
from proofwatch.checks.evaluate import evaluate_here
from proofwatch.checks.load import Catalog, load_catalog
from proofwatch.checks.read import Where, judged
from proofwatch.connectors.base import Connector, ReadStats, Table, Unread
from proofwatch.connectors.values import plain
from proofwatch.snapshots.canon import read_rows
from proofwatch.snapshots.engine import connect, quote

ROOT = Path(proofwatch.__file__).parent / "catalog"
Verdicts = dict[str, dict[str, list[str]]]
"""Check → status → resources."""


@cache
def catalog_of(connector: type[Connector]) -> Catalog:
    """Load the checks and views of one connector alone."""
    folder, kind = Path(mkdtemp(prefix="proofwatch-checks-")), connector.kind
    shutil.copytree(ROOT / "checks" / kind, folder / "checks" / kind)
    (folder / "views").mkdir()
    for path in (ROOT / "views").glob(f"{kind}_*.sql"):
        shutil.copy(path, folder / "views")
    with (ROOT / "criteria.csv").open(encoding="utf-8", newline="") as file:
        criteria = {row["id"] for row in csv.DictReader(file)}
    return load_catalog([folder / "checks"], folder / "views", connector.tables(), criteria)


def verdicts(connector: Connector, folder: Path) -> Verdicts:
    """Read every table of a connection and judge it. What cannot be read is left out, as in a sweep."""
    catalog = catalog_of(type(connector))
    rows: dict[str, list[dict[str, Any]]] = {}
    places: dict[str, list[tuple[str, str]]] = {}
    for shard in connector.shards(connector.scope(), list(connector.tables())):
        for name in shard.tables:
            try:
                found = list(connector.read(shard, name, ReadStats()))
            except Unread:
                continue
            rows.setdefault(name, []).extend(found)
            places.setdefault(name, []).append((shard.account_id, shard.region))
    tables = connector.tables()
    inputs = {name: _input(tables[name], rows[name], places[name], folder) for name in rows}
    checks = tuple(catalog.checks.values())
    result = evaluate_here(Order(catalog, checks, inputs, {}, datetime.now(UTC), folder))
    made: Verdicts = {}
    for item in result.checks.values():
        assert not item.error, (item.check.id, item.error)
    for table in result.tables.values():
        if table.path is None:
            continue
        own = {check.id: check for check in checks if check.table == table.table}
        for _, verdict in judged(table, own, Where()):
            by_status = made.setdefault(verdict.check, {})
            by_status.setdefault(str(verdict.status), []).append(str(verdict.resource))
    return made


def failing(found: Verdicts) -> Mapping[str, list[str]]:
    """Return the resources that fail, by check."""
    return {name: sorted(status["fail"]) for name, status in sorted(found.items()) if "fail" in status}


def _input(
    table: Table, rows: list[dict[str, Any]], places: list[tuple[str, str]], folder: Path
) -> TableInput:
    lines = [
        json.dumps({"idx": number, **{key: plain(value) for key, value in row.items()}})
        for number, row in enumerate(sorted(rows, key=lambda row: (row["account_id"], row["resource"])))
    ]
    source, path = folder / f"{table.name}.json", folder / f"{table.name}.parquet"
    source.write_text("\n".join(lines), encoding="utf-8")
    typed = {"idx": "BIGINT", **{column.name: column.type for column in table.columns}}
    with connect() as session:
        session.execute(
            f"COPY (SELECT * FROM {read_rows([source], tuple(typed.items()))}) "
            f"TO {quote(str(path))} (FORMAT parquet)"
        )
    return TableInput(table.name, path, tuple(sorted(places)))
