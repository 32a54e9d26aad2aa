"""The list of trackers: the ticket systems that tasks are told to, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence

from proofwatch.listings.base import Column, Filter, Listing, Row
from proofwatch.listings.sources import Held
from proofwatch.remediation import trackerbook


def rows() -> Sequence[Row]:
    """Return a row for each tracker. Settings hold references to secrets, never secrets."""
    return [
        {
            "tracker": row.name,
            "kind": row.kind,
            "state": "enabled" if row.enabled else "disabled",
            "enabled": row.enabled,
            "polled_at": row.polled_at,
            "problem": row.problem,
            "settings": dict(row.settings),
            "by": row.by,
            "at": row.at,
            "url": f"/rules/trackers/{row.name}",
        }
        for row in trackerbook.every()
    ]


LISTING = Listing(
    name="trackers",
    title="Trackers",
    question="The ticket systems that tasks are told to, and what is wrong with them.",
    columns=(
        Column("tracker", "Tracker", "name"),
        Column("kind", "Kind"),
        Column("state", "State", "status", filed=False),
        Column("enabled", "On", "flag", shown=False),
        Column("polled_at", "Last read", "moment"),
        Column("problem", "Problem"),
        Column("settings", "Settings", "code", "Secrets only as references.", shown=False),
        Column("by", "By", shown=False),
        Column("at", "Changed", "moment"),
    ),
    source=Held(rows, "tracker"),
    sorts=("tracker", "kind", "state"),
    sort="tracker",
    filters=(
        Filter(
            "q",
            "Search",
            lambda chosen, text: [
                row for row in chosen if text.lower() in f"{row['tracker']} {row['kind']}".lower()
            ],
        ),
    ),
)
