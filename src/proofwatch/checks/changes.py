"""What changed between two evaluations of a table: an XOR of verdict words, row by row.

Checks are aligned by id and version, so a check that is new, gone or written differently changes nothing
here: its first verdicts are not a change of the resources. Rows are aligned by idx, which stays a resource's
own for as long as it is in the table.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from proofwatch.checks.base import Status
from proofwatch.checks.expressions import open_session
from proofwatch.checks.outcome import TableResults
from proofwatch.checks.plan import PLANES, WORD
from proofwatch.snapshots.engine import MEMORY_LIMIT, quote

_BLOCK = 8
"""Rows are compared in blocks of 2**8 idx first; only blocks that differ are joined."""

_BATCH = 2000


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
    shared = [
        (number, before.checks.index(item), item[0])
        for number, item in enumerate(after.checks)
        if item in before.checks
    ]
    paths = [path for path in (before.path, after.path, before.rows, after.rows) if path is not None]
    if not shared or before.path is None or after.path is None or before.rows is None or after.rows is None:
        return
    allowed = [path.resolve() for path in paths]
    with (
        tempfile.TemporaryDirectory(prefix="changes-") as spill,
        open_session(
            memory_limit=memory_limit, threads=threads, allowed=allowed, temp=Path(spill), ordered=False
        ) as session,
    ):
        _differences(session, before, after, shared)
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


def _words(shared: Sequence[tuple[int, int, str]]) -> list[int]:
    """Return the words of the later evaluation that hold shared checks."""
    return sorted({number // WORD for number, _, _ in shared})


def _differences(
    session: duckdb.DuckDBPyConnection,
    before: TableResults,
    after: TableResults,
    shared: Sequence[tuple[int, int, str]],
) -> None:
    """Make the temporary table `differing`: idx, whether each side has it, and both sides' words."""
    words = _words(shared)
    old = f"(SELECT idx, {_moved(shared)} FROM {_file(before.path)})"  # noqa: S608
    new = f"(SELECT idx, {_masked(shared)} FROM {_file(after.path)})"  # noqa: S608
    names = [f"{plane}_{word}" for word in words for plane in PLANES]
    differs = " OR ".join(f"o.{name} <> n.{name}" for name in names)
    columns = ", ".join(f"o.{name} AS old_{name}, n.{name} AS new_{name}" for name in names)
    made = "CREATE TEMP TABLE differing AS SELECT"
    aligned = session.execute(
        f"SELECT count(*) FILTER (o.idx IS DISTINCT FROM n.idx) FROM {_file(before.path)} o "  # noqa: S608
        f"POSITIONAL JOIN {_file(after.path)} n"
    ).fetchone()
    if aligned == (0,):
        session.execute(
            f"{made} n.idx AS idx, true AS was, true AS is_now, {columns} "
            f"FROM {old} o POSITIONAL JOIN {new} n WHERE {differs}"
        )
        return
    sums = f"count(*) AS size, bit_xor(hash(idx, {', '.join(names)})) AS sum"
    blocks = [f"(SELECT idx >> {_BLOCK} AS block, {sums} FROM {side} GROUP BY 1)" for side in (old, new)]  # noqa: S608
    session.execute(
        f"CREATE TEMP TABLE blocks AS SELECT coalesce(o.block, n.block) AS block FROM {blocks[0]} o "  # noqa: S608
        f"FULL JOIN {blocks[1]} n USING (block) "
        "WHERE o.size IS DISTINCT FROM n.size OR o.sum IS DISTINCT FROM n.sum"
    )
    within = f"WHERE idx >> {_BLOCK} IN (SELECT block FROM blocks)"  # noqa: S608
    some = [f"(SELECT * FROM {side} {within})" for side in (old, new)]  # noqa: S608
    session.execute(
        f"{made} coalesce(o.idx, n.idx) AS idx, o.idx IS NOT NULL AS was, n.idx IS NOT NULL AS is_now, "
        f"{columns} FROM {some[0]} o FULL JOIN {some[1]} n ON o.idx = n.idx "
        f"WHERE o.idx IS NULL OR n.idx IS NULL OR {differs}"
    )


def _masked(shared: Sequence[tuple[int, int, str]]) -> str:
    """Return the later words with the bits of shared checks only."""
    masks: dict[int, int] = {}
    for number, _, _ in shared:
        masks[number // WORD] = masks.get(number // WORD, 0) | 1 << number % WORD
    return ", ".join(
        f"{plane}_{word} & {mask}::UBIGINT AS {plane}_{word}"
        for word, mask in masks.items()
        for plane in PLANES
    )


def _moved(shared: Sequence[tuple[int, int, str]]) -> str:
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


def _changes_of(row: Sequence[object], shared: Sequence[tuple[int, int, str]]) -> Iterator[Change]:
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
