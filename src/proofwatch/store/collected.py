"""What a sweep has read, table by table, and what it could not."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from proofwatch.checks.base import UnreadPlace
from proofwatch.connectors.base import Table
from proofwatch.snapshots.base import Part
from proofwatch.snapshots.collect import Reading, collected_part
from proofwatch.snapshots.exchange import Exchange

FETCHED_AT_ONCE = 16
"""Parts that are fetched at the same time, where they lie elsewhere."""


@dataclass(slots=True)
class Collected:
    """What was read, by table."""

    parts: dict[str, list[Part]] = field(default_factory=dict)
    readings: dict[str, list[Reading]] = field(default_factory=dict)

    def sort(self, tables: Sequence[Table], exchange: Exchange) -> None:
        """Put the readings of tables into order, with the parts behind those that are complete.

        Raises:
            OSError, ProofwatchError: a part cannot be had from the exchange.
        """
        with ThreadPoolExecutor(FETCHED_AT_ONCE, thread_name_prefix="fetch") as pool:
            for table in tables:
                readings = self.readings[table.name]
                readings.sort(key=lambda item: (item.account_id, item.region))
                whole = [item for item in readings if item.complete]
                self.parts[table.name] = list(pool.map(partial(collected_part, exchange, table), whole))

    def unread(self, table: str) -> list[UnreadPlace]:
        """Return the places in which a table could not be read completely."""
        return [
            UnreadPlace(item.account_id, item.region, item.reason, item.permission)
            for item in self.readings.get(table, [])
            if not item.complete
        ]

    def lacking(self) -> int:
        """Return the number of rows of which something could not be read."""
        return sum(item.lacking for readings in self.readings.values() for item in readings)

    def places(self, table: str) -> tuple[tuple[str, str], ...]:
        """Return the places in which a table was read completely."""
        return tuple((item.account_id, item.region) for item in self.readings.get(table, []) if item.complete)
