"""What a worker reads together when events ask for it."""

from __future__ import annotations

from proofwatch.cli.worker import together


def test_tables_that_no_check_joins_are_read_apart_the_longest_waiting_first():
    assert together(["b", "a", "b"], [("a",), ("b",)]) == [{"b"}, {"a"}]


def test_a_table_brings_those_that_a_check_joins_it_with():
    assert together(["a"], [("a", "b"), ("c", "d")]) == [{"a", "b"}]


def test_groups_that_meet_become_one_at_the_place_of_the_first():
    joins = [("a", "x"), ("b", "y"), ("c", "x", "y")]
    assert together(["a", "z", "b", "c"], joins) == [{"a", "b", "c", "x", "y"}, {"z"}]
