"""The review log: who looked at what, when, and what was decided."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from proofwatch.alerts.review import DECISIONS
from proofwatch.listings.base import Column, Filter, Listing, Row, one_of
from proofwatch.listings.deliveries import of_alert
from proofwatch.listings.sources import Stored
from proofwatch.listings.spans import span
from proofwatch.store.models import Review


def _rows() -> QuerySet[Any]:
    return Review.objects.select_related("alert")


def _body(row: Review) -> Row:
    return {
        "alert": row.alert.name,
        "control": row.alert.control_id,
        "reviewer": row.reviewer,
        "role": row.role,
        "opened_at": row.opened_at,
        "viewed_at": row.viewed_at,
        "decided_at": row.decided_at,
        "decision": row.decision,
        "note": row.note,
        "evidence_seen": row.evidence_seen,
        "channel": row.channel,
        "one_of": row.bulk_size,
        "url": f"/alerts/{row.alert.name}",
        "evidence_url": f"/evidence/objects/{row.evidence_seen}" if row.evidence_seen else "",
    }


def _decision(chosen: QuerySet[Any], text: str) -> QuerySet[Any]:
    return chosen.filter(decision=one_of("reviews", "decision", DECISIONS, text))


def _reviewers() -> list[tuple[str, str]]:
    rows = Review.objects.order_by("reviewer").values_list("reviewer", flat=True).distinct()
    return [(name, name) for name in rows]


LISTING = Listing(
    name="reviews",
    title="Review log",
    question="Who looked at what, when, and what was decided.",
    columns=(
        Column("alert", "Alert", "name"),
        Column("control", "Control", "name"),
        Column("reviewer", "Reviewer", "name"),
        Column("role", "Role", "name"),
        Column("opened_at", "Opened", "moment"),
        Column("viewed_at", "First looked at", "moment", "By the reviewer, as far as was seen."),
        Column("decided_at", "Decided", "moment"),
        Column("decision", "Decision", "status"),
        Column("note", "Note"),
        Column("evidence_seen", "Evidence seen", "digest", "The manifest that the reviewer was shown."),
        Column("channel", "Where", "name", shown=False),
        Column("one_of", "One of", "number", "How many alerts got the same decision in the same step."),
    ),
    source=Stored(_rows, _body, {"decided_at": "decided_at"}),
    sorts=("decided_at",),
    sort="-decided_at",
    filters=(
        Filter("q", "Note", lambda chosen, text: chosen.filter(Q(note__icontains=text))),
        Filter("alert", "Alert", of_alert),
        Filter("control", "Control", lambda chosen, text: chosen.filter(alert__control_id=text)),
        Filter("reviewer", "Reviewer", lambda chosen, text: chosen.filter(reviewer=text), _reviewers),
        Filter("decision", "Decision", _decision, lambda: [(item, item) for item in DECISIONS]),
        *span("reviews", "decided_at"),
    ),
)
