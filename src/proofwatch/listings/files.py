"""A list as files: CSV and JSON lines with their provenance, the same rows as on the page and by the API."""

from __future__ import annotations

from pathlib import Path

from proofwatch.listings.base import Asked, Listing
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
    matching, population = listing.count(asked)
    about = provenance(
        origin, listing.name, title=listing.title, question=listing.question,
        chosen=asked.without_place(), matching=matching, population=population,
    )  # fmt: skip
    columns = listing.filed
    rows = (tuple(row.get(column) for column in columns) for row in listing.every(asked))
    return write_table(folder, name or listing.name, columns, rows, about)


def record(subject: str, done: Written, origin: Origin, chosen: dict[str, str]) -> None:
    """Write into the log that records were exported; who handed them out signs the head afterwards."""
    with write(f"recording the export of {subject}"):
        data = {"subject": subject, "rows": done.rows, "sha256": done.sha256, "filter": chosen}
        log.append("export.made", origin.by, data, origin.now)
