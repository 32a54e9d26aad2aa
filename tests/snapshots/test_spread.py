"""Tables that are committed several at once are what they are when committed one after the other."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from proofwatch.connectors.base import Row, Table
from proofwatch.evidence.objects import LocalObjects
from proofwatch.runtime.executor import Local
from proofwatch.runtime.pool import Pool, running
from proofwatch.snapshots import spread, tasks
from proofwatch.snapshots.base import Part, SnapshotError, State
from proofwatch.snapshots.exchange import SharedFolder
from proofwatch.snapshots.rebuild import prove
from proofwatch.snapshots.spool import write_part
from proofwatch.snapshots.spread import Commit, Read, commit_tables, committed
from proofwatch.snapshots.tasks import Lost, Store
from tests.snapshots.samples import ACCOUNT, REGION, row, table

TABLES = [table(name=f"aws_table_{number}") for number in range(3)]
PLACES = [(ACCOUNT, REGION), (ACCOUNT, "us-east-1")]


class Watched:
    """A pool that counts what it is given."""

    def __init__(self, pool: Pool, here: bool = True) -> None:
        self.pool, self.here, self.size, self.given = pool, here, pool.size, 0

    def each(self, call: Callable[[Any], Any], tasks: Sequence[Any], at_once: int = 0) -> Iterator[Any]:
        self.given += len(tasks)
        assert at_once == 2
        return self.pool.each(call, tasks, at_once)


@dataclass(frozen=True)
class World:
    """A sweep's folder, objects and cache."""

    home: Path

    @property
    def store(self) -> Store:
        return Store(LocalObjects(self.home / "objects"), self.home / "cache")

    def read(self, sweep: str, before: Mapping[str, State], unread: Sequence[Any] = ()) -> Commit:
        """Return what a sweep read: the second has changed, new and missing rows, and an unread place."""
        exchange = SharedFolder(self.home / sweep)
        reads = []
        for number, item in enumerate(TABLES):
            known = before.get(item.name)
            rows = [row(n, size=n * number + (n % 7 == 0) * len(before)) for n in range(len(before), 60)]
            parts = [
                _part(exchange, item, [{**one, "region": place[1]} for one in rows], place)
                for place in PLACES
                if place not in unread
            ]
            manifest = known.manifest if known else ""
            reads.append(Read(item, tuple(parts), tuple(unread), manifest, known.rows if known else 0))
        return Commit(tuple(reads), "7", "2026-11", exchange, self.store)


def _part(exchange: SharedFolder, item: Table, rows: list[Row], place: tuple[str, str]) -> Part:
    part = write_part(exchange.folder(), item, *place, rows)
    return replace(part, path=part.path.relative_to(exchange.folder()))


@contextmanager
def pool(kind: str) -> Iterator[Pool]:
    with running(Local(kind if kind == "processes" else "threads", 2)) as found:
        yield found


def everything(home: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Commit two sweeps; return their states, every object, and the files of every cached table."""
    monkeypatch.setattr(spread, "TOGETHER", 10**9 if kind == "alone" else 0)
    monkeypatch.setattr(spread, "at_once", lambda pool: 2)
    monkeypatch.setattr(tasks, "at_once", lambda pool: 2)
    world, states, told = World(home), {}, []
    with pool(kind) as workers:
        watched = Watched(workers)
        for sweep, unread in (("first", []), ("second", PLACES[1:])):
            found = dict(committed(world.read(sweep, states, unread), watched))
            states = {item.table.name: state for item, state in found.items() if isinstance(state, State)}
            told.append({name: asdict(state) for name, state in sorted(states.items())})
        assert watched.given == (0 if kind == "alone" else 2 * len(TABLES))
    objects = LocalObjects(home / "objects")
    files = {
        path.relative_to(home).as_posix(): path.read_bytes()
        for path in (home / "cache").rglob("*")
        if path.is_file()
    }
    for state in states.values():
        assert prove(state.manifest, objects).digest == state.digest
    return {"states": told, "objects": sorted(objects.sizes()), "cache": files}


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_the_same_states_objects_and_files(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = everything(tmp_path / "alone", "alone", monkeypatch)
    assert len(alone["states"][1]) == len(TABLES) and alone["states"][1]["aws_table_2"]["removed"]
    assert everything(tmp_path / kind, kind, monkeypatch) == alone


def test_what_is_little_is_committed_here(tmp_path: Path) -> None:
    whole = World(tmp_path).read("first", {})
    assert sum(item.weight for item in whole.tables) < spread.TOGETHER
    with pool("threads") as workers:
        watched = Watched(workers)
        assert len(dict(committed(whole, watched))) == len(TABLES)
    assert not watched.given


def test_a_cluster_that_does_not_see_the_folder_gets_nothing_and_that_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(spread, "TOGETHER", 0)
    with pool("threads") as workers, caplog.at_level(logging.WARNING, "proofwatch"):
        watched = Watched(workers, here=False)
        assert len(dict(committed(World(tmp_path).read("first", {}), watched))) == len(TABLES)
    assert not watched.given
    assert caplog.messages == [spread.UNSEEN]


def test_what_the_workers_cannot_do_is_done_here_and_what_kills_them_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(spread, "TOGETHER", 0)
    monkeypatch.setattr(spread, "at_once", lambda pool: 2)

    class Failing(Watched):
        def each(self, call: Callable[[Any], Any], tasks: Sequence[Any], at_once: int = 0) -> Iterator[Any]:
            for task in tasks:
                yield task, Lost("no room", killed=task.near == "aws_table_2")

    with pool("threads") as workers:
        found = dict(committed(World(tmp_path).read("first", {}), Failing(workers)))
    lost = {item.table.name: state for item, state in found.items() if isinstance(state, Lost)}
    assert lost == {"aws_table_2": Lost("no room", killed=True)}
    assert len(found) == len(TABLES)
    assert caplog.messages == ["Workers could not commit tables (no room): this process does it itself."]


def test_a_fault_of_this_machine_is_an_error_as_without_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spread, "TOGETHER", 0)
    monkeypatch.setattr(spread, "at_once", lambda pool: 2)
    whole = World(tmp_path).read("first", {})
    short = replace(whole.tables[2], parts=(replace(whole.tables[2].parts[0], rows=61),))
    wrong = replace(whole, tables=(*whole.tables[:2], short))
    with pool("processes") as workers, pytest.raises(SnapshotError, match="does not hold the 61 rows"):
        list(committed(wrong, workers))


def test_a_worker_of_another_version_does_nothing(tmp_path: Path) -> None:
    whole = World(tmp_path).read("first", {})
    with pytest.raises(tasks.WorkerFault, match="this worker has Proofwatch"):
        commit_tables(replace(whole, version="0.0"))


@pytest.mark.parametrize(("size", "memory", "expected"), [(8, 8 << 30, 2), (8, 1 << 30, 1), (1, 8 << 30, 1)])
def test_no_more_tables_are_in_work_than_cores_and_memory_have_room_for(
    size: int, memory: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "memory", lambda: memory)
    monkeypatch.setattr(tasks.os, "sched_getaffinity", lambda pid: {0, 1})
    assert tasks.at_once(Pool(Local("threads", size))) == expected


def test_large_items_are_alone_and_small_ones_together() -> None:
    assert tasks.packed([("a", 1), ("b", 100), ("c", 2), ("d", 100), ("e", 1)], 1) == [
        ("b",), ("d",), ("c", "a", "e"),
    ]  # fmt: skip
    assert tasks.packed([], 4) == []
