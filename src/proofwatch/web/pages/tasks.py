"""Remediation: who repairs what by when, each task with its steps, its tickets and what proved its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from proofwatch.errors import ProofwatchError
from proofwatch.listings import tasks as listed
from proofwatch.remediation import tasks as service
from proofwatch.remediation.tasks import LIVE
from proofwatch.store import log
from proofwatch.store.django import write
from proofwatch.store.models import RiskAcceptance, Task, Ticket
from proofwatch.store.models.remediation import TaskState
from proofwatch.web.access import Needs, at, may
from proofwatch.web.context import installation
from proofwatch.web.pages.one_alert import owners, sweeps_of
from proofwatch.web.parts.given import GivenError, meanwhile, moment, text, typed
from proofwatch.web.parts.moments import utc
from proofwatch.web.parts.tables import table

MANY = 200
UNCLAIMED = (TaskState.OPEN, TaskState.IN_PROGRESS)
TABS = {"tasks": "live", "tasks-mine": "mine", "tasks-all": "all"}
EMPTY = {
    "live": "Nothing is to be repaired.",
    "mine": "Nothing is yours to repair.",
    "all": "No task was made yet. A review that decides to repair makes one.",
}


def index(request: HttpRequest) -> HttpResponse:
    """List the tasks of a tab, the one due first first."""
    view, mine = TABS[request.resolver_match.url_name], request.person.name
    fixed = {"view": "all" if view == "all" else "live"}
    if view == "mine":
        fixed["owner"] = mine
    live = Task.objects.filter(state__in=LIVE)
    counts = {"live": live.count(), "mine": live.filter(owner=mine).count(), "all": Task.objects.count()}
    values = {
        "table": table(
            request, listed.LISTING, fixed=fixed, empty=EMPTY[view],
            links={"task": "url", "title": "url", "alert": "alert_url", "control": "control_url"},
        ),
        "tabs": [(f"/{name.replace('-', '/')}", tab, counts[tab], tab == view) for name, tab in TABS.items()],
        "view": view,
        "late": live.filter(due_at__lte=request.now).count(),
        "live": counts["live"],
        "waiting": RiskAcceptance.objects.filter(state="requested").count(),
    }  # fmt: skip
    return render(request, "pages/tasks.html", values)


def show(request: HttpRequest, name: str) -> HttpResponse:
    """Show a task; a POST does what its form says."""
    row = service.get(name)
    if request.method == "POST":
        return _act(request, row)
    return _page(request, row, service.events(row))


def _act(request: HttpRequest, row: Task) -> HttpResponse:
    """Do what a form says, unless somebody else did something since its page was made."""
    error, others, done = None, [], ""
    try:
        with write(f"changing {row.name}"):
            log.lock()  # First: nobody does anything between the look at what happened and the step.
            others = meanwhile(request, service.events(row))
            if not others:
                done = _step(request)(request, row.name)
    except ProofwatchError as refused:
        if not refused.permanent:
            raise
        error = refused
    if error or others:
        fresh = service.get(row.name)
        return _page(request, fresh, service.events(fresh), error=error, others=others)
    installation().sign()
    messages.success(request, done)
    return HttpResponseRedirect(f"/tasks/{row.name}")


def _step(request: HttpRequest) -> Callable[[HttpRequest, str], str]:
    do = request.POST.get("do", "")
    if do not in STEPS:
        raise GivenError("changing a task", "the form does not say what to do", "load the page again")
    return STEPS[do]


def _assign(request: HttpRequest, name: str) -> str:
    who = text(request, "owner")
    row = service.assign(name, who, by=request.person.name, now=request.now, note=text(request, "note"))
    return f"{row.name} is {row.owner}'s now."


def _begin(request: HttpRequest, name: str) -> str:
    row = service.begin(name, by=request.person.name, now=request.now, note=text(request, "note"))
    return f"{row.name} is {row.state}."


def _comment(request: HttpRequest, name: str) -> str:
    service.comment(name, text(request, "text"), by=request.person.name, now=request.now)
    return "Your comment was added."


def _claim(request: HttpRequest, name: str) -> str:
    row = service.claim_fixed(name, text(request, "note"), by=request.person.name, now=request.now)
    return f"{row.name} is {row.state}. It is read again soon; only that proves it."


def _due(request: HttpRequest, name: str) -> str:
    due = moment(request, "due", f"moving the date of {name}")
    row = service.move_due(name, due, by=request.person.name, now=request.now, reason=text(request, "reason"))
    return f"{row.name} is due {utc(row.due_at)}."


STEPS: Mapping[str, Callable[[HttpRequest, str], str]] = {
    "assign": _assign,
    "begin": _begin,
    "comment": _comment,
    "claim": _claim,
    "due": _due,
}
"""What a form can ask for → what does it and says what came of it."""


def _page(
    request: HttpRequest,
    row: Task,
    happened: Sequence[Any],
    *,
    error: ProofwatchError | None = None,
    others: Sequence[Any] = (),
) -> HttpResponse:
    alert = row.alert
    proof = {
        "before": (alert.evidence_before if alert else "") or row.evidence_before,
        "after": row.evidence_after or (alert.evidence_after if alert else ""),
    }
    tickets = list(Ticket.objects.filter(task=row).order_by("pk").prefetch_related(listed.stuck()))
    values = {
        "row": row,
        "alert": alert,
        "live": row.state in LIVE,
        "late": listed.late(row, request.now),
        "seen": len(happened),
        "steps": happened[-MANY:],
        "left_out": max(len(happened) - MANY, 0),
        "tickets": [
            {"row": item, "problem": listed.problem(item), "href": _web(item.url)} for item in tickets
        ],
        "proof": [{"name": name, **item} for name, item in sweeps_of(proof).items()],
        "owners": owners() if may(request.person, Needs.ACT) else [],
        "can": {"begin": row.state == TaskState.OPEN, "claim": row.state in UNCLAIMED},
        "typed": typed(request),
        "error": error,
        "others": others,
    }  # fmt: skip
    return render(request, "pages/task.html", values, status=409 if others else 400 if error else 200)


def _web(url: str) -> str:
    """Return an address that a tracker gave, if it is one of the web; "" otherwise."""
    parts = urlsplit(url) if "\\" not in url else None
    return url if parts and parts.scheme in ("http", "https") and parts.netloc else ""


URLS = (
    *(at(name.replace("-", "/"), index, name) for name in TABS),
    at("tasks/<str:name>", show, "task", write=Needs.ACT),
)
