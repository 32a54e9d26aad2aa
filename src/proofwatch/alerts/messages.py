"""The facts of a message: made from an alert in the transaction that moves it, kept as JSON, read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from proofwatch.alerts.channels.base import Button, Failing, Happened, Message
from proofwatch.store import log
from proofwatch.store.models import Alert, AlertResource, CheckRun

MOST_RESOURCES = 10
MOST_LINES = 40
LONGEST = 500
"""Characters of a reason or a resource's name that a message keeps."""
TIMES = ("at", "since", "due")


def about(
    row: Alert,
    happened: Happened,
    at: datetime,
    *,
    key: str,
    titles: Mapping[str, tuple[str, Sequence[str]]],
    note: str = "",
    actor: str = "",
    to: Sequence[str] = (),
    detailed: bool = True,
) -> Message:
    """Return the facts about an alert as it stands now.

    Args:
        row: the alert, with its resources already joined.
        happened: what the message tells.
        at: when that happened.
        key: the idempotency key.
        titles: control id → (title, criteria).
        note: what a person said, or why it is sent.
        actor: who caused it.
        to: whom it names, as the channel addresses people.
        detailed: whether the resources are named, which costs some queries.
    """
    failing, checks, more = resources(row) if detailed else ((), (), row.count)
    title, criteria = titles.get(row.control_id, ("", ()))
    return Message(
        key=key,
        thread=row.pk.hex,
        happened=happened,
        headline=f"{row.headline}: {row.reason}"[:LONGEST],
        at=at,
        severity=row.severity,
        state=row.state,
        number=row.name if row.number else "",
        mark="DRILL" if row.drill else "",
        control=row.control_id,
        control_title=title,
        criteria=tuple(criteria),
        connection=row.connection.name if row.connection else "",
        failing=failing,
        more=more,
        since=row.first_failed_at,
        due=row.due_at,
        actor=actor,
        note=note,
        evidence=(row.evidence_after if row.ended_at else "") or row.evidence_before,
        checks=checks,
        to=tuple(to),
    )


def resources(row: Alert) -> tuple[tuple[Failing, ...], tuple[tuple[str, str], ...], int]:
    """Return what fails now (in an ended alert: what did), the checks, and how many more there are."""
    rows = AlertResource.objects.filter(alert=row)
    left = rows.filter(ended_at__isnull=True)
    chosen = left if left.exists() else rows
    values = chosen.order_by("pk").values_list(
        "finding__resource",
        "finding__reason",
        "finding__account_id",
        "finding__region",
        "finding__check_id",
    )
    some = list(values[:MOST_RESOURCES])
    more = max(0, chosen.count() - len(some))
    failing = tuple(
        Failing(name[:LONGEST], why[:LONGEST], owner, place) for name, why, owner, place, _ in some
    )
    names = sorted({check for *_, check in some})
    runs = CheckRun.objects.filter(latest=True, connection_id=row.connection_id, check_id__in=names)
    versions = dict(runs.values_list("check_id", "check_version"))
    return failing, tuple((name, versions.get(name, "")) for name in names), more


def to_body(message: Message) -> dict[str, Any]:
    """Return a message as plain JSON."""
    body: dict[str, Any] = {}
    for field in fields(message):
        value = getattr(message, field.name)
        if field.name in TIMES:
            value = log.text(value) if value else None
        elif field.name in ("failing", "buttons"):
            value = [{part.name: getattr(item, part.name) for part in fields(item)} for item in value]
        elif isinstance(value, tuple):
            value = [list(item) if isinstance(item, tuple) else item for item in value]
        body[field.name] = str(value) if isinstance(value, Happened) else value
    return body


def from_body(body: Mapping[str, Any]) -> Message:
    """Return the message that `to_body` wrote."""
    values = dict(body)
    for name in TIMES:
        values[name] = datetime.fromisoformat(values[name]) if values[name] else None
    values["happened"] = Happened(values["happened"])
    values["failing"] = tuple(Failing(**item) for item in values["failing"])
    values["buttons"] = tuple(Button(**item) for item in values["buttons"])
    values["checks"] = tuple((name, version) for name, version in values["checks"])
    for name in ("criteria", "lines", "to"):
        values[name] = tuple(values[name])
    return Message(**values)
