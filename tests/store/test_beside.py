"""Where rule and check are only parts of each other, a difference is none."""

from __future__ import annotations

from datetime import UTC, datetime

from proofwatch.store.beside import Said, _Pair, _without_explained
from proofwatch.store.matching import Same

AT = datetime(2026, 11, 20, 9, tzinfo=UTC)


def pair(check: str, rule: str, ours: str, theirs: str, item: str = "b-1", why: str = "") -> _Pair:
    told = Said(f"{rule}|{item}", rule, None, rule, None, item, AT, "1", "r", theirs, why)
    return _Pair(check, told, Same(item, ours))


def left(*pairs: _Pair) -> list[tuple[str, str]]:
    return [(item.check, item.told.rule) for item in _without_explained(list(pairs))]


def test_a_check_that_covers_two_rules_differs_from_none_if_one_of_them_fails() -> None:
    assert left(pair("c", "READ", "fail", "pass"), pair("c", "WRITE", "fail", "fail")) == [("c", "WRITE")]
    both = left(pair("c", "READ", "fail", "pass"), pair("c", "WRITE", "fail", "pass"))
    assert both == [("c", "READ"), ("c", "WRITE")], "nobody explains it"


def test_a_rule_that_covers_two_checks_differs_from_none_if_one_of_them_fails() -> None:
    assert left(pair("acl", "READ", "fail", "fail"), pair("policy", "READ", "pass", "fail")) == [
        ("acl", "READ")
    ]
    assert len(left(pair("acl", "READ", "pass", "fail"), pair("policy", "READ", "pass", "fail"))) == 2


def test_another_resource_and_a_stale_verdict_explain_nothing() -> None:
    other = pair("c", "WRITE", "fail", "fail", item="b-2")
    assert ("c", "READ") in left(pair("c", "READ", "fail", "pass"), other)
    stale = pair("c", "WRITE", "fail", "fail", why="stale")
    assert ("c", "READ") in left(pair("c", "READ", "fail", "pass"), stale)


def test_two_rules_of_one_kind_that_differ_among_themselves_are_both_shown() -> None:
    strict = pair("c", "KEYS", "fail", "pass")
    assert len(left(strict, pair("c", "KEYS", "fail", "fail"))) == 2
