"""Which rows of a month the present still needs: they stay, however old they are.

What the present reads is few: the newest run of a check, the newest state of a table, everything of the
sweeps that these are of, everything of the newest sweep of a connection, what happened to a finding that is
open or was until lately. And what was the newest for longer than the month after it: so whoever asks how
things stood at a past moment finds it here, or in the month of that moment, or in the one before.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Max, Min, Q

from proofwatch.store.history.absent import LATELY
from proofwatch.store.history.base import History, Month
from proofwatch.store.history.rows import PAGE
from proofwatch.store.models import CheckRun, Connection, FindingEvent, Sweep, TableState
from proofwatch.store.models.findings import FindingState
from proofwatch.store.models.sweeps import APPLIED
from proofwatch.store.services import sweeps


class Leaving:
    """The rows of one table and month that may leave, as of one moment.

    Args:
        history: the table.
        month: the month; its sweeps have ended.
        now: the moment.
    """

    def __init__(self, history: History, month: Month, now: datetime) -> None:
        self.history, self.month = history, month
        table = history.table()
        self._names = [item.attribute for item in table.columns]
        rows = history.model.objects.order_by("pk")
        self._sweeps: set[UUID] | None = None
        self._standing: set[int] = set()
        if history.model is FindingEvent:
            ended = ~Q(finding__state=FindingState.OPEN) & Q(finding__last_observed_at__lt=now - LATELY)
            self._rows = rows.filter(ended, **history.within(month))
            return
        within = Sweep.objects.filter(observed_at__gte=month.first, observed_at__lt=month.until)
        self._sweeps = set(within.values_list("pk", flat=True)) - needed()
        self._standing = standing(history.model, month)
        self._rows = rows.filter(latest=False) if history.model in (CheckRun, TableState) else rows

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        """Yield the rows by primary key, a page at a time: the first value of each is that key."""
        span = self.history.model.objects.filter(**self.history.within(self.month))
        ends = span.aggregate(first=Min("pk"), last=Max("pk"))
        if ends["first"] is None:
            return
        last, end = ends["first"] - 1, ends["last"]
        # Rows of other months between them are read and left out: a join would be sorted on each page.
        while page := list(self._rows.filter(pk__gt=last, pk__lte=end).values_list(*self._names)[:PAGE]):
            last = page[-1][0]
            for row in page:
                if self._leaves(row):
                    yield row

    def _leaves(self, row: tuple[Any, ...]) -> bool:
        if self._sweeps is None:
            return True
        return row[self._names.index("sweep_id")] in self._sweeps and row[0] not in self._standing


def needed() -> set[UUID]:
    """Return the sweeps of which everything stays."""
    found = set(CheckRun.objects.filter(latest=True).values_list("sweep_id", flat=True).distinct())
    found |= set(TableState.objects.filter(latest=True).values_list("sweep_id", flat=True).distinct())
    for connection in Connection.objects.all():
        newest = (sweeps.latest(connection), sweeps.latest(connection, whole=True))
        found |= {row.pk for row in newest if row is not None}
    return found


def standing(model: Any, month: Month) -> set[int]:
    """Return the runs or states that were the newest of their kind at the end of the month after theirs."""
    if model not in (CheckRun, TableState):
        return set()
    name = "check_id" if model is CheckRun else "table"
    rows = model.objects.filter(sweep__state__in=APPLIED).order_by()

    def newest(of: Month) -> dict[tuple[Any, str], datetime]:
        within = rows.filter(sweep__observed_at__gte=of.first, sweep__observed_at__lt=of.until)
        found = within.values_list("connection_id", name).annotate(at=Max("sweep__observed_at"))
        return {(owner, item): at for owner, item, at in found}

    later = newest(month.plus(1))
    found: set[int] = set()
    for (owner, item), at in newest(month).items():
        if (owner, item) not in later:
            same = rows.filter(connection_id=owner, sweep__observed_at=at, **{name: item})
            found |= set(same.values_list("pk", flat=True))
    return found
