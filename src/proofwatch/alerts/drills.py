"""Drills: a marked synthetic failure goes the whole way, so that alerting is known to work before it must.

A drill is an observation of its own, never a finding: no resource is said to fail, and no control's status
changes. From there on it is an alert like any other: rule, channels, a person who acknowledges, an end by the
next readings. The outcome is kept as an object; a drill that nobody acknowledged is a failure and an alert.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import rfc8785
from django.db.models import Q

from proofwatch.alerts import people
from proofwatch.alerts.base import AlertError
from proofwatch.store import log
from proofwatch.store.base import StoreError
from proofwatch.store.django import guarded, write
from proofwatch.store.models import Alert, AlertEvent, Delivery, DeliveryAttempt, Drill
from proofwatch.store.services import controls as control_lists
from proofwatch.store.services.naming import unknown

ANSWER_WITHIN = timedelta(hours=4)
EVERY = timedelta(days=30)
RUNNING = ("started", "sent", "acknowledged")
STARTED, SENT, ACKNOWLEDGED, RESTORED, FAILED = "started", "sent", "acknowledged", "restored", "failed"


def every(limit: int = 200) -> list[Drill]:
    """Return the drills, newest first."""
    with guarded("listing the drills"):
        return list(Drill.objects.order_by("-started_at")[:limit])


def running() -> list[Drill]:
    """Return the drills that still fail on purpose: nobody has acknowledged them yet."""
    return list(Drill.objects.filter(state__in=(STARTED, SENT)))


def start(
    control: str, *, by: str, now: datetime, within: timedelta = ANSWER_WITHIN, person: bool = True
) -> Drill:
    """Begin a drill on a control (the first automated one if none is named).

    Raises:
        AlertError: a drill is under way, or the person may not act.
        StoreError: there is no such control.
    """
    doing = "starting a drill"
    if person:
        people.acting(by, doing)
    with write(doing):
        log.lock()
        if Drill.objects.filter(state__in=RUNNING).exists():
            raise AlertError(doing, "one is under way", "`proofwatch drill list` shows it")
        names = _automated()
        if not names:
            raise StoreError(doing, "no control has a check")
        if control and control not in names:
            raise unknown(doing, "control", control, names)
        row: Drill = Drill.objects.create(
            control_id=control or names[0], by=by, started_at=now, deadline_at=now + within
        )
        log.append("drill.started", by, _body(row), now)
    return row


def _automated() -> list[str]:
    listed = control_lists.current()
    return [item.id for item in (control_lists.controls_of(listed) if listed else ()) if item.checks]


def tick(now: datetime) -> int:
    """Move the drills by what happened to their alerts, begin the monthly one; return how many moved."""
    moved = 0
    with write("looking at the drills"):
        log.lock()  # First: another worker may be at the same drill.
        for row in Drill.objects.filter(state__in=RUNNING):
            moved += _follow(row, now)
        if _monthly_due(now):
            start("", by="scheduler", now=now, person=False)
            moved += 1
    return moved


def keep(put: Callable[[bytes], str], now: datetime) -> int:
    """Keep the outcome of ended drills as objects, with everything that happened; return how many."""
    rows = list(Drill.objects.filter(state__in=(RESTORED, FAILED), object=""))
    for row in rows:
        digest = put(rfc8785.dumps(outcome(row)))
        with write("keeping the outcome of a drill"):
            log.lock()
            if Drill.objects.filter(pk=row.pk).exclude(object="").exists():
                continue  # Another worker kept it meanwhile.
            row.object = digest
            row.save()
            log.append("drill.ended", "system", {**_body(row), "object": digest}, now)
    return len(rows)


def outcome(row: Drill) -> dict[str, Any]:
    """Return everything that happened in a drill, as plain JSON."""
    alert = Alert.objects.filter(drill=row.pk).order_by("-pending_since").first()
    events = AlertEvent.objects.filter(alert=alert).order_by("pk") if alert else []
    tries = DeliveryAttempt.objects.filter(delivery__alert=alert).select_related("delivery").order_by("pk")
    return {
        "type": "proofwatch drill",
        **_body(row),
        "alert": alert.name if alert else "",
        "events": [
            {"at": log.text(item.at), "what": item.kind, "after": item.after, "by": item.actor}
            for item in events
        ],
        "deliveries": [
            {
                "at": log.text(item.at),
                "channel": item.delivery.channel,
                "happened": item.delivery.happened,
                "outcome": item.outcome,
                "answer": item.answer,
            }
            for item in (tries if alert else ())
        ],
    }


def _follow(row: Drill, now: datetime) -> int:
    before = row.state
    alert = Alert.objects.filter(drill=row.pk).order_by("-pending_since").first()
    if row.state == STARTED and alert is not None:
        accepted = Delivery.objects.filter(alert=alert, sent_at__isnull=False).order_by("sent_at").first()
        if accepted is not None:
            row.state, row.sent_at = SENT, accepted.sent_at
    if row.state in (STARTED, SENT) and alert is not None and alert.acknowledged_at:
        row.acknowledged_at, row.acknowledged_by = alert.acknowledged_at, alert.acknowledged_by
        if row.sent_at is None:
            row.reason = "acknowledged, but no channel had accepted a message"
        row.state = ACKNOWLEDGED
    if row.state == ACKNOWLEDGED and alert is not None and alert.ended_at:
        row.state = RESTORED if row.sent_at else FAILED
        row.ended_at = now
    if row.state in (STARTED, SENT) and now >= row.deadline_at:
        row.reason = _why_failed(row, alert)
        row.state, row.ended_at = FAILED, now
    if row.state == before:
        return 0
    row.save()
    log.append("drill.moved", "system", _body(row), now)
    return 1


def _why_failed(row: Drill, alert: Alert | None) -> str:
    if alert is None:
        return "no alert began: is there a worker, and is a rule with `when: drill` on?"
    if row.state == STARTED:
        held = Delivery.objects.filter(alert=alert).exclude(reason="").order_by("order").first()
        return f"no channel accepted a message: {held.reason if held else 'no channel fits the rule'}"
    return "nobody acknowledged it in time"


def _monthly_due(now: datetime) -> bool:
    """Tell whether the monthly drill is due: only where messages can go out, and not on the first day."""
    from proofwatch.store.models import ChannelConfig

    channel = ChannelConfig.objects.filter(enabled=True, removed_at__isnull=True).order_by("at").first()
    if channel is None or channel.at > now - EVERY:
        return False
    if not _automated():
        return False  # Nothing could fail.
    recent = Q(started_at__gt=now - EVERY) | Q(state__in=RUNNING)
    return not Drill.objects.filter(recent).exists()


def _body(row: Drill) -> dict[str, Any]:
    times = ("started_at", "deadline_at", "sent_at", "acknowledged_at", "ended_at")
    moments = {name: log.text(getattr(row, name)) if getattr(row, name) else "" for name in times}
    names = ("control_id", "state", "reason", "by", "acknowledged_by")
    return {"drill": str(row.pk), **{name: getattr(row, name) for name in names}, **moments}
