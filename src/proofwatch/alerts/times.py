"""How long things took: to detect, to tell, to review, to restore. Whole seconds, counted from readings."""

from __future__ import annotations

from datetime import datetime

from proofwatch.store.models import Alert, AlertResource, CheckRun, Delivery
from proofwatch.store.models.alerts import AlertState

VERIFIED = (AlertState.RESTORED, AlertState.GONE)


def times(row: Alert) -> dict[str, int | None]:
    """Return the four times of an alert in seconds; None for what has not happened or is not known.

    `detect` is the most it can have been: from the last reading that did not show the failure to the first
    one that did. The others count from the first failing observation.
    """
    begun = row.first_failed_at
    reviewed = [at for at in (row.reviewed_at, row.acknowledged_at) if at is not None and at >= begun]
    return {
        "detect": _seconds(_seen_before(row), begun),
        "alert": _seconds(begun, _told(row)),
        "review": _seconds(begun, min(reviewed, default=None)),
        "restore": _seconds(begun, row.ended_at if row.state in VERIFIED else None),
    }


def _seen_before(row: Alert) -> datetime | None:
    """Return when its checks were last run before they showed the failure."""
    inside = AlertResource.objects.filter(alert=row).values("finding__check_id")
    runs = CheckRun.objects.filter(
        connection_id=row.connection_id, check_id__in=inside, observed_at__lt=row.first_failed_at, reason=""
    )
    found: datetime | None = (
        runs.order_by("-observed_at").values_list("observed_at", flat=True).first()
        if row.connection_id
        else None
    )
    return found


def _told(row: Alert) -> datetime | None:
    """Return when a channel first accepted a message about it, its own or one that told it among others."""
    rows = Delivery.objects.filter(alert=row, created_at__gte=row.first_failed_at)
    own = rows.filter(sent_at__isnull=False).order_by("sent_at").values_list("sent_at", flat=True).first()
    others = rows.filter(into__sent_at__isnull=False).order_by("into__sent_at")
    among = others.values_list("into__sent_at", flat=True).first()
    return min((at for at in (own, among) if at is not None), default=None)


def _seconds(start: datetime | None, end: datetime | None) -> int | None:
    return round((end - start).total_seconds()) if start is not None and end is not None else None
