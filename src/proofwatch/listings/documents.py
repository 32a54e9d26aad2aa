"""The list of documents that people added as evidence, with the days that each speaks of."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from proofwatch.listings.base import Column, Filter, Listing, Row
from proofwatch.listings.sources import Stored
from proofwatch.store.models import ManualEvidence


def body(row: ManualEvidence) -> Row:
    """Return what is known of one document."""
    return {
        "document": row.name,
        "title": row.title,
        "control": row.control_id,
        "effective_from": row.effective_from.isoformat(),
        "effective_to": row.effective_to.isoformat(),
        "source": row.source,
        "about": row.about,
        "task": row.task,
        "filename": row.filename,
        "media_type": row.media_type,
        "size": row.size,
        "sha256": row.sha256,
        "by": row.by,
        "at": row.at,
        "url": f"/evidence/documents/{row.name}",
    }


def _said(chosen: QuerySet[Any], text: str) -> QuerySet[Any]:
    return chosen.filter(
        Q(title__icontains=text)
        | Q(about__icontains=text)
        | Q(source__icontains=text)
        | Q(sha256=text.lower())
    )


def _controls() -> list[tuple[str, str]]:
    names = ManualEvidence.objects.order_by("control_id").values_list("control_id", flat=True).distinct()
    return [(name, name) for name in names]


LISTING = Listing(
    name="documents",
    title="Documents",
    question="What people added as evidence: for which control, of which days, from where.",
    columns=(
        Column("document", "Document", "name"),
        Column("title", "Title"),
        Column("control", "Control", "name"),
        Column("effective_from", "From", "text", "The first day that it speaks of."),
        Column("effective_to", "To", "text", "The last day that it speaks of."),
        Column("source", "Comes from"),
        Column("at", "Added", "moment"),
        Column("by", "By"),
        Column("sha256", "SHA-256", "digest"),
        Column("about", "What it shows", shown=False),
        Column("task", "Task", shown=False),
        Column("filename", "File", shown=False),
        Column("media_type", "Media type", shown=False),
        Column("size", "Bytes", "number", shown=False),
    ),
    source=Stored(ManualEvidence.objects.all, body, {"document": "number", "control": "control_id"}),
    sorts=("document", "control"),
    sort="-document",
    filters=(
        Filter("q", "Search", _said),
        Filter("control", "Control", lambda chosen, text: chosen.filter(control_id=text), _controls),
    ),
)  # fmt: skip
