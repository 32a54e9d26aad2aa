"""A table several times larger than what the engine may hold gives the same state, object for object."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from proofwatch.connectors.base import COMMON, Column, Table
from proofwatch.snapshots.base import Part, SnapshotError, State
from proofwatch.snapshots.commit import commit
from proofwatch.snapshots.rebuild import materialise
from tests.snapshots.samples import FolderObjects

PLACES = [("1", "north"), ("1", "south")]
ROWS = {PLACES[0]: 60_000, PLACES[1]: 3_000}
"""A row has 1,000 characters, so that all are 67 MB: the engine alone cannot sort them within the limit."""
LIMIT = "128MB"
TABLE = Table(
    "wide", "", "wide", "region", (*COMMON, Column("size", "BIGINT"), Column("word", "VARCHAR")), ()
)


def spooled(folder: Path, changed: int) -> list[Part]:
    """Write the parts; of every `changed` rows one is larger, and one in a thousand is another resource."""
    folder.mkdir()
    parts = []
    with duckdb.connect() as session:
        for (account, region), rows in ROWS.items():
            path = folder / f"{account}-{region}.ndjson"
            session.execute(
                f"COPY (SELECT '{account}' AS account_id, '{region}' AS region, "
                f"format('{{:08}}', hash(i) % 100000000) || '-' || i "
                f"|| CASE WHEN {changed} > 0 AND i % 1000 = 7 THEN 'new' ELSE '' END AS resource, "
                f"CASE WHEN {changed} > 0 AND i % {changed or 1} = 3 THEN i + 1 ELSE i END AS size, "
                f"repeat(sha256('' || i), 15) AS word FROM range({rows}) t(i)) TO '{path}' (FORMAT json)"
            )
            parts.append(Part(TABLE.name, account, region, path, rows))
    return parts


class Sweeps:
    """Two sweeps with one limit: the first, and one with changes in which a place is unread."""

    def __init__(self, root: Path, limit: str) -> None:
        self.root, self.limit = root / limit, limit
        self.root.mkdir()
        self.objects = FolderObjects(self.root / "objects")
        self.states: list[State] = []

    def run(self, parts: list[Part], unread: list[tuple[str, str]]) -> State:
        before = self.states[-1] if self.states else None
        state = commit(
            TABLE, "c", parts, unread, before, self.objects, self.root / "work", "2026-11",
            cache=self.root / "cache", memory_limit=self.limit,
        )  # fmt: skip
        self.states.append(state)
        return state


def stored(sweeps: Sweeps) -> set[str]:
    return {path.name for path in sweeps.objects.folder.iterdir()}


def test_what_does_not_fit_is_committed_as_what_fits(tmp_path: Path) -> None:
    first, second = spooled(tmp_path / "first", 0), spooled(tmp_path / "second", 100)
    small, large = Sweeps(tmp_path, LIMIT), Sweeps(tmp_path, "2GB")
    for sweeps in (small, large):
        sweeps.run(first, [])
        sweeps.run(second[:1], [PLACES[1]])
    assert small.states == large.states
    now = small.states[1]
    assert (now.added, now.removed) == (60, 60)
    assert now.changed == 600
    assert stored(small) == stored(large)
    rebuilt = materialise(now.manifest, small.objects, tmp_path / "other", memory_limit=LIMIT)
    assert order(rebuilt) == order(materialise(now.manifest, large.objects, large.root / "cache"))


def order(path: Path) -> list[tuple[int, str]]:
    with duckdb.connect() as session:
        return session.execute(f"SELECT idx, resource FROM read_parquet('{path}')").fetchall()


def test_what_has_no_room_at_all_says_so_and_keeps_nothing(tmp_path: Path) -> None:
    parts = spooled(tmp_path / "first", 0)
    sweeps = Sweeps(tmp_path, "2MB")
    with pytest.raises(SnapshotError, match=r"(?i)memory") as caught:
        sweeps.run(parts, [])
    assert caught.value.remedy == "Give more memory or disk space."
    assert stored(sweeps) == set()
    assert list((sweeps.root / "cache").iterdir()) == []
