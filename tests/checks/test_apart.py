"""Checks that a person added run in a process of their own, and cannot take the others down."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from proofwatch.checks.apart import KILLED, Order, evaluate_apart, foreign
from proofwatch.checks.base import Check, CheckError, Counts
from proofwatch.checks.evaluate import evaluate
from proofwatch.checks.load import Catalog
from tests.checks.kit import NOW, TABLES, catalog, source, statuses, text

ROWS = [{"encrypted": True, "state": "x" * 1000}]


def made(folder: Path, passes: str) -> tuple[Check, Check]:
    loaded = catalog(folder, a__b=text(), own__c=text(passes=f'"{passes}"'))
    (folder / "out").mkdir()
    return loaded.checks["a.b"], loaded.checks["own.c"]


def test_a_users_check_is_judged_like_any_other(tmp_path: Path) -> None:
    checks = made(tmp_path, "length(state) = 1000")
    assert all(map(foreign, checks))
    inputs = {"volume": source(tmp_path, "volume", ROWS)}
    found = evaluate(Catalog({}, {}, TABLES), checks, inputs, {}, NOW, tmp_path / "out")
    assert found.checks["own.c"].counts == found.checks["a.b"].counts == Counts(passed=1)
    assert statuses(found)["own.c", "volume/0"][0] == "pass"


def test_shipped_checks_are_known_by_their_folder() -> None:
    import proofwatch

    path = Path(proofwatch.__file__).parent / "catalog/checks/aws/ec2/ebs-volume-encrypted.yaml"
    template = Check("a", "", "t", (), "low", "", "", "", "", "", "", {}, {}, (), (), "", path, "")
    assert not foreign(template)
    assert foreign(replace(template, path=Path("/tmp/own/x.yaml")))


def test_a_check_that_takes_all_memory_is_left_out(tmp_path: Path) -> None:
    """Doubling a text thirty times over makes a thousand letters into a terabyte."""
    grown = "state"
    for _ in range(30):
        grown = f"list_transform([{grown}], lambda s: s || s)[1]"
    good, bomb = made(tmp_path, f"length({grown}) > 0")
    inputs = {"volume": source(tmp_path, "volume", ROWS)}
    order = Order(Catalog({}, {}, TABLES), (good, bomb), inputs, {}, NOW, tmp_path / "out")
    found = evaluate_apart(order, address_space=2 * 2**30)
    assert found.checks["a.b"].counts == Counts(passed=1)
    status, reason = next(iter(statuses(found, checks=["own.c"]).values()))
    assert status == "inconclusive"
    assert KILLED in reason or "emory" in reason or "too large" in reason


def test_a_process_that_cannot_even_start_is_an_error(tmp_path: Path) -> None:
    good, other = made(tmp_path, "encrypted")
    inputs = {"volume": source(tmp_path, "volume", ROWS)}
    order = Order(Catalog({}, {}, TABLES), (good, other), inputs, {}, NOW, tmp_path / "out")
    with pytest.raises(CheckError, match="even without the checks that were added"):
        evaluate_apart(order, address_space=64 * 2**20)
