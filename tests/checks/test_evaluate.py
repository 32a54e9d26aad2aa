"""Verdicts: three values, nothing decided by default, nothing lost."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofwatch.checks.base import Check, CheckError, Counts, TableInput, UnreadPlace
from proofwatch.checks.load import Catalog
from proofwatch.checks.outcome import Evaluation
from tests.checks.kit import ACCOUNT, HERE, NOW, TABLES, catalog, evaluate, source, statuses, text


def judge(
    folder: Path,
    rows: Sequence[Mapping[str, Any]],
    *,
    threads: int = 1,
    params: Mapping[str, Mapping[str, Any]] | None = None,
    **checks: str,
) -> Evaluation:
    """Judge rows of `volume` by these checks."""
    found = catalog(folder, **checks)
    out = folder / "out"
    out.mkdir(exist_ok=True)
    inputs = {"volume": source(folder, "volume", rows)}
    return evaluate(found, list(found.checks.values()), inputs, params or {}, NOW, out, threads=threads)


# In this table the columns stand for truth values: size / 0 is an error, NULL is unknown.
VALUES = {"true": "size > 0", "false": "size < 0", "null": "size > NULL::BIGINT", "error": "size // 0 > 1"}


@pytest.mark.parametrize(
    ("applies", "passes", "expected"),
    [
        ("true", "true", "pass"),
        ("true", "false", "fail"),
        ("true", "null", "inconclusive"),
        ("true", "error", "inconclusive"),
        ("false", "true", "not_applicable"),
        ("false", "false", "not_applicable"),
        ("false", "null", "not_applicable"),
        ("false", "error", "not_applicable"),
        ("null", "true", "inconclusive"),
        ("null", "false", "inconclusive"),
        ("null", "null", "inconclusive"),
        ("null", "error", "inconclusive"),
        ("error", "true", "inconclusive"),
        ("error", "false", "inconclusive"),
        ("error", "null", "inconclusive"),
        ("error", "error", "inconclusive"),
    ],
)
@pytest.mark.parametrize("unread", [False, True])
def test_truth_table(tmp_path: Path, applies: str, passes: str, expected: str, unread: bool) -> None:
    """An unread column makes everything inconclusive, whatever SQL says."""
    values = VALUES | {"null": "size > tags['none']::BIGINT"}
    row: dict[str, Any] = {"size": 1, "tags": {"a": "b"}}
    if unread:
        row["_unread"] = {"size": "AccessDenied"}
    body = text(applies=f'"{values[applies]}"', passes=f'"{values[passes]}"')
    found = judge(tmp_path, [row], a__b=body)
    (status, _), *more = statuses(found).values()
    assert status == ("inconclusive" if unread else expected)
    assert not more
    assert getattr(found.checks["a.b"].counts, {"pass": "passed", "fail": "failed"}.get(status, status)) == 1


def test_reasons_are_made_of_the_row(tmp_path: Path) -> None:
    rows = [
        {"volume_id": "vol-1", "encrypted": True, "size": 8, "state": "in-use"},
        {"volume_id": "vol-2", "encrypted": False, "size": None, "state": "in-use"},
        {"volume_id": "vol-3", "encrypted": None, "state": "in-use"},
        {"volume_id": "vol-4", "encrypted": None, "state": None},
        {"volume_id": "vol-5", "encrypted": True, "state": "deleting"},
        {
            "volume_id": "vol-6",
            "encrypted": True,
            "state": "in-use",
            "_unread": {"encrypted": "AccessDenied, needs ec2:X"},
        },
        {
            "volume_id": "vol-7",
            "encrypted": False,
            "state": "in-use",
            "_unread": {"size": "AccessDenied"},
            "size": 3,
        },
    ]
    found = judge(
        tmp_path,
        rows,
        a__b=text(applies="state <> 'deleting'", on_fail='"{volume_id} ({size} GiB) is plain"'),
    )
    assert statuses(found) == {
        ("a.b", "volume/0"): ("pass", "vol-1 is encrypted"),
        ("a.b", "volume/1"): ("fail", "vol-2 (unknown GiB) is plain"),
        ("a.b", "volume/2"): ("inconclusive", "cannot tell: encrypted is unknown"),
        ("a.b", "volume/3"): ("inconclusive", "cannot tell: encrypted, state are unknown"),
        ("a.b", "volume/4"): (
            "not_applicable",
            "not applicable: it is judged only where state <> 'deleting'",
        ),
        ("a.b", "volume/5"): (
            "inconclusive",
            "cannot tell: encrypted was not read (AccessDenied, needs ec2:X)",
        ),
        ("a.b", "volume/6"): ("fail", "vol-7 (unknown GiB) is plain"),
    }
    assert found.checks["a.b"].counts == Counts(passed=1, failed=2, inconclusive=3, not_applicable=1)


def test_an_error_in_one_row_is_named_and_leaves_the_others(tmp_path: Path) -> None:
    rows = [{"state": "5"}, {"state": "x"}, {"state": "50"}, {"state": "y"}, {"state": None}]
    found = judge(
        tmp_path, rows, a__b=text(passes="CAST(state AS INTEGER) < 10"), a__c=text(passes="state <> 'x'")
    )
    shown = statuses(found, checks=("a.b",))
    assert [status for status, _ in shown.values()] == [
        "pass",
        "inconclusive",
        "fail",
        "inconclusive",
        "inconclusive",
    ]
    assert "the evaluation failed" in shown["a.b", "volume/1"][1]
    assert "Could not convert string 'x'" in shown["a.b", "volume/1"][1]
    assert "Could not convert string 'y'" in shown["a.b", "volume/3"][1]
    assert shown["a.b", "volume/4"][1] == "cannot tell: state is unknown"
    assert [status for status, _ in statuses(found, checks=("a.c",)).values()] == [
        "pass", "fail", "pass", "pass", "inconclusive"
    ]  # fmt: skip


def test_a_part_that_is_missing_is_said(tmp_path: Path) -> None:
    found = judge(tmp_path, [{"attached": [{"count": None}]}], a__b=text(passes="attached[1].count > 1"))
    assert statuses(found)["a.b", "volume/0"][1] == "cannot tell: a part of attached is unknown"


def test_division_by_zero_is_no_number(tmp_path: Path) -> None:
    found = judge(tmp_path, [{"size": 0}], a__b=text(passes="1 / size < 5"))
    assert statuses(found)["a.b", "volume/0"] == ("inconclusive", "cannot tell: a part of size is unknown")


def test_parameters_and_now_are_bound(tmp_path: Path) -> None:
    body = text(
        passes="created > $now - to_days($days) AND state <> $word AND NOT list_contains($words, state)",
        params='{days: 30, word: {type: text, default: "a\'; DROP"}, words: {type: texts, default: [p, q]}}',
    )
    rows = [
        {"created": "2026-10-20T00:00:00Z", "state": "x"},
        {"created": "2026-08-20T00:00:00Z", "state": "x"},
        {"created": "2026-10-20T00:00:00Z", "state": "a'; DROP"},
        {"created": "2026-10-20T00:00:00Z", "state": "q"},
    ]
    found = judge(tmp_path, rows, a__b=body, a__c=body)
    assert [status for status, _ in statuses(found, checks=("a.b",)).values()] == [
        "pass",
        "fail",
        "fail",
        "fail",
    ]
    found = judge(tmp_path / "more", rows, a__b=body, a__c=body, params={"a.b": {"days": 365, "words": []}})
    assert [status for status, _ in statuses(found, checks=("a.b",)).values()] == [
        "pass",
        "pass",
        "fail",
        "pass",
    ]
    assert [status for status, _ in statuses(found, checks=("a.c",)).values()] == [
        "pass",
        "fail",
        "fail",
        "fail",
    ]
    assert found.checks["a.b"].params == {"days": 365, "word": "a'; DROP", "words": []}


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ({"dais": 3}, "there is no parameter 'dais'; did you mean 'days'?"),
        ({"days": "3"}, "days: expected integer, got text"),
        ({"days": True}, "days: expected integer, got a boolean"),
        ({"days": 2**70}, "days: expected an integer of 64 bits, got a larger one"),
    ],
)
def test_a_wrong_parameter_is_refused(tmp_path: Path, params: dict[str, Any], problem: str) -> None:
    body = text(passes="size < $days", params="{days: 30}")
    with pytest.raises(CheckError) as caught:
        judge(tmp_path, [], a__b=body, params={"a.b": params})
    assert caught.value.problem == problem


class TestPlaces:
    """A check leaves a row every time it was due, whatever happened."""

    def judge(self, folder: Path, item: TableInput | None) -> Evaluation:
        found = catalog(folder, a__b=text())
        (folder / "out").mkdir(exist_ok=True)
        inputs = {"volume": item} if item else {}
        return evaluate(found, list(found.checks.values()), inputs, {}, NOW, folder / "out")

    def test_only_places_that_were_read_are_judged(self, tmp_path: Path) -> None:
        rows = [
            {"encrypted": True},
            {"encrypted": False, "region": "us-east-1"},
            {"encrypted": False, "account_id": "2"},
        ]
        gap = UnreadPlace(ACCOUNT, "us-east-1", "AccessDenied", "ec2:DescribeVolumes")
        found = self.judge(tmp_path, source(tmp_path, "volume", rows, HERE, [gap]))
        assert statuses(found) == {
            ("a.b", None): (
                "inconclusive", "cannot tell: volume was not read (AccessDenied, needs ec2:DescribeVolumes)"
            ),
            ("a.b", "volume/0"): ("pass", "unknown is encrypted"),
        }  # fmt: skip
        assert found.checks["a.b"].counts == Counts(passed=1, inconclusive=1)
        (row,) = found.checks["a.b"].about
        assert (row.account_id, row.region, row.resource) == (ACCOUNT, "us-east-1", None)

    def test_an_empty_population_says_so(self, tmp_path: Path) -> None:
        places = [("1", "eu"), ("1", "us"), ("1", "ap"), ("2", "eu"), ("2", "us"), ("2", "ap")]
        found = self.judge(tmp_path, source(tmp_path, "volume", [], places))
        assert statuses(found) == {("a.b", None): ("not_applicable", "No volume in 2 accounts × 3 regions")}
        assert found.checks["a.b"].counts == Counts(not_applicable=1)

    @pytest.mark.parametrize(
        ("places", "account", "region", "words"),
        [
            ([("1", "eu")], "1", "eu", "account 1, region eu"),
            ([("1", "eu"), ("2", "eu")], "", "eu", "2 accounts, region eu"),
            ([("1", "global"), ("2", "global")], "", "global", "2 accounts"),
            ([("1", "eu"), ("1", "us")], "1", "", "account 1 × 2 regions"),
        ],
    )
    def test_where_nothing_is(
        self, tmp_path: Path, places: list[tuple[str, str]], account: str, region: str, words: str
    ) -> None:
        (row,) = self.judge(tmp_path, source(tmp_path, "volume", [], places)).checks["a.b"].about
        assert (row.account_id, row.region, row.reason) == (account, region, f"No volume in {words}")

    def test_empty_in_one_place_and_unread_in_another_is_inconclusive_only(self, tmp_path: Path) -> None:
        gap = UnreadPlace(ACCOUNT, "us-east-1", "timed out")
        found = self.judge(tmp_path, source(tmp_path, "volume", [], HERE, [gap]))
        assert statuses(found) == {
            ("a.b", None): ("inconclusive", "cannot tell: volume was not read (timed out)")
        }

    def test_a_table_that_was_never_read(self, tmp_path: Path) -> None:
        expected = {("a.b", None): ("inconclusive", "cannot tell: volume was not read in this sweep")}
        assert statuses(self.judge(tmp_path, None)) == expected
        assert statuses(self.judge(tmp_path, TableInput("volume", None, ()))) == expected

    def test_unread_everywhere(self, tmp_path: Path) -> None:
        gaps = (UnreadPlace("2", "us", "b"), UnreadPlace("1", "eu", "a"))
        found = self.judge(tmp_path, TableInput("volume", None, (), gaps))
        assert [(r.account_id, r.status) for r in found.checks["a.b"].about] == [
            ("1", "inconclusive"), ("2", "inconclusive")
        ]  # fmt: skip
        assert found.tables["volume"].path is None

    def test_rows_where_it_never_applies_each_say_so(self, tmp_path: Path) -> None:
        found = judge(tmp_path, [{"state": "x"}, {"state": "x"}], a__b=text(applies="state = 'y'"))
        assert found.checks["a.b"].counts == Counts(not_applicable=2)
        assert found.checks["a.b"].about == ()


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    rows = [
        {"encrypted": [True, False, None][n % 3], "size": n, "region": ["eu-west-1", "us-east-1"][n % 2]}
        for n in range(5000)
    ]
    sums = set()
    for number, (threads, places) in enumerate([(1, HERE), (2, HERE), (1, HERE)]):
        folder = tmp_path / str(number)
        found = catalog(folder, a__b=text(), a__c=text(passes="size > 10"))
        (folder / "out").mkdir()
        inputs = {"volume": source(folder, "volume", rows, places)}
        evaluate(found, list(found.checks.values()), inputs, {}, NOW, folder / "out", threads=threads)
        path = folder / "out/volume.results.parquet"
        sums.add(hashlib.sha256(path.read_bytes()).hexdigest())
        assert [item.name for item in (folder / "out").iterdir()] == [path.name]
    assert len(sums) == 1


def test_evaluating_again_into_the_same_folder_replaces_the_verdicts(tmp_path: Path) -> None:
    first = judge(tmp_path, [{"encrypted": False}], a__b=text())
    assert first.checks["a.b"].counts == Counts(failed=1)
    again = judge(tmp_path, [{"encrypted": True}], a__b=text())
    assert (
        again.checks["a.b"].counts == Counts(passed=1)
        and again.tables["volume"].path == first.tables["volume"].path
    )


@pytest.mark.parametrize("count", [1, 20, 21, 22, 42, 43, 63, 64, 65, 130])
def test_many_checks_keep_their_own_bits(tmp_path: Path, count: int) -> None:
    """Counts are summed in lanes of words: every bit position must come out right."""
    checks = {f"a__c{number:03d}": text(passes=f"size >= {number}") for number in range(count)}
    rows = [{"size": value} for value in (0, 20, 41, 62, 63, 64, 129, 500, None)]
    found = judge(tmp_path, rows, **checks)
    for number in range(count):
        passed = sum(1 for row in rows if row["size"] is not None and row["size"] >= number)
        assert found.checks[f"a.c{number:03d}"].counts == Counts(passed, len(rows) - 1 - passed, 1)
    last = f"a.c{count - 1:03d}"
    assert [status for status, _ in statuses(found, checks=(last,)).values()] == [
        "inconclusive" if row["size"] is None else "pass" if row["size"] >= count - 1 else "fail"
        for row in rows
    ]


def test_a_check_that_cannot_run_at_all_leaves_the_others(tmp_path: Path) -> None:
    """Validation would refuse this check; a snapshot of other columns than declared has the same effect."""
    found = catalog(tmp_path, a__b=text(), a__c=text(passes="size > 1"))
    broken = replace(found.checks["a.c"], passes="no_such_column > 1")
    (tmp_path / "out").mkdir()
    inputs = {"volume": source(tmp_path, "volume", [{"encrypted": True, "size": 5}])}
    result = evaluate(found, [found.checks["a.b"], broken], inputs, {}, NOW, tmp_path / "out")
    assert result.checks["a.b"].counts == Counts(passed=1)
    assert result.checks["a.c"].counts == Counts(inconclusive=1)
    assert 'Referenced column "no_such_column" not found' in result.checks["a.c"].error
    assert statuses(result)["a.c", None][1] == f"cannot tell: {result.checks['a.c'].error}"


def test_a_check_is_stopped_when_its_time_is_over(tmp_path: Path) -> None:
    nested = "attached"
    for _ in range(4):
        nested = f"flatten(list_transform({nested}, lambda a: {nested}))"
    found = catalog(tmp_path, a__b=text(), a__slow=text(passes=f'"len({nested}) > 0"'))
    rows = [{"encrypted": True, "attached": [{"count": n} for n in range(12)]}]
    (tmp_path / "out").mkdir()
    inputs = {"volume": source(tmp_path, "volume", rows)}
    result = evaluate(found, list(found.checks.values()), inputs, {}, NOW, tmp_path / "out", seconds=0.5)
    assert result.checks["a.b"].counts == Counts(passed=1)
    assert result.checks["a.slow"].counts == Counts(inconclusive=1)
    assert result.checks["a.slow"].error.startswith("the check could not be evaluated: ")


def test_a_refused_check_is_inconclusive_with_the_reason(tmp_path: Path) -> None:
    found = catalog(tmp_path, a__b=text(), a__c=text())
    (tmp_path / "out").mkdir()
    inputs = {"volume": source(tmp_path, "volume", [{"encrypted": True}])}
    result = evaluate(
        found,
        list(found.checks.values()),
        inputs,
        {},
        NOW,
        tmp_path / "out",
        refused={"a.c": "it was too large"},
    )
    assert statuses(result)["a.c", None] == ("inconclusive", "cannot tell: it was too large")
    assert result.checks["a.b"].counts == Counts(passed=1)


def test_a_subquery_that_got_past_validation_is_refused_by_the_engine(tmp_path: Path) -> None:
    found = catalog(tmp_path, a__b=text())
    evil = replace(found.checks["a.b"], passes="EXISTS (FROM read_csv('/etc/passwd'))")
    (tmp_path / "out").mkdir()
    inputs = {"volume": source(tmp_path, "volume", [{"encrypted": True}])}
    result = evaluate(found, [evil], inputs, {}, NOW, tmp_path / "out")
    assert "TRY can not be used in combination with a scalar subquery" in result.checks["a.b"].error


# --- the fused engine against a naive evaluation in Python ---------------------------------------------

Truth = bool | None
ATOMS: dict[str, Any] = {
    "encrypted": lambda r: r["encrypted"],
    "state = 'a'": lambda r: None if r["state"] is None else r["state"] == "a",
    "size > 2": lambda r: None if r["size"] is None else r["size"] > 2,
    "state IS NULL": lambda r: r["state"] is None,
    "true": lambda r: True,
    "CAST(state AS INTEGER) = 1": lambda r: ERROR if r["state"] is not None else None,
}


class _Error:
    pass


ERROR = _Error()


def _not(value: Any) -> Any:
    return value if value is None or value is ERROR else not value


expressions = st.recursive(
    st.sampled_from(sorted(ATOMS))
    .filter(lambda atom: "CAST" not in atom)
    .map(lambda atom: (atom, ATOMS[atom])),
    lambda inner: st.one_of(
        inner.map(lambda e: (f"NOT ({e[0]})", lambda r, e=e: _not(e[1](r)))),
        st.tuples(inner, inner).map(
            lambda p: (f"({p[0][0]}) AND ({p[1][0]})", lambda r, p=p: _and(p[0][1](r), p[1][1](r)))
        ),
        st.tuples(inner, inner).map(
            lambda p: (
                f"({p[0][0]}) OR ({p[1][0]})",
                lambda r, p=p: _not(_and(_not(p[0][1](r)), _not(p[1][1](r)))),
            )
        ),
    ),
    max_leaves=5,
)
whole = st.one_of(expressions, st.just(("CAST(state AS INTEGER) = 1", ATOMS["CAST(state AS INTEGER) = 1"])))
row_values = st.fixed_dictionaries(
    {
        "encrypted": st.sampled_from([True, False, None]),
        "state": st.sampled_from(["a", "b", None]),
        "size": st.sampled_from([1, 5, None]),
        "_unread": st.sampled_from([None, None, {"state": "x"}, {"size": "x"}, {"created": "x"}]),
    }
)


def _and(one: Truth, two: Truth) -> Truth:
    if one is False or two is False:
        return False
    return None if one is None or two is None else True


def naive(check: Check, applies: Any, passes: Any, row: dict[str, Any]) -> str:
    """Judge one row by the rules as they are written in the design, without SQL."""
    if set(row["_unread"] or {}) & set(check.columns):
        return "inconclusive"
    first = applies(row)
    if first is None or first is ERROR:
        return "inconclusive"
    if first is False:
        return "not_applicable"
    second = passes(row)
    if second is None or second is ERROR:
        return "inconclusive"
    return "pass" if second else "fail"


@settings(max_examples=40, deadline=None)
@given(
    checks=st.lists(st.tuples(whole, whole), min_size=1, max_size=70),
    rows=st.lists(row_values, min_size=1, max_size=12),
)
def test_the_engine_judges_like_a_naive_evaluation(
    tmp_path_factory: pytest.TempPathFactory, checks: list[Any], rows: list[dict[str, Any]]
) -> None:
    folder = tmp_path_factory.mktemp("naive")
    (folder / "out").mkdir()
    template = catalog(folder, a__b=text()).checks["a.b"]
    made = [
        replace(
            template, id=f"a.c{number:03d}", applies=applies[0], passes=passes[0],
            columns=tuple(c for c in ("encrypted", "state", "size") if c in f"{applies[0]} {passes[0]}"),
        )
        for number, (applies, passes) in enumerate(checks)
    ]  # fmt: skip
    inputs = {
        "volume": source(folder, "volume", [{k: v for k, v in row.items() if v is not None} for row in rows])
    }
    result = evaluate(Catalog({}, {}, TABLES), made, inputs, {}, NOW, folder / "out")
    expected = {
        (check.id, f"volume/{number}"): naive(check, applies[1], passes[1], row)
        for check, (applies, passes) in zip(made, checks, strict=True)
        for number, row in enumerate(rows)
    }
    assert {key: status for key, (status, _) in statuses(result).items()} == expected
    for check in made:
        kinds = [status for (name, _), status in expected.items() if name == check.id]
        assert result.checks[check.id].counts == Counts(
            kinds.count("pass"),
            kinds.count("fail"),
            kinds.count("inconclusive"),
            kinds.count("not_applicable"),
        )
