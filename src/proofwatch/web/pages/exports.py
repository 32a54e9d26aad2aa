"""Exports: what a page lists, as files with their provenance, and an entry of the log."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path

from django.http import Http404, HttpRequest, HttpResponse

from proofwatch.listings.base import asked_of
from proofwatch.listings.files import record, write_list
from proofwatch.listings.registry import LISTINGS
from proofwatch.reports.provenance import Origin
from proofwatch.web.access import at
from proofwatch.web.context import installation


def export(request: HttpRequest, name: str) -> HttpResponse:
    """Answer with a ZIP: the list as CSV and JSON lines, and what they are beside them."""
    if name not in LISTINGS:
        raise Http404
    listing = LISTINGS[name]
    asked = asked_of(listing, request.GET.dict())
    origin = origin_of(request)
    with tempfile.TemporaryDirectory(prefix="proofwatch-") as folder:
        done = write_list(listing, asked, Path(folder), origin)
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in (done.csv, done.jsonl, done.meta):
                archive.write(path, path.name)
    record(name, done, origin, asked.without_place())
    installation().sign()
    response = HttpResponse(made.getvalue(), content_type="application/zip")
    response["Content-Disposition"] = (
        f'attachment; filename="proofwatch-{name}-{request.now:%Y%m%dT%H%M%SZ}.zip"'
    )
    return response


def origin_of(request: HttpRequest) -> Origin:
    """Return who exports what they see here."""
    settings, person = installation().settings, request.person
    return Origin(
        request.build_absolute_uri(), person.name, request.now, person.role, settings.organization,
        settings.mark,
    )  # fmt: skip


URLS = (at("export/<str:name>", export, "export"),)
