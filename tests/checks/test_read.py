# ruff: noqa: E501 - what is shown to the user stands here on one line
"""Reading verdicts back: filters, reasons that are safe to show, and single resources."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from proofwatch.checks.base import UnreadPlace
from proofwatch.checks.outcome import Evaluation
from proofwatch.checks.read import BATCH, Where, failing, results, verdicts
from tests.checks.kit import ACCOUNT, NOW, REGION, catalog, evaluate, source, text

PLACES = [(ACCOUNT, REGION), ("222222222222", REGION)]
ROWS: list[dict[str, Any]] = [
    {"volume_id": "v0", "encrypted": True, "size": 1},
    {"volume_id": "v1", "encrypted": False, "size": 9},
    {"volume_id": "v2", "encrypted": None, "size": 9},
    {"volume_id": "v3", "encrypted": False, "size": None, "account_id": "222222222222"},
]


@pytest.fixture
def found(tmp_path: Path) -> Evaluation:
    loaded = catalog(tmp_path, a__plain=text(), a__small=text(applies="encrypted", passes="size < 5"))
    (tmp_path / "out").mkdir()
    inputs = {
        "volume": source(tmp_path, "volume", ROWS, PLACES, [UnreadPlace(ACCOUNT, "us-east-1", "timed out")])
    }
    return evaluate(loaded, list(loaded.checks.values()), inputs, {}, NOW, tmp_path / "out")


def keys(found: Evaluation, **where: Any) -> list[tuple[str, str, str]]:
    return [
        (r.check.removeprefix("a."), (r.resource or r.region).removeprefix("volume/"), r.status)
        for r in results(found, Where(**where))
    ]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"statuses": ["fail"]}, [("plain", "1", "fail"), ("plain", "3", "fail")]),
        ({"statuses": ["pass"]}, [("plain", "0", "pass"), ("small", "0", "pass")]),
        ({"statuses": ["not_applicable"]}, [("small", "1", "not_applicable"), ("small", "3", "not_applicable")]),
        ({"checks": ["a.small"], "statuses": ["inconclusive"]},
         [("small", "us-east-1", "inconclusive"), ("small", "2", "inconclusive")]),
        ({"resource": "LUME/1"}, [("plain", "1", "fail"), ("small", "1", "not_applicable")]),
        ({"account": "222222222222"}, [("plain", "3", "fail"), ("small", "3", "not_applicable")]),
        ({"region": "us-east-1"}, [("plain", "us-east-1", "inconclusive"), ("small", "us-east-1", "inconclusive")]),
        ({"checks": ["a.plain"], "account": ACCOUNT, "region": REGION, "statuses": ["pass", "fail"]},
         [("plain", "0", "pass"), ("plain", "1", "fail")]),
        ({"checks": ["a.none"]}, []),
        ({"resource": "%"}, []),
    ],
)  # fmt: skip
def test_filters(found: Evaluation, where: dict[str, Any], expected: list[tuple[str, str, str]]) -> None:
    assert keys(found, **where) == expected


def test_everything(found: Evaluation) -> None:
    assert len(keys(found)) == 2 + 2 * len(ROWS)
    counted = {check: item.counts for check, item in found.checks.items()}
    for check, counts in counted.items():
        shown = [r.status for r in results(found, Where(checks=[check]))]
        assert (counts.passed, counts.failed) == (shown.count("pass"), shown.count("fail"))
        assert counts.inconclusive == shown.count("inconclusive")


def test_a_result_names_check_version_and_place(found: Evaluation) -> None:
    row = next(r for r in failing(found) if r.resource == "volume/3")
    assert row.check_version == found.checks["a.plain"].check.version
    assert (row.account_id, row.region, row.reason) == ("222222222222", REGION, "v3 is not encrypted")


def test_verdicts_of_single_resources(found: Evaluation) -> None:
    wanted = [(ACCOUNT, REGION, "volume/1"), (ACCOUNT, REGION, "volume/2"), (ACCOUNT, REGION, "volume/77")]
    shown = verdicts(found, "a.plain", wanted)
    assert {key[2]: row.status for key, row in shown.items()} == {
        "volume/1": "fail",
        "volume/2": "inconclusive",
    }
    assert verdicts(found, "a.plain", []) == {}


def judge_one(folder: Path, row: dict[str, Any], on_fail: str) -> str:
    loaded = catalog(folder, a__b=text(passes="NOT encrypted", on_fail=on_fail))
    (folder / "out").mkdir()
    inputs = {"volume": source(folder, "volume", [{"encrypted": True, **row}])}
    found = evaluate(loaded, list(loaded.checks.values()), inputs, {}, NOW, folder / "out")
    (result,) = results(found)
    assert result.status == "fail"
    return result.reason


@pytest.mark.parametrize(
    ("row", "on_fail", "expected"),
    [
        ({"volume_id": "a\nb\x1b[31mc\u202e"}, '"<{volume_id}>"', "<a\\nb\\x1b[31mc\\u202e>"),
        ({"volume_id": "x" * 300}, '"{volume_id}"', "x" * 199 + "…"),
        ({"volume_id": "' || (SELECT 1) || '"}, '"{volume_id}"', "' || (SELECT 1) || '"),
        ({"volume_id": "{state}"}, '"{volume_id} {state}"', "{state} unknown"),
        ({"created": "2026-01-02T03:04:05Z"}, '"since {created}"', "since 2026-01-02T03:04:05Z"),
        ({"tags": {"a": "b"}}, '"{tags}"', "{a=b}"),
        ({"attached": [{"instance": "i-1", "count": 2}]}, '"{attached}"', "[{'instance': i-1, 'count': 2}]"),
        ({"size": 12}, "\"it's {size} GiB; 100 % {encrypted}\"", "it's 12 GiB; 100 % true"),
        ({}, '"no placeholder"', "no placeholder"),
    ],
)  # fmt: skip
def test_reasons_are_plain_and_bounded(
    tmp_path: Path, row: dict[str, Any], on_fail: str, expected: str
) -> None:
    assert judge_one(tmp_path, row, on_fail) == expected


def test_a_whole_reason_is_bounded(tmp_path: Path) -> None:
    reason = judge_one(tmp_path, {"volume_id": "y" * 300}, '"' + "{volume_id} " * 10 + '"')
    assert len(reason) == 1000 and reason.endswith("…")


def test_many_results_come_in_batches_with_their_errors(tmp_path: Path) -> None:
    """Looking up an error while rows are still coming must not end them."""
    rows = [{"state": "x" if n % 700 == 5 else str(n)} for n in range(2 * BATCH + 10)]
    loaded = catalog(tmp_path, a__b=text(passes="CAST(state AS INTEGER) >= 0"))
    (tmp_path / "out").mkdir()
    inputs = {"volume": source(tmp_path, "volume", rows)}
    found = evaluate(loaded, list(loaded.checks.values()), inputs, {}, NOW, tmp_path / "out")
    shown = list(results(found))
    assert len(shown) == len(rows)
    wrong = [r for r in shown if r.status == "inconclusive"]
    assert len(wrong) == sum(1 for row in rows if row["state"] == "x")
    assert all("Could not convert string 'x' to INT32" in r.reason for r in wrong)
