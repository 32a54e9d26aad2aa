"""Take pictures of pages and keep them: each with a band that says what it is, and a sidecar of facts."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from proofwatch.errors import ProofwatchError
from proofwatch.reports.provenance import Origin, provenance
from proofwatch.runtime import browsers
from proofwatch.store.models import Screenshot
from proofwatch.store.services import screenshots
from proofwatch.store.services.actors import acting
from proofwatch.web.screens import ScreenError, viewer
from proofwatch.web.screens.asking import Asking, Taken
from proofwatch.web.screens.bridge import Bridge
from proofwatch.web.screens.camera import HEIGHT, HIGHEST, Camera, Sight
from proofwatch.web.screens.pages import MOST_PARTS, Page

if TYPE_CHECKING:
    from proofwatch.app import App

QUESTION = "How did this page look to somebody who may read everything and change nothing?"
RULE = (
    "text is what is visible on the page without the band (innerText), each line stripped, empty lines left "
    "out, joined by LF; the moment at which the page was made stands as (now), distances from it as (ago). "
    "text_sha256 is the SHA-256 of its UTF-8 bytes: the same state gives the same digest."
)
AGO = re.compile(r"(?:\d+ (?:d|h|min|s) ){1,2}ago")
UNSEEN = re.compile(r"[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
LONGEST = 200


def take(app: App, pages: Sequence[Page], asking: Asking) -> Iterator[Taken]:
    """Take pictures of pages, one after the other; a page that fails is recorded and stops no other.

    Where there is no browser, the lists that the pages show are kept as PDF.

    Args:
        app: the installation, with the pages set up.
        pages: which.
        asking: who asks and why.

    Raises:
        StoreError: who asks may not add evidence, or the state cannot be used.
    """
    acting(asking.by, screenshots.DOING)
    if problem := browsers.problem(app.settings.browser):
        from proofwatch.web.screens import printing

        for page in pages:
            try:
                yield from printing.keep(app, page, asking, problem)
            except ProofwatchError as error:
                yield _failed(page.name, page.path, asking, error)
        return
    try:
        with _camera(app) as (camera, bridge):
            for page in pages:
                yield from _page(app, camera, bridge.origin, page, asking)
    except ScreenError as error:
        # The browser itself does not run: said once, for the first page.
        yield _failed(pages[0].name, pages[0].path, asking, error)


@contextmanager
def _camera(app: App) -> Iterator[tuple[Camera, Bridge]]:
    from proofwatch.web.server import application

    bridge = Bridge(application(app), app.settings.url)
    try:
        with Camera(browsers.find(app.settings.browser), bridge) as camera:
            yield camera, bridge
    finally:
        bridge.close()


def _page(app: App, camera: Camera, origin: str, page: Page, asking: Asking) -> Iterator[Taken]:
    """Take one page, and those that its list continues on if it is to be whole."""
    url, part = f"{origin}{page.path}", 1
    while url:
        name = page.name if part == 1 else f"{page.name}-{part}"
        try:
            sight = camera.open(url)
            row = _keep(app, camera, name, part, sight, asking)
        except ProofwatchError as error:
            yield _failed(name, url, asking, error)
            return
        yield Taken(name, sight.url, row)
        part += 1
        url = sight.next if page.whole and part <= MOST_PARTS else ""


def _failed(page: str, url: str, asking: Asking, error: ProofwatchError) -> Taken:
    reason = f"{error.doing}: {error.problem}"
    screenshots.fail(page, url, cause=asking.cause, reason=reason, actor=asking.by, now=datetime.now(UTC))
    return Taken(page, url, None, reason)


def _keep(app: App, camera: Camera, name: str, part: int, sight: Sight, asking: Asking) -> Screenshot:
    now, settings = datetime.now(UTC), app.settings
    origin = Origin(
        sight.url, asking.by, now, organization=settings.organization, mark=settings.mark,
    )  # fmt: skip
    about = provenance(origin, f"page {name}", title=_said(sight.title), question=QUESTION)
    text = settle(sight.text)
    shot = camera.shoot(lambda cut: band(about, asking, camera.browser, cut))
    facts = {
        **about,
        "url": sight.url,
        "page": name,
        "part": part,
        "cause": asking.cause,
        "seen_as": {"name": viewer.NAME, "role": "auditor"},
        "viewport": {"width": shot.width, "height": HEIGHT, "scale": 1, "colors": "light"},
        "size": {"width": shot.width, "height": shot.height},
        "page_height": shot.page_height,
        "whole_page": shot.whole,
        "lists": [dict(item) for item in sight.lists],
        "more_pages": bool(sight.next),
        "browser": camera.browser,
        "driver": camera.driver,
        "sandbox": camera.sandboxed,
        "scripts": "off",
        "asked_elsewhere": list(camera.refused),
        "text": text,
        "text_rule": RULE,
        "text_sha256": hashlib.sha256(text.encode()).hexdigest(),
    }
    return screenshots.keep(
        shot.png, facts, app.objects, page=name, url=sight.url, media_type="image/png",
        cause=asking.cause, actor=asking.by, now=now,
    )  # fmt: skip


def settle(text: str) -> str:
    """Return a page's visible text in the form whose digest is kept; see `RULE`."""
    lines = (line.strip() for line in AGO.sub("(ago)", text).splitlines())
    return "\n".join(line for line in lines if line)


def band(about: Mapping[str, Any], asking: Asking, browser: str, cut: bool) -> dict[str, Any]:
    """Return what the band above a picture says."""
    moment = about["generated_at"].astimezone(UTC)
    why = {"schedule": "by schedule", "change": "after a change", "asked": "on demand"}[asking.cause]
    more = [f"The page is longer: this picture ends at {HIGHEST} pixels."] if cut else []
    return {
        "system": about["system"],
        "organization": _said(about["organization"]),
        "mark": _said(about["mark"]),
        "moment": f"{moment:%Y-%m-%d %H:%M:%S} UTC",
        "title": _said(about["title"]),
        "url": _said(about["where"]),
        "person": f"For {asking.by} ({about['role']}), {why}; shown to {viewer.NAME} (auditor)",
        "drawn": f"{browser}. {about['note']}",
        "more": more,
    }


def _said(text: str) -> str:
    """Return a text for the band: short, on one line, nothing that turns its direction."""
    plain = UNSEEN.sub(" ", text)
    return plain if len(plain) <= LONGEST else f"{plain[:LONGEST]}…"
