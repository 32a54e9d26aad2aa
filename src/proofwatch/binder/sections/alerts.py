"""The alert history, the messages, the reviews, the drills; the first and third as PDF, too."""

from __future__ import annotations

import tempfile
from pathlib import Path

from proofwatch.binder.archive import Archive
from proofwatch.binder.base import Order
from proofwatch.listings.base import Asked
from proofwatch.listings.files import write_list_pdf
from proofwatch.listings.registry import LISTINGS

PRINTED = ("alerts", "reviews")


def write(order: Order, archive: Archive) -> None:
    """Write `alerts/`."""
    for name in ("alerts", "deliveries", "reviews", "drills", "silences", "rules", "matrix", "channels"):
        archive.add_list(order, "alerts", name, within=name in ("alerts", "deliveries", "reviews", "drills"))
    for name in PRINTED:
        print_list(order, archive, "alerts", name)


def print_list(order: Order, archive: Archive, folder: str, name: str) -> None:
    """Add a list of the period as PDF, in several files above 5,000 rows."""
    with tempfile.TemporaryDirectory(dir=order.work) as made:
        for path in write_list_pdf(LISTINGS[name], Asked(filters=order.span), Path(made), order.origin):
            archive.add_file(f"{folder}/{path.name}", path, packed=False)
