"""What changed between two evaluations of a table: an XOR of verdict words, row by row.

Checks are aligned by id and version, so a check that is new, gone or written differently changes nothing
here: its first verdicts are not a change of the resources. Rows are aligned by idx, which stays a resource's
own for as long as it is in the table.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from proofwatch.checks.base import Status
from proofwatch.checks.expressions import open_session
from proofwatch.checks.outcome import TableResults
from proofwatch.checks.plan import PLANES, WORD
from proofwatch.snapshots.engine import MEMORY_LIMIT, quote

_SLICE = 2**20
"""Where rows came or went, so many idx are joined at a time: smaller hash tables are twice as fast."""

_BATCH = 2000


Shared = list[tuple[int, int, str]]
"""Checks of both evaluations: bit in the later one, bit in the earlier one, id."""


@dataclass(frozen=True, slots=True)
class Change:
    """A verdict that differs. None: the resource was not judged (absent, or its place was not read)."""

    check: str
    account_id: str
    region: str
    resource: str
    before: Status | None
    after: Status | None


def changes(
    before: TableResults, after: TableResults, *, threads: int = 1, memory_limit: str = MEMORY_LIMIT
) -> Iterator[Change]:
    """Yield every verdict that differs between two evaluations of one table, by idx, then by check.

    Args:
        before: the earlier evaluation.
        after: the later one.
        threads: of the engine.
        memory_limit: of the engine.
    """
    with _compared(before, after, threads, memory_limit) as (session, shared):
        if not shared:
            return
        names = ", ".join(f"old_{plane}_{w}, new_{plane}_{w}" for w in _words(shared) for plane in PLANES)
        cursor = session.execute(
            f"SELECT account_id, region, resource, was, is_now, {names} FROM ("  # noqa: S608 - our own names
            f"SELECT d.*, r.account_id, r.region, r.resource FROM differing d JOIN {_file(after.rows)} r "
            "USING (idx) WHERE is_now UNION ALL BY NAME "
            f"SELECT d.*, r.account_id, r.region, r.resource FROM differing d JOIN {_file(before.rows)} r "
            "USING (idx) WHERE NOT is_now) ORDER BY idx"
        )
        while rows := cursor.fetchmany(_BATCH):
            for row in rows:
                yield from _changes_of(row, shared)


def count_changed(
    before: TableResults, after: TableResults, *, threads: int = 1, memory_limit: str = MEMORY_LIMIT
) -> int:
    """Return how many resources have a verdict that differs, or are in only one of the evaluations."""
    with _compared(before, after, threads, memory_limit) as (session, shared):
        row = session.execute("SELECT count(*) FROM differing").fetchone() if shared else None
    return int(row[0]) if row else 0


@contextmanager
def _compared(
    before: TableResults, after: TableResults, threads: int, memory_limit: str
) -> Iterator[tuple[duckdb.DuckDBPyConnection, Shared]]:
    """Give a session with the table `differing`, and the checks that both evaluations have."""
    paths = [path for path in (before.path, after.path, before.rows, after.rows) if path is not None]
    shared: Shared = []
    if len(paths) == 4:
        places = {item: number for number, item in enumerate(before.checks)}
        found = [(number, places.get(item), item[0]) for number, item in enumerate(after.checks)]
        shared = [(number, earlier, name) for number, earlier, name in found if earlier is not None]
    allowed = [path.resolve() for path in paths]
    with (
        tempfile.TemporaryDirectory(prefix="changes-") as spill,
        open_session(
            memory_limit=memory_limit, threads=threads, allowed=allowed, temp=Path(spill)
        ) as session,
    ):
        if shared:
            _differences(session, before, after, shared)
        yield session, shared


def _words(shared: Shared) -> list[int]:
    """Return the words of the later evaluation that hold shared checks."""
    return sorted({number // WORD for number, _, _ in shared})


def _differences(
    session: duckdb.DuckDBPyConnection, before: TableResults, after: TableResults, shared: Shared
) -> None:
    """Make the temporary table `differing`: idx, whether each side has it, and both sides' words.

    With the same resources in the same order, one pass over both files side by side is enough.
    """
    names = [f"{plane}_{word}" for word in _words(shared) for plane in PLANES]
    old, new = _file(before.path), _file(after.path)
    if before.checks != after.checks:
        old = f"(SELECT idx, {_moved(shared)} FROM {old})"  # noqa: S608 - our own names and paths
        new = f"(SELECT idx, {_masked(shared)} FROM {new})"  # noqa: S608
    columns = ", ".join(f"o.{name} AS old_{name}, n.{name} AS new_{name}" for name in names)
    differs = " | ".join(f"xor(o.{name}, n.{name})" for name in names)
    made = (
        "SELECT coalesce(o.idx, n.idx) AS idx, o.idx IS NOT NULL AS was, n.idx IS NOT NULL AS is_now, "
        f"{columns} FROM"
    )
    unequal = f"o.idx IS NULL OR n.idx IS NULL OR ({differs}) <> 0"
    pairs = f"{_file(before.path)} o POSITIONAL JOIN {_file(after.path)} n"
    misplaced = session.execute(
        f"SELECT count(*) FILTER (o.idx IS DISTINCT FROM n.idx) FROM {pairs}"  # noqa: S608
    ).fetchone()
    if misplaced == (0,):
        session.execute(
            f"CREATE TEMP TABLE differing AS {made} {old} o POSITIONAL JOIN {new} n WHERE ({differs}) <> 0"
        )
        return
    session.execute(f"CREATE TEMP TABLE differing AS {made} {old} o JOIN {new} n ON true WHERE false")
    # The keys made for a view are spread over 60 bits: few rows, and one slice.
    spread = session.execute(
        f"SELECT max(idx) FROM (SELECT idx FROM {old} UNION ALL SELECT idx FROM {new})"  # noqa: S608
    ).fetchone()
    last = int(spread[0]) if spread and spread[0] is not None else 0
    size = _SLICE if last < 2**32 else last + 1
    for first in range(0, last + 1, size):
        within = f"WHERE idx >= {first} AND idx < {first + size}"
        session.execute(
            f"INSERT INTO differing {made} (FROM {old} {within}) o "
            f"FULL JOIN (FROM {new} {within}) n ON o.idx = n.idx WHERE {unequal}"
        )


def _masked(shared: Shared) -> str:
    """Return the later words with the bits of shared checks only."""
    masks: dict[int, int] = {}
    for number, _, _ in shared:
        masks[number // WORD] = masks.get(number // WORD, 0) | 1 << number % WORD
    return ", ".join(
        f"{plane}_{word} & {mask}::UBIGINT AS {plane}_{word}"
        for word, mask in masks.items()
        for plane in PLANES
    )


def _moved(shared: Shared) -> str:
    """Return the earlier words with each shared check's bit where it is in the later ones."""
    moves: dict[int, dict[tuple[int, int], int]] = {}
    for number, earlier, _ in shared:
        step = (earlier // WORD, number % WORD - earlier % WORD)
        group = moves.setdefault(number // WORD, {})
        group[step] = group.get(step, 0) | 1 << earlier % WORD
    return ", ".join(
        f"{' | '.join(_shift(f'{plane}_{source}', mask, step) for (source, step), mask in group.items())} "
        f"AS {plane}_{word}"
        for word, group in sorted(moves.items())
        for plane in PLANES
    )


def _shift(name: str, mask: int, step: int) -> str:
    bits = f"({name} & {mask}::UBIGINT)"
    if step == 0:
        return bits
    # Multiplying would overflow where shifting left does; only bits that stay inside are left by the mask.
    return f"({bits} >> {-step})" if step < 0 else f"({bits} << {step})"


def _changes_of(row: Sequence[object], shared: Shared) -> Iterator[Change]:
    account_id, region, resource, was, is_now, *flat = row
    words = _words(shared)
    width = 2 * len(PLANES)
    for number, _, check in shared:
        start = words.index(number // WORD) * width
        pairs = flat[start : start + width]
        old = _status(pairs[0::2], number % WORD) if was else None
        new = _status(pairs[1::2], number % WORD) if is_now else None
        if old != new:
            yield Change(check, str(account_id), str(region), str(resource), old, new)


def _status(planes: Sequence[object], bit: int) -> Status:
    statuses: tuple[Status, ...] = ("fail", "inconclusive", "not_applicable")
    for status, value in zip(statuses, planes, strict=True):
        if isinstance(value, int) and value >> bit & 1:
            return status
    return "pass"


def _file(path: Path | None) -> str:
    return f"read_parquet({quote(str(path.resolve()))})" if path else "(SELECT 1 AS idx WHERE false)"
