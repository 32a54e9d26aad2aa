"""Run the worked cases of a check through the very engine that judges real tables."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from proofwatch.checks.apart import Order
from proofwatch.checks.base import Case, Check, Result, TableInput
from proofwatch.checks.evaluate import evaluate_here
from proofwatch.checks.load import Catalog
from proofwatch.checks.read import Where, judged
from proofwatch.checks.validate import checkers
from proofwatch.snapshots.canon import read_rows
from proofwatch.snapshots.engine import connect, quote

NOW = datetime(2026, 1, 1, tzinfo=UTC)
"""`$now` of every case, so that a case means the same on every day."""

_PLACE = {"account_id": "111111111111", "region": "eu-west-1"}


@dataclass(frozen=True, slots=True)
class Judged:
    """What came out of one case. `problem` says in words what is otherwise than expected, "" if nothing."""

    case: str
    expected: str
    actual: str
    reason: str
    problem: str = ""


def run_cases(check: Check, catalog: Catalog) -> list[str]:
    """Judge every case of a check; return what came out otherwise than expected, one line each.

    Args:
        check: with its cases.
        catalog: knows the columns of its table.
    """
    return list(dict.fromkeys(case.problem for case in judge_cases(check, catalog) if case.problem))


def judge_cases(check: Check, catalog: Catalog) -> list[Judged]:
    """Judge every case of a check; return what came out, in their order. Arguments as for `run_cases`."""
    columns = catalog.columns(check.table)
    with tempfile.TemporaryDirectory(prefix="proofwatch-cases-") as name:
        folder = Path(name)
        path = _write(check.cases, columns, folder)
        places = {tuple((_PLACE | dict(case.given))[key] for key in _PLACE) for case in check.cases}
        source = TableInput(check.table, path, tuple(sorted((str(a), str(r)) for a, r in places)))
        # Without its SQL a view is a table like any other, and its rows are given by the cases.
        plain = Catalog({}, {}, catalog.tables)
        found = evaluate_here(Order(plain, (check,), {check.table: source}, {}, NOW, folder))
        error = found.checks[check.id].error
        if error:
            return [Judged(case.name, case.expect, "", "", error) for case in check.cases]
        rows = dict(judged(found.tables[check.table], {check.id: check}, Where()))
    return [_compare(case, rows[number]) for number, case in enumerate(check.cases)]


def _compare(case: Case, result: Result) -> Judged:
    problem = ""
    if result.status != case.expect:
        problem = f"{case.name}: expected {case.expect}, got {result.status} ({result.reason})"
    elif case.reason and case.reason != result.reason:
        problem = f"{case.name}: expected the reason '{case.reason}', got '{result.reason}'"
    return Judged(case.name, case.expect, result.status, result.reason, problem)


def _write(cases: Sequence[Case], columns: Sequence[tuple[str, str]], folder: Path) -> Path:
    """Write the rows that the cases give as a snapshot; what they leave out is NULL."""
    given = {name for case in cases for name in case.given}
    fits = checkers((name, kind) for name, kind in columns if name in given)
    lines = []
    for number, case in enumerate(cases):
        row: dict[str, Any] = {**_PLACE, "resource": case.name}
        row |= {name: fits[name](value) for name, value in case.given.items() if value is not None}
        if case.unread:
            row["_unread"] = dict.fromkeys(case.unread, "not read")
        lines.append(json.dumps({"idx": number, **row}))
    source, path = folder / "cases.json", folder / "cases.parquet"
    source.write_text("\n".join(lines), encoding="utf-8")
    typed = {"idx": "BIGINT", **dict(columns), "_unread": "MAP(VARCHAR, VARCHAR)"}
    with connect() as session:
        session.execute(
            f"COPY (SELECT * FROM {read_rows([source], tuple(typed.items()))}) "  # noqa: S608
            f"TO {quote(str(path))} (FORMAT parquet)"
        )
    return path
