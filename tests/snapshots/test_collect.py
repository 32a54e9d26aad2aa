"""What a task read is left as a few records, and the first one counts, whoever reads it again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from proofwatch.connectors import turns
from proofwatch.connectors.base import ReadStats, Row, Shard, Unread
from proofwatch.connectors.turns import OwnTurns
from proofwatch.snapshots import collect as product
from proofwatch.snapshots.collect import Reading, Task, collect
from proofwatch.snapshots.exchange import SharedFolder
from tests.snapshots.samples import table


class Source:
    """A connector whose places hold what it is told, and which counts what it is asked."""

    def __init__(self, rows: dict[str, int], refused: set[str]) -> None:
        self.rows, self.refused = rows, refused
        self.asked: list[str] = []

    def begin(self, sweep: str) -> None:
        pass

    def tables(self) -> dict[str, Any]:
        return {"t": table(), "u": table()}

    def read(self, shard: Shard, name: str, stats: ReadStats) -> Iterator[Row]:
        self.asked.append(f"{name} {shard.region}")
        stats.calls += 1
        if shard.region in self.refused:
            raise Unread("reading", "refused")
        for number in range(self.rows.get(shard.region, 0)):
            yield {"account_id": "1", "region": shard.region, "resource": f"r{number}"}


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Source:
    found = Source({"eu": 2}, {"us"})
    monkeypatch.setattr(product, "_connector", lambda kind, settings: found)
    monkeypatch.setattr(turns, "_shared", OwnTurns())  # A task shares its own, for the rest of the process.
    return found


def task(folder: Path, *regions: str) -> Task:
    shards = tuple(Shard("1", region, "s", ("t", "u")) for region in regions)
    return Task("aws", "{}", "sweep", shards, SharedFolder(folder), OwnTurns())


def test_a_task_leaves_one_record_and_parts_only_where_there_are_rows(source: Source, tmp_path: Path) -> None:
    found = collect(task(tmp_path, "eu", "ap", "us"))
    assert [(item.table, item.region, item.rows, bool(item.part)) for item in found if item.complete] == [
        ("t", "eu", 2, True), ("u", "eu", 2, True), ("t", "ap", 0, False), ("u", "ap", 0, False),
    ]  # fmt: skip
    (record,) = tmp_path.glob("*.json")
    assert [Reading(**item) for item in json.loads(record.read_bytes())] == found[:4]
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.ndjson")) == sorted(
        item.part for item in found[:2]
    )


def test_what_was_recorded_is_not_read_again_and_what_failed_is(source: Source, tmp_path: Path) -> None:
    first = collect(task(tmp_path, "eu", "ap", "us"))
    source.asked.clear()
    source.refused.clear()
    again = collect(task(tmp_path, "eu", "ap", "us"))
    assert source.asked == ["t us", "u us"]
    assert again[:4] == first[:4] and all(item.complete for item in again)


def test_who_comes_second_hears_what_the_first_left(source: Source, tmp_path: Path) -> None:
    class Late(SharedFolder):
        """Looks before the first one has left its record."""

        def record(self, name: str) -> bytes | None:
            return None

    first = collect(task(tmp_path, "eu", "ap"))
    source.rows["ap"] = 7
    given = task(tmp_path, "eu", "ap")
    late = Task(given.kind, given.settings, given.sweep, given.shards, Late(tmp_path), given.turns)
    assert collect(late) == first


def test_a_large_task_leaves_a_record_now_and_then(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(product, "TOGETHER", 4)
    collect(task(tmp_path, "a", "b", "c", "d", "e"))
    counts = sorted(len(json.loads(path.read_bytes())) for path in tmp_path.glob("*.json"))
    assert counts == [2, 4, 4]
