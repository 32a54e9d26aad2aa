"""What `export` writes of alerts: their history, their messages, reviews, tasks and accepted risks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from proofwatch.app import App

Rows = tuple[Sequence[str], Iterable[Sequence[Any]], dict[str, Any]]

ALERT = (
    "alert", "state", "severity", "control", "connection", "headline", "reason", "failing", "population",
    "flags", "first_failed_at", "opened_at", "acknowledged_at", "acknowledged_by", "reviewed_at", "due_at",
    "ended_at", "evidence_before", "evidence_after", "rule", "rule_version", "group", "interruption", "id",
)  # fmt: skip
TIMES = ("detect", "alert", "review", "restore")
DELIVERY = (
    "alert", "what", "channel", "state", "queued_at", "accepted_at", "told_at", "attempts", "perhaps_twice",
    "why",
)  # fmt: skip
TASK = (
    "task", "alert", "control", "title", "state", "reason", "severity", "owner", "due_at", "breached_at",
    "claimed_at", "claimed_by", "made_by", "made_at", "ended_at", "evidence_before", "evidence_after",
    "tickets",
)  # fmt: skip
ACCEPTANCE = (
    "acceptance", "state", "scope", "reason", "requested_by", "requested_at", "decided_by", "decided_at",
    "decision_note", "expires_at", "ended_at", "ended_because", "count",
)  # fmt: skip
DRILL = (
    "drill", "control", "state", "reason", "by", "started_at", "deadline_at", "sent_at", "acknowledged_at",
    "acknowledged_by", "ended_at", "object",
)  # fmt: skip


def alerts(app: App) -> Rows:
    """Return every alert that was numbered, with how long things took."""
    from proofwatch.alerts.times import times
    from proofwatch.cli.alerts import body, running
    from proofwatch.store.models import Alert

    held = running()
    rows = Alert.objects.filter(number__isnull=False).select_related("connection").order_by("number")
    question = "Every alert, whatever became of it, with seconds to detect, alert, review and restore."
    columns = (*ALERT, *(f"seconds_to_{name}" for name in TIMES))
    made = (
        (*(facts[name] for name in ALERT), *(took[name] for name in TIMES))
        for facts, took in ((body(row, held), times(row)) for row in rows.iterator(chunk_size=500))
    )
    return columns, made, {"question": question}


def deliveries(app: App) -> Rows:
    """Return every message about an alert, also those that were held back."""
    from proofwatch.cli.silences import delivery_body
    from proofwatch.store.models import Delivery

    rows = Delivery.objects.filter(alert__isnull=False).select_related("alert", "into").order_by("order")
    bodies = ({**delivery_body(row), "alert": row.alert.name} for row in rows.iterator(chunk_size=500))
    question = "Every message about an alert: accepted by whom and when, or why it was not sent."
    return DELIVERY, _rows(bodies, DELIVERY), {"question": question}


def reviews(app: App) -> Rows:
    """Return the review log."""
    from proofwatch.alerts import review as service
    from proofwatch.cli.alerts import REVIEW_COLUMNS, review_body

    rows = _rows(map(review_body, service.reviews(10_000_000)), REVIEW_COLUMNS)
    return REVIEW_COLUMNS, rows, {"question": "Who looked at what, when, and what was decided."}


def tasks(app: App) -> Rows:
    """Return every task with its tickets."""
    from proofwatch.cli.tasks import body
    from proofwatch.remediation import tasks as service

    question = "Every repair: who had it, by when, and what proved it."
    return TASK, _rows(map(body, service.query()), TASK), {"question": question}


def acceptances(app: App) -> Rows:
    """Return every risk acceptance."""
    from proofwatch.cli.accept import body
    from proofwatch.remediation import acceptances as service

    rows = _rows(map(body, service.every()), ACCEPTANCE)
    return ACCEPTANCE, rows, {"question": "Every risk that was accepted or asked about, and until when."}


def drills(app: App) -> Rows:
    """Return every drill."""
    from proofwatch.alerts import drills as service
    from proofwatch.cli.drill import body

    rows = _rows(map(body, service.every(100_000)), DRILL)
    return DRILL, rows, {"question": "Every drill of the way from a failure to a person, and how it went."}


def _rows(bodies: Iterable[dict[str, Any]], columns: Sequence[str]) -> Iterable[Sequence[Any]]:
    return (tuple(item[name] for name in columns) for item in bodies)
