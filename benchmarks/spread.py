"""Committing and judging several large tables by one process, and by two: the speed-up, and what it takes.

    python -m benchmarks.spread [--rows 200000] [--tables 6] [--times 3]

Each table has 26 columns and 15 checks (`benchmarks.beyond_world`). What is measured is what a sweep does
between reading and applying: `snapshots.spread.committed` and `checks.spread.judged`, on files that were
spooled before, with an empty store and an empty cache. Each line is the quickest of several runs, each with
a leader of its own; all end with the same digests, or the benchmark fails. CPU seconds are of all
processes, and of the busiest one alone: what the clock would tell of processes on a machine that does nothing
else. Peak memory is of the leader, and of the largest worker. On the cluster a folder that all see
stands for the bucket, each worker keeps a cache of its own, and the scheduler is beside.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import shutil
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from tests.clusters import Cluster, SeenByAll

from benchmarks import beyond_world as world
from benchmarks.beyond_memory import peak
from proofwatch.checks.base import TableInput
from proofwatch.checks.load import Catalog
from proofwatch.checks.merged import merge
from proofwatch.checks.spread import Judge, Source, judge_tables, judged
from proofwatch.connectors.base import Table
from proofwatch.runtime.places import places
from proofwatch.runtime.pool import Pool, running
from proofwatch.snapshots.base import Part, State
from proofwatch.snapshots.exchange import SharedFolder
from proofwatch.snapshots.spread import Commit, Read, commit_tables, committed
from proofwatch.snapshots.tasks import Store

NOW = datetime(2026, 11, 1, tzinfo=UTC)
KINDS = (("alone", 1), ("threads", 2), ("processes", 2), ("cluster", 1), ("cluster", 2))


@dataclass(frozen=True)
class Spent:
    """What one run took. `digests`: of every state and every object with verdicts."""

    commit: float
    judge: float
    cpu: float
    busiest: float
    leader: float
    worker: float
    digests: str

    @property
    def wall(self) -> float:
        return self.commit + self.judge


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000, help="of each table")
    parser.add_argument("--tables", type=int, default=6)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="existing folder to work in, on a disk with room")
    given = parser.parse_args()
    print(f"{given.tables} tables of {given.rows:,} rows, 15 checks each; the quickest of {given.times}")
    heads = ("commit s", "judge s", "speed-up", "CPU s", "busiest", "leader MB", "worker MB")
    print(f"{'':13} {' '.join(f'{head:>9}' for head in heads)}")
    folder = Path(tempfile.mkdtemp(prefix="spread-", dir=given.folder))
    context = multiprocessing.get_context("spawn")
    alone, digests = 0.0, set()
    try:
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            pool.submit(spool, folder / "parts", given.tables, given.rows).result()
            pool.submit(spool, folder / "warm", 1, 20).result()
        for kind, workers in KINDS:
            runs = []
            for _ in range(given.times):
                # Each leader is a process of its own, so that its peak is.
                with ProcessPoolExecutor(1, mp_context=context) as pool:
                    runs.append(pool.submit(measured, folder, kind, workers, given.tables).result())
            best = min(runs, key=lambda run: run.wall)
            alone = alone or best.wall
            digests |= {run.digests for run in runs}
            figures = f"{best.commit:9.1f} {best.judge:9.2f} {alone / best.wall:9.2f} {best.cpu:9.1f}"
            more = f"{best.busiest:9.1f} {best.leader:9.0f} {best.worker:9.0f}"
            print(f"{kind:>10} ×{workers} {figures} {more}", flush=True)
        assert len(digests) == 1, "every run has the same states and verdicts"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def tables(count: int) -> list[Table]:
    return [replace(world.TABLES[world.VOLUME], name=f"bench_volume_{number}") for number in range(count)]


def spool(folder: Path, count: int, rows: int) -> None:
    """Write the parts of every table, and what they are; each table has another share of failing rows."""
    folder.mkdir()
    known = {}
    for number, table in enumerate(tables(count)):
        own = folder / table.name
        parts = world.spool(own, rows, 0.001 * (number + 1), 0)[world.VOLUME]
        known[table.name] = [
            [part.account_id, part.region, f"{table.name}/{part.path.name}", part.rows] for part in parts
        ]
    (folder / "known.json").write_text(json.dumps(known))


def measured(folder: Path, kind: str, workers: int, count: int) -> Spent:
    """Commit and judge all tables once, in this process and its workers."""
    home = Path(tempfile.mkdtemp(dir=folder, prefix="home-"))
    (home / "evaluation").mkdir()
    try:
        with _workers(kind, workers, home) as (pool, processes):
            _warm(folder / "warm", home / "warm", pool, workers)
            Path("/proc/self/clear_refs").write_text("5")
            before = _cpu(processes())
            began = time.monotonic()
            commit = _commit(folder / "parts", home, count)
            states = {
                item.table.name: state for item, state in committed(commit, pool) if isinstance(state, State)
            }
            between = time.monotonic()
            judge = _judge(home, count, states)
            results = merge(judged(judge, pool), judge).results
            after = time.monotonic()
            found = processes()
            spent = [now - before.get(pid, 0.0) for pid, now in _cpu(found).items()]
            largest = max((_peak(process) for process in found), default=0.0)
        manifests = sorted((name, state.manifest) for name, state in states.items())
        digests = json.dumps([manifests, sorted(results.items())])
        assert len(manifests) == len(results) == count
        return Spent(between - began, after - between, sum(spent), max(spent), peak(), largest, digests)
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def _workers(kind: str, workers: int, home: Path) -> Iterator[Any]:
    """Yield a pool, and what lists the processes of its workers."""
    with ExitStack() as stack:
        if kind == "cluster":
            cluster = stack.enter_context(Cluster(home / "dask"))
            nanny = cluster.add("w", workers, {"TMPDIR": str(home)})
            cluster.wait(workers)
            pool = stack.enter_context(running(places(cluster.address, 0, home).workers))
            yield pool, lambda: psutil.Process(nanny.pid).children(recursive=True)
            return
        size = 1 if kind == "alone" else workers
        local = places("threads" if kind == "alone" else kind, size, home).workers
        yield stack.enter_context(running(local)), lambda: psutil.Process().children(recursive=True)


def _warm(parts: Path, home: Path, pool: Pool, workers: int) -> None:
    """Let every worker import what it needs: a sweep's workers have read before they commit."""
    for number in range(2 * workers):
        own = home / str(number)
        (own / "evaluation").mkdir(parents=True)
        commit = _commit(parts, own, 1)
        (states,) = [found for _, found in pool.each(commit_tables, [commit])]
        assert isinstance(states, list), states
        known = {state.table: state for state in states}
        assert [found for _, found in pool.each(judge_tables, [_judge(own, 1, known)])]


def _commit(parts: Path, home: Path, count: int) -> Commit:
    known = json.loads((parts / "known.json").read_text())
    reads = tuple(
        Read(table, tuple(Part(table.name, a, r, Path(path), n) for a, r, path, n in known[table.name]), ())
        for table in tables(count)
    )
    store = Store(SeenByAll(home / "objects"), home / "cache")
    return Commit(reads, "1", "2026-11", SharedFolder(parts), store)


def _judge(home: Path, count: int, states: dict[str, State]) -> Judge:
    rules = world.catalog(False).checks.values()
    checks = {
        f"{table.name}.{check.id}": replace(check, id=f"{table.name}.{check.id}", table=table.name)
        for table in tables(count)
        for check in rules
    }
    catalog = Catalog(checks, {}, {table.name: table for table in tables(count)})
    sources = {
        name: Source(state.manifest, TableInput(name, None, tuple(world.PLACES)), state.rows)
        for name, state in states.items()
    }
    store = Store(SeenByAll(home / "objects"), home / "cache")
    return Judge(catalog, sources, {}, {}, NOW, store, home / "evaluation")


def _cpu(workers: list[psutil.Process]) -> dict[int, float]:
    """Return process → CPU seconds: of the leader, and of its workers."""
    return {process.pid: sum(process.cpu_times()[:2]) for process in (psutil.Process(), *workers)}


def _peak(process: psutil.Process) -> float:
    """Return the most that was ever resident of a process, in MB."""
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


if __name__ == "__main__":
    main()
