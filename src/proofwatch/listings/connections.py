"""The list of connections: whether each is read, by whom, and since when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from proofwatch.listings.base import Column, Filter, Listing, Row
from proofwatch.listings.sources import Held
from proofwatch.store.models import Connection
from proofwatch.store.services import connections as service

READ_ONLY = {True: "read only", False: "can write", None: "cannot be told"}


def rows() -> Sequence[Row]:
    """Return a row for each connection."""
    now = datetime.now(UTC)
    return [body(row, now) for row in service.every()]


def body(row: Connection, now: datetime) -> Row:
    """Return what is known of a connection; a connected one not read for two intervals is stale."""
    stale = row.state == "connected" and service.is_stale(row, now)
    return {
        "connection": row.name,
        "kind": row.kind,
        "state": "stale" if stale else row.state,
        "problem": row.paused_reason if row.state == "paused" else row.problem,
        "last_complete_at": row.last_complete_at,
        "last_attempt_at": row.last_attempt_at,
        "next_due_at": row.next_due_at,
        "interval_minutes": row.interval_minutes,
        "read_only": READ_ONLY[row.read_only],
        "principal": str(row.identity.get("principal", "")),
        "objects_read": row.objects_read,
        "created_at": row.created_at,
        "created_by": row.created_by,
        "url": f"/connections/{row.name}",
    }


LISTING = Listing(
    name="connections",
    title="Connections",
    question="Every system that is read: its state, identity, and when it was read last.",
    columns=(
        Column("connection", "Connection", "name"),
        Column("kind", "System"),
        Column("state", "State", "status"),
        Column("problem", "Problem"),
        Column("last_complete_at", "Last sync", "moment"),
        Column("next_due_at", "Next", "moment"),
        Column("read_only", "Read only", "status"),
        Column("interval_minutes", "Every (min)", "number", "Minutes between sweeps."),
        Column("principal", "Identity", shown=False),
        Column("last_attempt_at", "Last attempt", "moment", shown=False),
        Column("objects_read", "Objects read", "number", shown=False),
        Column("created_at", "Made", "moment", shown=False),
        Column("created_by", "Made by", shown=False),
    ),
    source=Held(rows, "connection"),
    sorts=("connection", "state", "last_complete_at"),
    sort="connection",
    filters=(
        Filter(
            "q",
            "Search",
            lambda chosen, text: [row for row in chosen if text.lower() in row["connection"].lower()],
        ),
    ),
)
