"""What a sweep has read waits on disk, and says the same of each table, in order."""

from __future__ import annotations

from proofwatch.checks.base import UnreadPlace
from proofwatch.snapshots.collect import Reading
from proofwatch.snapshots.exchange import NOTHING
from proofwatch.store.collected import Collected


def reading(table: str, region: str, rows: int = 0, reason: str = "", **values: int) -> Reading:
    part = f"{table}-{region}" if rows else ""
    return Reading(table, "1", region, rows, 1, 1, 0.5, "", reason=reason, part=part, **values)


def collected() -> Collected:
    found = Collected(["a", "b", "c"])
    found.add([reading("b", "us"), reading("b", "eu"), reading("a", "us", 3, lacking=1)])
    found.add(reading("a", region, reason="refused") for region in ("eu", "ap"))
    found.add([reading("a", "eu", 2)])
    return found


def test_readings_come_by_table_and_place_and_the_last_one_counts() -> None:
    found = collected()
    assert [(item.table, item.region, item.rows) for item in found.readings()] == [
        ("a", "ap", 0), ("a", "eu", 2), ("a", "us", 3), ("b", "eu", 0), ("b", "us", 0),
    ]  # fmt: skip
    assert (found.count(), found.rows(), found.lacking()) == (5, 5, 1)
    assert found.places("a") == (("1", "eu"), ("1", "us"))
    assert found.unread("a") == [UnreadPlace("1", "ap", "refused")]
    assert next(found.readings()) == reading("a", "ap", reason="refused")


def test_only_places_with_rows_have_parts_and_one_stands_for_an_empty_table() -> None:
    found = collected()
    assert [(str(part.path), part.rows) for part in found.named("a")] == [("a-eu", 2), ("a-us", 3)]
    assert [(str(part.path), part.region, part.rows) for part in found.named("b")] == [(NOTHING, "eu", 0)]
    assert found.named("c") == []


def test_a_table_that_is_lost_was_read_nowhere() -> None:
    found = collected()
    found.lose("a", "it killed its worker")
    assert found.places("a") == () and found.named("a") == []
    assert [place.reason for place in found.unread("a")] == [
        "refused",
        "it killed its worker",
        "it killed its worker",
    ]
    assert found.places("b") == (("1", "eu"), ("1", "us"))
    assert found.rows() == 0


def test_equal_places_are_one_object() -> None:
    found = collected()
    found.add([reading("c", "us"), reading("c", "eu")])
    assert found.places("b") is found.places("c")
