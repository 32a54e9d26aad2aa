"""What the readings of a large sweep cost whoever leads it: one table in one place each, most of them empty.

    python -m benchmarks.reads [--accounts 564] [--engine sqlite|postgresql]

564 AWS accounts × 17 regions are 1,000,000 readings. The plan, the tasks and what is kept are the product's;
workers answer at once, without a file: one place in ten has 3 rows, one in a thousand cannot be read. The
second sweep is planned by what the first one took. Nothing is committed or judged. CPU seconds are of the
process that leads (not of PostgreSQL); MB is its peak in that step, of which some 120 are there before.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from benchmarks.large_company import REGIONS
from benchmarks.reconcile import NOW, database
from benchmarks.snapshot_world import FolderObjects


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--accounts", type=int, default=564)
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), default="sqlite")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="reads-") as folder:
        child = multiprocessing.get_context("spawn").Process(
            target=run, args=(given.engine, Path(folder), given.accounts)
        )
        child.start()
        child.join()
        if child.exitcode:
            raise SystemExit(f"the process ended with {child.exitcode}")


def run(engine: str, folder: Path, accounts: int) -> None:
    from proofwatch.runtime.memory import calm_collector

    calm_collector()  # As every process of the product does first.
    with database(engine, folder):
        measure(folder, accounts)


def measure(folder: Path, accounts: int) -> None:
    from proofwatch import pipeline
    from proofwatch.connectors.aws import AwsConnector
    from proofwatch.connectors.base import Place, Scope
    from proofwatch.snapshots.exchange import SharedFolder
    from proofwatch.store import planning, reconcile
    from proofwatch.store.models import ShardRead
    from proofwatch.store.outcome import Outcome
    from proofwatch.store.services import connections, reads, sweeps

    owner = connections.create("aws", "aws", {}, actor="bench", now=NOW)
    objects, exchange = FolderObjects(folder / "objects"), SharedFolder(folder / "work")
    tools: Any = SimpleNamespace(
        objects=objects, pool=Answers(), turns=None, progress=lambda *said: None, step=lambda name: None
    )
    tables = [table for table in AwsConnector.tables().values() if not table.derived]
    names = [table.name for table in tables]
    places = tuple(Place(f"{number:012d}", region) for number in range(accounts) for region in REGIONS)
    connector = AwsConnector(AwsConnector.parse_settings({}))
    print(f"{'step':34} {'CPU s':>7} {'µs each':>8} {'peak MB':>8}")
    for number in (1, 2):
        at = NOW + timedelta(hours=number)
        sweep = sweeps.plan(owner, slot=at, trigger="manual", actor="bench", now=at)
        with Step(f"sweep {number}: plan") as step:
            scope = Scope(places)
            plan = planning.Plan({"details": {}}, scope, planning._shards(connector, scope, names))
            sweep = sweeps.begin(sweep, now=at, plan_object=planning.keep(owner, plan, objects))
            step.count = plan.shards.readings()
        with Step(f"sweep {number}: tasks, and what they read", step.count):
            collected = pipeline._collect(tools, sweep, plan, tables, exchange)
        with Step(f"sweep {number}: places and parts of tables", step.count):
            for name in names:
                collected.places(name), collected.unread(name), collected.named(name)
        with Step(f"sweep {number}: what is kept of it", step.count):
            pipeline._keep_reads(tools, sweep, plan, collected, exchange.folder())
        with Step(f"sweep {number}: manifest and end", step.count):
            outcome = Outcome((), lambda: (), lambda check, keys: {}, complete=False)
            reconcile.apply(sweep, outcome, objects, now=at)
        sweep.refresh_from_db()
    with Step("the page's places", step.count):
        assert len(reads.places(sweep, objects)) == len(places) + accounts
    rows = ShardRead.objects.filter(sweep=sweep).count()
    manifest = json.loads(objects.get(sweep.manifest))["reads"]
    size = objects.path(manifest["object"]).stat().st_size
    print(f"\n{step.count:,} readings: {manifest}")
    print(f"rows in the database {rows:,}; object {size / 1e6:.1f} MB, {size / step.count:.1f} bytes each")


class Answers:
    """Workers that have read everything: the places of a number that 10 divides have 3 rows."""

    size = 64

    def each(self, call: Callable[..., Any], tasks: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
        from proofwatch.snapshots.collect import Reading

        number = 0
        for task in tasks:
            found = []
            for shard in task.shards:
                for table in shard.tables:
                    number += 1
                    rows, why = (0 if number % 10 else 3), ("" if number % 1000 else "AccessDenied")
                    part = f"ab/{table}.{shard.account_id}.{shard.region}.ndjson" if rows and not why else ""
                    found.append(
                        Reading(table, shard.account_id, shard.region, 0 if why else rows, 1, 1, 0.1,
                                "2026-11-28T00:00:00Z", why, part=part)
                    )  # fmt: skip
            yield task, found


class Step:
    """Prints what a step took when it ends."""

    def __init__(self, name: str, count: int = 0) -> None:
        self.name, self.count = name, count

    def __enter__(self) -> Step:
        Path("/proc/self/clear_refs").write_text("5")
        self.began = time.process_time()
        return self

    def __exit__(self, *raised: object) -> None:
        took = time.process_time() - self.began
        status = Path("/proc/self/status").read_text()
        peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024
        print(f"{self.name:34} {took:7.1f} {took / self.count * 1e6:8.1f} {peak:8.0f}", flush=True)


if __name__ == "__main__":
    main()
