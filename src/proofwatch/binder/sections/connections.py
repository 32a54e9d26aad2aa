"""Connections, their sweeps, and for each test in the period the proof of what our identity may write."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from proofwatch.binder.archive import Archive
from proofwatch.binder.base import Order
from proofwatch.evidence.entry import parse
from proofwatch.store.models import LogEntry

TESTS = ("at", "connection", "read_only", "identity", "problem", "proof", "entry")


def write(order: Order, archive: Archive) -> None:
    """Write `connections/`."""
    archive.add_list(order, "connections", "connections", within=False)
    archive.add_list(order, "connections", "sweeps")
    tests = list(_tests(order))
    archive.add_rows(
        order,
        "connections/tests",
        TESTS,
        tests,
        title="Tests of connections",
        question="Every test of a connection until the end of the period: who we are there, and whether our "
        "identity may write. The object is the source's own answer.",
    )
    for digest in dict.fromkeys(row[5] for row in tests if row[5]):
        archive.add(f"connections/read-only/{digest}.json", order.tools.objects.get(digest))


def _tests(order: Order) -> Iterator[tuple[Any, ...]]:
    rows = LogEntry.objects.filter(kind="connection.tested", at__lt=order.until).order_by("index")
    for index, raw, at in rows.values_list("index", "entry", "at").iterator(chunk_size=500):
        data = parse(bytes(raw)).data
        yield (
            at, data.get("name", ""), data.get("read_only"), data.get("identity", ""), data.get("problem",
            ""),
            str(data.get("read_only_proof") or ""), index,
        )  # fmt: skip
