"""How the shards of a sweep become tasks: small ones together, large ones table by table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any

from proofwatch.connectors.base import Shard
from proofwatch.connectors.ondisk import RowsOnDisk

Place = tuple[str, str, str]
"""Table, account, region."""

CALL, ROW = 0.1, 0.0004
"""Seconds that a call and a row usually take; measured by `python -m benchmarks.collect`."""
UNKNOWN = 0.5
"""Seconds for a table that was never read there: most places have next to nothing."""
LONGEST = 20.0
"""Seconds of a task that is put together: what one lost worker costs at most."""
LARGE = 60.0
"""Seconds from which a shard is read table by table, although its tables may share listings then no more."""
SHARE = 4
"""Tasks that each worker should have at least, so that all end at about the same time."""


@dataclass(frozen=True, slots=True)
class Size:
    """What reading a table in a place took the last time."""

    calls: int
    rows: int

    @property
    def seconds(self) -> float:
        """Return about how long it takes."""
        return CALL * self.calls + ROW * self.rows


Sizes = Callable[[str], Mapping[Place, Size]]
"""Account → what reading its places took the last time."""


def batches(
    shards: Iterable[Shard], sizes: Sizes, workers: int, *, together: bool = False
) -> Iterator[tuple[Shard, ...]]:
    """Yield tasks that hold every shard's tables once, the longest first.

    What is planned waits on disk: of each account, and of each task, the memory holds only where.

    Args:
        shards: what to read; those of one account come together, because they share sign-ins.
        sizes: how it was the last time.
        workers: how many there are.
        together: whether one worker must read everything.
    """
    if together:
        yield from filter(None, (tuple(shards),))
        return
    planned = RowsOnDisk()
    accounts: dict[str, None] = {}
    total = 0.0
    for account, items in groupby(shards, attrgetter("account_id")):
        known = sizes(account)
        pieces = [(piece, _seconds(piece, known)) for shard in items for piece in _split(shard, known)]
        total += sum(seconds for _, seconds in pieces)
        planned.add(account, [_packed(piece, seconds) for piece, seconds in pieces])
        accounts[account] = None
    most = min(LONGEST, total / (SHARE * max(1, workers)))
    waiting = RowsOnDisk()
    order: list[tuple[float, int]] = []
    for account in sorted(accounts):
        for pieces_, seconds in _together(sorted(planned.rows(account), key=itemgetter(0)), most):
            waiting.add(str(len(order)), [[account, *piece] for piece in pieces_])
            order.append((-seconds, len(order)))
    for _, number in sorted(order):
        yield tuple(
            Shard(account, region, service, tuple(tables))
            for account, region, service, tables, _ in waiting.rows(str(number))
        )


def _split(shard: Shard, sizes: Mapping[Place, Size]) -> Iterator[Shard]:
    if len(shard.tables) > 1 and _seconds(shard, sizes) > LARGE:
        yield from (replace(shard, tables=(table,)) for table in shard.tables)
    else:
        yield shard


def _seconds(shard: Shard, sizes: Mapping[Place, Size]) -> float:
    known = (sizes.get((table, shard.account_id, shard.region)) for table in shard.tables)
    return sum(size.seconds if size else UNKNOWN for size in known)


def _packed(shard: Shard, seconds: float) -> list[Any]:
    return [shard.region, shard.service, shard.tables, seconds]


def _together(pieces: Iterable[list[Any]], most: float) -> Iterator[tuple[list[list[Any]], float]]:
    held: list[list[Any]] = []
    total = 0.0
    for piece in pieces:
        seconds = piece[-1]
        if held and total + seconds > most:
            yield held, total
            held, total = [], 0.0
        held.append(piece)
        total += seconds
    if held:
        yield held, total
