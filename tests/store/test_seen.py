"""The findings that a sweep has seen: a set of ids that does not lie in memory."""

from __future__ import annotations

import tracemalloc
import uuid
from collections.abc import Iterator

from proofwatch.store.seen import Seen


def ids(count: int, first: int = 0) -> Iterator[uuid.UUID]:
    """Yield ids that are spread over the whole range, as those of findings are."""
    for number in range(first, first + count):
        yield uuid.UUID(int=number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128)


def test_an_id_counts_once_and_is_known_afterwards() -> None:
    with Seen() as seen:
        seen.add(ids(3000))
        seen.add(ids(2000, first=2000))
        assert seen.count() == 4000
        assert list(seen.others(sorted(ids(5000)))) == sorted(ids(1000, first=4000))
        seen.add(ids(1, first=4500))
        assert seen.count() == 4001
        assert list(seen.others(list(ids(1, first=4500)))) == []


def test_nothing_was_seen() -> None:
    with Seen() as seen:
        assert seen.count() == 0
        assert list(seen.others(sorted(ids(3)))) == sorted(ids(3))


def test_memory_does_not_grow_with_the_number_of_ids() -> None:
    with Seen() as seen:
        seen.add(ids(20_000))
        tracemalloc.start()
        try:
            seen.add(ids(30_000, first=20_000))
            assert seen.count() == 50_000
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert most < 2_500_000  # A set of as many ids takes more than 4 MB.
