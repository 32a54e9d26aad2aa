"""How the shards of a sweep become tasks: small ones together, large ones table by table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from proofwatch.connectors.base import Shard

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


def batches(
    shards: Sequence[Shard], sizes: Mapping[Place, Size], workers: int, *, together: bool = False
) -> list[tuple[Shard, ...]]:
    """Return tasks that hold every shard's tables once, the longest first.

    Args:
        shards: what to read; those of one account come together, because they share sign-ins.
        sizes: how it was the last time.
        workers: how many there are.
        together: whether one worker must read everything.
    """
    if together:
        return [tuple(shards)] if shards else []
    near = sorted(shards, key=lambda shard: (shard.account_id, shard.region))
    pieces = [piece for shard in near for piece in _split(shard, sizes)]
    seconds = [_seconds(piece, sizes) for piece in pieces]
    most = min(LONGEST, sum(seconds) / (SHARE * max(1, workers)))
    made = sorted(_packed(zip(pieces, seconds, strict=True), most), key=lambda item: -item[1])
    return [tasks for tasks, _ in made]


def _split(shard: Shard, sizes: Mapping[Place, Size]) -> Iterator[Shard]:
    if len(shard.tables) > 1 and _seconds(shard, sizes) > LARGE:
        yield from (replace(shard, tables=(table,)) for table in shard.tables)
    else:
        yield shard


def _seconds(shard: Shard, sizes: Mapping[Place, Size]) -> float:
    known = (sizes.get((table, shard.account_id, shard.region)) for table in shard.tables)
    return sum(size.seconds if size else UNKNOWN for size in known)


def _packed(pieces: Iterable[tuple[Shard, float]], most: float) -> Iterator[tuple[tuple[Shard, ...], float]]:
    held: list[Shard] = []
    total = 0.0
    for shard, seconds in pieces:
        if held and (total + seconds > most or shard.account_id != held[0].account_id):
            yield tuple(held), total
            held, total = [], 0.0
        held.append(shard)
        total += seconds
    if held:
        yield tuple(held), total
