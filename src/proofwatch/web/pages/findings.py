"""Findings, each with everything that is known about it; and sweeps, with what was read and what was not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from proofwatch.listings import findings as listed
from proofwatch.listings.remembered import remembered
from proofwatch.pipeline import TABLES
from proofwatch.store import opinions
from proofwatch.store.models import (
    AlertResource,
    CheckRun,
    CoverageGap,
    Finding,
    FindingEvent,
    Sweep,
    TableState,
)
from proofwatch.store.models.findings import FindingState
from proofwatch.store.services import controls, findings, reads, sweeps
from proofwatch.web.access import at
from proofwatch.web.context import installation
from proofwatch.web.parts.archived import archived
from proofwatch.web.parts.tables import table

MANY = 100
SHOWN = ("shard_read", "coverage_gap", "table_state")
"""Tables of history that the page of a sweep shows."""
PLACES, UNREAD = 50, 30


def index(request: HttpRequest) -> HttpResponse:
    """List the findings."""
    counts = remembered("findings by state", request.now, _by_state)
    states = [("all", ""), *((listed.STATES.get(item, item), item) for item in FindingState.values)]
    values = {
        "table": table(
            request, listed.LISTING, links={"resource": "url", "check": "check_url"},
            empty="Nothing ever failed.",
        ),
        "tiles": [(word, state, counts.get(state, 0)) for word, state in states],
        "chosen": request.GET.get("state", ""),
    }  # fmt: skip
    return render(request, "pages/findings.html", values)


def _by_state() -> dict[str, int]:
    """Return state → number of findings; "" for all."""
    rows = Finding.objects.order_by("state").values_list("state").annotate(number=Count("pk"))
    counts: dict[str, int] = dict(rows)
    return {**counts, "": sum(counts.values())}


def show(request: HttpRequest, key: str) -> HttpResponse:
    """Show one finding: how it stands, what happened to it, and where it counts."""
    row = findings.get(key)
    happened = list(FindingEvent.objects.filter(finding=row).order_by("-pk")[: MANY + 1])
    inside = AlertResource.objects.filter(finding=row).select_related("alert").order_by("-since")
    listing = controls.current()
    values = {
        "row": row,
        "state": _state(row),
        "events": happened[:MANY][::-1],
        "events_more": len(happened) > MANY,
        "archived": archived(
            row.first_failed_at, row.last_observed_at + timedelta.resolution, tables=("finding_event",)
        ),
        "check": installation().catalog.checks.get(row.check_id),
        "opinions": _opinions(row),
        "alerts": list(inside[:MANY]),
        "controls": [
            item for item in (controls.controls_of(listing) if listing else ()) if row.check_id in item.checks
        ],
        "run": CheckRun.objects.filter(
            latest=True, connection=row.connection_id, check_id=row.check_id
        ).first(),
    }
    return render(request, "pages/finding.html", values)


def _opinions(row: Finding) -> list[opinions.Stated]:
    """Return what other sources assert of the same resource, or of their rule as a whole if not of it."""
    app = installation()
    place = (row.account_id, row.region)
    found = opinions.about(app.objects, app.settings.cache / TABLES, row.check_id, row.resource, place)
    return [item for item in found if item.item == row.resource] or found


def _state(row: Finding) -> str:
    if row.acceptance and row.state == FindingState.OPEN:
        return "accepted"
    return listed.STATES.get(row.state, row.state)


def sweep(request: HttpRequest, key: str) -> HttpResponse:
    """Show one sweep: what it set out to read, what it read, and what it found."""
    row = sweeps.get(key)
    totals, places = reads.totals(row), reads.places(row, installation().objects)
    tables = TableState.objects.filter(sweep=row).order_by("table")
    gaps = CoverageGap.objects.filter(sweep=row).order_by("account_id", "region")
    values = {
        "row": row,
        "took": row.finished_at - row.started_at if row.finished_at and row.started_at else None,
        "totals": totals,
        "places": {"rows": places[:PLACES], "total": len(places)},
        "unread": _some(reads.rows(row, "failed"), UNREAD, totals.failed),
        "lacking": _some(reads.rows(row, "lacking"), MANY, totals.lacking),
        "gaps": _some(gaps, MANY),
        "tables": _some(tables, MANY),
        "counts": _counts(row),
        "later": _later(row),
        "archived": archived(row.observed_at, row.observed_at + timedelta.resolution, tables=SHOWN)
        if row.observed_at else None,
    }  # fmt: skip
    return render(request, "pages/sweep.html", values)


def _some(rows: Any, most: int, total: int | None = None) -> dict[str, Any]:
    """Return the first rows, how many there are, and how many of them are not shown."""
    found = list(rows[: most + 1])
    if total is None:
        total = rows.count() if len(found) > most else len(found)
    return {"rows": found[:most], "total": total, "more": total - len(found[:most])}


def _counts(row: Sweep) -> list[tuple[str, int]]:
    names = ("failed", "passed", "inconclusive", "not_applicable", "accepted")
    return [(name.replace("_", " "), row.counts.get(name, 0)) for name in names]


def _later(row: Sweep) -> Sweep | None:
    """Return the newer sweep that stands instead of this one, if it was applied."""
    newest = sweeps.latest(row.connection)
    newer = newest is not None and row.observed_at is not None and newest.observed_at > row.observed_at
    return newest if newer else None


URLS = (
    at("findings", index, "alert-findings"),
    at("findings/<str:key>", show, "alert-finding"),
    at("sweeps/<str:key>", sweep, "connection-sweep"),
)
