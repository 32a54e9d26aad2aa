"""The tables that grow with time, and the months that they are kept by."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from proofwatch.store import copying
from proofwatch.store.base import StoreError
from proofwatch.store.models import (
    CheckRun,
    CoverageGap,
    FindingEvent,
    HistoryPartition,
    ResultObject,
    ShardRead,
    Sweep,
    TableState,
)
from proofwatch.store.models.history import PartitionState as PartitionState


class HistoryError(StoreError):
    """A month could not leave, come back or be read; the message names it."""


class NotYet(HistoryError):
    """A month has to wait: it is not over, a sweep of it goes on, or somebody brought it back."""


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A month of the calendar, in UTC."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Month:
        """Read `2025-01`. Raises HistoryError."""
        found = re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])", text)
        if found is None or found[1] == "0000":
            raise HistoryError("reading a month", f"{text[:40]!r} is none", "write it as 2025-01")
        return cls(int(found[1]), int(found[2]))

    @classmethod
    def of(cls, moment: datetime) -> Month:
        """Return the month that a moment is in."""
        utc = moment.astimezone(UTC)
        return cls(utc.year, utc.month)

    def plus(self, months: int) -> Month:
        """Return the month so many months later."""
        number = self.year * 12 + self.number - 1 + months
        return Month(number // 12, number % 12 + 1)

    @property
    def first(self) -> datetime:
        """Return its first moment."""
        return datetime(self.year, self.number, 1, tzinfo=UTC)

    @property
    def until(self) -> datetime:
        """Return the first moment after it."""
        return self.plus(1).first

    def __str__(self) -> str:
        return f"{self.year:04}-{self.number:02}"


@dataclass(frozen=True, slots=True)
class History:
    """A table of history.

    Attributes:
        name: as partitions and queries have it.
        model: its rows.
        moment: the field, over keys, whose month a row belongs to.
    """

    name: str
    model: Any
    moment: str = "sweep__observed_at"

    def within(self, month: Month) -> dict[str, datetime]:
        """Return the filter for the rows of a month."""
        return {f"{self.moment}__gte": month.first, f"{self.moment}__lt": month.until}

    def table(self, columns: list[str] | None = None) -> copying.Table:
        """Return how its rows are written down; with `columns`, those of a partition that may be older.

        Raises:
            HistoryError: this version has no such column any more.
        """
        found = _table(self.model)
        if columns is None:
            return found
        known = {item.name: item for item in found.columns}
        lost = [name for name in columns if name not in known]
        if lost:
            problem = f"{self.name} has no column {lost[0]} any more"
            raise HistoryError("reading a partition", problem, "use the version that archived it")
        return copying.Table(found.name, found.model, tuple(known[name] for name in columns))


@cache
def _table(model: Any) -> copying.Table:
    [found] = [item for item in copying.tables() if item.model is model]
    return found


HISTORY = {
    item.name: item
    for item in (
        History("shard_read", ShardRead),
        History("coverage_gap", CoverageGap),
        History("table_state", TableState),
        History("check_run", CheckRun),
        History("result_object", ResultObject),
        History("finding_event", FindingEvent, "at"),
    )
}
"""Name → table. Nothing points to a row of theirs, so that one can leave by itself."""


def partitions(month: Month | None = None, *, using: str = "default") -> list[HistoryPartition]:
    """Return the partitions, of one month or all, by month, table and part."""
    rows = HistoryPartition.objects.using(using).order_by("month", "table", "part")
    return list(rows.filter(month=str(month)) if month else rows)


def months(first: datetime | None = None) -> Iterator[Month]:
    """Yield the months in which sweeps began to read, the oldest first.

    Args:
        first: from the month on that holds this moment.
    """
    at = first or datetime(1, 1, 1, tzinfo=UTC)
    while True:
        rows = Sweep.objects.filter(observed_at__gte=at).order_by("observed_at")
        found = rows.values_list("observed_at", flat=True).first()
        if found is None:
            return
        month = Month.of(found)
        yield month
        at = month.until
