"""Whether the log tells the whole story: every sweep has an end, every occurrence that was due an entry.

A Merkle log proves that nothing was changed, not that everything was recorded; these rules look for
what is not there. Memory grows with the connections and the sweeps still open, not with the log.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from proofwatch.evidence.entry import Entry
from proofwatch.evidence.kinds import BEGINS, ENDS

GAPS = ("schedule.skipped", "schedule.missed")


@dataclass(slots=True)
class _Schedule:
    interval: timedelta | None = None
    due: datetime | None = None
    """The occurrence that must come next; None while that is not known."""


class Occurrences:
    """Takes the entries in order and reports each gap, in words that name the entry.

    Rules: a sweep that began ends before a later one of its connection is the newest; what ends had begun;
    scheduled occurrences follow each other at the interval, as slots or as spans skipped or missed.
    """

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report
        self._open: dict[str, tuple[int, str]] = {}
        self._newest: dict[str, str] = {}
        self._schedules: dict[str, _Schedule] = {}

    def take(self, index: int, entry: Entry) -> None:
        """Look at the next entry."""
        connection = str(entry.data.get("connection", ""))
        if sweep := str(entry.data.get("sweep") or ""):
            self._sweep(index, entry.kind, sweep, connection)
        if entry.kind == "schedule.slot":
            self._due(index, connection, entry.data.get("slot"), entry.data.get("slot"))
        elif entry.kind in GAPS:
            self._interval(connection, entry.data.get("interval_minutes"))
            self._due(index, connection, entry.data.get("first"), entry.data.get("last"))
        elif entry.kind == "connection.created":
            self._interval(connection, entry.data.get("interval_minutes"))
        elif entry.kind == "connection.changed":
            self._changed(connection, entry.data.get("changes"))
        elif entry.kind == "connection.removed":
            self._schedules.pop(connection, None)

    def finish(self) -> None:
        """Report the sweeps that never ended though a later one of their connection began."""
        for sweep, (index, connection) in self._open.items():
            if self._newest.get(connection) != sweep:
                self._report(f"how sweep {sweep} ended: entry {index} began it and no entry ends it")

    def _sweep(self, index: int, kind: str, sweep: str, connection: str) -> None:
        if kind in BEGINS:
            self._open.setdefault(sweep, (index, connection))
            self._newest[connection] = sweep
        elif kind in ENDS and self._open.pop(sweep, None) is None:
            self._report(f"when sweep {sweep} began: entry {index} ends it and no entry before began it")

    def _interval(self, connection: str, minutes: Any) -> None:
        if isinstance(minutes, int) and 0 < minutes < 10_000_000:
            self._schedules.setdefault(connection, _Schedule()).interval = timedelta(minutes=minutes)

    def _changed(self, connection: str, changes: Any) -> None:
        """A new interval counts from the next occurrence, so what is due stays."""
        pair = changes.get("interval_minutes") if isinstance(changes, dict) else None
        if isinstance(pair, list) and len(pair) == 2:
            self._interval(connection, pair[1])

    def _due(self, index: int, connection: str, first: Any, last: Any) -> None:
        schedule = self._schedules.setdefault(connection, _Schedule())
        start, end = _moment(first), _moment(last)
        if start and schedule.due and start != schedule.due:
            when = f"{schedule.due.isoformat()} and entry {index} says {start.isoformat()}"
            self._report(f"what was due for connection {connection}: the next occurrence was {when}")
        schedule.due = end + schedule.interval if end and schedule.interval else None


def _moment(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo else None
