"""Connections: what is read, as whom, whether that identity only reads, and what is not covered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from proofwatch import connecting
from proofwatch.listings import connections as listed
from proofwatch.listings import sweeps as sweeps_list
from proofwatch.runtime import scheduler
from proofwatch.store.models import Connection, CoverageGap, Hook, Sweep
from proofwatch.store.services import connections as service
from proofwatch.store.services import reads, sweeps
from proofwatch.web.access import Needs, at
from proofwatch.web.context import installation
from proofwatch.web.parts.given import GivenError, moment, text, typed
from proofwatch.web.parts.steps import found, taken
from proofwatch.web.parts.tables import table

MOST = 60
"""Accounts that the map of coverage shows: those with something unread first."""
PERMISSIONS = 60


def index(request: HttpRequest) -> HttpResponse:
    """List the connections."""
    shown = table(request, listed.LISTING, links={"connection": "url"}, empty="No system is connected yet.")
    return render(request, "pages/connections.html", {"table": shown})


def show(request: HttpRequest, name: str) -> HttpResponse:
    """Show one connection; forms read it now, pause, resume, test, change or remove it."""
    row = found(service.get, name)
    error = None
    if request.method == "POST":
        error = taken(request, _steps(request, row))
        if error is None:
            gone = request.POST.get("do") == "remove"
            return HttpResponseRedirect("/connections" if gone else request.path)
    last = sweeps.latest(row, whole=True)
    missing = sorted(
        (item for item in row.permissions if item.get("allowed") is not True),
        key=lambda item: (item.get("allowed") is None, item["name"], item.get("account_id", "")),
    )
    values = {
        "row": row,
        "facts": listed.body(row, request.now),
        "ends": service.credential_ends(row),
        "settings": _settings(row),
        "missing": missing[:PERMISSIONS],
        "missing_count": len(missing),
        "allowed": len(row.permissions) - len(missing),
        "last": last,
        "coverage": _coverage(last) if last else None,
        "running": sweeps.unfinished(row),
        "sweeps": table(
            request,
            sweeps_list.LISTING,
            fixed={"connection": row.name},
            links={"slot": "url"},
            hide=("connection",),
            empty="It was never read.",
        ),
        "hooks": Hook.objects.filter(connection=row, removed_at__isnull=True).order_by("name"),
        "typed": typed(request),
        "error": error,
    }
    return render(request, "pages/connection.html", values, status=400 if error else 200)


def _steps(request: HttpRequest, row: Connection) -> Mapping[str, Callable[[], str]]:
    """Return what the forms of the page do, by name."""
    by, now, reason = request.person.name, request.now, text(request, "reason")

    def sync() -> str:
        scheduler.ask(row, actor=by, now=now)
        return f"A sweep of {row.name} is planned; the next free worker takes it up."

    def pause() -> str:
        until = moment(request, "until", f"pausing connection {row.name}")
        service.pause(row, actor=by, now=now, reason=reason, until=until)
        return f"{row.name} rests until then, and is read again by itself."

    def resume() -> str:
        service.resume(row, actor=by, now=now, reason=reason)
        return f"{row.name} is read again."

    def interval() -> str:
        service.change(row, actor=by, now=now, interval_minutes=_minutes(request, row))
        return f"The interval of {row.name} counts from its next sweep on."

    def test() -> str:
        objects = installation().objects
        done = connecting.connect(objects, row.kind, row.name, row.settings, actor=by, now=now)
        return f"{row.name} was tested: {done['state']}."

    def remove() -> str:
        if text(request, "name") != row.name:
            problem = "its name was not typed as it is"
            raise GivenError(f"removing connection {row.name}", problem, f"type {row.name}")
        service.remove(row, actor=by, now=now, reason=reason)
        return f"{row.name} is read no more. What was found and kept stays."

    return {
        "sync": sync, "pause": pause, "resume": resume, "interval": interval, "test": test, "remove": remove,
    }  # fmt: skip


def _minutes(request: HttpRequest, row: Connection) -> int:
    said = text(request, "minutes")
    if not (said.isascii() and said.isdigit() and len(said) <= 6):
        problem = f"{said[:20]!r} is no number of minutes"
        raise GivenError(f"changing connection {row.name}", problem, "write 15")
    return int(said)


def _settings(row: Connection) -> list[tuple[str, str]]:
    """Return the settings as names and texts: references to secrets, never secrets."""
    return [
        (name, ", ".join(map(str, value)) if isinstance(value, list) else str(value))
        for name, value in row.settings.items()
    ]


def _coverage(last: Sweep) -> Mapping[str, Any]:
    """Return accounts × regions with how much of each was read in a sweep, at most `MOST` accounts."""
    cells: dict[tuple[str, str], str] = {}
    for item in reads.places(last, installation().objects):
        word = "partial" if item.read and item.failed else "covered" if item.read else "not read"
        cells[item.account_id, item.region] = word
    gaps = list(CoverageGap.objects.filter(sweep=last).order_by("account_id", "region"))
    names = {gap.account_id: gap.account_name for gap in gaps if gap.account_name}
    for gap in gaps:
        cells[gap.account_id, gap.region] = "not connected"
    unsound = {account for (account, _), word in cells.items() if word != "covered"}
    everywhere = sorted({account for account, _ in cells}, key=lambda item: (item not in unsound, item))
    read_in = {region for (_, region), word in cells.items() if word not in ("not read", "not connected")}
    chosen = everywhere[:MOST]
    regions = sorted({region for _, region in cells}, key=lambda item: (item not in read_in, item))
    label = {account: f"{account} {names.get(account, '')}".strip() for account in chosen}
    counts: dict[str, int] = {}
    for word in cells.values():
        counts[word] = counts.get(word, 0) + 1
    return {
        "accounts": [label[account] for account in chosen],
        "all": len(everywhere),
        "regions": regions,
        "cells": {(label[place[0]], place[1]): word for place, word in cells.items() if place[0] in label},
        "counts": [
            (word, counts[word])
            for word in ("covered", "partial", "not read", "not connected")
            if word in counts
        ],
        "places": len(cells),
        "gaps": gaps[:MOST],
        "gap_count": len(gaps),
        "unknown": last.unknown,
    }


URLS: tuple[Callable[..., Any], ...] = (
    at("connections", index, "connections"),
    at("connections/<str:name>", show, "connection", write=Needs.ADMINISTER),
)
