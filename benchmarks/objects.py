"""How many objects a sweep leaves in the evidence store, how many bytes, and what they would cost in S3.

    python -m benchmarks.objects [--tables 1 10 40] [--rows 1000 10000] [--fail 0.01]

Every sweep is what the pipeline does after collecting (`snapshots.commit`, `store.judgement.judge`,
`store.reconcile.apply`) on LocalObjects: made-up tables of 26 columns with 15 checks each in 20 places.
Stored counts the objects that were new; asked, how often the store was asked to take or give one, which in
S3 is a request each (we look before we send). The entries of the log lie in the database and are not counted.

The days and months are worked out by the assumptions at the head of this file: change them there.
"""

from __future__ import annotations

import argparse
import multiprocessing
import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.beyond_memory import NOW, spooled
from proofwatch.evidence.objects import LocalObjects
from proofwatch.snapshots.base import Part

# Assumed: list prices of S3 Standard in us-east-1, in dollars. Ask the provider for yours.
PUT, GET, GIGABYTE_MONTH = 0.005 / 1000, 0.0004 / 1000, 0.023
# Assumed: in one hour one table in ten changes, and each time 1 % of its rows.
CHANGED_AN_HOUR = 0.1
DAYS = {"hourly": 24, "every 15 minutes": 96}
MONTH, YEAR = 30, 365


class Counted(LocalObjects):
    """Counts what is asked of it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.asked: Counter[str] = Counter()

    def put(self, data: bytes) -> str:
        self.asked["take"] += 1
        return super().put(data)

    def put_file(self, path: Path) -> str:
        self.asked["take"] += 1
        return super().put_file(path)

    def get(self, digest: str) -> bytes:
        self.asked["give"] += 1
        return super().get(digest)

    def path(self, digest: str) -> Path:
        self.asked["give"] += 1
        return super().path(digest)

    def held(self) -> tuple[int, int]:
        """Return how many objects there are, and their bytes."""
        sizes = [path.stat().st_size for path in self.folder.rglob("*") if path.is_file()]
        return len(sizes), sum(sizes)


@dataclass(frozen=True)
class Left:
    """What one sweep left."""

    objects: float
    size: float
    take: float
    give: float

    def minus(self, other: Left) -> Left:
        return Left(*(mine - its for mine, its in zip(self.all, other.all, strict=True)))

    def plus(self, other: Left, times: float) -> Left:
        return Left(*(mine + times * its for mine, its in zip(self.all, other.all, strict=True)))

    @property
    def all(self) -> tuple[float, ...]:
        return self.objects, self.size, self.take, self.give

    @property
    def dollars(self) -> float:
        """Return what the requests cost: a look for each that is taken, a PUT for each that is new."""
        return self.objects * PUT + (self.take + self.give) * GET


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--tables", type=int, nargs="+", default=[1, 10, 40])
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000, 10_000], help="of each table")
    parser.add_argument("--fail", type=float, default=0.01, help="share of failing rows")
    given = parser.parse_args()
    print(f"{'tables':>6} {'rows each':>9} {'sweep':22} {'stored':>7} {'MB':>8} {'asked to take, give':>20}")
    context = multiprocessing.get_context("spawn")
    for tables in given.tables:
        for rows in given.rows:
            folder = Path(tempfile.mkdtemp(prefix="objects-"))
            child = context.Process(target=run, args=(folder, tables, rows, given.fail))
            try:
                child.start()
                child.join()
            finally:
                shutil.rmtree(folder, ignore_errors=True)
            if child.exitcode:
                raise SystemExit(f"{tables} tables of {rows:,} rows: the process ended with {child.exitcode}")


def run(folder: Path, tables: int, rows: int, fail: float) -> None:
    from benchmarks import beyond_world as world
    from proofwatch.store import django as store

    world.register()
    catalog = several(tables)
    store.setup(f"sqlite:///{folder}/state.sqlite3")
    store.migrate()
    try:
        measure(folder, catalog, rows, fail)
    finally:
        store.disconnect()


def several(count: int):  # type: ignore[no-untyped-def]
    """Return a catalogue of `count` tables like the large one, each with its checks."""
    from benchmarks import beyond_world as world
    from proofwatch.checks.load import Catalog

    alone, checks = world.catalog(view=False), {}
    one = world.TABLES[world.VOLUME]
    world.TABLES.clear()
    for number in range(count):
        name = f"bench_volume_{number}"
        world.TABLES[name] = replace(one, name=name)
        for check in alone.checks.values():
            own = f"{check.id}-of-{number}"
            checks[own] = replace(check, id=own, table=name)
    return Catalog(checks, {}, world.TABLES)


def measure(folder: Path, catalog: Any, rows: int, fail: float) -> None:
    from proofwatch.store.services import connections

    owner = connections.create("prod", "bench", {}, actor="bench", now=NOW)
    objects, states = Counted(folder / "objects"), {}
    files = {version: spooled(folder / f"spool-{version}", rows, fail, version) for version in (0, 1)}
    tables = list(catalog.tables)
    stages = (
        ("first", dict.fromkeys(tables, 0)),
        ("unchanged", dict.fromkeys(tables, 0)),
        ("1 % of one changed", dict.fromkeys(tables, 0) | {tables[0]: 1}),
        ("1 % of each changed", dict.fromkeys(tables, 1) | {tables[0]: 0}),
        ("unchanged again", dict.fromkeys(tables, 1) | {tables[0]: 0}),
    )
    left: dict[str, Left] = {}
    for number, (name, versions) in enumerate(stages):
        work = folder / f"work-{number}"
        work.mkdir()
        before, asked = objects.held(), Counter(objects.asked)
        sweep(owner, objects, catalog, states, files, versions, work, number)
        shutil.rmtree(work)
        after, asked = objects.held(), objects.asked - asked
        left[name] = Left(after[0] - before[0], after[1] - before[1], asked["take"], asked["give"])
        told(len(tables), rows, name, left[name])
    days(len(tables), rows, left)


def sweep(owner, objects, catalog, states, files, versions, work, number) -> None:  # type: ignore[no-untyped-def]
    from benchmarks import beyond_world as world
    from proofwatch.snapshots.commit import commit
    from proofwatch.store import reconcile
    from proofwatch.store.judgement import Judged, judge
    from proofwatch.store.services import sweeps

    at, cache = NOW + timedelta(minutes=15 * number), work.parent / "cache"
    running = sweeps.begin(sweeps.plan(owner, slot=at, trigger="manual", actor="bench", now=at), now=at)
    for name, version in versions.items():
        parts = [own(part, name, work) for part in files[version][world.VOLUME]]
        states[name] = commit(
            catalog.tables[name], str(owner.pk), parts, [], states.get(name), objects, work, "2026-11",
            cache=cache,
        )  # fmt: skip
    sweeps.record_states(running, states.values())
    read = Judged(
        {name: state.manifest for name, state in states.items()},
        {name: tuple(world.PLACES) for name in states},
        {},
        sum(state.rows for state in states.values()),
    )
    outcome = judge(catalog, world.KIND, read, objects, cache, at, work / "evaluation")
    reconcile.apply(running, outcome, objects, now=at)


def own(part: Part, table: str, work: Path) -> Part:
    """Return a part of a table whose resources no other table has: the same rows would be the same object."""
    path = work / f"{table}-{part.path.name}"
    path.write_bytes(part.path.read_bytes().replace(b"vol-", b"vol-%s-" % table.split("_")[-1].encode()))
    return replace(part, table=table, path=path)


def told(tables: int, rows: int, name: str, left: Left) -> None:
    asked = f"{left.take:,.0f}, {left.give:,.0f}"
    print(
        f"{tables:>6} {rows:>9,} {name:22} {left.objects:>7,.0f} {left.size / 1e6:>8.3f} {asked:>20}",
        flush=True,
    )


def days(tables: int, rows: int, left: dict[str, Left]) -> None:
    """Work out a day: its quiet sweeps, and what each table that changed adds."""
    quiet, one = left["unchanged again"], left["1 % of one changed"].minus(left["unchanged"])
    changed = 24 * CHANGED_AN_HOUR * tables
    for name, sweeps in DAYS.items():
        day = Left(*(sweeps * each for each in quiet.all)).plus(one, changed)
        month = (day.size * MONTH + left["first"].size) / 1e9
        print(
            f"{tables:>6} {rows:>9,} {'a day ' + name:22} {day.objects:>7,.0f} {day.size / 1e6:>8.3f} "
            f"{f'{day.take:,.0f}, {day.give:,.0f}':>20}; requests ${day.dollars * MONTH:.2f} a month; "
            f"{month:.2f} GB after a month, {month * YEAR / MONTH:.1f} GB after a year: "
            f"${month * YEAR / MONTH * GIGABYTE_MONTH:.2f} a month by then",
            flush=True,
        )


if __name__ == "__main__":
    main()
