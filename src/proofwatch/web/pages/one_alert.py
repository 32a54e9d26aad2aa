"""One alert: everything that is known about it, and what a person can do about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import F
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from proofwatch.alerts import dismissals, people, review, rulebook, silences
from proofwatch.alerts.base import ACTIVE, AlertError, State
from proofwatch.alerts.channels.registry import CHANNELS, channel_class
from proofwatch.alerts.routing import Routes
from proofwatch.alerts.times import times
from proofwatch.errors import ProofwatchError
from proofwatch.listings.alerts import flags, sla
from proofwatch.listings.deliveries import told
from proofwatch.remediation import tasks
from proofwatch.remediation.tasks import LIVE, NEEDING
from proofwatch.store import log
from proofwatch.store.django import write
from proofwatch.store.models import Alert, AlertRule, Person, RiskAcceptance, Sweep, Task
from proofwatch.web.access import Needs, may
from proofwatch.web.context import installation
from proofwatch.web.parts.given import GivenError, meanwhile, moment, text, typed
from proofwatch.web.parts.moments import utc
from proofwatch.web.parts.timeline import of_event, stages, timeline
from proofwatch.web.screens import viewer

MANY = 50
UNKNOWN = {"detect": "not known: it failed when it was first read"}


def show(request: HttpRequest, name: str) -> HttpResponse:
    """Show an alert, which is written down as looked at; a POST does what its form says."""
    row = review.get(name)
    if request.method == "POST":
        return _act(request, row)
    happened = review.events(row)
    mine = request.person.name
    known = viewer.looks(request) or any(e.kind == "viewed" and e.actor == mine for e in happened)
    if request.method == "GET" and not known:  # A picture that is taken is nobody who looks.
        review.view(row, by=mine, now=request.now, channel="web")
        installation().sign()
        happened = review.events(row)
    return _page(request, row, happened)


def _act(request: HttpRequest, row: Alert) -> HttpResponse:
    """Do what a form says, unless somebody else did something since its page was made."""
    error, others, done = None, [], ""
    try:
        with write(f"changing {row.name}"):
            log.lock()  # First: nobody does anything between the look at what happened and the step.
            others = meanwhile(request, review.events(row))
            if not others:
                done = _step(request)(request, _key(row))
    except ProofwatchError as refused:
        if not refused.permanent:
            raise
        error = refused
    if error or others:
        fresh = review.get(str(row.pk))
        return _page(request, fresh, review.events(fresh), error=error, others=others)
    installation().sign()
    messages.success(request, done)
    return HttpResponseRedirect(f"/alerts/{_key(row)}")


def _key(row: Alert) -> str:
    return row.name if row.number else str(row.pk)


def _step(request: HttpRequest) -> Callable[[HttpRequest, str], str]:
    do = request.POST.get("do", "")
    if do not in STEPS:
        raise GivenError("changing an alert", "the form does not say what to do", "load the page again")
    return STEPS[do]


def _acknowledge(request: HttpRequest, name: str) -> str:
    row = review.acknowledge(
        name, text(request, "note"), by=request.person.name, now=request.now, channel="web"
    )
    return f"{row.name} is {row.state}; without a task or a review it opens again at {utc(row.ack_until)}."


def _review(request: HttpRequest, name: str) -> str:
    (made,) = review.review(
        [name], text(request, "decision"), text(request, "note"),
        by=request.person.name, now=request.now, channel="web",
    )  # fmt: skip
    tasks.by_policy(request.now)
    return f"{made.alert.name} is reviewed: {made.decision}.{made_tasks([made.alert_id], request.now)}"


def made_tasks(alerts: Sequence[Any], now: datetime) -> str:
    """Say which tasks were made for these alerts just now; "" for none."""
    names = [task.name for task in Task.objects.filter(alert__in=alerts, made_at=now).order_by("number")]
    return f" {', '.join(names)} {'was' if len(names) == 1 else 'were'} made." if names else ""


def _silence(request: HttpRequest, name: str) -> str:
    until = moment(request, "until", "silencing")
    row = silences.make(
        {"alert": name}, text(request, "reason"), until, by=request.person.name, now=request.now,
        until_worse=bool(request.POST.get("until_worse")),
    )  # fmt: skip
    return f"Messages about {name} are held back until {utc(row.until)}."


def _unsilence(request: HttpRequest, name: str) -> str:
    row = silences.end(
        text(request, "silence"), text(request, "reason"), by=request.person.name, now=request.now
    )
    return f"The silence of {row.by} has ended."


def _dismiss(request: HttpRequest, name: str) -> str:
    until = moment(request, "until", f"calling {name} a false positive")
    row, closed = dismissals.dismiss(
        name, text(request, "reason"), until, by=request.person.name, now=request.now
    )
    return f"{row.name} is {row.state}." if closed else f"Another person has to confirm it for {row.name}."


def _task(request: HttpRequest, name: str) -> str:
    due = moment(request, "due", "making a task") if text(request, "due") else None
    if due is not None and due <= request.now:
        raise AlertError("making a task", "its date is past", "name a day to come")
    made = tasks.make(
        name, by=request.person.name, now=request.now, owner=text(request, "owner"), due=due,
        note=text(request, "note"),
    )  # fmt: skip
    return f"{made.name} was made, due {utc(made.due_at)}."


STEPS: Mapping[str, Callable[[HttpRequest, str], str]] = {
    "acknowledge": _acknowledge,
    "review": _review,
    "silence": _silence,
    "unsilence": _unsilence,
    "dismiss": _dismiss,
    "task": _task,
}
"""What a form can ask for → what does it and says what came of it."""


def _page(
    request: HttpRequest,
    row: Alert,
    happened: Sequence[Any],
    *,
    error: ProofwatchError | None = None,
    others: Sequence[Any] = (),
) -> HttpResponse:
    held = silences.running(request.now)
    silence = silences.covering(row, held) if held else None
    sent = list(row.deliveries.select_related("into").prefetch_related("tries").order_by("order"))
    routes = Routes(request.now)
    titles = {item.name: _title(item) for item in routes.channels}
    known = list(Task.objects.filter(alert=row).order_by("-number")[:10])
    acting = may(request.person, Needs.ACT)
    values = {
        "row": row,
        "key": _key(row),
        "flags": flags(row, held),
        "sla": sla(row, request.now),
        "seen": len(happened),
        "stages": stages(row, happened, sent),
        "times": _times(row),
        "timeline": timeline(happened, sent, titles),
        **_resources(row),
        **_messages(row, sent, titles),
        "why": _why(row, routes),
        "silence": silence,
        "evidence": _evidence(row),
        "tasks": known,
        "acceptances": list(RiskAcceptance.objects.filter(scope__alert=row.name).order_by("-number")[:10]),
        "decisions": review.DECISIONS,
        "owners": owners() if acting else [],
        "can": {
            "acknowledge": row.state == State.OPEN,
            "task": row.state in NEEDING and not any(task.state in LIVE for task in known),
            "dismiss": row.state in ACTIVE,
            "accept": row.state in ACTIVE,
        },
        "proposal": _proposal(row, happened),
        "typed": typed(request),
        "error": error,
        "others": [of_event(item) for item in others],
    }
    return render(request, "pages/alert.html", values, status=409 if others else 400 if error else 200)


def _title(channel: Any) -> str:
    """Return who stands behind a channel, and its name where that is another."""
    title = channel_class(channel.kind).title if channel.kind in CHANNELS else channel.kind
    return title if title.lower().startswith(channel.name) else f"{title} ({channel.name})"


def _times(row: Alert) -> list[dict[str, Any]]:
    return [
        {"name": name, "seconds": seconds, "else": UNKNOWN.get(name, "not yet"), "most": name == "detect"}
        for name, seconds in times(row).items()
    ]


def _resources(row: Alert) -> dict[str, Any]:
    """Return the first resources, those that fail before those that ended, and how many there are."""
    rows = row.resources.select_related("finding").order_by(
        F("ended_at").asc(nulls_first=True), "since", "pk"
    )
    found = list(rows[: MANY + 1])
    total = row.resources.count() if len(found) > MANY else len(found)
    connection = row.connection.name if row.connection else ""
    asked = {"state": "open", "control": row.control_id, "connection": connection}
    where = urlencode({key: value for key, value in asked.items() if value})
    return {
        "resources": found[:MANY],
        "resources_total": total,
        "resources_more": total - len(found[:MANY]),
        "findings_url": f"/findings?{where}",
    }


def _messages(row: Alert, sent: Sequence[Any], titles: Mapping[str, str]) -> dict[str, Any]:
    shown = [
        {"item": item, "by": titles.get(item.channel, item.channel), "why": _beside(item),
         "answer": item.receipt.get("answer", "")}
        for item in sent[-MANY:]
    ]  # fmt: skip
    return {"deliveries": shown, "deliveries_total": len(sent)}


def _beside(item: Any) -> str:
    """Return what is to be said about a message beside the provider's answer."""
    words = told(item)
    return "" if words == item.receipt.get("answer") else words


def _why(row: Alert, routes: Routes) -> dict[str, Any]:
    """Return by which rule people were told, on which channels, and whom it names."""
    kept = AlertRule.objects.filter(pk=row.rule_id).first()
    if kept is None:
        return {"rule": None}
    form = rulebook.form(kept)
    on = routes.of(form)
    return {
        "rule": kept,
        "form": form,
        "removed": kept.removed_at is not None,
        "channels": on,
        "others": [channel for channel in routes.channels if channel not in on],
        "named": routes.named(form, row.escalated),
    }


def _evidence(row: Alert) -> list[dict[str, Any]]:
    """Return the readings before and after, each with the sweep that it belongs to."""
    digests = {"before": row.evidence_before, "after": row.evidence_after}
    return [{"name": name, **item} for name, item in sweeps_of(digests).items()]


def sweeps_of(digests: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return name → digest of a manifest and the sweep that made it; the same for each name."""
    wanted = [digest for digest in digests.values() if digest]
    found = {item.manifest: item for item in Sweep.objects.filter(manifest__in=wanted)} if wanted else {}
    return {name: {"digest": digest, "sweep": found.get(digest)} for name, digest in digests.items()}


def owners() -> list[Person]:
    """Return who may repair something."""
    return list(Person.objects.filter(active=True, role__in=people.ACTING).order_by("name"))


def _proposal(row: Alert, happened: Sequence[Any]) -> Any:
    """Return who called it a false positive since it opened last, and is not confirmed yet."""
    since = row.opened_at or row.first_failed_at
    found = [item for item in happened if item.kind == dismissals.PROPOSED and item.at >= since]
    return found[-1] if found and row.state in ACTIVE else None
