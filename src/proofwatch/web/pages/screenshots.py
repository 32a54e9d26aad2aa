"""Pictures of pages: what was drawn and when, each with what it shows; a form asks for new ones."""

from __future__ import annotations

import json
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from proofwatch.errors import ProofwatchError
from proofwatch.listings import screenshots as listed
from proofwatch.runtime import browsers
from proofwatch.store.models import Screenshot
from proofwatch.store.services import screenshots
from proofwatch.web.access import Needs, at
from proofwatch.web.context import installation
from proofwatch.web.parts.steps import found, taken
from proofwatch.web.parts.tables import table
from proofwatch.web.screens import due
from proofwatch.web.screens.pages import PAGES

EMPTY = "No picture was taken yet: a worker takes them every week."
LINKS = {"screenshot": "url", "page": "url", "object": "object_url", "sidecar": "sidecar_url"}


def index(request: HttpRequest) -> HttpResponse:
    """List the pictures, with the newest of each page to look at; the form asks a worker for new ones."""
    error = None
    if request.method == "POST":
        error = taken(request, {"take": lambda: _ask(request)})
        if error is None:
            return HttpResponseRedirect(request.path)
    values = {
        "table": table(
            request,
            listed.LISTING,
            links=LINKS,
            empty="No picture was taken yet: a worker takes them weekly.",
        ),
        "newest": _newest(),
        "problem": browsers.problem(installation().settings.browser),
        "error": error,
    }
    return render(request, "pages/screenshots.html", values, status=400 if error else 200)


def _ask(request: HttpRequest) -> str:
    if due.ask(request.person.name, request.now):
        return "A worker takes the pictures now; they stand here within minutes."
    return "That was asked for already, and a worker takes the pictures."


def _newest() -> list[Screenshot]:
    """Return the newest picture of each page that is taken regularly, in their order."""
    rows = (
        Screenshot.objects.filter(page=page.name, media_type="image/png").order_by("-number").first()
        for page in PAGES
    )
    return [row for row in rows if row is not None]


def show(request: HttpRequest, name: str) -> HttpResponse:
    """Show one picture with what its sidecar says."""
    row = found(screenshots.get, name)
    facts, problem = _facts(row)
    values = {"row": row, "facts": facts, "problem": problem, "drawn": row.media_type == "image/png"}
    return render(request, "pages/screenshot.html", values)


def _facts(row: Screenshot) -> tuple[dict[str, Any], ProofwatchError | None]:
    """Return what the sidecar says, proven by its digest; or why it cannot be read."""
    try:
        data = json.loads(installation().objects.get(row.sidecar))
    except ProofwatchError as error:
        return {}, error
    return (data if isinstance(data, dict) else {}), None


def picture(request: HttpRequest, name: str) -> HttpResponse:
    """Answer with the bytes of a picture, proven by their digest; only of what was kept as one."""
    row = found(screenshots.get, name)
    begins = screenshots.BEGINS.get(row.media_type)
    data = installation().objects.get(row.object)
    if begins is None or not data.startswith(begins):
        raise Http404
    ending = "png" if row.media_type == "image/png" else "pdf"
    response = HttpResponse(data, content_type=row.media_type)
    response["Content-Disposition"] = f'inline; filename="{row.name}-{row.at:%Y%m%dT%H%M%SZ}.{ending}"'
    return response


URLS = (
    at("evidence/screenshots", index, "evidence-screenshots", write=Needs.ACT),
    at("evidence/screenshots/<str:name>", show, "evidence-screenshot"),
    at("evidence/screenshots/<str:name>/picture", picture, "evidence-picture"),
)
