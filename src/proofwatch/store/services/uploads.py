"""Evidence that people add by hand: a document, the control and the days that it speaks of."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from django.db.models import Max

from proofwatch.evidence.named import named_in
from proofwatch.snapshots.base import Objects
from proofwatch.store import log
from proofwatch.store.base import Missing, StoreError
from proofwatch.store.django import guarded, write
from proofwatch.store.models import ManualEvidence, Task
from proofwatch.store.services import controls
from proofwatch.store.services.actors import acting
from proofwatch.store.services.naming import unknown

LARGEST = 25 * 1024 * 1024
"""Bytes of one document."""
AHEAD = timedelta(days=366)
"""How far beyond today a document may speak: a policy holds for a year to come."""


def add(
    data: bytes, objects: Objects, *, title: str, control: str, about: str, source: str,
    effective_from: date, effective_to: date, filename: str, media_type: str, actor: str, now: datetime,
    task: str = "",
) -> ManualEvidence:  # fmt: skip
    """Keep a document as an object, and write down what it is evidence of.

    Args:
        data: its bytes.
        objects: where they are kept.
        title: what it is called.
        control: the control of the list in force that it belongs to.
        about: what it shows.
        source: where it comes from.
        effective_from: the first day that it speaks of.
        effective_to: the last one.
        filename: as it was given; only its last part is kept.
        media_type: as it was given; shown, never trusted.
        actor: who adds it.
        now: the time.
        task: the task whose repair it shows, "" for none.

    Raises:
        StoreError: something required is missing or cannot be, or the actor may not act.
    """
    doing = "adding evidence"
    acting(actor, doing)
    texts = {"title": title, "what it shows": about, "where it comes from": source}
    for what, said in texts.items():
        if not said.strip():
            raise StoreError(doing, f"{what} is missing", "say it: an auditor will ask")
    if not data:
        raise StoreError(doing, "the document is empty", "choose a file")
    if len(data) > LARGEST:
        raise StoreError(doing, f"it is larger than {LARGEST // 1024 // 1024} MB", "add it in parts")
    if named_in(data):
        problem = "it is JSON that names objects in the way in which our own evidence does"
        raise StoreError(doing, problem, "add it in a ZIP: who verifies would look for those objects")
    if effective_to < effective_from:
        raise StoreError(doing, "the days end before they begin", "change one of them")
    if effective_to > now.astimezone(UTC).date() + AHEAD:
        raise StoreError(doing, "it speaks of days more than a year ahead", "correct the days")
    listed = controls.current()
    known = [item.id for item in controls.controls_of(listed)] if listed else []
    if control not in known:
        raise unknown(doing, "control", control, known)
    if task and not Task.objects.filter(number=_number(task)).exists():
        raise StoreError(doing, f"there is no task {task[:40]!r}", "leave it empty, or name one: TSK-7")
    digest = objects.put(data)
    with write(doing):
        log.lock()
        number = (ManualEvidence.objects.aggregate(last=Max("number"))["last"] or 0) + 1
        row: ManualEvidence = ManualEvidence.objects.create(
            number=number, title=title.strip()[:200], control_id=control, about=about.strip(),
            source=source.strip()[:200], effective_from=effective_from, effective_to=effective_to,
            task=task.upper(), filename=_plain(filename), media_type=_plain(media_type), size=len(data),
            sha256=digest, by=actor, at=now,
        )  # fmt: skip
        facts = {
            "name": row.name, "title": row.title, "control": control, "about": row.about,
            "source": row.source,
            "effective_from": effective_from.isoformat(), "effective_to": effective_to.isoformat(),
            "filename": row.filename, "media_type": row.media_type, "size": row.size, "object": digest,
            "task": row.task,
        }  # fmt: skip
        log.append("evidence.uploaded", actor, facts, now)
    return row


def get(name: str) -> ManualEvidence:
    """Return one document by `EV-7` or `7`. Raises Missing if there is none."""
    with guarded(f"looking for {name[:40]}"):
        row = ManualEvidence.objects.filter(number=_number(name, "EV-")).first()
    if row is None:
        raise Missing(f"looking for {name[:40]}", "there is no such document", "the list of evidence has all")
    found: ManualEvidence = row
    return found


def _number(name: str, begins: str = "TSK-") -> int:
    text = name.strip().upper().removeprefix(begins)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0


def _plain(text: str) -> str:
    """Return the last part of a file's name without what could mislead: no path, no control characters."""
    last = re.split(r"[/\\]", text)[-1]
    return re.sub(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]", "", last).strip()[:200] or "unnamed"
