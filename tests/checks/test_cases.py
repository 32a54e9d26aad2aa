# ruff: noqa: E501 - what is shown to the user stands here on one line
"""Cases run in the engine that judges real tables, and say what came out otherwise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from proofwatch.checks.base import Case
from proofwatch.checks.cases import run_cases
from tests.checks.kit import CASES, catalog, text


def test_cases_that_hold(tmp_path: Path) -> None:
    more = (
        "  - {name: empty, given: {tags: {}, attached: [{count: 2}], policy: {a: [1]}, encrypted: true}, expect: pass}\n"
        "  - {name: not read, given: {encrypted: true}, unread: [encrypted], expect: inconclusive,\n"
        "     reason: 'cannot tell: encrypted was not read (not read)'}\n"
        "  - {name: elsewhere, given: {region: us-east-1, encrypted: true}, expect: pass}\n"
        "  - {name: gone, given: {state: deleting}, expect: not_applicable}\n"
    )
    found = catalog(tmp_path, a__b=text(applies="coalesce(state, '') <> 'deleting'", cases=CASES + more))
    assert run_cases(found.checks["a.b"], found) == []


def test_cases_that_do_not_hold(tmp_path: Path) -> None:
    found = catalog(tmp_path, a__b=text())
    turned = replace(found.checks["a.b"], passes="NOT encrypted")
    assert run_cases(turned, found) == [
        "good: expected pass, got fail (unknown is not encrypted)",
        "bad: expected fail, got pass (unknown is encrypted)",
    ]


def test_a_reason_that_differs(tmp_path: Path) -> None:
    found = catalog(tmp_path, a__b=text())
    case = Case("named", {"encrypted": True, "volume_id": "v"}, "pass", (), "w is encrypted")
    assert run_cases(replace(found.checks["a.b"], cases=(case,)), found) == [
        "named: expected the reason 'w is encrypted', got 'v is encrypted'"
    ]


def test_a_check_that_cannot_run(tmp_path: Path) -> None:
    found = catalog(tmp_path, a__b=text())
    (problem,) = run_cases(replace(found.checks["a.b"], passes="nope"), found)
    assert problem.startswith("the check could not be evaluated: Binder Error")


def test_now_is_the_same_on_every_day(tmp_path: Path) -> None:
    cases = """
cases:
  - {name: new, given: {created: "2025-12-30T00:00:00Z"}, expect: pass}
  - {name: old, given: {created: "2025-01-01T00:00:00Z"}, expect: fail}
  - {name: unknown, given: {created: null}, expect: inconclusive}
"""
    body = text(passes="created > $now - to_days($days)", params="{days: 30}", cases=cases)
    found = catalog(tmp_path, a__b=body)
    assert run_cases(found.checks["a.b"], found) == []


def test_a_check_says_itself_why_there_is_no_verdict(tmp_path: Path) -> None:
    cases = """
cases:
  - {name: fresh, given: {volume_id: v, created: "2025-12-31T00:00:00Z", encrypted: true}, expect: pass}
  - {name: bad, given: {volume_id: v, created: "2025-12-31T00:00:00Z", encrypted: false}, expect: fail}
  - {name: old, given: {volume_id: v, created: "2025-01-01T00:00:00Z", encrypted: true, state: null}, expect: inconclusive,
     reason: "cannot tell: v was judged at 2025-01-01T00:00:00Z, long ago, in state unknown"}
  - {name: not read, given: {volume_id: v, encrypted: true}, unread: [created], expect: inconclusive,
     reason: "cannot tell: created was not read (not read)"}
"""
    body = text(
        passes="CASE WHEN created > $now - to_days(30) THEN encrypted END",
        on_unknown='"{volume_id} was judged at {created}, long ago, in state {state}"',
        cases=cases,
    )
    found = catalog(tmp_path, a__b=body)
    assert run_cases(found.checks["a.b"], found) == []
    words = catalog(tmp_path / "other", a__b=body.replace("long ago", "ages ago"))
    assert words.checks["a.b"].version == found.checks["a.b"].version
