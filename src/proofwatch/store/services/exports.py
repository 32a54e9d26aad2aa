"""Binders: asked for by a person or the scheduler, written by some worker once, found again afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import Max

from proofwatch.store import log
from proofwatch.store.base import Missing
from proofwatch.store.django import guarded, write
from proofwatch.store.models import Audit, Export, Job, LogEntry

BINDER, BUNDLE = "binder", "bundle"
ABANDONED = timedelta(days=1)
AGAIN = timedelta(hours=1)
"""How long a month's bundle that failed is left alone: one that always fails must not run for ever."""
WAITING, WRITING, DONE, FAILED = "waiting", "writing", "done", "failed"


def ask(
    audit: Audit, *, kind: str, by: str, role: str, now: datetime, state: str = WAITING
) -> Export:  # fmt: skip
    """Write down that a binder is wanted; the worker or verb that writes it moves it on.

    A bundle of the same month again is the same export; one that failed waits again, by itself an hour later.

    Args:
        audit: whose period it is.
        kind: `BINDER` or `BUNDLE`.
        by: who wants it.
        role: of who wants it.
        now: the time.
        state: `WRITING` where who asks writes it at once; else some worker takes it up.
    """
    with write(f"asking for the {kind} of {audit.name or audit.first}"):
        log.lock()
        if kind == BUNDLE:
            found = Export.objects.filter(kind=BUNDLE, first=audit.first, last=audit.last).first()
            if found is not None:
                return _again(found, by, role, now, state)
        number = (Export.objects.aggregate(top=Max("number"))["top"] or 0) + 1
        row: Export = Export.objects.create(
            number=number, kind=kind, audit=audit.name, first=audit.first, last=audit.last, by=by, role=role,
            at=now, state=state,
        )  # fmt: skip
        log.append("export.asked", by, {**_named(row), "role": role}, now)
    return row


def _again(row: Export, by: str, role: str, now: datetime, state: str) -> Export:
    """Let a bundle that failed be written once more; leave any other as it is."""
    if row.state == FAILED and (state == WRITING or _rested(row, now)):
        row.state, row.stage, row.by, row.role, row.at = state, "", by, role, now
        row.save(update_fields=("state", "stage", "by", "role", "at"))
        log.append("export.asked", by, {**_named(row), "role": role}, now)
    return row


def _rested(row: Export, now: datetime) -> bool:
    return bool(row.state == FAILED and row.finished_at is not None and row.finished_at <= now - AGAIN)


def begin(row: Export) -> None:
    """Mark an export as being written."""
    Export.objects.filter(pk=row.pk).update(state=WRITING, stage="", done=0, total=0, error="")


def tell(row: Export, stage: str, done: int, total: int) -> None:
    """Keep how far an export is, for who waits for it."""
    Export.objects.filter(pk=row.pk, state=WRITING).update(stage=stage, done=done, total=total)


def finish(row: Export, facts: Mapping[str, Any], *, now: datetime) -> Export:
    """Keep what was written: its file, size, SHA-256 and the log's size, with an entry that names them."""
    with write(f"recording {row.name}"):
        Export.objects.filter(pk=row.pk).update(
            state=DONE, stage="", finished_at=now, error="",
            **{name: facts[name] for name in ("file", "size", "sha256", "log_size")},
        )  # fmt: skip
        data = {"subject": row.kind, **_named(row), **facts}
        log.append("export.made", row.by, data, now)
    return get(row.name)


def fail(row: Export, error: str, *, now: datetime) -> None:
    """Keep why an export could not be written."""
    with write(f"recording the failure of {row.name}"):
        Export.objects.filter(pk=row.pk).update(state=FAILED, error=error[:2000], finished_at=now)
        log.append("export.failed", row.by, {**_named(row), "error": error[:2000]}, now)


def waiting() -> list[Export]:
    """Return the exports that nobody writes yet, the oldest first."""
    with guarded("listing the exports"):
        return list(Export.objects.filter(state=WAITING).order_by("number"))


def abandoned(now: datetime) -> list[Export]:
    """Return the exports whose process ended long ago without a word, and that no worker has."""
    with guarded("listing the exports"):
        rows = Export.objects.filter(state=WRITING, at__lt=now - ABANDONED)
        held = set(Job.objects.filter(kind="binder").exclude(state="dead").values_list("key", flat=True))
        return [row for row in rows if row.name not in held]


def get(name: str) -> Export:
    """Return an export by `EX-7` or `7`. Raises Missing if there is none."""
    text = name.strip().upper().removeprefix("EX-")
    with guarded(f"looking for {name[:40]}"):
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0
        row = Export.objects.filter(number=number).first()
    if row is None:
        raise Missing(
            f"looking for {name[:40]}", "there is no such export", "`proofwatch export list` has all"
        )
    found: Export = row
    return found


def every(most: int = 100) -> list[Export]:
    """Return the exports, the newest first."""
    with guarded("listing the exports"):
        return list(Export.objects.order_by("-number")[:most])


def month_due(now: datetime) -> Audit | None:
    """Return the last whole month as an audit without a name, if it has entries and no bundle yet.

    A bundle that failed more than an hour ago is none.

    Only the newest month is made by itself: an older one can be asked for, and a first start makes no dozen.
    """
    today = now.astimezone(UTC).date()
    last = today.replace(day=1) - timedelta(days=1)
    first = last.replace(day=1)
    with guarded("looking for the bundle of the month"):
        begun = LogEntry.objects.order_by("index").values_list("at", flat=True).first()
        there = Export.objects.filter(kind=BUNDLE, first=first, last=last).first()
    if begun is None or (there and not _rested(there, now)) or begun.astimezone(UTC).date() > last:
        return None
    return month(first)


def month(first: date) -> Audit:
    """Return a month as an audit that is not stored."""
    after = (first.replace(day=28) + timedelta(days=4)).replace(day=1)
    return Audit(name="", framework="soc2", first=first.replace(day=1), last=after - timedelta(days=1))


def audit_of(row: Export) -> Audit:
    """Return the audit of an export with the period that was asked for, whatever was changed since."""
    found = Audit.objects.filter(pk=row.audit).first() if row.audit else None
    return Audit(
        name=row.audit, framework=found.framework if found else "soc2", first=row.first, last=row.last,
        auditor=found.auditor if found else "",
    )  # fmt: skip


def _named(row: Export) -> dict[str, str]:
    return {
        "export": row.name,
        "kind": row.kind,
        "audit": row.audit,
        "first": row.first.isoformat(),
        "last": row.last.isoformat(),
    }
