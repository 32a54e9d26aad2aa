"""What happened to an alert as lines to read: its events and its messages, in one order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from proofwatch.alerts.times import VERIFIED
from proofwatch.listings.deliveries import told
from proofwatch.store.models import Alert

WORDS = {
    "failing": "observed: it fails",
    "clear": "observed: it passes",
    "unknown": "it could not be observed",
    "reviewed": "decided",
    "risk accepted": "the risk was accepted",
    "fix claimed": "said to be fixed",
}
EFFECTS = {
    "tell: opened": "it is told",
    "tell: regressed": "it fails again",
    "tell: fix not confirmed": "the fix is not confirmed",
    "tell the next level": "the next level is told",
    "tell again": "it is told again, because nobody reviewed it",
    "tell: later than agreed": "it is later than agreed",
    "tell: acknowledged, and nothing followed": "it was acknowledged, and nothing followed",
    "tell once: flapping": "it flaps: its messages rest",
    "tell: flapping no more": "it flaps no more",
}
FIRST, LAST = 20, 180
"""Lines that are shown of a longer timeline, from its beginning and its end."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line: when, what, by whom, and the state that it came to where it came to another."""

    at: datetime
    what: str
    by: str = ""
    state: str = ""
    text: str = ""
    sweep: str = ""


@dataclass(frozen=True, slots=True)
class Timeline:
    """The lines that are shown, and how many between them are not."""

    first: Sequence[Line]
    last: Sequence[Line]
    left_out: int = 0


def timeline(events: Sequence[Any], messages: Sequence[Any], titles: Mapping[str, str]) -> Timeline:
    """Return the lines of an alert, oldest first.

    Args:
        events: its events in the order in which they were written.
        messages: its deliveries with `into` and `tries`, in the order in which they were queued.
        titles: channel → who stands behind it: `ops` → `Slack (ops)`.
    """
    # Python's sort keeps the order of what happened at the same moment: first the step, then its messages.
    lines = sorted([*map(of_event, events), *_sent(messages, titles)], key=lambda line: line.at)
    if len(lines) <= FIRST + LAST:
        return Timeline(lines, ())
    return Timeline(lines[:FIRST], lines[-LAST:], len(lines) - FIRST - LAST)


def of_event(item: Any) -> Line:
    """Return an event of an alert as a line."""
    what = WORDS.get(item.kind, item.kind)
    if item.kind == "reviewed":
        size = int(item.data.get("bulk_size", 1))
        what += f": {item.data.get('decision', '')}" + (f" (one of {size})" if size > 1 else "")
    if item.kind == "viewed":
        return Line(item.at, f"viewed {item.reason}", _who(item))
    effects = [EFFECTS[name] for name in item.data.get("effects", ()) if name in EFFECTS]
    if effects:
        what += f"; {', '.join(effects)}"
    moved = item.after if item.before != item.after else ""
    if moved in VERIFIED:
        what = "verified by the system"
    return Line(item.at, what, _who(item), moved, item.reason, str(item.sweep or ""))


def _who(item: Any) -> str:
    return f"{item.actor} ({item.role})" if item.role else str(item.actor)


def _sent(messages: Sequence[Any], titles: Mapping[str, str]) -> list[Line]:
    found = []
    for item in messages:
        name = titles.get(item.channel, item.channel)
        words = f"message “{item.happened}”"
        tries = list(item.tries.all())
        found += [
            Line(
                tried.at,
                f"{words} sent to {name}, attempt {tried.number}: {tried.outcome}",
                text=tried.answer,
            )
            for tried in tries
            if tried.outcome != "accepted"
        ]
        if item.sent_at:
            answer = str(item.receipt.get("answer", ""))
            found.append(Line(item.sent_at, f"{words} sent, and accepted by {name}", text=answer))
        else:
            at = tries[-1].at if tries else item.created_at
            found.append(Line(at, f"{words} for {name}: {item.state}", text=told(item)))
    return found


def stages(row: Alert, events: Sequence[Any], messages: Sequence[Any]) -> list[tuple[str, datetime | None]]:
    """Return the way from a failure to its proof: stage and when it was reached first, None if it was not."""
    begun = row.first_failed_at
    since = [item for item in events if item.at >= begun]
    fresh = [item for item in messages if item.created_at >= begun]
    tries = [tried.at for item in fresh for tried in item.tries.all()]
    own = [item.sent_at for item in fresh if item.sent_at]
    among = [item.into.sent_at for item in fresh if item.into and item.into.sent_at]
    heard = min([*own, *among], default=None)

    def first(kind: str) -> datetime | None:
        return next((item.at for item in since if item.kind == kind), None)

    return [
        ("observed", begun),
        ("sent", min([*tries, *among], default=heard)),
        ("accepted", heard),
        ("viewed", first("viewed")),
        ("decided", first("reviewed")),
        ("fixed", row.claimed_at if row.claimed_at and row.claimed_at >= begun else None),
        ("verified", row.ended_at if row.state in VERIFIED else None),
    ]
