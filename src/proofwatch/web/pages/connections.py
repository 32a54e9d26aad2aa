"""Connections: what is read, as whom, whether that identity only reads, and what is not covered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from proofwatch.errors import ProofwatchError
from proofwatch.listings import connections as listed
from proofwatch.store.models import Connection, CoverageGap, ShardRead, Sweep
from proofwatch.store.services import connections as service
from proofwatch.store.services import sweeps
from proofwatch.web.access import Needs, at
from proofwatch.web.context import installation
from proofwatch.web.parts.tables import table

MOST = 60
"""Accounts that the map of coverage shows."""


def index(request: HttpRequest) -> HttpResponse:
    """List the connections."""
    found = table(request, listed.LISTING, links={"connection": "url"}, empty="No system is connected yet.")
    return render(request, "pages/connections.html", {"table": found})


def show(request: HttpRequest, name: str) -> HttpResponse:
    """Show one connection; forms pause and resume it, for a reason."""
    row = service.get(name)
    error, status = None, 200
    if request.method == "POST":
        try:
            said = _change(request, row)
        except ProofwatchError as caught:
            error, status = caught, 400
        else:
            installation().sign()
            messages.success(request, said)
            return HttpResponseRedirect(request.path)
    last = sweeps.latest(row, whole=True)
    values = {
        "row": row,
        "facts": listed.body(row, request.now),
        "permissions": [item for item in row.permissions if item.get("allowed") is not True],
        "allowed": sum(item.get("allowed") is True for item in row.permissions),
        "last": last,
        "coverage": _coverage(last) if last else None,
        "sweeps": Sweep.objects.filter(connection=row).order_by("-slot")[:20],
        "error": error,
        "reason": request.POST.get("reason", ""),
    }
    return render(request, "pages/connection.html", values, status=status)


def _change(request: HttpRequest, row: Connection) -> str:
    """Do what a form asks; return what to say."""
    by, reason = request.person.name, request.POST.get("reason", "")
    if request.POST.get("do") == "resume":
        service.resume(row, actor=by, now=request.now, reason=reason)
        return f"{row.name} is read again."
    hours = request.POST.get("hours", "")
    span = timedelta(hours=int(hours) if hours.isascii() and hours.isdigit() and len(hours) < 4 else 4)
    service.pause(row, actor=by, now=request.now, reason=reason, until=request.now + span)
    return f"{row.name} rests; it is read again by itself."


def _coverage(last: Sweep) -> Mapping[str, Any]:
    """Return accounts × regions with how much of each was read in a sweep."""
    cells: dict[tuple[str, str], str] = {}
    counted: dict[tuple[str, str], set[str]] = {}
    rows = ShardRead.objects.filter(sweep=last).values_list("account_id", "region", "state").distinct()
    for account, region, state in rows:
        counted.setdefault((account, region), set()).add(state)
    for place, states in counted.items():
        cells[place] = (
            "covered" if states == {"complete"} else "failed" if states == {"failed"} else "partial"
        )
    gaps = list(CoverageGap.objects.filter(sweep=last).order_by("account_id", "region"))
    for gap in gaps:
        cells[gap.account_id, gap.region] = "missed"
    accounts, regions = sorted({place[0] for place in cells}), sorted({place[1] for place in cells})
    return {
        "accounts": accounts[:MOST], "all": len(accounts), "regions": regions, "cells": cells,
        "gaps": gaps[:MOST], "gap_count": len(gaps), "unknown": last.unknown,
    }  # fmt: skip


URLS: tuple[Callable[..., Any], ...] = (
    at("connections", index, "connections"),
    at("connections/<str:name>", show, "connection", write=Needs.ADMINISTER),
)
