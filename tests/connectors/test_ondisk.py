"""That rows come back from the disk as they went, and that memory does not grow with their number."""

import tracemalloc

from proofwatch.connectors.ondisk import NamesOnDisk, RowsOnDisk


def test_rows_come_back_by_group_in_their_order():
    kept = RowsOnDisk()
    kept.add("a", [{"n": 1, "text": "ä"}, {"n": 2, "none": None}])
    kept.add("b", [{"n": 3}])
    assert list(kept.rows("b")) == [{"n": 3}]
    kept.add("a", [{"n": 4}])
    assert [row["n"] for row in kept.rows("a")] == [1, 2, 4]
    assert "b" in kept and "c" not in kept and list(kept.rows("c")) == []


def test_memory_does_not_grow_with_the_rows():
    kept, row = RowsOnDisk(), {"name": "x" * 1000}
    tracemalloc.start()
    try:
        for _ in range(100):
            kept.add("a", [row] * 100)
        assert sum(1 for _ in kept.rows("a")) == 10_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000, "ten million characters were kept"


def test_names_are_known_when_they_come_again():
    names = NamesOnDisk()
    assert [names.add(name) for name in ("a", "b", "a", "ä", "", "B", "")] == [
        True, True, False, True, True, True, False,
    ]  # fmt: skip
