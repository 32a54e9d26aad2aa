"""Observation periods: the days that an audit looks at, set by a person, for a reason."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime

from proofwatch.store import log
from proofwatch.store.base import StoreError
from proofwatch.store.django import guarded, write
from proofwatch.store.models import Audit
from proofwatch.store.services.actors import administering
from proofwatch.store.services.naming import missing

NAME = r"[a-z0-9][a-z0-9-]{0,59}"
LONGEST = 800
"""Days of an observation period; a year is usual, two are the most that anybody asks for."""


def every() -> list[Audit]:
    """Return the audits, the one that ends last first."""
    with guarded("listing the audits"):
        return list(Audit.objects.order_by("-last", "name"))


def get(name: str) -> Audit:
    """Return an audit. Raises Missing with the nearest name if there is none."""
    found = {row.name: row for row in every()}
    if name not in found:
        raise missing("audit", name, found)
    return found[name]


def current(rows: Sequence[Audit], now: datetime) -> Audit | None:
    """Return the audit whose period holds today, else the newest; None if there is none."""
    today = now.astimezone(UTC).date()
    return next((row for row in rows if row.first <= today <= row.last), rows[0] if rows else None)


def save(
    name: str, first: date, last: date, *, actor: str, now: datetime, reason: str, auditor: str = "",
    framework: str = "soc2",
) -> Audit:  # fmt: skip
    """Set the observation period of an audit.

    Args:
        name: short and lower-case: `soc2-2026`.
        first: its first day, in UTC.
        last: its last day.
        actor: who decides.
        now: the time.
        reason: why; required.
        auditor: the firm or person.
        framework: what is audited.

    Raises:
        StoreError: a value cannot be used, or the actor may not decide.
    """
    doing = f"setting the period of {name[:60]}"
    administering(actor, doing)
    if not re.fullmatch(NAME, name):
        raise StoreError(doing, f"{name[:60]!r} cannot be a name", "use lower-case letters, digits and -")
    if last < first:
        raise StoreError(doing, "the period ends before it begins", "change one of the days")
    if (last - first).days >= LONGEST:
        raise StoreError(doing, f"it is longer than {LONGEST} days", "make two audits of it")
    if not reason.strip():
        raise StoreError(doing, "a decision needs a reason", "say why")
    with write(doing):
        log.lock()
        row = Audit.objects.filter(pk=name).first()
        before = _body(row) if row else None
        row = row or Audit(name=name)
        row.framework, row.first, row.last, row.auditor = framework, first, last, auditor.strip()[:200]
        row.reason, row.by, row.at = reason.strip(), actor, now
        row.save()
        data = {"name": name, "before": before, "after": _body(row), "reason": row.reason}
        log.append("period.set", actor, data, now)
    return row


def _body(row: Audit) -> dict[str, str]:
    return {
        "framework": row.framework,
        "from": row.first.isoformat(),
        "to": row.last.isoformat(),
        "auditor": row.auditor,
    }
