"""Checks: the catalogue, and one check with its logic, its decisions and what it found."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from proofwatch.errors import ProofwatchError
from proofwatch.listings import checks as listed
from proofwatch.store.models import CheckRun
from proofwatch.store.services import checks as service
from proofwatch.store.services import controls
from proofwatch.web.access import Needs, at
from proofwatch.web.context import installation
from proofwatch.web.parts.tables import table


def index(request: HttpRequest) -> HttpResponse:
    """List the catalogue."""
    found = table(request, listed.LISTING, links={"check": "url", "title": "url"})
    return render(request, "pages/checks.html", {"table": found})


def show(request: HttpRequest, check: str) -> HttpResponse:
    """Show one check; a form turns it on or off, for a reason."""
    item = installation().catalog.checks.get(check)
    if item is None:
        raise Http404
    error, status = None, 200
    if request.method == "POST":
        try:
            turn = service.enable if request.POST.get("do") == "enable" else service.disable
            turn(check, actor=request.person.name, now=request.now, reason=request.POST.get("reason", ""))
        except ProofwatchError as caught:
            error, status = caught, 400
        else:
            installation().sign()
            messages.success(
                request, f"{check} is {'on' if request.POST.get('do') == 'enable' else 'off'} now."
            )
            return HttpResponseRedirect(request.path)
    listing = controls.current()
    off = service.disabled()
    runs = CheckRun.objects.filter(check_id=check).select_related("connection").defer("unread")
    values = {
        "item": item,
        "off": off.get(check) if check in off else None,
        "params": {**item.params, **service.params().get(check, {})},
        "history": service.history(check)[::-1],
        "runs": runs.order_by("-observed_at", "-pk")[:15],
        "controls": [
            found for found in (controls.controls_of(listing) if listing else ()) if check in found.checks
        ],
        "error": error,
        "reason": request.POST.get("reason", ""),
    }
    return render(request, "pages/check.html", values, status=status)


URLS = (
    at("checks", index, "checks"),
    at("checks/<str:check>", show, "check", write=Needs.ADMINISTER),
)
