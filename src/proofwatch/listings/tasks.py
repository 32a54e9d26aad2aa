"""The list of tasks: who repairs what by when, and what proved it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db.models import Prefetch, Q, QuerySet

from proofwatch.checks.base import SEVERITIES
from proofwatch.listings.base import Column, Filter, Listing, Row, one_of
from proofwatch.listings.sources import Stored
from proofwatch.listings.spans import span
from proofwatch.remediation.tasks import LIVE
from proofwatch.store.models import Task, Ticket, TicketStep
from proofwatch.store.models.remediation import TaskState

VIEWS = ("live", "all")


def stuck() -> Prefetch:
    """Return what reads the steps of tickets at once, of those that were tried and are not done."""
    steps = TicketStep.objects.filter(attempts__gt=0).exclude(state="done").order_by("pk")
    return Prefetch("steps", steps, to_attr="stuck")


def problem(ticket: Any) -> str:
    """Return why a step waits that was tried, or has failed; "" if nothing is wrong. See `stuck`."""
    return f"{ticket.stuck[0].kind}: {ticket.stuck[0].answer}" if ticket.stuck else ""


def late(row: Task, now: datetime) -> str:
    """Say whether a task is or was late."""
    return "late" if row.breached_at or (row.state in LIVE and row.due_at <= now) else "in time"


def _rows() -> QuerySet[Any]:
    tickets = Ticket.objects.order_by("pk").prefetch_related(stuck())
    return Task.objects.select_related("alert").prefetch_related(Prefetch("tickets", tickets, to_attr="told"))


def _body(row: Task) -> Row:
    return {
        "task": row.name,
        "alert": row.alert.name if row.alert else "",
        "control": row.control_id,
        "title": row.title,
        "state": row.state,
        "reason": row.reason,
        "severity": row.severity,
        "owner": row.owner,
        "due_at": row.due_at,
        "late": late(row, datetime.now(UTC)),
        "breached_at": row.breached_at,
        "claimed_at": row.claimed_at,
        "claimed_by": row.claimed_by,
        "made_by": row.made_by,
        "made_at": row.made_at,
        "ended_at": row.ended_at,
        "evidence_before": row.evidence_before,
        "evidence_after": row.evidence_after,
        "tickets": [_ticket(item) for item in row.told],
        "url": f"/tasks/{row.name}",
        "alert_url": f"/alerts/{row.alert.name}" if row.alert else "",
        "control_url": f"/controls/{row.control_id}" if row.control_id else "",
    }


def _ticket(item: Any) -> str:
    parts = (item.tracker, item.external_id or "not made yet", item.state_name, problem(item))
    return " ".join(part for part in parts if part)


def _said(chosen: QuerySet[Any], text: str) -> QuerySet[Any]:
    number = text.upper().removeprefix("TSK-")
    words = Q(title__icontains=text) | Q(body__icontains=text)
    numeric = number.isascii() and number.isdigit() and len(number) < 9
    return chosen.filter(words | Q(number=int(number)) if numeric else words)


def _view(chosen: QuerySet[Any], text: str) -> QuerySet[Any]:
    return chosen.filter(state__in=LIVE) if one_of("tasks", "view", VIEWS, text) == "live" else chosen


def _state(chosen: QuerySet[Any], text: str) -> QuerySet[Any]:
    return chosen.filter(state=one_of("tasks", "state", TaskState.values, text))


def _severity(chosen: QuerySet[Any], text: str) -> QuerySet[Any]:
    return chosen.filter(severity=one_of("tasks", "severity", SEVERITIES, text))


def _owner(chosen: QuerySet[Any], text: str) -> QuerySet[Any]:
    return chosen.filter(owner="" if text == "nobody" else text)


def _owners() -> list[tuple[str, str]]:
    names = Task.objects.order_by("owner").values_list("owner", flat=True).distinct()
    return [(name or "nobody", name or "nobody") for name in names]


LISTING = Listing(
    name="tasks",
    title="Tasks",
    question="Every repair: who had it, by when, and what proved it.",
    columns=(
        Column("task", "Task", "name"),
        Column("state", "State", "status"),
        Column("severity", "Severity", "severity"),
        Column("due_at", "Due", "moment"),
        Column("late", "Agreed time", "status", "late or in time."),
        Column("owner", "Owner", "name"),
        Column("alert", "Alert", "name"),
        Column("control", "Control", "name"),
        Column("title", "What"),
        Column("tickets", "Tickets", "names"),
        Column("reason", "How it ended", shown=False),
        Column("breached_at", "Late since", "moment", shown=False),
        Column("claimed_at", "Claimed fixed", "moment", shown=False),
        Column("claimed_by", "Claimed by", shown=False),
        Column("made_by", "Made by", shown=False),
        Column("made_at", "Made", "moment", shown=False),
        Column("ended_at", "Ended", "moment", shown=False),
        Column("evidence_before", "Evidence before", "digest", shown=False),
        Column("evidence_after", "Evidence after", "digest", shown=False),
    ),
    source=Stored(_rows, _body, {"due_at": "due_at", "task": "number", "owner": "owner", "state": "state"}),
    sorts=("due_at", "task", "state", "owner"),
    sort="due_at",
    filters=(
        Filter("q", "Search", _said),
        Filter("view", "View", _view, lambda: [(item, item) for item in VIEWS]),
        Filter("state", "State", _state, lambda: [(item, item) for item in TaskState.values]),
        Filter("severity", "Severity", _severity, lambda: [(item, item) for item in SEVERITIES]),
        Filter("owner", "Owner", _owner, _owners),
        Filter("control", "Control", lambda chosen, text: chosen.filter(control_id=text)),
        *span("tasks", "made_at", "ended_at"),
    ),
)
