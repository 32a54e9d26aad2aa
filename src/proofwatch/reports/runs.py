"""The newest run of every check on every connection, sweep by sweep: now, or at the end of some days."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Max

from proofwatch.store.django import guarded
from proofwatch.store.history import absent
from proofwatch.store.models import CheckRun, Connection, Sweep
from proofwatch.store.models.sweeps import APPLIED


@dataclass(frozen=True, slots=True)
class Batch:
    """The checks of one connection whose newest run is in one sweep.

    Attributes:
        connection: whose.
        sweep: in which they ran last.
        runs: one for each check, by its id.
    """

    connection: Connection
    sweep: Sweep
    runs: Sequence[CheckRun]


def newest_runs(first: datetime | None = None, until: datetime | None = None) -> Iterator[Batch]:
    """Yield the newest runs, by connection and time; the same state yields the same order.

    Args:
        first: only runs observed from here on; None for the newest of all, on connections that exist.
        until: only runs observed before; connections removed since are among them.
    """
    if until is not None:
        absent.refuse(first, until, "reading what the checks found last in a period")
    with guarded("reading what the checks found last"):
        for sweep, checks in _sweeps(first, until):
            rows = CheckRun.objects.filter(sweep=sweep).order_by("check_id")
            runs = [row for row in rows if row.check_id in checks]
            if runs:
                yield Batch(sweep.connection, sweep, runs)


def _sweeps(first: datetime | None, until: datetime | None) -> list[tuple[Any, set[str]]]:
    """Return each sweep with the checks whose newest run is in it."""
    runs = CheckRun.objects.filter(sweep__state__in=APPLIED).order_by()
    wanted: dict[Any, set[str]] = {}
    if first is None and until is None:
        kept = runs.filter(latest=True, connection__removed_at__isnull=True)
        for key, check in kept.values_list("sweep_id", "check_id"):
            wanted.setdefault(key, set()).add(check)
        found = Sweep.objects.filter(pk__in=list(wanted))
    else:
        if first is not None:
            runs = runs.filter(observed_at__gte=first)
        if until is not None:
            runs = runs.filter(observed_at__lt=until)
        at: dict[tuple[Any, datetime], set[str]] = {}
        last = runs.values_list("connection_id", "check_id").annotate(last=Max("observed_at"))
        for owner, check, moment in last:
            at.setdefault((owner, moment), set()).add(check)
        found = Sweep.objects.filter(state__in=APPLIED, observed_at__in={moment for _, moment in at})
        for key, owner, moment in found.values_list("pk", "connection_id", "observed_at"):
            wanted[key] = at.get((owner, moment), set())
    rows = found.select_related("connection")
    named = sorted(rows, key=lambda row: (row.connection.name, str(row.connection_id), row.observed_at))
    return [(row, wanted[row.pk]) for row in named]
