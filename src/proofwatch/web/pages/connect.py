"""Connecting a system, step by step: what it is, what lets us read it, and its settings."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from proofwatch import connecting
from proofwatch.connectors.base import usual_name
from proofwatch.connectors.registry import CONNECTORS, connector_class
from proofwatch.store.services import connections
from proofwatch.web.access import Needs, at
from proofwatch.web.context import installation
from proofwatch.web.parts.fields import fields, given
from proofwatch.web.parts.given import GivenError, text
from proofwatch.web.parts.steps import taken

DOING = "connecting"


def new(request: HttpRequest) -> HttpResponse:
    """Guide through a new connection; the form connects, or says what the provider refused."""
    kind = request.GET.get("kind", "")
    if kind and kind not in CONNECTORS:
        raise Http404
    if not kind:
        kinds = [(name, connector_class(name)) for name in sorted(CONNECTORS)]
        values: dict[str, Any] = {
            "kinds": [{"kind": name, "title": cls.title, "tables": len(cls.tables())} for name, cls in kinds]
        }
        return render(request, "pages/connect_kinds.html", values)
    cls, error = connector_class(kind), None
    if request.method == "POST":
        error = taken(request, {"connect": lambda: _connect(request, kind)})
        if error is None:
            return HttpResponseRedirect(f"/connections/{text(request, 'name')}")
    said = request.POST.dict() or dict(request.kept)
    values = {
        "kind": kind,
        "title": cls.title,
        "tables": len(cls.tables()),
        "documents": cls.documents(),
        "fields": fields(cls.Settings, {}, said),
        "name": said.get("name", _free(kind)),
        "minutes": said.get("minutes", str(connecting.INTERVAL)),
        "error": error,
    }
    return render(request, "pages/connect.html", values, status=400 if error else 200)


def document(request: HttpRequest, kind: str, name: str) -> HttpResponse:
    """Give one of the documents that let us read, as a file."""
    known = {item.name: item for item in connector_class(kind).documents()} if kind in CONNECTORS else {}
    if name not in known:
        raise Http404
    answer = HttpResponse(known[name].text, content_type="application/json")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _connect(request: HttpRequest, kind: str) -> str:
    name, said = text(request, "name"), text(request, "minutes") or str(connecting.INTERVAL)
    if name in ("", "new") or any(item.name == name for item in connections.every()):
        problem = f"there is a connection {name!r} already" if name not in ("", "new") else "it needs a name"
        raise GivenError(DOING, problem, "choose another name")
    if not (said.isascii() and said.isdigit() and len(said) <= 6):
        raise GivenError(DOING, f"{said[:20]!r} is no number of minutes", "write 15")
    app = installation()
    settings = given(request, connector_class(kind).Settings, app.settings.home)
    done = connecting.connect(
        app.objects, kind, name, settings, actor=request.person.name, now=request.now, interval=int(said)
    )
    return f"{name} was made: {done['state']}. Its first sweep is due now; a worker takes it up."


def _free(kind: str) -> str:
    """Return a name for a connection that is not taken."""
    taken_names = {item.name for item in connections.every()}
    usual = usual_name(kind)
    names = [usual, *(f"{usual}-{number}" for number in range(2, 100))]
    return next((name for name in names if name not in taken_names), "")


URLS = (
    at("connections/new", new, "connection-new", read=Needs.ADMINISTER, write=Needs.ADMINISTER),
    at("connections/new/<str:kind>/<str:name>", document, "connection-document", read=Needs.ADMINISTER),
)
