"""Exports: what a page lists, as files with their provenance, and an entry of the log."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse

from proofwatch import __version__
from proofwatch.listings.base import Listing, asked_of
from proofwatch.listings.registry import LISTINGS
from proofwatch.reports.tables import write_table
from proofwatch.store import log
from proofwatch.store.django import write
from proofwatch.store.models import Connection
from proofwatch.store.services import sweeps
from proofwatch.web.access import at
from proofwatch.web.context import installation


def export(request: HttpRequest, name: str) -> HttpResponse:
    """Answer with a ZIP: the list as CSV and JSON lines, and what they are beside them."""
    if name not in LISTINGS:
        raise Http404
    listing = LISTINGS[name]
    asked = asked_of(listing, request.GET.dict())
    matching, population = listing.count(asked)
    meta = {
        **provenance(request, listing, asked.without_place()),
        "matching": matching,
        "population": population,
    }
    columns = listing.filed
    rows = (tuple(row.get(column) for column in columns) for row in listing.every(asked))
    with tempfile.TemporaryDirectory(prefix="proofwatch-") as folder:
        done = write_table(Path(folder), name, columns, rows, meta)
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in (done.csv, done.jsonl, done.meta):
                archive.write(path, path.name)
    with write(f"recording the export of {name}"):
        data = {"subject": name, "rows": done.rows, "sha256": done.sha256, "filter": asked.without_place()}
        log.append("export.made", request.person.name, data, request.now)
    installation().sign()
    response = HttpResponse(made.getvalue(), content_type="application/zip")
    response["Content-Disposition"] = (
        f'attachment; filename="proofwatch-{name}-{request.now:%Y%m%dT%H%M%SZ}.zip"'
    )
    return response


def provenance(request: HttpRequest, listing: Listing, chosen: dict[str, str]) -> dict[str, Any]:
    """Return the answers to the five questions about an export (see DESIGN: evidence)."""
    connections = Connection.objects.filter(removed_at=None).order_by("name")
    newest = [(item, sweeps.latest(item)) for item in connections]
    return {
        "system": f"Proofwatch {__version__}",
        "mark": installation().settings.mark,
        "subject": listing.name,
        "question": listing.question,
        "url": request.build_absolute_uri(),
        "generated_at": request.now,
        "generated_by": request.person.name,
        "role": request.person.role,
        "filter": chosen or "none",
        "includes_silenced_and_accepted": "yes",
        "data_as_of": [
            {
                "connection": item.name,
                "sweep": str(run.pk),
                "observed_at": run.observed_at,
                "state": run.state,
            }
            for item, run in newest
            if run
        ],
    }


URLS = (at("export/<str:name>", export, "export"),)
