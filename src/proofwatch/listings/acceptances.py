"""The list of risk acceptances: what was asked for, by whom, who decided, and until when it holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Q, QuerySet

from proofwatch.listings.base import Column, Filter, Listing, Row, one_of
from proofwatch.listings.sources import Stored
from proofwatch.listings.spans import span
from proofwatch.store.models import RiskAcceptance

STATES = ("requested", "approved", "refused", "expired", "ended")


def scope_words(scope: Mapping[str, Any]) -> list[str]:
    """Return a scope in words, one for each field: `alert = AL-12`."""
    return [
        f"{key.removesuffix('_id')} = {', '.join(value) if isinstance(value, list) else value}"
        for key, value in scope.items()
    ]


def _rows() -> QuerySet[Any]:
    return RiskAcceptance.objects.all()


def _body(row: RiskAcceptance) -> Row:
    return {
        "acceptance": row.name,
        "state": row.state,
        "scope": scope_words(row.scope),
        "reason": row.reason,
        "requested_by": row.requested_by,
        "requested_at": row.requested_at,
        "decided_by": row.decided_by,
        "decided_at": row.decided_at,
        "decision_note": row.decision_note,
        "expires_at": row.expires_at,
        "ended_at": row.ended_at,
        "ended_because": row.ended_because,
        "count": row.count,
        "url": f"/acceptances/{row.name}",
    }


def _state(chosen: QuerySet[Any], text: str) -> QuerySet[Any]:
    return chosen.filter(state=one_of("acceptances", "state", STATES, text))


def _said(chosen: QuerySet[Any], text: str) -> QuerySet[Any]:
    words = Q(reason__icontains=text) | Q(decision_note__icontains=text) | Q(requested_by=text)
    number = text.upper().removeprefix("RA-")
    numeric = number.isascii() and number.isdigit() and len(number) < 9
    return chosen.filter(words | Q(number=int(number)) if numeric else words)


LISTING = Listing(
    name="acceptances",
    title="Risk acceptances",
    question="Every risk that was accepted or asked about, and until when.",
    columns=(
        Column("acceptance", "Acceptance", "name"),
        Column("state", "State", "status"),
        Column("count", "Covers", "number", "Failing results when it was asked for or approved."),
        Column("scope", "Scope", "names"),
        Column("reason", "Why"),
        Column("requested_by", "Asked by", "name"),
        Column("requested_at", "Asked", "moment"),
        Column("decided_by", "Decided by", "name"),
        Column("decided_at", "Decided", "moment", shown=False),
        Column("decision_note", "Decision", shown=False),
        Column("expires_at", "Until", "moment"),
        Column("ended_at", "Ended", "moment", shown=False),
        Column("ended_because", "Why it ended", shown=False),
    ),
    source=Stored(_rows, _body, {"acceptance": "number", "expires_at": "expires_at", "state": "state"}),
    sorts=("acceptance", "expires_at", "state"),
    sort="-acceptance",
    filters=(
        Filter("q", "Search", _said),
        Filter("state", "State", _state, lambda: [(item, item) for item in STATES]),
        *span("acceptances", "requested_at", "ended_at"),
    ),
)
