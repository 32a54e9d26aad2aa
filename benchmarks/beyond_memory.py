"""A table larger than memory, from spooled files to applied findings: memory, CPU and disk per resource.

    python -m benchmarks.beyond_memory [--rows 10000 10000000] [--fail 0.001 0.1] [--view]

For each number of rows and share of failing ones a process of its own takes a made-up table of 26 columns
through three sweeps: the first, an unchanged one, and one in which 1 % of the rows differ. Each is what the
pipeline does after collecting: `snapshots.commit`, `store.judgement.judge` (15 checks; with --view 3 more
on a join with a second table) and `store.reconcile.apply` on SQLite. Peak RSS is of each step alone: the
kernel's high-water mark is reset before it. CPU seconds are of all threads. Disk is the most that working
folder, cache, objects, database and spooled files held together, looked at every second.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

NOW = datetime(2026, 11, 1, tzinfo=UTC)
SWEEPS = (("first", 0), ("unchanged", 0), ("1 % changed", 1))
Answer = TypeVar("Answer")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000, 10_000_000])
    parser.add_argument("--fail", type=float, nargs="+", default=[0.001], help="share of failing rows")
    parser.add_argument("--view", action="store_true", help="judge a join of two tables, too")
    parser.add_argument("--sweeps", type=int, default=len(SWEEPS), help="only the first so many sweeps")
    parser.add_argument("--folder", type=Path, help="existing folder to work in, on a disk with room")
    given = parser.parse_args()
    heads = f"{'CPU s':>8} {'µs/row':>7} {'RSS MB':>7} {'disk MB':>8}"
    print(f"{'rows':>11} {'fail':>6} {'sweep':12} {'step':9} {heads}")
    context = multiprocessing.get_context("spawn")
    for share in given.fail:
        for rows in given.rows:
            folder = Path(tempfile.mkdtemp(prefix="beyond-", dir=given.folder))
            child = context.Process(target=run, args=(folder, rows, share, given.view, given.sweeps))
            try:
                child.start()
                child.join()
            finally:
                shutil.rmtree(folder, ignore_errors=True)
            if child.exitcode:
                raise SystemExit(f"{rows:,} rows: the process ended with {child.exitcode}")


class Meter:
    """Measures steps of this process, and prints a line for each."""

    def __init__(self, folder: Path, rows: int, share: float) -> None:
        self.folder, self.rows, self.share = folder, rows, share

    def step(self, sweep: str, name: str, work: Callable[[], Answer]) -> Answer:
        Path("/proc/self/clear_refs").write_text("5")
        with Disk(self.folder) as disk:
            began = time.process_time()
            answer = work()
            spent = time.process_time() - began - disk.spent
        self.line(sweep, name, spent, peak(), disk.most)
        return answer

    def line(self, sweep: str, name: str, cpu: float, rss: float, disk: float) -> None:
        each = cpu / self.rows * 1e6
        print(
            f"{self.rows:>11,} {self.share:>6.1%} {sweep:12} {name:9} {cpu:8.2f} {each:7.1f} {rss:7.0f} "
            f"{disk / 1e6:8.0f}",
            flush=True,
        )


class Disk:
    """Looks every second at how much a folder holds; what the looking costs is told apart."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.most, self.spent = folder, 0, 0.0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Disk:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            began = time.thread_time()
            self.most = max(self.most, held(self.folder))
            self.spent += time.thread_time() - began
            if self._end.wait(1):
                self.most = max(self.most, held(self.folder))
                return


def held(folder: Path) -> int:
    """Return the bytes of all files that are there; one that goes meanwhile is passed over."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                total += Path(parent, name).stat().st_size
    return total


def peak() -> float:
    """Return the most that was resident since the mark was reset, in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def run(folder: Path, rows: int, share: float, view: bool, sweeps: int) -> None:
    from benchmarks import beyond_world as world
    from proofwatch.store import django as store

    world.register()
    store.setup(f"sqlite:///{folder}/state.sqlite3")
    store.migrate()
    try:
        measure(folder, rows, share, view, sweeps)
    finally:
        store.disconnect()


def measure(folder: Path, rows: int, share: float, view: bool, count: int) -> None:
    from benchmarks import beyond_world as world
    from proofwatch.evidence.objects import LocalObjects
    from proofwatch.store.services import connections

    owner = connections.create("prod", world.KIND, {}, actor="bench", now=NOW)
    objects, catalog, meter = (
        LocalObjects(folder / "objects"),
        world.catalog(view),
        Meter(folder, rows, share),
    )
    states: dict[str, Any] = {}
    for number, (name, version) in enumerate(SWEEPS[:count]):
        work = folder / f"work-{number}"
        parts = spooled(work, rows, share, version)
        sweep(owner, objects, catalog, meter, states, parts, work, name, number)
        shutil.rmtree(work)


def spooled(work: Path, rows: int, share: float, version: int) -> dict[str, Any]:
    """Write the parts in a process of its own: this is not measured."""
    from concurrent.futures import ProcessPoolExecutor

    from benchmarks import beyond_world as world

    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(world.spool, work, rows, share, version).result()


def sweep(owner, objects, catalog, meter, states, parts, work, name, number) -> None:  # type: ignore[no-untyped-def]
    from benchmarks import beyond_world as world
    from proofwatch.snapshots.commit import commit
    from proofwatch.store import reconcile
    from proofwatch.store.judgement import Judged, judge
    from proofwatch.store.services import sweeps

    at = NOW + timedelta(minutes=15 * number)
    planned = sweeps.plan(owner, slot=at, trigger="manual", actor="bench", now=at)
    running = sweeps.begin(planned, now=at)
    cache = meter.folder / "cache"
    tables = [world.VOLUME, world.KEYS] if catalog.views else [world.VOLUME]

    def snapshot() -> None:
        for table in tables:
            before = states.get(table)
            states[table] = commit(
                world.TABLES[table], str(owner.pk), parts[table], [], before, objects, work, "2026-11",
                cache=cache,
            )  # fmt: skip

    meter.step(name, "snapshot", snapshot)
    sweeps.record_states(running, states.values())
    read = Judged(
        {table: states[table].manifest for table in tables},
        {table: tuple(world.PLACES) for table in tables},
        {},
        sum(states[table].rows for table in tables),
    )
    judging = lambda: judge(catalog, world.KIND, read, objects, cache, at, work / "evaluation")  # noqa: E731
    outcome = meter.step(name, "evaluate", judging)
    applied = meter.step(name, "reconcile", lambda: reconcile.apply(running, outcome, objects, now=at))
    failed = sum(item.counts.failed for item in outcome.checks)
    print(f"{'':31} {states[world.VOLUME].digest[:12]} {failed:,} failing, {json.dumps(applied.transitions)}")


if __name__ == "__main__":
    main()
