"""Where there is no browser: the list that a page shows, kept as PDF in the place of its picture."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from proofwatch.listings.base import Asked
from proofwatch.listings.files import printed
from proofwatch.listings.registry import LISTINGS
from proofwatch.reports.pdf import write_pdf
from proofwatch.reports.provenance import Origin, provenance
from proofwatch.runtime.browsers import REMEDY
from proofwatch.store.services import screenshots
from proofwatch.web import context
from proofwatch.web.screens import ScreenError
from proofwatch.web.screens.asking import Asking, Taken
from proofwatch.web.screens.bridge import origin_of
from proofwatch.web.screens.pages import Page

if TYPE_CHECKING:
    from proofwatch.app import App


def keep(app: App, page: Page, asking: Asking, why: str) -> Iterator[Taken]:
    """Keep what a page lists as PDF: all of it, or its first 50 rows where a picture would show no more.

    Args:
        app: the installation.
        page: which.
        asking: who asks and why.
        why: why there is no picture.

    Raises:
        ScreenError: the page is no list.
        ReportError: the PDF cannot be written.
    """
    if not page.listing:
        raise ScreenError(f"keeping {page.name}", f"{why}, and this page is no list", REMEDY)
    context.serve(app)
    listing, now, settings = LISTINGS[page.listing], datetime.now(UTC), app.settings
    url = f"{origin_of(settings.url)}{page.path}"
    origin = Origin(url, asking.by, now, organization=settings.organization, mark=settings.mark)
    matching, population = listing.count(Asked())
    about = provenance(
        origin, page.listing, title=listing.title, question=listing.question, matching=matching,
        population=population,
    )  # fmt: skip
    rows = listing.every(Asked()) if page.whole else iter(listing.page(Asked()).rows)
    with tempfile.TemporaryDirectory(prefix="proofwatch-") as folder:
        files = write_pdf(Path(folder), page.name, printed(listing), rows, about)
        counts = {
            "list": listing.title, "shown": files.rows, "matching": matching, "population": population,
        }  # fmt: skip
        for part, path in enumerate(files, 1):
            name = page.name if part == 1 else f"{page.name}-{part}"
            facts = {
                **about, "url": url, "page": name, "part": part, "cause": asking.cause, "lists": [counts],
                "browser": "", "why_no_picture": why,
            }  # fmt: skip
            row = screenshots.keep(
                path.read_bytes(), facts, app.objects, page=name, url=url, media_type="application/pdf",
                cause=asking.cause, actor=asking.by, now=now,
            )  # fmt: skip
            yield Taken(name, url, row)
