"""Reading on more processes and on a Dask cluster: the speed-up, and what a shard costs beside its reading.

    python -m benchmarks.cluster [--shards 60] [--volumes 500] [--empty 2000]

Each shard is one account's volumes in one region: one recorded page that a server in a process of its own
replays, so that the client's work (parsing, typing, writing) is what is measured. The overhead is that of
tasks that do nothing. Figures are of the clock, so nothing else may run beside; the two workers share two
cores with the server and, on a cluster, with its scheduler.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.collect import ACCOUNT, REGION, replayed
from proofwatch.connectors.base import Shard
from proofwatch.runtime.places import Places, places
from proofwatch.runtime.pool import Pool, running
from proofwatch.snapshots.collect import Reading, Task, collect


@dataclass(frozen=True)
class Nothing:
    """A task that does nothing, with arguments about as large as a real one's."""

    text: str

    @property
    def doing(self) -> str:
        return "doing nothing"

    @property
    def near(self) -> str:
        return ""

    def pieces(self) -> list[Nothing]:
        return [self]


def nothing(task: Nothing) -> int:
    return len(task.text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--shards", type=int, default=60)
    parser.add_argument("--volumes", type=int, default=500)
    parser.add_argument("--empty", type=int, default=2000)
    given = parser.parse_args()
    os.environ.update(AWS_ACCESS_KEY_ID="AKIAEXAMPLE", AWS_SECRET_ACCESS_KEY="example")
    print(f"{given.shards} shards of {given.volumes} volumes; {given.empty} empty tasks")
    print(f"{'workers':14} {'seconds':>8} {'resources/s':>12} {'speed-up':>9} {'ms per empty task':>18}")
    with replayed(given.volumes) as (url, _):
        for kind in ("processes", "cluster"):
            alone = 0.0
            for workers in (1, 2):
                seconds, empty = _measured(kind, workers, url, given)
                alone = alone or seconds
                rate = given.shards * given.volumes / seconds
                figures = f"{seconds:8.2f} {rate:12,.0f} {alone / seconds:9.2f} {empty:18.2f}"
                print(f"{kind:>10} ×{workers:<2} {figures}")


def _measured(kind: str, workers: int, url: str, given: argparse.Namespace) -> tuple[float, float]:
    """Return the seconds for all shards, and the milliseconds for each empty task."""
    with (
        tempfile.TemporaryDirectory() as folder,
        _where(kind, workers, Path(folder)) as where,
        running(where.workers) as pool,
    ):
        _warm(pool, where, url, workers)
        began = time.monotonic()
        found = list(_read(pool, where, "sweep", url, given.shards))
        seconds = time.monotonic() - began
        assert sum(item.rows for item in found) == given.shards * given.volumes
        tasks = [Nothing(f"{number:0400}") for number in range(given.empty)]
        began = time.monotonic()
        assert len(list(pool.each(nothing, tasks))) == given.empty
        return seconds, 1000 * (time.monotonic() - began) / given.empty


@contextmanager
def _where(kind: str, workers: int, folder: Path) -> Iterator[Places]:
    if kind == "processes":
        yield places("processes", workers, folder / "work")
        return
    from tests.clusters import Cluster

    with Cluster(folder / "dask") as cluster:
        cluster.add("w", workers)
        found = places(cluster.address, 0, folder / "work")
        while found.workers.size < workers:
            time.sleep(0.1)
        yield found


def _warm(pool: Pool, where: Places, url: str, workers: int) -> None:
    """Let every worker import and sign in once: a sweep's workers live longer than a sweep."""
    for number in range(3):
        list(_read(pool, where, f"warm{number}", url, 4 * workers))


def _read(pool: Pool, where: Places, sweep: str, url: str, shards: int) -> Iterator[Reading]:
    given = {"endpoint_url": url, "regions": [REGION], "accounts": [ACCOUNT], "requests_per_second": 1000}
    shard = Shard(ACCOUNT, REGION, "ec2", ("aws_ec2_volume",))
    # One exchange for each: they are the same shard, and would be read once.
    exchanges = [where.exchange(f"{sweep}-{number}") for number in range(shards)]
    tasks = [Task("aws", json.dumps(given), sweep, (shard,), one, where.turns) for one in exchanges]
    for _, readings in pool.each(collect, tasks):
        assert isinstance(readings, list), readings
        yield readings[0]


if __name__ == "__main__":
    main()
