# ruff: noqa: E501 - what is shown to the user stands here on one line
"""What changed between two evaluations, by whichever way they are compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from proofwatch.checks.changes import Change, changes, count_changed
from proofwatch.checks.outcome import TableResults
from tests.checks.kit import ACCOUNT, NOW, REGION, catalog, evaluate, source, text

Row = Mapping[str, Any]


def judged(folder: Path, rows: Sequence[Row], **checks: str) -> TableResults:
    loaded = catalog(folder, **(checks or {"a__b": text()}))
    (folder / "out").mkdir()
    inputs = {"volume": source(folder, "volume", rows)}
    found = evaluate(loaded, list(loaded.checks.values()), inputs, {}, NOW, folder / "out")
    return found.tables["volume"]


def row(idx: int, encrypted: bool | None, **more: Any) -> dict[str, Any]:
    return {"idx": idx, "resource": f"volume/{idx}", "encrypted": encrypted, **more}


def found(before: TableResults, after: TableResults) -> list[tuple[str, str, str | None, str | None]]:
    return [(c.check, c.resource, c.before, c.after) for c in changes(before, after)]


def test_nothing_changed(tmp_path: Path) -> None:
    rows = [row(0, True), row(1, False), row(2, None)]
    one, two = judged(tmp_path / "1", rows), judged(tmp_path / "2", rows)
    assert found(one, two) == [] and count_changed(one, two) == 0


def test_the_same_resources_with_other_verdicts(tmp_path: Path) -> None:
    one = judged(tmp_path / "1", [row(0, True), row(1, False), row(2, None), row(3, True)])
    two = judged(tmp_path / "2", [row(0, False), row(1, False), row(2, True), row(3, True, size=4)])
    assert list(changes(one, two)) == [
        Change("a.b", ACCOUNT, REGION, "volume/0", "pass", "fail"),
        Change("a.b", ACCOUNT, REGION, "volume/2", "inconclusive", "pass"),
    ]
    assert count_changed(one, two) == 2


def test_resources_that_came_and_went(tmp_path: Path) -> None:
    one = judged(tmp_path / "1", [row(0, True), row(1, False), row(2, True), row(9, True)])
    two = judged(tmp_path / "2", [row(5, False), row(0, True), row(2, None), row(9, True)])
    assert found(one, two) == [
        ("a.b", "volume/1", "fail", None),
        ("a.b", "volume/2", "pass", "inconclusive"),
        ("a.b", "volume/5", None, "fail"),
    ]
    assert count_changed(one, two) == 3


def test_the_same_number_of_rows_in_another_order(tmp_path: Path) -> None:
    one = judged(tmp_path / "1", [row(0, True), row(1, False)])
    two = judged(tmp_path / "2", [row(1, False), row(0, True)])
    assert found(one, two) == []


def test_checks_are_aligned_by_id_and_version(tmp_path: Path) -> None:
    """`a.a` is gone, `a.c` is written differently, `a.d` is new: none of that is a change of a resource."""
    one = judged(
        tmp_path / "1", [row(0, True, size=1), row(1, True, size=9)],
        a__a=text(passes="size > 0"), a__b=text(), a__c=text(passes="size > 5"), a__e=text(passes="size < 5"),
    )  # fmt: skip
    two = judged(
        tmp_path / "2", [row(0, False, size=9), row(1, True, size=9)],
        a__b=text(), a__c=text(passes="size > 6"), a__d=text(passes="size > 100"), a__e=text(passes="size < 5"),
    )  # fmt: skip
    assert found(one, two) == [("a.b", "volume/0", "pass", "fail"), ("a.e", "volume/0", "pass", "fail")]
    assert found(two, one) == [("a.b", "volume/0", "fail", "pass"), ("a.e", "volume/0", "fail", "pass")]


@pytest.mark.parametrize("gone", [True, False])
def test_bits_move_between_words(tmp_path: Path, gone: bool) -> None:
    """Dropping the first check moves every other by one bit, and one of them into another word."""
    checks = {f"a__c{n:02d}": text(passes=f"size > {n}") for n in range(66)}
    fewer = {name: body for name, body in checks.items() if name != "a__c00"}
    rows = [
        [row(n, None, size=size) for n in range(3)] + ([row(7, None)] if extra else [])
        for size, extra in ((64, False), (65, gone))
    ]
    one, two = judged(tmp_path / "1", rows[0], **checks), judged(tmp_path / "2", rows[1], **fewer)
    differing = [item for item in found(one, two) if item[1] != "volume/7"]
    assert differing == [("a.c64", f"volume/{n}", "fail", "pass") for n in range(3)]
    assert len(found(one, two)) == 3 + (65 if gone else 0)


def test_many_rows_in_slices(tmp_path: Path) -> None:
    rows = [row(n * 1000, n % 7 != 0) for n in range(3000)]
    later = [row(n * 1000, n % 7 != 0 if n % 100 else None) for n in range(3000) if n != 1500]
    one, two = judged(tmp_path / "1", rows), judged(tmp_path / "2", later)
    assert count_changed(one, two) == 30
    assert {item[3] for item in found(one, two)} == {"inconclusive", None}


def test_what_was_not_judged_cannot_be_compared(tmp_path: Path) -> None:
    one = judged(tmp_path / "1", [row(0, True)])
    never = TableResults("volume", None, None, (), {}, NOW, 0, (), ())
    assert found(one, never) == found(never, one) == [] and count_changed(never, one) == 0
