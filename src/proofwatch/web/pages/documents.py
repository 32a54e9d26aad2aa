"""Documents: evidence that people add by hand, for controls that no reading can show."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from proofwatch.listings import documents as listed
from proofwatch.store.services import controls, uploads
from proofwatch.web.access import Needs, at
from proofwatch.web.context import installation
from proofwatch.web.parts.given import GivenError, day_given, text
from proofwatch.web.parts.steps import found, taken
from proofwatch.web.parts.tables import table

DOING = "adding evidence"


def index(request: HttpRequest) -> HttpResponse:
    """List the documents."""
    shown = table(
        request, listed.LISTING, links={"document": "url", "title": "url"}, empty="Nobody added one yet.",
    )  # fmt: skip
    return render(request, "pages/documents.html", {"table": shown})


def show(request: HttpRequest, name: str) -> HttpResponse:
    """Show one document; its bytes stand under their digest."""
    return render(request, "pages/document.html", {"row": found(uploads.get, name)})


def upload(request: HttpRequest) -> HttpResponse:
    """Add a document; the days that it speaks of are required and are not the day of adding."""
    error = None
    if request.method == "POST":
        made: list[str] = []
        error = taken(request, {"add": lambda: _add(request, made)})
        if error is None:
            return HttpResponseRedirect(f"/evidence/documents/{made[0]}")
    said = request.POST.dict() or dict(request.kept)
    listing = controls.current()
    values = {
        "controls": controls.controls_of(listing) if listing else (),
        "said": {**request.GET.dict(), **said},
        "error": error,
        "largest": uploads.LARGEST // 1024 // 1024,
    }
    return render(request, "pages/upload.html", values, status=400 if error else 200)


def _add(request: HttpRequest, made: list[str]) -> str:
    first = day_given(request, "effective_from", DOING)
    last = day_given(request, "effective_to", DOING) if text(request, "effective_to") else first
    file = request.FILES.get("file")
    if file is None:
        raise GivenError(DOING, "no file was chosen", "choose one")
    if file.size > uploads.LARGEST:
        problem = f"it is larger than {uploads.LARGEST // 1024 // 1024} MB"
        raise GivenError(DOING, problem, "add it in parts")
    row = uploads.add(
        file.read(), installation().objects, title=text(request, "title"), control=text(request, "control"),
        about=text(request, "about"), source=text(request, "source"), effective_from=first,
        effective_to=last, filename=file.name, media_type=file.content_type or "",
        actor=request.person.name, now=request.now, task=text(request, "task"),
    )  # fmt: skip
    made.append(row.name)
    return f"{row.name} is kept as evidence of {row.control_id}."


URLS = (
    at("evidence/documents", index, "evidence-documents"),
    at("evidence/documents/<str:name>", show, "evidence-document"),
    at("evidence/upload", upload, "evidence-upload", read=Needs.ACT, write=Needs.ACT),
)
