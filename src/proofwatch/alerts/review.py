"""What people do with alerts: look, take notice, review, decide. Each step names a person and is an entry."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from proofwatch.alerts import people, rulebook
from proofwatch.alerts.base import AlertError, Kind, Signal
from proofwatch.alerts.book import Book, note
from proofwatch.alerts.channels.base import Happened
from proofwatch.alerts.notices import Notices
from proofwatch.checks.base import SEVERITIES
from proofwatch.store import log
from proofwatch.store.base import Missing, StoreError
from proofwatch.store.django import guarded, write
from proofwatch.store.models import Alert, AlertEvent, Review
from proofwatch.store.models.alerts import AlertState
from proofwatch.store.services import controls as control_lists
from proofwatch.store.services.naming import unknown

DECISIONS = {
    "repair": "It is a real failure and will be repaired.",
    "watch": "It is understood, and nothing has to be done now.",
    "expected": "It follows from planned work that will end by itself.",
}
"""What a review may decide. None of them ends an alert: only readings do."""


def query(
    *, state: str = "", severity: str = "", control: str = "", live: bool = False, limit: int = 500
) -> list[Alert]:
    """Return alerts, worst and oldest first; empty filters match everything. `live`: those not ended."""
    if state and state not in AlertState.values:
        raise StoreError("listing alerts", f"{state!r} is no state", f"known: {', '.join(AlertState.values)}")
    if severity and severity not in SEVERITIES:
        raise StoreError("listing alerts", f"{severity!r} is no severity", f"known: {', '.join(SEVERITIES)}")
    if control:
        known_control("listing alerts", control)
    exact = {"state": state, "severity": severity, "control_id": control}
    rows = Alert.objects.filter(**{key: value for key, value in exact.items() if value})
    if live:
        rows = rows.filter(state__in=rulebook.LIVE)
    with guarded("listing alerts"):
        return list(rows.select_related("connection").order_by("rank", "first_failed_at", "pk")[:limit])


def known_control(doing: str, name: str) -> None:
    """Refuse a control that is in no list and has no alert: a misspelt name would look like good news."""
    listed = control_lists.current()
    names = [item.id for item in (control_lists.controls_of(listed) if listed else ())]
    if name not in names and not Alert.objects.filter(control_id=name).exists():
        raise unknown(doing, "control", name, names)


def get(name: str) -> Alert:
    """Return an alert by `AL-12`, `12` or its id. Raises StoreError if there is none."""
    doing = f"looking for alert {name}"
    text = name.upper().removeprefix("AL-")
    with guarded(doing):
        rows: QuerySet = Alert.objects.select_related("connection")
        found = (
            rows.filter(number=int(text)).first() if text.isascii() and text.isdigit() else _by_id(rows, name)
        )
    if found is None:
        raise Missing(doing, "there is none", "`proofwatch alerts list --all` lists every alert")
    return found


def _by_id(rows: QuerySet, name: str) -> Alert | None:
    try:
        key = uuid.UUID(name)
    except ValueError:
        return None
    found: Alert | None = rows.filter(pk=key).first()
    return found


def events(alert: Alert) -> list[AlertEvent]:
    """Return what happened to an alert, oldest first."""
    with guarded("reading what happened to an alert"):
        return list(AlertEvent.objects.filter(alert=alert).order_by("pk"))


def view(alert: Alert, *, by: str, now: datetime, channel: str) -> None:
    """Write down that a person looked at an alert; only the first look of each person is an event."""
    doing = f"showing {alert.name}"
    person = people.reading(by, doing)
    with write(doing):
        log.lock()
        if AlertEvent.objects.filter(alert=alert, kind="viewed", actor=by).exists():
            return
        Alert.objects.filter(pk=alert.pk, viewed_at__isnull=True).update(viewed_at=now)
        note(alert, "viewed", by, person.role, now, f"in {channel}")
        log.append("alert.viewed", by, {**_named(alert), "role": person.role, "channel": channel}, now)


def acknowledge(name: str, text: str, *, by: str, now: datetime, channel: str) -> Alert:
    """Take notice of an open alert: its repeats stop until the answer is too old.

    Raises:
        AlertError: there is no note, the person may not act, or the alert is not open.
    """
    doing = f"acknowledging {name}"
    _need(doing, text)
    person = people.acting(by, doing)
    with write(doing):
        log.lock()
        row = get(name)
        signal = Signal(Kind.ACKNOWLEDGE, now)
        book = Book(now)
        step = book.move(row, signal, _policy(row), actor=by, role=person.role, reason=text.strip())
        if not step.row:
            raise AlertError(doing, f"it is {row.state}", "only an open alert is acknowledged")
        row.acknowledged_at, row.acknowledged_by = now, by
        book.save()
        data = {**_named(row), "role": person.role, "note": text.strip()[:2000], "channel": channel}
        log.append("alert.acknowledged", by, data, now)
    return row


def review(
    names: Sequence[str], decision: str, text: str, *, by: str, now: datetime, channel: str
) -> list[Review]:
    """Review alerts: all of them or none, one row for each ("one of 37").

    Raises:
        AlertError: the decision is unknown, there is no note, or the person may not act.
        StoreError: there is no such alert.
    """
    doing = f"reviewing {', '.join(names[:3])}"
    if decision not in DECISIONS:
        raise AlertError(doing, f"{decision!r} is no decision", f"known: {', '.join(DECISIONS)}")
    _need(doing, text)
    person = people.acting(by, doing)
    bulk = uuid.uuid4() if len(names) > 1 else None
    with write(doing):
        log.lock()
        rows = list({row.pk: row for row in map(get, names)}.values())
        made = [
            _review(row, decision, text.strip(), person.role, by, now, channel, bulk, len(rows))
            for row in rows
        ]
        notices = Notices(now)
        for row in rows if notices.routes.channels else ():
            notices.tell(row, Happened.REVIEWED, note=f"{decision}: {text.strip()}", actor=by)
        notices.save()
        return made


def _review(
    row: Alert,
    decision: str,
    text: str,
    role: str,
    by: str,
    now: datetime,
    channel: str,
    bulk: uuid.UUID | None,
    size: int,
) -> Review:
    seen = AlertEvent.objects.filter(alert=row, kind="viewed", actor=by).order_by("pk").first()
    made: Review = Review.objects.create(
        alert=row,
        reviewer=by,
        role=role,
        opened_at=row.opened_at,
        viewed_at=seen.at if seen else None,
        decided_at=now,
        decision=decision,
        note=text,
        evidence_seen=row.evidence_after if row.ended_at else row.evidence_before,
        channel=channel,
        bulk=bulk,
        bulk_size=size,
    )
    # A review answers the question that goes up and is repeated; it moves no state.
    Alert.objects.filter(pk=row.pk).update(reviewed_at=now, escalate_at=None, repeat_at=None, ack_until=None)
    note(row, "reviewed", by, role, now, text, decision=decision, bulk_size=size)
    data = {**_named(row), "role": role, "decision": decision, "note": text[:2000], "channel": channel}
    seen_text = {"evidence_seen": made.evidence_seen, "one_of": size, "decided_at": log.text(now)}
    log.append("alert.reviewed", by, {**data, **seen_text}, now)
    return made


def reviews(limit: int = 10_000) -> list[Review]:
    """Return the review log, oldest first; of a longer one, the newest rows."""
    with guarded("reading the review log"):
        newest = Review.objects.select_related("alert").order_by("-pk")[:limit]
        return list(newest)[::-1]


def _policy(row: Alert) -> Any:
    return rulebook.form(rulebook.get(row.rule_id)).policy(row.severity)


def _named(row: Alert) -> dict[str, Any]:
    return {"alert": str(row.pk), "number": row.number, "control": row.control_id, "state": row.state}


def _need(doing: str, text: str) -> None:
    if not text.strip():
        raise AlertError(doing, "a note is needed", "say in a sentence what you saw or will do")
