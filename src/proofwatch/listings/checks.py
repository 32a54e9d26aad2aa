"""The list of checks: which are on, what decides them, and what they found last."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from django.db.models import Sum

from proofwatch.checks.base import SEVERITIES
from proofwatch.listings.base import Column, Filter, Listing, Row, one_of
from proofwatch.listings.catalogue import checks
from proofwatch.listings.remembered import remembered
from proofwatch.listings.sources import Held
from proofwatch.store.models import CheckRun
from proofwatch.store.services import checks as service

HARM = {name: place for place, name in enumerate(SEVERITIES)}


def rows() -> Sequence[Row]:
    """Return a row for each check of the catalogue."""
    return remembered("checks", datetime.now(UTC), _rows)


def _rows() -> list[Row]:
    off, params = service.disabled(), service.params()
    newest = CheckRun.objects.filter(latest=True, connection__removed_at=None).values("check_id")
    failing = {item["check_id"]: item["number"] for item in newest.annotate(number=Sum("failed"))}
    return [
        {
            "check": check.id,
            "title": check.title,
            "enabled": check.id not in off,
            "state": "disabled" if check.id in off else "enabled",
            "decision": off.get(check.id, ""),
            "severity": check.severity,
            "criteria": list(check.criteria),
            "table": check.table,
            "applies": check.applies,
            "passes": check.passes,
            "params": {**check.params, **params.get(check.id, {})},
            "differs": [f"{name} = {value}" for name, value in params.get(check.id, {}).items()],
            "failing": failing.get(check.id),
            "same_as": [f"{system}: {name}" for system, names in check.same_as.items() for name in names],
            "version": check.version,
            "url": f"/checks/{check.id}",
        }
        for check in checks().values()
    ]


def _said(chosen: Sequence[Row], text: str) -> Sequence[Row]:
    words = text.lower()
    return [
        row
        for row in chosen
        if words
        in " ".join((row["check"], row["title"], row["table"], *row["criteria"], *row["same_as"])).lower()
    ]


def _state(chosen: Sequence[Row], text: str) -> Sequence[Row]:
    one_of("checks", "state", ("enabled", "disabled"), text)
    return [row for row in chosen if row["state"] == text]


def _severity(chosen: Sequence[Row], text: str) -> Sequence[Row]:
    one_of("checks", "severity", SEVERITIES, text)
    return [row for row in chosen if row["severity"] == text]


LISTING = Listing(
    name="checks",
    title="Checks",
    question="The configuration of every check, and which are on.",
    columns=(
        Column("check", "Check", "name"),
        Column("title", "Title"),
        Column("enabled", "On", "flag", shown=False),
        Column("state", "State", "status", filed=False),
        Column("decision", "Why off"),
        Column("severity", "Severity", "severity"),
        Column("criteria", "Criteria", "names"),
        Column("table", "Table", "code"),
        Column("differs", "Differs", "names", "Parameters that somebody set otherwise than it is shipped."),
        Column("failing", "Failing", "number"),
        Column("same_as", "Same as", "names"),
        Column("applies", "Applies to", "code", shown=False),
        Column("passes", "Passes if", "code", shown=False),
        Column("params", "Parameters", "code", shown=False),
        Column("version", "Version", "digest", shown=False),
    ),
    source=Held(rows, "check", {"severity": lambda row: (HARM[row["severity"]], row["check"])}),
    sorts=("check", "title", "severity", "table", "failing", "state"),
    sort="check",
    filters=(
        Filter("q", "Search", _said),
        Filter("state", "State", _state, lambda: [("enabled", "enabled"), ("disabled", "disabled")]),
        Filter("severity", "Severity", _severity, lambda: [(name, name) for name in SEVERITIES]),
    ),
)
