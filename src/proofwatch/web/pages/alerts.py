"""Alerts: what needs somebody, reviewed one by one or together; the messages, and the review log."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import Count, Max
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from proofwatch.alerts import review
from proofwatch.alerts.base import AlertError
from proofwatch.errors import ProofwatchError
from proofwatch.listings import alerts as listed
from proofwatch.listings import deliveries, reviews
from proofwatch.remediation import tasks
from proofwatch.store import log
from proofwatch.store.django import write
from proofwatch.store.models import Alert, AlertEvent
from proofwatch.store.models.alerts import AlertState
from proofwatch.web.access import Needs, at, may
from proofwatch.web.context import installation
from proofwatch.web.pages import one_alert
from proofwatch.web.parts.given import text, typed
from proofwatch.web.parts.moments import utc
from proofwatch.web.parts.tables import table

TABS = {
    "alerts": "needs review",
    "alerts-remediation": "in remediation",
    "alerts-watched": "watched",
    "alerts-restored": "restored",
    "alerts-all": "all",
}
"""Name of the address → the view that it shows."""
ABOUT = {
    "needs review": "Active, and nobody has reviewed it since it began or got worse.",
    "in remediation": "A task is under way, or somebody says that it is fixed.",
    "watched": "Active and reviewed, and nobody repairs it.",
    "restored": "Complete passing readings proved that it is repaired, or that the resource is gone.",
    "all": "Every alert that was told, whatever became of it.",
}
EMPTY = {
    "needs review": "Nothing waits for a review.",
    "in remediation": "Nothing is being repaired.",
    "watched": "Nothing is watched.",
    "restored": "Nothing was verified restored yet.",
    "all": "No alert was told yet.",
}
LINKS = {"alert": "url", "headline": "url", "control": "control_url", "connection": "connection_url"}
AGAIN = "look at what they did; your decision and note are kept below, and nothing of it was done yet"
MOST_TOLD = 5
CARRIED = ("q", "severity", "control", "connection")


def index(request: HttpRequest) -> HttpResponse:
    """List the alerts of a tab; a POST reviews those that are ticked."""
    if request.method != "POST":
        return _list(request)
    doing = "reviewing alerts"
    chosen = request.POST.getlist("chosen")
    try:
        if not chosen:
            raise AlertError(doing, "no alert is chosen", "tick at least one in the list")
        with write(doing):
            log.lock()  # First: nobody does anything between the look at what happened and the step.
            if others := _meanwhile(request, chosen):
                error = AlertError(doing, f"others did something meanwhile: {others}", AGAIN)
                return _list(request, frozenset(chosen), error, 409)
            made = review.review(
                chosen, text(request, "decision"), text(request, "note"),
                by=request.person.name, now=request.now, channel="web",
            )  # fmt: skip
        tasks.by_policy(request.now)
    except ProofwatchError as error:
        if not error.permanent:
            raise
        return _list(request, frozenset(chosen), error)
    installation().sign()
    alerts = [item.alert_id for item in made]
    messages.success(
        request, f"{len(made)} reviewed: {made[0].decision}.{one_alert.made_tasks(alerts, request.now)}"
    )
    return HttpResponseRedirect(request.get_full_path())


def _meanwhile(request: HttpRequest, chosen: Sequence[str]) -> str:
    """Say what others did to the chosen alerts since the list was made; "" if nothing."""
    said = request.POST.get("made", "")
    made = int(said) if said.isascii() and said.isdigit() and len(said) < 18 else 0
    numbers = [int(name[3:]) for name in chosen if re.fullmatch(r"AL-[0-9]{1,8}", name)]
    rows = AlertEvent.objects.filter(alert__number__in=numbers, pk__gt=made).exclude(kind="viewed")
    rows = rows.exclude(actor=request.person.name).select_related("alert").order_by("pk")[:MOST_TOLD]
    return "; ".join(f"{row.alert.name} {row.kind} by {row.actor} at {utc(row.at)}" for row in rows)


def _list(
    request: HttpRequest,
    chosen: frozenset[str] = frozenset(),
    error: ProofwatchError | None = None,
    status: int = 400,
) -> HttpResponse:
    view = TABS[request.resolver_match.url_name]
    carried = {key: request.GET[key] for key in CARRIED if request.GET.get(key)}
    counts = listed.numbered().order_by().aggregate(
        **{name: Count("pk", filter=listed.VIEWS[view]) for name, view in TABS.items() if view != "all"},
        all=Count("pk"),
    )  # fmt: skip
    values = {
        "table": table(
            request, listed.LISTING, fixed={"view": view}, empty=EMPTY[view], chosen=chosen,
            links=LINKS,
            select="alert" if may(request.person, Needs.ACT) else "",
        ),
        "tabs": [
            {
                "href": f"/{name.replace('-', '/')}" + (f"?{urlencode(carried)}" if carried else ""),
                "title": title,
                "count": counts["all" if title == "all" else name],
                "here": title == view,
            }
            for name, title in TABS.items()
        ],
        "view": view,
        "about": ABOUT[view],
        "waiting": Alert.objects.filter(current=True, state=AlertState.PENDING).count(),
        "decisions": review.DECISIONS,
        "typed": typed(request).get("review-many", {}),
        "made": AlertEvent.objects.aggregate(last=Max("pk"))["last"] or 0,
        "error": error,
    }  # fmt: skip
    return render(request, "pages/alerts.html", values, status=status if error else 200)


def sent(request: HttpRequest) -> HttpResponse:
    """List the messages about alerts."""
    found = table(request, deliveries.LISTING, links={"alert": "url"}, empty="No message was queued yet.")
    return render(request, "pages/alert_log.html", {"table": found, "title": deliveries.LISTING.title})


def reviewed(request: HttpRequest) -> HttpResponse:
    """Show the review log."""
    found = table(
        request, reviews.LISTING, links={"alert": "url", "evidence_seen": "evidence_url"},
        empty="Nothing was reviewed yet.",
    )  # fmt: skip
    return render(request, "pages/alert_log.html", {"table": found, "title": reviews.LISTING.title})


URLS = (
    *(at(name.replace("-", "/"), index, name, write=Needs.ACT) for name in TABS),
    at("alerts/messages", sent, "alert-messages"),
    at("alerts/reviews", reviewed, "alert-reviews"),
    at("alerts/<str:name>", one_alert.show, "alert", write=Needs.ACT),
)
