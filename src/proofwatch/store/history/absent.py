"""What of a period is not here: nobody shall take a month without rows for one in which nothing was."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from proofwatch.store.django import guarded
from proofwatch.store.history.base import HistoryError, Month, PartitionState
from proofwatch.store.models import HistoryPartition

LATELY = timedelta(days=92)
"""What happened to a finding stays so long after it ended: rules are tried on the last weeks."""


def away(
    first: datetime | None, until: datetime | None, *, tables: Collection[str] = (), before: int = 1
) -> list[Month]:
    """Return the months of a period whose rows are in the archive, in whole or in part.

    Args:
        first: first moment of the period; None for the beginning.
        until: first moment after it; None for no end.
        tables: only of these tables of history; all by default.
        before: months before the period that are asked for, too: what was the newest when it began is in the
            month before, or never left (see `staying`).
    """
    with guarded("looking for archived months"):
        rows = HistoryPartition.objects.exclude(state=PartitionState.BROUGHT)
        if tables:
            rows = rows.filter(table__in=tables)
        if first is not None:
            rows = rows.filter(month__gte=str(Month.of(first).plus(-before)))
        if until is not None:
            rows = rows.filter(month__lt=str(Month.of(until).plus(1)))
        found = sorted({Month.parse(text) for text in rows.values_list("month", flat=True).distinct()})
    return [month for month in found if until is None or month.first < until]


def refuse(
    first: datetime | None,
    until: datetime | None,
    doing: str,
    *,
    tables: Collection[str] = (),
    before: int = 1,
) -> None:
    """Return if everything of a period is here; see `away`.

    Raises:
        HistoryError: it is not; the message has the commands that bring it.
    """
    found = away(first, until, tables=tables, before=before)
    if found:
        raise HistoryError(doing, f"{words(found)} in the archive", f"run `{command(found)}`")


def refuse_ended(since: datetime, doing: str) -> None:
    """Return if what happened to every finding that failed after a moment is here, wherever it began.

    Raises:
        HistoryError: it is not: a finding that ended later may have begun in a month that left.
    """
    with guarded("looking for archived months"):
        rows = HistoryPartition.objects.exclude(state=PartitionState.BROUGHT)
        rows = rows.filter(table="finding_event", archived_at__gt=since + LATELY)
        found = [Month.parse(text) for text in rows.values_list("month", flat=True).distinct()]
    if found:
        raise HistoryError(doing, f"{words(found)} in the archive", f"run `{command(found)}`")


def words(found: Collection[Month]) -> str:
    """Return the months for people, runs of them short: 2025-01 to 2025-04, and 2025-07 are."""
    spans: list[tuple[Month, Month]] = []
    for month in sorted(found):
        if spans and spans[-1][1].plus(1) == month:
            spans[-1] = (spans[-1][0], month)
        else:
            spans.append((month, month))
    said = [str(start) if start == end else f"{start} to {end}" for start, end in spans]
    verb = "is" if len(found) == 1 else "are"
    return f"{', '.join(said)} {verb}"


def command(found: Collection[Month]) -> str:
    """Return the command that brings months back."""
    return f"proofwatch history bring {' '.join(map(str, sorted(found)))}"
