"""Who signed in, who looked at what, who was given access, and what was exported."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Q

from proofwatch.binder.archive import Archive
from proofwatch.binder.base import Order
from proofwatch.evidence.entry import parse
from proofwatch.store.models import LogEntry

COLUMNS = ("at", "actor", "kind", "data", "entry")
ACCESS = ("access.", "person.", "token.")
EXPORTS = ("export.", "sample.", "evidence.uploaded", "import.", "backup.", "state.")


def write(order: Order, archive: Archive) -> None:
    """Write `access/`."""
    archive.add_rows(
        order,
        "access/access",
        COLUMNS,
        _entries(order, ACCESS),
        title="Access",
        question="Who signed in by which means, was refused, was invited or given a token, and what auditors "
        "looked at.",
    )
    archive.add_rows(
        order,
        "access/exports",
        COLUMNS,
        _entries(order, EXPORTS),
        title="Exports",
        question="What was exported, sampled, added by hand, imported, copied or moved, by whom.",
    )


def _entries(order: Order, kinds: tuple[str, ...]) -> Iterator[tuple[Any, ...]]:
    wanted = Q()
    for kind in kinds:
        wanted |= Q(kind__startswith=kind)
    rows = LogEntry.objects.filter(wanted, at__gte=order.since, at__lt=order.until).order_by("index")
    for index, raw, at, kind in rows.values_list("index", "entry", "at", "kind").iterator(chunk_size=1000):
        entry = parse(bytes(raw))
        yield at, entry.actor, kind, dict(entry.data), index
