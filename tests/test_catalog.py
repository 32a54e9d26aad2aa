"""The shipped catalogue as a whole: checks, cases, views, criteria and the control list agree."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import pytest
import yaml

import proofwatch
from proofwatch.checks.cases import run_cases
from proofwatch.checks.load import Catalog, load_catalog
from proofwatch.connectors.base import Table
from proofwatch.connectors.registry import CONNECTORS, connector_class
from proofwatch.controls.load import builtin_controls, load_controls

ROOT = Path(proofwatch.__file__).parent / "catalog"
FILES = sorted((ROOT / "checks").rglob("*.yaml"))
IDS = [".".join(path.relative_to(ROOT / "checks").with_suffix("").parts) for path in FILES]
SAME_AS = {
    "aws_config": r"[A-Z0-9_]+",
    "prowler": r"[a-z0-9_]+",
    "vanta": r"[a-z0-9-]+",
    "drata": r"[0-9]+",
    "securityhub": r"[A-Za-z0-9.]+",
}
MUST_COVER = {
    "CC4.1",
    "CC6.1",
    "CC6.2",
    "CC6.3",
    "CC6.6",
    "CC6.7",
    "CC6.8",
    "CC7.1",
    "CC7.2",
    "CC7.3",
    "CC8.1",
    "A1.2",
    "C1.1",
    "C1.2",
}


def criteria() -> set[str]:
    with (ROOT / "criteria.csv").open(encoding="utf-8", newline="") as file:
        return {row["id"] for row in csv.DictReader(file)}


def tables() -> dict[str, Table]:
    return {name: table for kind in CONNECTORS for name, table in connector_class(kind).tables().items()}


@lru_cache(maxsize=1)
def catalog() -> Catalog:
    return load_catalog([ROOT / "checks"], ROOT / "views", tables(), criteria())


def test_there_are_enough_checks_and_each_is_known_by_its_path() -> None:
    assert len(FILES) >= 90
    assert sorted(catalog().checks) == sorted(IDS)


@pytest.mark.parametrize("check_id", IDS)
def test_the_cases_of_a_check_hold(check_id: str) -> None:
    check = catalog().checks[check_id]
    assert {"pass", "fail", "inconclusive"} <= {case.expect for case in check.cases}
    assert not run_cases(check, catalog())


@pytest.mark.parametrize("check_id", IDS)
def test_the_cases_of_a_check_notice_when_it_is_turned_round(check_id: str) -> None:
    check = catalog().checks[check_id]
    assert run_cases(replace(check, passes=f"NOT ({check.passes})"), catalog())


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_a_check_says_what_it_is_the_same_as_and_reads_well(path: Path) -> None:
    body = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(body["same_as"], dict)
    assert set(body["same_as"]) <= set(SAME_AS)
    for source, names in body["same_as"].items():
        assert names and all(re.fullmatch(SAME_AS[source], name) for name in names)
    assert not body["title"].endswith(".")
    assert body["why"].endswith(".") and body["fix"].endswith(".")
    assert body["on_pass"] != body["on_fail"]
    assert "{" in body["on_fail"], "it must name the resource or the place"


def test_the_criteria_that_can_be_checked_are_covered() -> None:
    covered = {name for check in catalog().checks.values() for name in check.criteria}
    assert covered >= MUST_COVER
    assert covered <= criteria()


def test_every_view_is_used_and_states_its_tables_and_key() -> None:
    views = catalog().views
    used = {check.table for check in catalog().checks.values()}
    assert set(views) == {path.stem for path in (ROOT / "views").glob("*.sql")}
    assert set(views) <= used
    for view in views.values():
        assert view.about and view.tables
        assert {"account_id", "region", "resource"} <= {name for name, _ in view.columns}
        assert "-- key: account_id, region, resource" in view.path.read_text(encoding="utf-8")


def test_every_check_serves_a_control_and_every_control_can_be_judged() -> None:
    controls = load_controls(builtin_controls(), checks=set(IDS), criteria=criteria()).controls
    assert len(controls) >= 28
    assert {name for control in controls for name in control.checks} == set(IDS)
    assert {name for control in controls for name in control.criteria} >= MUST_COVER


def test_a_control_claims_only_criteria_that_its_checks_serve() -> None:
    for control in load_controls(builtin_controls(), checks=set(IDS), criteria=criteria()).controls:
        served = {name for check in control.checks for name in catalog().checks[check].criteria}
        assert set(control.criteria) <= served, control.id
