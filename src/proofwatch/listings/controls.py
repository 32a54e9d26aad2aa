"""The list of controls: how each stands, worst first, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from proofwatch.checks.base import SEVERITIES
from proofwatch.controls.base import WORST_FIRST
from proofwatch.listings.base import Column, Filter, Listing, Row, one_of
from proofwatch.listings.remembered import remembered
from proofwatch.listings.sources import Held
from proofwatch.listings.strips import strips
from proofwatch.remediation.tasks import LIVE
from proofwatch.store.models import Task
from proofwatch.store.services import controls as service

ORDER = {status: place for place, status in enumerate(WORST_FIRST)}
HARM = {name: place for place, name in enumerate(SEVERITIES)}


def rows(now: datetime | None = None) -> Sequence[Row]:
    """Return a row for each control of the list in force, worst first."""
    now = now or datetime.now(UTC)
    return remembered("controls", now, lambda: _rows(now))


def _rows(now: datetime) -> list[Row]:
    listed = service.current()
    if listed is None:
        return []
    known = {item.id: item for item in service.controls_of(listed)}
    found = service.statuses(now)
    drawn = strips(now, {item.control: item.status for item in found})
    tasks: dict[str, list[str]] = {}
    for control, number in (
        Task.objects.filter(state__in=LIVE).order_by("number").values_list("control_id", "number")
    ):
        tasks.setdefault(control, []).append(f"TSK-{number}")
    return [
        {
            "control": item.control,
            "title": known[item.control].title,
            "statement": known[item.control].statement,
            "owner_role": known[item.control].owner_role,
            "criteria": list(known[item.control].criteria),
            "status": item.status,
            "severity": item.severity,
            "reason": item.reason,
            **asdict(item.counts),
            "observed_at": item.observed_at,
            "history": drawn.get(item.control, []),
            "tasks": tasks.get(item.control, []),
            "checks": [f"{check} {version[:12]}" for check, version in item.checks],
            "sweeps": list(item.sweeps),
            "url": f"/controls/{item.control}",
            "task_url": f"/tasks?control={item.control}" if item.control in tasks else "",
        }
        for item in found
    ]


def _worst_first(row: Row) -> Any:
    return (ORDER[row["status"]], HARM.get(row["severity"], 9), -row["failed"], row["control"])


def _by(name: str) -> Any:
    return lambda chosen, text: [row for row in chosen if row[name] == text]


def _said(chosen: Sequence[Row], text: str) -> Sequence[Row]:
    words = text.lower()
    return [
        row
        for row in chosen
        if words
        in " ".join(
            (row["control"], row["title"], row["reason"], row["owner_role"], *row["criteria"])
        ).lower()
    ]


def _status(chosen: Sequence[Row], text: str) -> Sequence[Row]:
    one_of("controls", "status", WORST_FIRST, text)
    return [row for row in chosen if row["status"] == text]


def _choices(name: str) -> Any:
    def choices() -> Sequence[tuple[str, str]]:
        found = {row[name] for row in rows()}
        return [(item, item) for item in sorted(found)]

    return choices


def counts(found: Sequence[Row]) -> Mapping[str, int]:
    """Return status → number of controls, worst first, without those that are none."""
    made = {status: sum(row["status"] == status for row in found) for status in WORST_FIRST}
    return {status: number for status, number in made.items() if number}


LISTING = Listing(
    name="controls",
    title="Controls",
    question="How every control stands, worst first.",
    columns=(
        Column("control", "Control", "name", "Id of the control."),
        Column("title", "Title"),
        Column("status", "Status", "status", "Worst first: " + ", ".join(WORST_FIRST) + "."),
        Column("reason", "Why"),
        Column("history", "Last 45 days", "strip", filed=False),
        Column("owner_role", "Owner"),
        Column("tasks", "Task", "names", "Repairs under way."),
        Column("observed_at", "Observed", "moment", "The oldest observation that the status rests on."),
        Column("statement", "Statement", shown=False),
        Column("criteria", "Criteria", "names", shown=False),
        Column("severity", "Severity", "severity", shown=False),
        Column("failed", "Failing", "number", shown=False),
        Column("passed", "Passing", "number", shown=False),
        Column("inconclusive", "Inconclusive", "number", shown=False),
        Column("not_applicable", "Not applicable", "number", shown=False),
        Column("accepted", "Accepted", "number", shown=False),
        Column("checks", "Checks", "names", "Check and the beginning of its version.", shown=False),
        Column("sweeps", "Sweeps", "names", "Ids of the sweeps that were used.", shown=False),
    ),
    source=Held(rows, "control", {"status": _worst_first}),
    sorts=("status", "control", "title", "owner_role", "observed_at"),
    sort="status",
    filters=(
        Filter("q", "Search", _said),
        Filter("status", "Status", _status, lambda: [(item, item) for item in WORST_FIRST]),
        Filter("owner", "Owner", _by("owner_role"), _choices("owner_role")),
        Filter("severity", "Severity", _by("severity"), lambda: [(item, item) for item in SEVERITIES]),
    ),
)
