"""Readings that several tables share, and questions about many things at once."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from proofwatch.connectors.rest.collect import PARENT_SECONDS, WORKERS, Place, items_of
from proofwatch.connectors.rest.declare import Raw, RestTable

Item = TypeVar("Item")
Answer = TypeVar("Answer")


def once(place: Place, name: str, read: Callable[[], Iterable[Raw]]) -> list[Raw]:
    """Return what `read` yields, read once for all tables that ask within some minutes. Raises Unread."""
    key = (place.account, f"okta {name}")
    held = place.cache.get(key)
    if held is None or time.monotonic() - held[0] > PARENT_SECONDS:
        began = time.monotonic()
        held = place.cache[key] = (began, list(read()))
    # Whoever reads a table takes members out of its items.
    return [dict(item) for item in held[1]]


def each(items: Iterable[Item], ask: Callable[[Item], Answer]) -> Iterator[tuple[Item, Answer]]:
    """Yield each item with what `ask` answers, a few at a time and in order. Raises what `ask` raises."""
    pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="okta")
    waiting: deque[tuple[Item, Future[Answer]]] = deque()
    source = iter(items)
    try:
        while True:
            while len(waiting) < 2 * WORKERS:
                try:
                    item = next(source)
                except StopIteration:
                    break
                waiting.append((item, pool.submit(ask, item)))
            if not waiting:
                return
            item, future = waiting.popleft()
            yield item, future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def listed(place: Place, path: str, permission: str, rows: str = "", **params: Any) -> Iterator[Raw]:
    """Yield every item of a listing. Raises Unread."""
    shape = RestTable(name=path.lstrip("/"), about="", path=path, resource="", columns=(), rows=rows)
    for page in place.pages(path, permission, params=params):
        yield from items_of(shape, place, page)


def of_one(place: Place, path: str, permission: str, **params: Any) -> list[Raw]:
    """Return all items of a listing of one thing. Raises Unread.

    Okta says of what an administrator may not see that there is no such thing, so that even then nothing is
    taken for an empty list: what was deleted between two requests is read right by the next sweep.
    """
    return list(listed(place, path, permission, **params))
