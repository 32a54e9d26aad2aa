"""The list of silences: whose messages were held back, until when, by whom and why."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db.models import QuerySet

from proofwatch.listings.base import Column, Filter, Listing, Row, one_of
from proofwatch.listings.sources import Stored
from proofwatch.store.models import Silence

STATES = ("running", "ended")


def _body(row: Silence) -> Row:
    over = row.ended_at is not None or row.until <= datetime.now(UTC)
    return {
        "silence": row.pk.hex,
        "state": "ended" if over else "silenced",
        "what": ", ".join(f"{key} {value}" for key, value in row.matcher.items()),
        "matcher": dict(row.matcher),
        "reason": row.reason,
        "by": row.by,
        "at": row.at,
        "until": row.until,
        "until_worse": row.until_worse,
        "ended_at": row.ended_at,
        "ended_by": row.ended_by,
        "ended_because": row.ended_because,
    }


def _state(chosen: QuerySet[Any], text: str) -> QuerySet[Any]:
    now = datetime.now(UTC)
    if one_of("silences", "state", STATES, text) == "running":
        return chosen.filter(ended_at__isnull=True, until__gt=now)
    return chosen.exclude(ended_at__isnull=True, until__gt=now)


LISTING = Listing(
    name="silences",
    title="Silences",
    question="Which messages were held back, until when, by whom and why.",
    columns=(
        Column("what", "Holds back"),
        Column("state", "State", "status", filed=False),
        Column("at", "Since", "moment"),
        Column("until", "Until", "moment"),
        Column("by", "By"),
        Column("reason", "Reason"),
        Column("ended_at", "Ended", "moment"),
        Column("ended_because", "Ended because"),
        Column("until_worse", "Until worse", "flag", "Ends for an alert of which more fail.", shown=False),
        Column("ended_by", "Ended by", shown=False),
        Column("matcher", "Matcher", "code", shown=False),
        Column("silence", "Silence", "digest", shown=False),
    ),
    source=Stored(lambda: Silence.objects.all(), _body, {"at": "at", "until": "until"}),
    sorts=("at", "until"),
    sort="-at",
    filters=(Filter("state", "State", _state, lambda: [(name, name) for name in STATES]),),
)
