"""The list of drills: how the way from a failure to a person was tried, and how it went."""

from __future__ import annotations

from typing import Any

from proofwatch.listings.base import Column, Filter, Listing, Row
from proofwatch.listings.sources import Stored
from proofwatch.listings.spans import span
from proofwatch.store.models import Drill


def _body(row: Drill) -> Row:
    names: tuple[str, ...] = tuple(
        item.name for item in LISTING.columns if item.name not in ("drill", "control")
    )
    facts: dict[str, Any] = {name: getattr(row, name) for name in names}
    return {"drill": str(row.pk), "control": row.control_id, **facts}


LISTING = Listing(
    name="drills",
    title="Drills",
    question="Every drill of the way from a failure to a person, and how it went.",
    columns=(
        Column("drill", "Drill", "name", shown=False),
        Column("started_at", "Started", "moment"),
        Column("control", "Control", "name"),
        Column("state", "State", "status"),
        Column("reason", "Why"),
        Column("by", "By", "name"),
        Column("deadline_at", "Deadline", "moment", shown=False),
        Column("sent_at", "Sent", "moment"),
        Column("acknowledged_at", "Acknowledged", "moment"),
        Column("acknowledged_by", "Acknowledged by", "name"),
        Column("ended_at", "Ended", "moment"),
        Column("object", "Evidence", "digest", "The kept outcome."),
    ),
    source=Stored(lambda: Drill.objects.all(), _body, {"started_at": "started_at"}),
    sorts=("started_at",),
    sort="-started_at",
    filters=(
        Filter("control", "Control", lambda chosen, text: chosen.filter(control_id=text)),
        *span("drills", "started_at"),
    ),
)
