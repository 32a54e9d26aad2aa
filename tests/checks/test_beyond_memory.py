"""Verdicts of a table several times larger than what the engine may hold are read all the same."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from proofwatch.checks.base import Counts
from proofwatch.checks.outcome import CheckResults, Evaluation, TableResults
from proofwatch.checks.read import failing, verdicts
from tests.checks.kit import ACCOUNT, HERE, NOW, REGION, catalog, text

ROWS = 300_000
LIMIT = "16MB"
"""Names and verdicts of all rows are 60 MB. Without a place to spill, single resources need 18 MB."""


def resource(number: int) -> str:
    return f"{number:06}{'-' * 150}"


@pytest.fixture
def found(tmp_path: Path) -> Evaluation:
    """Return an evaluation in which each tenth row fails, as one that is kept."""
    check = catalog(tmp_path, a__plain=text()).checks["a.plain"]
    rows, words = tmp_path / "rows.parquet", tmp_path / "words.parquet"
    options = "FORMAT parquet, ROW_GROUP_SIZE 10240"
    with duckdb.connect() as session:
        session.execute(
            f"COPY (SELECT i AS idx, '{ACCOUNT}' AS account_id, '{REGION}' AS region, "
            "format('{:06}', i) || repeat('-', 150) AS resource, NULL::MAP(VARCHAR, VARCHAR) AS _unread, "
            f"'v' || i AS volume_id, i % 10 <> 0 AS encrypted FROM range({ROWS}) t(i)) "
            f"TO '{rows}' ({options})"
        )
        session.execute(
            "COPY (SELECT i::INTEGER AS idx, (i % 10 = 0)::UBIGINT AS fail_0, 0::UBIGINT AS inconclusive_0, "
            f"0::UBIGINT AS not_applicable_0 FROM range({ROWS}) t(i)) TO '{words}' ({options})"
        )
    table = TableResults(
        "volume", words, rows, ((check.id, check.version),), {check.id: {}}, NOW, ROWS, HERE, ()
    )
    return Evaluation(NOW, {"volume": table}, {check.id: CheckResults(check, {}, Counts())})


def test_failing_results_are_given_out_one_after_another(found: Evaluation, tmp_path: Path) -> None:
    names = {row.resource for row in failing(found, memory_limit=LIMIT, work=tmp_path)}
    assert names == {resource(number) for number in range(0, ROWS, 10)}


def test_single_resources_are_found_among_all(found: Evaluation, tmp_path: Path) -> None:
    keys = [(ACCOUNT, REGION, resource(number)) for number in range(3, ROWS, 100)]
    told = verdicts(found, "a.plain", [*keys, (ACCOUNT, REGION, "gone")], memory_limit=LIMIT, work=tmp_path)
    assert set(told) == set(keys)
    assert {row.status for row in told.values()} == {"pass"}
    assert not list(tmp_path.glob("results-*"))
