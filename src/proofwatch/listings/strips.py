"""How controls stood day by day: the worst status of each day, from the changes that are kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta

from proofwatch.controls.base import WORST_FIRST
from proofwatch.store.django import guarded
from proofwatch.store.models import ControlStatusHistory

DAYS = 45
Day = tuple[date, str]
WORST: dict[str, int] = {status: place for place, status in enumerate(WORST_FIRST)}


def strips(
    now: datetime, statuses: Mapping[str, str], days: int = DAYS, control: str = ""
) -> dict[str, list[Day]]:
    """Return control → (day, worst status of that day), oldest first; "" before anything was known.

    Args:
        now: the end of the last day is now.
        statuses: control → its status now.
        days: how many, today among them.
        control: only this one; "" for all.
    """
    today = now.astimezone(UTC).date()
    first = today - timedelta(days=days - 1)
    since = datetime.combine(first, time.min, UTC)
    rows = ControlStatusHistory.objects.filter(at__gte=since)
    if control:
        rows = rows.filter(control_id=control)
    changes: dict[str, list[tuple[datetime, str, str]]] = {}
    with guarded("reading how the controls stood"):
        for name, at, before, status in rows.order_by("at", "pk").values_list(
            "control_id", "at", "before", "status"
        ):
            changes.setdefault(name, []).append((at, before, status))
    return {
        name: _days(first, days, changes.get(name, ()), status)
        for name, status in statuses.items()
        if not control or name == control
    }


def _days(first: date, days: int, changes: Iterable[tuple[datetime, str, str]], now: str) -> list[Day]:
    """Walk through the changes once; a day's status is the worst that it had at any moment of it."""
    waiting = list(changes)
    standing = waiting[0][1] if waiting else now
    found: list[Day] = []
    for number in range(days):
        day = first + timedelta(days=number)
        end = datetime.combine(day + timedelta(days=1), time.min, UTC)
        seen = [standing]
        while waiting and waiting[0][0] < end:
            standing = waiting.pop(0)[2]
            seen.append(standing)
        found.append((day, _worst(seen)))
    return found


def _worst(seen: Sequence[str]) -> str:
    known = [status for status in seen if status]
    return min(known, key=lambda status: WORST.get(status, len(WORST))) if known else ""
