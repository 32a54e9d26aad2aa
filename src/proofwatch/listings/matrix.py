"""The list of controls by who is told when one fails; a gap is a control of which nobody is told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from proofwatch.alerts.matrix import matrix
from proofwatch.listings.base import Column, Filter, Listing, Row, one_of
from proofwatch.listings.sources import Held

STATES = ("told", "missed", "by hand")


def rows() -> Sequence[Row]:
    """Return a row for each control of the list."""
    return [
        {
            "control": row.control,
            "title": row.title,
            "state": "missed" if row.gap else "told" if row.automated else "by hand",
            "rules": list(row.rules),
            "automated": row.automated,
            "without_channel": list(row.mute),
            "why": row.why,
            "url": f"/controls/{row.control}",
        }
        for row in matrix(datetime.now(UTC)).rows
    ]


def _state(chosen: Sequence[Row], text: str) -> Sequence[Row]:
    one_of("controls", "state", STATES, text)
    return [row for row in chosen if row["state"] == text]


LISTING = Listing(
    name="matrix",
    title="Controls and rules",
    question="Which rules tell when a control fails, and which controls nobody is told of.",
    columns=(
        Column("control", "Control", "name"),
        Column("title", "Title"),
        Column("state", "When it fails", "status"),
        Column("rules", "Rules that tell it", "names"),
        Column("why", "Why not"),
        Column("without_channel", "Rules without a channel", "names", shown=False),
        Column("automated", "Automated", "flag", shown=False),
    ),
    source=Held(rows, "control", {"state": lambda row: (STATES.index(row["state"]), row["control"])}),
    sorts=("control", "title", "state"),
    sort="control",
    filters=(Filter("state", "When it fails", _state, lambda: [(name, name) for name in STATES]),),
)
