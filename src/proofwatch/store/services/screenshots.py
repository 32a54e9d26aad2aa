"""Pictures of pages: the objects first, then the row and its entry together; a failure is an entry, too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max

from proofwatch.evidence.entry import object_ref
from proofwatch.snapshots.base import Objects
from proofwatch.store import log
from proofwatch.store.base import Missing, StoreError
from proofwatch.store.django import guarded, write
from proofwatch.store.models import LogEntry, Screenshot
from proofwatch.store.services.actors import acting

CAUSES = ("schedule", "change", "asked")
BEGINS = {"image/png": b"\x89PNG\r\n\x1a\n", "application/pdf": b"%PDF-"}
"""Media type → what such a file begins with; nothing else is kept, and nothing else is ever shown."""
DOING = "keeping a picture"


def keep(
    picture: bytes, sidecar: Mapping[str, Any], objects: Objects, *, page: str, url: str, media_type: str,
    cause: str, actor: str, now: datetime,
) -> Screenshot:  # fmt: skip
    """Keep a picture of a page, and what it shows.

    Args:
        picture: its bytes, PNG or PDF.
        sidecar: what it shows, in JSON's types and moments; the picture's digest is added here.
        objects: where both are kept.
        page: what people call the page.
        url: where it is.
        media_type: image/png or application/pdf.
        cause: one of `CAUSES`.
        actor: who asked.
        now: when it was drawn.

    Raises:
        StoreError: it is no such picture, or the actor may not add evidence.
        EvidenceError: the objects cannot be stored.
    """
    acting(actor, DOING)
    if cause not in CAUSES:
        raise StoreError(DOING, f"{cause!r} is no cause", f"known: {', '.join(CAUSES)}")
    if not picture.startswith(BEGINS.get(media_type, b"\0none")):
        raise StoreError(DOING, f"the bytes are no {media_type[:40]}", "take it again")
    named = object_ref(objects.put(picture), len(picture), "picture")
    body = {**sidecar, "media_type": media_type, "picture": named}
    written = json.dumps(body, indent=1, sort_keys=True, ensure_ascii=False, default=_plain).encode() + b"\n"
    beside = object_ref(objects.put(written), len(written), "sidecar")
    with write(DOING):
        log.lock()
        number = (Screenshot.objects.aggregate(last=Max("number"))["last"] or 0) + 1
        row: Screenshot = Screenshot.objects.create(
            number=number, page=page, url=url, media_type=media_type, object=named["sha256"],
            sidecar=beside["sha256"], cause=cause, by=actor, at=now,
        )  # fmt: skip
        data = {
            "name": row.name, "page": page, "url": url, "cause": cause, "media_type": media_type,
            "picture": named, "sidecar": beside, "text_sha256": str(body.get("text_sha256", "")),
        }  # fmt: skip
        log.append("screenshot.taken", actor, data, now)
    return row


def fail(page: str, url: str, *, cause: str, reason: str, actor: str, now: datetime) -> None:
    """Write down that a page could not be kept as a picture, and why."""
    with write("recording that a picture failed"):
        data = {"page": page, "url": url, "cause": cause, "reason": reason[:1000]}
        log.append("screenshot.failed", actor, data, now)


def newest(*causes: str, page: str = "") -> Screenshot | None:
    """Return the newest picture of these causes and this page; of any, if none is named."""
    with guarded("looking for the newest picture"):
        rows = Screenshot.objects.filter(cause__in=causes) if causes else Screenshot.objects.all()
        rows = rows.filter(page=page) if page else rows
        found: Screenshot | None = rows.order_by("-at", "-number").first()
    return found


def began() -> datetime | None:
    """Return when this installation's log began; None if it has not."""
    with guarded("looking when the log began"):
        found: datetime | None = LogEntry.objects.filter(index=0).values_list("at", flat=True).first()
    return found


def overdue(now: datetime, most: timedelta) -> str:
    """Return a sentence if no picture was taken for longer than `most`; "" if all is well."""
    last = newest()
    since = last.at if last else began()
    if since is None or now - since <= most:
        return ""
    return f"the newest is of {last.at:%Y-%m-%d %H:%M:%S}Z" if last else "none was ever taken"


def get(name: str) -> Screenshot:
    """Return one by `SC-7` or `7`. Raises Missing if there is none."""
    text = name.strip().upper().removeprefix("SC-")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0
    with guarded(f"looking for {name[:40]}"):
        row: Screenshot | None = Screenshot.objects.filter(number=number).first()
    if row is None:
        raise Missing(f"looking for {name[:40]}", "there is no such picture", "the list of pictures has all")
    return row


def _plain(value: Any) -> str:
    return log.text(value) if isinstance(value, datetime) else str(value)
