"""That a listing which serves several tables is read once, whole or not at all, and waits on disk."""

from __future__ import annotations

import tracemalloc
from typing import Any, cast

import pytest

from proofwatch.connectors.base import ReadStats, Unread
from proofwatch.connectors.rest.api import Api
from proofwatch.connectors.rest.collect import PARENTS_WRITTEN, Place, once


def place() -> Place:
    return Place(cast(Api, None), "acme", {}, {}, ReadStats())


@pytest.mark.parametrize("count", [0, 1, PARENTS_WRITTEN, 2 * PARENTS_WRITTEN + 1])
def test_a_listing_is_read_once_and_comes_again_the_same(count: int) -> None:
    here, asked = place(), []

    def read() -> Any:
        asked.append(1)
        yield from ({"id": number, "_marks": {"a": "denied"}} for number in range(count))

    first = list(once(here, "acme_team", read))
    assert [row["id"] for row in first] == list(range(count))
    assert list(once(here, "acme_team", read)) == first and asked == [1]


def test_a_listing_that_broke_off_serves_nobody() -> None:
    here = place()

    def broken() -> Any:
        yield {"id": 1}
        raise Unread("reading", "it broke off")

    with pytest.raises(Unread):
        list(once(here, "acme_team", broken))
    assert [row["id"] for row in once(here, "acme_team", lambda: [{"id": 2}])] == [2]


def test_memory_does_not_grow_with_a_listing() -> None:
    here = place()

    def read() -> Any:
        return ({"id": number, "text": f"{number}" * 200} for number in range(5_000))

    tracemalloc.start()
    try:
        assert sum(1 for _ in once(here, "acme_team", read)) == 5_000
        assert sum(1 for _ in once(here, "acme_team", read)) == 5_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000, "four million characters were kept"
