"""What people added by hand, and pages as a browser drew them."""

from __future__ import annotations

import re

from proofwatch.binder.archive import Archive
from proofwatch.binder.base import Order
from proofwatch.store.models import ManualEvidence, Screenshot

_ODD = re.compile(r"[^A-Za-z0-9._-]+")
PICTURES = {"image/png": "png", "application/pdf": "pdf"}


def documents(order: Order, archive: Archive) -> None:
    """Write `documents/`: every document that speaks of a day of the period, also if it was added later."""
    archive.add_list(order, "documents", "documents", within=False)
    # Their entries lie under the head, which is signed after this: nothing is in it that no entry names.
    rows = ManualEvidence.objects.filter(
        effective_from__lte=order.audit.last, effective_to__gte=order.audit.first
    )
    for row in rows.order_by("number"):
        path = order.tools.objects.path(row.sha256)
        archive.add_file(f"documents/{row.name}-{plain(row.filename)}", path)


def screenshots(order: Order, archive: Archive) -> None:
    """Write `screenshots/`: every picture that was taken in the period, and what it shows."""
    archive.add_list(order, "screenshots", "screenshots")
    rows = Screenshot.objects.filter(at__gte=order.since, at__lt=order.until).order_by("number")
    number = 0
    for row in rows.iterator(chunk_size=200):
        base = f"screenshots/{row.at:%Y-%m-%dT%H%M%SZ}-{row.name}-{plain(row.page)}"
        ending = PICTURES.get(row.media_type, "bin")
        archive.add_file(f"{base}.{ending}", order.tools.objects.path(row.object), packed=False)
        if row.sidecar:
            archive.add_file(f"{base}.json", order.tools.objects.path(row.sidecar))
        number += 1
    order.facts["screenshots"] = number


def plain(text: str) -> str:
    """Return a name that means the same on every system: letters, digits, `.`, `_`, `-`."""
    return _ODD.sub("-", text).strip("-.")[-80:] or "unnamed"
