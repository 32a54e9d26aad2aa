"""An hour of a company of thousands of AWS accounts, played with the real planning in a virtual clock.

    python -m benchmarks.large_company [--accounts 500] [--latency 80] [--cpu 3]

The shards are those that the connector plans, the tasks those that a sweep makes of them, and the turns
those that its requests take (20 a second for each account, region and service, after a burst of 100).
What a request costs is assumed: `--latency` milliseconds until the answer, `--cpu` milliseconds of a core
for a small answer, and 0.4 ms for each row (`python -m benchmarks.collect`). Accounts do not touch each
other's limits, so the work grows with their number alone: figures for 5,000 accounts are those of
`--accounts` times the rest, and said so.

Resources: 2,000 an account, most of them in two regions, in a few tables (Pareto); the other places are
empty, and cost a request each.
"""

from __future__ import annotations

import argparse
import heapq
import json
import random
from collections.abc import Iterator

from proofwatch.connectors.aws import AwsConnector
from proofwatch.connectors.base import Place, Scope, Shard
from proofwatch.connectors.turns import next_turn
from proofwatch.snapshots.batches import Size, batches
from proofwatch.store.shards import grouped

REGIONS = [f"region-{number}" for number in range(17)]
RESOURCES, PAGE, ROW = 2_000, 100, 0.0004
RATE, BURST = 20, 100
COMPANY = 5_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--accounts", type=int, default=500)
    parser.add_argument("--latency", type=float, default=80.0, help="ms")
    parser.add_argument("--cpu", type=float, default=3.0, help="ms of a core for each request")
    given = parser.parse_args()
    latency, cpu = given.latency / 1000, given.cpu / 1000
    shards, sizes = _company(given.accounts)
    calls, rows = sum(size.calls for size in sizes.values()), sum(size.rows for size in sizes.values())
    plan = len(json.dumps(grouped(shards)))
    times = COMPANY / given.accounts
    print(f"{given.accounts} accounts × {len(REGIONS)} regions: {len(shards):,} shards, {rows:,} resources")
    print(f"requests {calls:,}: {calls / rows:.2f} a resource; {calls * cpu + rows * ROW:,.0f} CPU s")
    print(f"{COMPANY:,} accounts, × {times:g}: {calls * times:,.0f} requests, {rows * times:,.0f} rows,")
    print(f"  {(calls * cpu + rows * ROW) * times:,.0f} CPU s, plan {plan * times / 1e6:,.0f} MB")
    print(f"\n{'threads':>8} {'tasks':>8} {'minutes':>8} {'of them waiting':>16} {'5,000 accounts: min':>20}")
    for threads in (8, 32, 128, 512):
        tasks = list(batches(shards, lambda account: sizes, threads))
        took, waited = _played(tasks, sizes, threads, latency, cpu)
        whole = took * times / 60
        print(f"{threads:>8} {len(tasks):>8,} {took / 60:>8.1f} {waited / 60:>16.1f} {whole:>20.0f}")


def _company(accounts: int) -> tuple[list[Shard], dict[tuple[str, str, str], Size]]:
    connector = AwsConnector(AwsConnector.parse_settings({}))
    names = [f"{number:012d}" for number in range(accounts)]
    scope = Scope(tuple(Place(account, region) for account in names for region in REGIONS))
    tables = [name for name, table in AwsConnector.tables().items() if not table.derived]
    shards = connector.shards(scope, tables)
    draw = random.Random(2026)
    weights = [draw.paretovariate(1.1) for _ in tables]
    share = dict(zip(tables, (weight / sum(weights) for weight in weights), strict=True))
    places = [0.55, 0.25, *[0.2 / (len(REGIONS) - 2)] * (len(REGIONS) - 2)]
    sizes = {}
    for shard in shards:
        at = places[REGIONS.index(shard.region)] if shard.region in REGIONS else 1.0
        for table in shard.tables:
            rows = int(RESOURCES * share[table] * at + draw.random())
            sizes[table, shard.account_id, shard.region] = Size(1 + rows // PAGE, rows)
    return shards, sizes


def _played(
    tasks: list[tuple[Shard, ...]],
    sizes: dict[tuple[str, str, str], Size],
    threads: int,
    latency: float,
    cpu: float,
) -> tuple[float, float]:
    """Return when the last task ends, and how long was waited for turns, in seconds.

    Tasks are taken in order by whichever thread is free first, so the clock of turns never goes back far.
    """
    free = [0.0] * threads
    held: dict[tuple[str, str, str], float] = {}
    waited = 0.0
    for task in tasks:
        now = heapq.heappop(free)
        for key, calls, rows in _requests(task, sizes):
            for _ in range(calls):
                wait, held[key] = next_turn(now, held.get(key, 0.0), 1 / RATE, BURST)
                waited += wait
                now += wait + latency + cpu
            now += rows * ROW
        heapq.heappush(free, now)
    return max(free), waited


def _requests(
    task: tuple[Shard, ...], sizes: dict[tuple[str, str, str], Size]
) -> Iterator[tuple[tuple[str, str, str], int, int]]:
    for shard in task:
        for table in shard.tables:
            size = sizes[table, shard.account_id, shard.region]
            yield (shard.account_id, shard.region, shard.service), size.calls, size.rows


if __name__ == "__main__":
    main()
