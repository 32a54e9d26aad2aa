"""How long things took: to detect, to tell, to review, to restore. Whole seconds, counted from readings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import OuterRef, Q, Subquery

from proofwatch.store.history import absent
from proofwatch.store.history.base import Month
from proofwatch.store.models import Alert, AlertResource, CheckRun, Delivery
from proofwatch.store.models.alerts import AlertState

NAMES = ("detect", "alert", "review", "restore")
VERIFIED = (AlertState.RESTORED, AlertState.GONE)


def times(row: Alert) -> dict[str, int | None]:
    """Return the four times of an alert in seconds; None for what has not happened or is not known.

    `detect` is the most it can have been: from the last reading that did not show the failure to the first
    one that did. The others count from the first failing observation.
    """
    return times_of([row])[row.pk]


def times_of(rows: Sequence[Alert]) -> dict[Any, dict[str, int | None]]:
    """Return alert's id → its four times, for many alerts in three queries."""
    told, seen = _told(rows), _seen_before(rows)
    found: dict[Any, dict[str, int | None]] = {}
    for row in rows:
        begun = row.first_failed_at
        looked = [at for at in (row.reviewed_at, row.acknowledged_at) if at is not None and at >= begun]
        found[row.pk] = {
            "detect": _seconds(seen.get(row.pk), begun),
            "alert": _seconds(begun, told.get(row.pk)),
            "review": _seconds(begun, min(looked, default=None)),
            "restore": _seconds(begun, row.ended_at if row.state in VERIFIED else None),
        }
    return found


def _told(rows: Sequence[Alert]) -> Mapping[Any, datetime]:
    """Return alert's id → when a channel first accepted a message about it, its own or one among others."""
    begun = {row.pk: row.first_failed_at for row in rows}
    messages = Delivery.objects.filter(
        Q(sent_at__isnull=False) | Q(into__sent_at__isnull=False), alert__in=list(begun)
    )
    found: dict[Any, datetime] = {}
    for pk, made, own, among in messages.values_list("alert", "created_at", "sent_at", "into__sent_at"):
        if made >= begun[pk]:
            found[pk] = min(at for at in (own, among, found.get(pk)) if at is not None)
    return found


def _seen_before(rows: Sequence[Alert]) -> Mapping[Any, datetime]:
    """Return alert's id → when its checks were last run before they showed the failure."""
    runs = CheckRun.objects.filter(
        connection=OuterRef("alert__connection"), check_id=OuterRef("finding__check_id"),
        observed_at__lt=OuterRef("alert__first_failed_at"), reason="",
    ).order_by("-observed_at")  # fmt: skip
    inside = AlertResource.objects.filter(alert__in=[row.pk for row in rows if row.connection_id])
    asked = inside.order_by().values(
        "alert", "alert__connection", "alert__first_failed_at", "finding__check_id"
    )
    last = asked.distinct().annotate(seen=Subquery(runs.values("observed_at")[:1]))
    found: dict[Any, datetime] = {}
    away = absent.away(None, None, tables=("check_run",))
    for one in last:
        # The newest run that is here may not be the newest that there was.
        month = Month.of(one["alert__first_failed_at"])
        if one["seen"] is not None and month not in away and month.plus(-1) not in away:
            found[one["alert"]] = max(one["seen"], found.get(one["alert"], one["seen"]))
    return found


def _seconds(start: datetime | None, end: datetime | None) -> int | None:
    return round((end - start).total_seconds()) if start is not None and end is not None else None
