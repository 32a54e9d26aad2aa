"""Shards become tasks: each table of each place once, small ones together, large ones by table."""

from proofwatch.connectors.base import Shard
from proofwatch.snapshots.batches import LARGE, LONGEST, Size, batches


def shards(accounts: int, services: int = 3) -> list[Shard]:
    return [
        Shard(f"{account:012d}", "eu-west-1", f"s{service}", (f"t{service}a", f"t{service}b"))
        for account in range(accounts)
        for service in range(services)
    ]


def made_of(given: list[Shard], sizes: dict, workers: int, **how: bool) -> list[tuple[Shard, ...]]:
    return list(batches(given, lambda account: sizes, workers, **how))


def read(made: list[tuple[Shard, ...]]) -> list[tuple[str, str, str]]:
    return sorted(
        (shard.account_id, shard.region, table) for task in made for shard in task for table in shard.tables
    )


def seconds(task: tuple[Shard, ...], sizes: dict) -> float:
    return sum(
        sizes[table, shard.account_id, shard.region].seconds for shard in task for table in shard.tables
    )


def test_everything_is_read_once() -> None:
    given = shards(50)
    for workers in (1, 2, 64):
        assert read(made_of(given, {}, workers)) == read([(shard,) for shard in given])


def test_small_ones_are_put_together_and_never_across_accounts() -> None:
    given = shards(20, 8)
    sizes = {(table, item.account_id, item.region): Size(1, 10) for item in given for table in item.tables}
    made = made_of(given, sizes, 2)
    assert 20 <= len(made) < len(given) / 2
    assert all(len({shard.account_id for shard in task}) == 1 for task in made)
    assert all(seconds(task, sizes) <= LONGEST for task in made)


def test_a_few_shards_are_spread_over_all_workers() -> None:
    assert len(made_of(shards(1, 16), {}, 8)) >= 8


def test_a_large_one_is_read_table_by_table_and_first() -> None:
    given = shards(4)
    large = given[5]
    sizes = {(table, item.account_id, item.region): Size(1, 10) for item in given for table in item.tables}
    sizes["t2a", large.account_id, large.region] = Size(int(LARGE / 0.1) + 1, 100_000)
    made = made_of(given, sizes, 2)
    assert made[0] == (Shard(large.account_id, large.region, "s2", ("t2a",)),)
    assert read(made) == read([(shard,) for shard in given])


def test_what_one_worker_must_read_is_one_task() -> None:
    given = shards(3)
    assert made_of(given, {}, 8, together=True) == [tuple(given)]
    assert made_of([], {}, 8, together=True) == []
    assert made_of([], {}, 8) == []
