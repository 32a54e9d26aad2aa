"""Checks: the catalogue, and one check with its logic, its decisions, its versions and what it found."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.db.models import Count, Max, Min
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from proofwatch.checks.base import Check
from proofwatch.listings import checks as listed
from proofwatch.store.models import CheckRun
from proofwatch.store.services import checks as service
from proofwatch.store.services import controls
from proofwatch.web.access import Needs, at
from proofwatch.web.context import installation
from proofwatch.web.pages.own_checks import is_own
from proofwatch.web.parts.archived import archived
from proofwatch.web.parts.given import text
from proofwatch.web.parts.params import fields_of, given_params
from proofwatch.web.parts.steps import taken
from proofwatch.web.parts.tables import table


def index(request: HttpRequest) -> HttpResponse:
    """List the catalogue."""
    found = table(request, listed.LISTING, links={"check": "url", "title": "url"})
    values = {"table": found, "problem": installation().catalog_problem}
    return render(request, "pages/checks.html", values)


def show(request: HttpRequest, check: str) -> HttpResponse:
    """Show one check; forms turn it on or off and set its parameters, for a reason."""
    item = installation().catalog.checks.get(check)
    if item is None:
        raise Http404
    error = None
    if request.method == "POST":
        error = taken(request, _steps(request, item))
        if error is None:
            return HttpResponseRedirect(request.path)
    listing = controls.current()
    off = service.disabled()
    now = {**item.params, **service.params().get(check, {})}
    runs = CheckRun.objects.filter(check_id=check)
    versions = runs.values("check_version").annotate(
        first=Min("observed_at"), last=Max("observed_at"), runs=Count("pk")
    )
    values = {
        "item": item,
        "own": is_own(item),
        "off": off.get(check) if check in off else None,
        "fields": fields_of(item, now, request.POST.dict() if request.POST.get("do") == "params" else {}),
        "history": service.history(check)[::-1],
        "archived": archived(None, tables=("check_run",)),
        "versions": versions.order_by("-last")[:20],
        "runs": runs.select_related("connection").defer("unread").order_by("-observed_at", "-pk")[:15],
        "controls": [
            found for found in (controls.controls_of(listing) if listing else ()) if check in found.checks
        ],
        "error": error,
        "reason": request.POST.get("reason", ""),
    }  # fmt: skip
    return render(request, "pages/check.html", values, status=400 if error else 200)


def _steps(request: HttpRequest, item: Check) -> Mapping[str, Callable[[], str]]:
    by, now, reason = request.person.name, request.now, text(request, "reason")

    def params() -> str:
        service.decide(item.id, actor=by, now=now, reason=reason, params=given_params(request, item))
        return f"The parameters of {item.id} hold from the next sweep on."

    def enable() -> str:
        service.enable(item.id, actor=by, now=now, reason=reason)
        return f"{item.id} is on now."

    def disable() -> str:
        service.disable(item.id, actor=by, now=now, reason=reason)
        return f"{item.id} is off now."

    return {"params": params, "enable": enable, "disable": disable}


URLS = (
    at("checks", index, "checks"),
    at("checks/<str:check>", show, "check", write=Needs.ADMINISTER),
)
