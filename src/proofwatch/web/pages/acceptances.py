"""Risk acceptances: asked for by one person, approved by another, for named failures, until a date."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from proofwatch.errors import ProofwatchError
from proofwatch.listings import acceptances as listed
from proofwatch.listings.alerts import connections
from proofwatch.remediation import acceptances as service
from proofwatch.store.models import Finding, RiskAcceptance
from proofwatch.store.services import controls
from proofwatch.web.access import Needs, at, may
from proofwatch.web.context import installation
from proofwatch.web.parts.given import GivenError, moment, text, typed
from proofwatch.web.parts.moments import utc
from proofwatch.web.parts.tables import table

MANY = 50


def index(request: HttpRequest) -> HttpResponse:
    """List the acceptances, newest first."""
    found = table(
        request, listed.LISTING, links={"acceptance": "url", "reason": "url"}, empty="No risk was accepted."
    )
    return render(request, "pages/acceptances.html", {"table": found})


def ask(request: HttpRequest) -> HttpResponse:
    """Show the form that asks for an acceptance; a POST looks at what it covers, or asks."""
    given = _given(request)
    if request.method != "POST":
        return _form(request, given)
    try:
        scope = _scope(given)
        if "tag" in scope:
            installation().refresh_tags([scope["tag"]])
        if request.POST.get("do") == "look":
            return _form(request, given)
        until = moment(request, "until", "asking for an acceptance")
        row = service.request(scope, text(request, "reason"), until, by=request.person.name, now=request.now)
    except ProofwatchError as error:
        if not error.permanent:
            raise
        return _form(request, given, error)
    installation().sign()
    messages.success(request, f"{row.name} was asked for: {row.count} failures until {utc(row.expires_at)}.")
    return HttpResponseRedirect(f"/acceptances/{row.name}")


def _given(request: HttpRequest) -> dict[str, str]:
    """Return the fields of the form: as sent, as kept over a session's end, or as a link fills them in."""
    fields = (*service.FIELDS, "until", "reason")
    if request.method == "POST":
        return {name: text(request, name) for name in fields}
    if request.kept:
        return {name: str(request.kept.get(name, "")) for name in fields}
    found = {name: request.GET.get(name, "")[:2000] for name in fields}
    found["resources"] = "\n".join(request.GET.getlist("resources"))[:20_000]
    return found


def _scope(given: dict[str, str]) -> dict[str, Any]:
    scope: dict[str, Any] = {name: given[name] for name in service.FIELDS if given[name]}
    if "resources" in scope:
        scope["resources"] = [line.strip() for line in scope["resources"].splitlines() if line.strip()]
    if "alert" in scope:
        scope["alert"] = scope["alert"].upper()
    return scope


def _form(request: HttpRequest, given: dict[str, str], error: ProofwatchError | None = None) -> HttpResponse:
    scope, covers, some = _scope(given), None, []
    try:
        if scope:
            rows = service.covered(scope).select_related("connection")
            covers, some = rows.count(), list(rows.order_by("check_id", "resource")[:10])
    except ProofwatchError as unknown:
        error = error or unknown
    listing = controls.current()
    values = {
        "given": {**given, "until": given["until"] or "90d"},
        "scope": listed.scope_words(scope),
        "covers": covers,
        "some": some,
        "more": (covers or 0) - len(some),
        "controls": controls.controls_of(listing) if listing else (),
        "connections": [name for name, _ in connections()],
        "error": error,
    }  # fmt: skip
    return render(request, "pages/acceptance_new.html", values, status=400 if error else 200)


def show(request: HttpRequest, name: str) -> HttpResponse:
    """Show an acceptance; a POST approves, refuses or ends it."""
    row = service.get(name)
    if request.method != "POST":
        return _page(request, row)
    try:
        done = _act(request, row.name)
    except ProofwatchError as error:
        if not error.permanent:
            raise
        return _page(request, service.get(row.name), error)
    installation().sign()
    messages.success(request, done)
    return HttpResponseRedirect(f"/acceptances/{row.name}")


def _act(request: HttpRequest, name: str) -> str:
    do, by, now = request.POST.get("do", ""), request.person.name, request.now
    if do in ("approve", "refuse"):
        row = service.decide(name, do == "approve", text(request, "note"), by=by, now=now)
        return f"{row.name} is {row.state}: {row.count} failures, until {utc(row.expires_at)}."
    if do == "end":
        row = service.end(name, text(request, "reason"), by=by, now=now)
        return f"{row.name} has ended; its failures count again."
    raise GivenError("changing an acceptance", "the form does not say what to do", "load the page again")


def _page(request: HttpRequest, row: RiskAcceptance, error: ProofwatchError | None = None) -> HttpResponse:
    values = {
        "row": row,
        "scope": listed.scope_words(row.scope),
        **_covered(row),
        "barred": _barred(request, row),
        "over": row.expires_at <= request.now,
        "typed": typed(request),
        "error": error,
    }
    return render(request, "pages/acceptance.html", values, status=400 if error else 200)


def _covered(row: RiskAcceptance) -> dict[str, Any]:
    """Return what an acceptance covers now, or would cover if it were approved now."""
    if row.state == "requested":
        rows = service.covered(row.scope).filter(acceptance="", opened_at__lte=row.requested_at)
    else:
        rows = Finding.objects.filter(acceptance=row.name)
    total = rows.count()
    return {"findings": list(rows.order_by("check_id", "resource")[:MANY]), "total": total}


def _barred(request: HttpRequest, row: RiskAcceptance) -> str:
    """Say why a person may not decide about a request; "" if they may."""
    if row.requested_by == request.person.name:
        return "You asked for it: another owner or lead has to decide."
    if not may(request.person, Needs.ADMINISTER):
        return f"You are {request.person.role}: an owner or lead decides about risks."
    return ""


URLS = (
    at("acceptances", index, "task-acceptances"),
    at("acceptances/new", ask, "task-acceptance-new", read=Needs.ACT, write=Needs.ACT),
    at("acceptances/<str:name>", show, "task-acceptance", write=Needs.ACT),
)
