"""A list as files: CSV with JSON lines, or PDF; the same rows as on the page and by the API."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from proofwatch.listings.base import Asked, Column, Listing
from proofwatch.reports.pdf import Printed, write_pdf
from proofwatch.reports.provenance import Origin, provenance
from proofwatch.reports.tables import Written, write_table
from proofwatch.store import log
from proofwatch.store.django import write


def write_list(listing: Listing, asked: Asked, folder: Path, origin: Origin, name: str = "") -> Written:
    """Write every matching row of a list, and what it is.

    Args:
        listing: the list.
        asked: filters and sort; a page's place is left out.
        folder: made if needed.
        origin: who makes it, when, and how.
        name: base name of the files; the list's by default.

    Raises:
        ListingError: it is asked for in a way that the list does not know.
        ReportError: the files cannot be written.
    """
    columns = listing.filed
    rows = (tuple(row.get(column) for column in columns) for row in listing.every(asked))
    return write_table(folder, name or listing.name, columns, rows, _about(listing, asked, origin))


def write_list_pdf(listing: Listing, asked: Asked, folder: Path, origin: Origin, name: str = "") -> Printed:
    """Write every matching row of a list as a PDF, or as several where there are too many rows for one.

    Args:
        listing: the list.
        asked: filters and sort; a page's place is left out.
        folder: made if needed.
        origin: who makes it, when, and how.
        name: base name of the files; the list's by default.

    Returns:
        The files, in order; also how many rows they hold.

    Raises:
        ListingError: it is asked for in a way that the list does not know.
        ReportError: the files cannot be written.
    """
    about = _about(listing, asked, origin)
    return write_pdf(folder, name or listing.name, printed(listing), listing.every(asked), about)


def printed(listing: Listing) -> Sequence[Column]:
    """Return the columns of a PDF: those of the page without drawings, and always what names a row."""
    first, *others = listing.columns
    return [first, *(item for item in others if item.shown and item.kind != "strip")]


def _about(listing: Listing, asked: Asked, origin: Origin) -> dict[str, Any]:
    matching, population = listing.count(asked)
    return provenance(
        origin, listing.name, title=listing.title, question=listing.question,
        chosen=asked.without_place(), matching=matching, population=population,
    )  # fmt: skip


def record(subject: str, done: Written | Printed, origin: Origin, chosen: dict[str, str]) -> None:
    """Write into the log that records were exported; who handed them out signs the head afterwards."""
    if isinstance(done, Printed):
        digests = done.digests()
        named: dict[str, Any] = {"format": "pdf", "files": digests}
        if len(digests) == 1:
            named = {"format": "pdf", "sha256": next(iter(digests.values()))}
    else:
        named = {"format": "csv", "sha256": done.sha256}
    with write(f"recording the export of {subject}"):
        data = {"subject": subject, "rows": done.rows, **named, "filter": chosen}
        log.append("export.made", origin.by, data, origin.now)
