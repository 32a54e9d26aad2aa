"""Repairs: tasks with their tickets, accepted risks, and every finding with what it was before and after."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from proofwatch.binder.archive import Archive
from proofwatch.binder.base import Order
from proofwatch.binder.sections.alerts import print_list
from proofwatch.store.models import FindingEvent

COLUMNS = (
    "at", "what", "check", "check_version", "account", "region", "resource", "reason", "finding", "sweep",
    "sweep_manifest",
)  # fmt: skip


def write(order: Order, archive: Archive) -> None:
    """Write `remediation/`."""
    for name in ("tasks", "acceptances"):
        archive.add_list(order, "remediation", name)
        print_list(order, archive, "remediation", name)
    archive.add_rows(
        order, "remediation/findings", COLUMNS, _events(order), title="What became of findings",
        question="Every change of every finding: opened, restored, regressed, interrupted; the manifest "
        "names "
        "the readings that showed it, before and after.",
    )  # fmt: skip


def _events(order: Order) -> Iterator[tuple[Any, ...]]:
    rows = FindingEvent.objects.filter(at__gte=order.since, at__lt=order.until).order_by("at", "pk")
    found = rows.values_list(
        "at", "kind", "finding__check_id", "check_version", "finding__account_id", "finding__region",
        "finding__resource", "reason", "finding_id", "sweep_id", "sweep__manifest",
    )  # fmt: skip
    for row in found.iterator(chunk_size=2000):
        yield (*row[:8], str(row[8]), str(row[9]), row[10])
