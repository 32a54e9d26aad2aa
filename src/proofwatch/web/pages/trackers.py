"""Trackers: the ticket systems that tasks are told to."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from proofwatch.listings import trackers as listed
from proofwatch.remediation import trackerbook
from proofwatch.remediation.trackers.registry import kinds, tracker_class
from proofwatch.store.models import TrackerConfig
from proofwatch.web.access import Needs, at
from proofwatch.web.context import installation
from proofwatch.web.pages.channels import shown_settings
from proofwatch.web.parts.fields import fields, given
from proofwatch.web.parts.given import GivenError, text
from proofwatch.web.parts.steps import found, taken
from proofwatch.web.parts.tables import table


def index(request: HttpRequest) -> HttpResponse:
    """List the trackers."""
    values = {
        "tab": "trackers",
        "table": table(
            request, listed.LISTING, links={"tracker": "url"}, empty="There is none: tasks live here only.",
        ),
        "kinds": [(kind, tracker_class(kind).title) for kind in kinds()],
        "add": "/rules/trackers/new",
        "what": "tracker",
        "title": "Trackers",
        "about": "Each task gets a ticket. Closing the ticket is a claim; only readings prove a repair.",
    }  # fmt: skip
    return render(request, "pages/endpoints.html", values)


def new(request: HttpRequest) -> HttpResponse:
    """Add a tracker of a kind."""
    kind = request.GET.get("kind", "")
    if kind not in kinds():
        raise Http404
    error = None
    if request.method == "POST":
        error = taken(request, {"save": lambda: _save(request, text(request, "name"), kind, new=True)})
        if error is None:
            return HttpResponseRedirect(f"/rules/trackers/{text(request, 'name')}")
    said = request.POST.dict() or dict(request.kept)
    cls = tracker_class(kind)
    values = {
        "tab": "trackers", "title": f"Add {cls.title}", "back": ("/rules/trackers", "Trackers"),
        "fields": fields(cls.Settings, {}, said), "said": said, "error": error, "what": "tracker",
    }  # fmt: skip
    return render(request, "pages/endpoint_new.html", values, status=400 if error else 200)


def show(request: HttpRequest, name: str) -> HttpResponse:
    """Show one tracker; forms change and remove it."""
    row = found(trackerbook.get, name)
    error = None
    if request.method == "POST":
        error = taken(request, _steps(request, row))
        if error is None:
            gone = request.POST.get("do") == "remove"
            return HttpResponseRedirect("/rules/trackers" if gone else request.path)
    cls = tracker_class(row.kind)
    said = request.POST.dict() if error and request.POST.get("do") == "save" else {}
    values = {
        "tab": "trackers", "row": row, "what": "tracker", "title": cls.title,
        "back": ("/rules/trackers", "Trackers"), "testable": False,
        "facts": [("Last read", row.polled_at, True), ("Problem", row.problem or "none", False)],
        "settings": shown_settings(row.settings),
        "fields": fields(cls.Settings, row.settings, said),
        "reason": request.POST.get("reason", ""), "error": error,
    }  # fmt: skip
    return render(request, "pages/endpoint.html", values, status=400 if error else 200)


def _steps(request: HttpRequest, row: TrackerConfig) -> Mapping[str, Callable[[], str]]:
    def remove() -> str:
        trackerbook.remove(
            row.name, actor=request.person.name, now=request.now, reason=text(request, "reason")
        )
        return f"{row.name} was removed. Tasks go on without it; its tickets stay named in their steps."

    return {"remove": remove, "save": lambda: _save(request, row.name, row.kind, new=False)}


def _save(request: HttpRequest, name: str, kind: str, *, new: bool) -> str:
    doing = f"adding tracker {name[:60]}"
    if new and (name in ("", "new") or any(row.name == name for row in trackerbook.every())):
        problem = (
            "it needs a name of its own" if name in ("", "new") else f"there is a tracker {name!r} already"
        )
        raise GivenError(doing, problem, "choose another name")
    app = installation()
    settings = given(request, tracker_class(kind).Settings, app.settings.home)
    trackerbook.save(name, kind, settings, actor=request.person.name, now=request.now, client=app.client)
    return f"{name} is saved. Tasks are told to it from now on."


URLS = (
    at("rules/trackers", index, "rule-trackers"),
    at("rules/trackers/new", new, "rule-tracker-new", read=Needs.ADMINISTER, write=Needs.ADMINISTER),
    at("rules/trackers/<str:name>", show, "rule-tracker", write=Needs.ADMINISTER),
)
