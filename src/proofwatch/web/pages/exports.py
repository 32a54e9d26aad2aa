"""Exports: what a page lists, as files with their provenance, and an entry of the log."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from django.http import Http404, HttpRequest, HttpResponse

from proofwatch.listings.base import ListingError, asked_of
from proofwatch.listings.files import record, write_list, write_list_pdf
from proofwatch.listings.registry import LISTINGS
from proofwatch.reports.pdf import Printed
from proofwatch.reports.provenance import Origin
from proofwatch.reports.tables import Written
from proofwatch.web.access import at
from proofwatch.web.context import installation

FORMATS = ("csv", "pdf")


def export(request: HttpRequest, name: str) -> HttpResponse:
    """Answer with a list as files.

    With `format=pdf` this is a PDF, or a ZIP of PDFs where there are too many rows for one. Else it is a ZIP
    of the list as CSV and as JSON lines, with what they are beside them.
    """
    if name not in LISTINGS:
        raise Http404
    listing = LISTINGS[name]
    form = request.GET.get("format", "") or "csv"
    if form not in FORMATS:
        doing = f"exporting {listing.title.lower()}"
        raise ListingError(doing, f"{form!r} is no format", f"known: {', '.join(FORMATS)}")
    asked = asked_of(listing, request.GET.dict())
    origin = origin_of(request)
    with tempfile.TemporaryDirectory(prefix="proofwatch-") as folder:
        done: Written | Printed
        if form == "pdf":
            done = write_list_pdf(listing, asked, Path(folder), origin)
            paths: Sequence[Path] = done
        else:
            done = write_list(listing, asked, Path(folder), origin)
            paths = (done.csv, done.jsonl, done.meta)
        record(name, done, origin, asked.without_place())
        body, kind = (paths[0].read_bytes(), "pdf") if len(paths) == 1 else (_zipped(paths), "zip")
    installation().sign()
    response = HttpResponse(body, content_type=f"application/{kind}")
    response["Content-Disposition"] = (
        f'attachment; filename="proofwatch-{name}-{request.now:%Y%m%dT%H%M%SZ}.{kind}"'
    )
    return response


def _zipped(paths: Sequence[Path]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in paths:
            archive.write(path, path.name)
    return made.getvalue()


def origin_of(request: HttpRequest) -> Origin:
    """Return who exports what they see here."""
    settings, person = installation().settings, request.person
    return Origin(
        request.build_absolute_uri(), person.name, request.now, person.role, settings.organization,
        settings.mark,
    )  # fmt: skip


URLS = (at("export/<str:name>", export, "export"),)
