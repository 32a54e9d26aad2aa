"""The list of pictures of pages: what was drawn when, why, and the objects that hold it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from proofwatch.listings.base import Column, Filter, Listing, Row, day, one_of
from proofwatch.listings.sources import Stored
from proofwatch.store.models import Screenshot

CAUSES = ("schedule", "change", "asked")


def body(row: Screenshot) -> Row:
    """Return what is known of one picture."""
    return {
        "screenshot": row.name,
        "page": row.page,
        "at": row.at,
        "cause": row.cause,
        "by": row.by,
        "address": row.url,
        "media_type": row.media_type,
        "object": row.object,
        "sidecar": row.sidecar,
        "url": f"/evidence/screenshots/{row.name}",
        "object_url": f"/evidence/screenshots/{row.name}/picture",
        "sidecar_url": f"/evidence/objects/{row.sidecar}",
    }


def _pages() -> list[tuple[str, str]]:
    names = Screenshot.objects.order_by("page").values_list("page", flat=True).distinct()[:200]
    return [(name, name) for name in names]


def _cause(chosen: QuerySet[Any], text: str) -> QuerySet[Any]:
    return chosen.filter(cause=one_of("pictures of pages", "cause", CAUSES, text))


def _day(text: str) -> datetime:
    return day("pictures of pages", text)


LISTING = Listing(
    name="screenshots",
    title="Pictures of pages",
    question="Every picture that a browser took of a page: when, why, for whom, and where it is kept.",
    columns=(
        Column("screenshot", "Picture", "name"),
        Column("page", "Page"),
        Column("at", "Taken", "moment"),
        Column("cause", "Cause", "text", "schedule, change or asked."),
        Column("by", "By"),
        Column("object", "Picture's SHA-256", "digest"),
        Column("sidecar", "Sidecar's SHA-256", "digest", "The object that says what the picture shows."),
        Column("address", "Address", shown=False),
        Column("media_type", "Media type", shown=False),
    ),
    source=Stored(Screenshot.objects.all, body, {"screenshot": "number", "at": "at", "page": "page"}),
    sorts=("screenshot", "at", "page"),
    sort="-screenshot",
    filters=(
        Filter("page", "Page", lambda chosen, text: chosen.filter(page=text), _pages),
        Filter("cause", "Cause", _cause, lambda: [(name, name) for name in CAUSES]),
        Filter("from", "From", lambda chosen, text: chosen.filter(at__gte=_day(text))),
        Filter("to", "Before", lambda chosen, text: chosen.filter(at__lt=_day(text))),
    ),
)
