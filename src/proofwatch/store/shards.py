"""What a sweep is to read, by what is read in the same places: of millions of readings a few lists."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from proofwatch.connectors.base import Shard


class Shards:
    """Shards, made as they are asked for; those of one account come together.

    Args:
        groups: plain data, as `grouped` gives it.
    """

    def __init__(self, groups: Sequence[Mapping[str, Any]]) -> None:
        self.groups = groups

    def __iter__(self) -> Iterator[Shard]:
        """Yield the shards, account by account."""
        accounts = sorted({account for group in self.groups for account in group["places"]})
        read = [
            (group["places"], [(item["service"], tuple(item["tables"])) for item in group["services"]])
            for group in self.groups
        ]
        for account in accounts:
            for places, services in read:
                for region in places.get(account, ()):
                    for service, tables in services:
                        yield Shard(account, region, service, tables)

    def some(self, wanted: Callable[[Sequence[str]], bool]) -> Shards:
        """Return the shards of whose tables something is true."""
        return Shards(
            [
                {**group, "services": [item for item in group["services"] if wanted(item["tables"])]}
                for group in self.groups
            ]
        )

    def tables(self) -> set[str]:
        """Return the names of all tables."""
        return {name for group in self.groups for item in group["services"] for name in item["tables"]}

    def readings(self) -> int:
        """Return how many readings there are: tables in places."""
        return sum(
            sum(map(len, group["places"].values())) * sum(len(item["tables"]) for item in group["services"])
            for group in self.groups
        )


def grouped(shards: Iterable[Shard]) -> list[dict[str, Any]]:
    """Return shards as plain data, by what is read in the same places: a large company has millions."""
    where: dict[tuple[str, tuple[str, ...]], dict[str, list[str]]] = {}
    for shard in shards:
        places = where.setdefault((shard.service, shard.tables), {})
        places.setdefault(shard.account_id, []).append(shard.region)
    groups: list[dict[str, Any]] = []
    for (service, tables), places in where.items():
        read = {"service": service, "tables": list(tables)}
        same = next((group for group in groups if group["places"] == places), None)
        if same is None:
            groups.append({"services": [read], "places": places})
        else:
            same["services"].append(read)
    return groups
