"""The configured trackers: added, changed, turned off and on, each by someone, as an entry."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from proofwatch.alerts.base import AlertError
from proofwatch.alerts.channelbook import NAME
from proofwatch.outbound.http import Client
from proofwatch.remediation.tickets import build
from proofwatch.store import log
from proofwatch.store.django import guarded, write
from proofwatch.store.models import TrackerConfig
from proofwatch.store.services.actors import administering
from proofwatch.store.services.naming import missing


def every() -> list[TrackerConfig]:
    """Return the trackers by name."""
    with guarded("listing the trackers"):
        return list(TrackerConfig.objects.filter(removed_at__isnull=True).order_by("name"))


def get(name: str) -> TrackerConfig:
    """Return a tracker. Raises StoreError with the nearest name if there is none."""
    found = {row.name: row for row in every()}
    if name not in found:
        raise missing("tracker", name, found)
    return found[name]


def save(
    name: str, kind: str, settings: Mapping[str, Any], *, actor: str, now: datetime, client: Client
) -> TrackerConfig:
    """Add a tracker, or change the one of that name. Raises AlertError for what cannot be used."""
    doing = f"saving tracker {name}"
    administering(actor, doing)
    if not re.fullmatch(NAME, name):
        raise AlertError(doing, f"{name!r} cannot be a name", "use lower-case letters, digits, . _ and -")
    build(TrackerConfig(name=name, kind=kind, settings=dict(settings)), client)
    with write(doing):
        log.lock()
        known = TrackerConfig.objects.filter(pk=name).first()
        row = known or TrackerConfig(name=name)
        before = {"kind": row.kind, "settings": row.settings} if known else None
        if row.removed_at is not None:
            row.enabled, row.problem, row.polled_at = True, "", None  # It begins anew.
        row.kind, row.settings, row.by, row.at, row.removed_at = kind, dict(settings), actor, now, None
        row.save(force_insert=known is None)
        after = {"kind": kind, "settings": dict(settings)}
        log.append("tracker.changed", actor, {"tracker": name, "before": before, "after": after}, now)
    return row


def remove(name: str, *, actor: str, now: datetime, reason: str) -> TrackerConfig:
    """Remove a tracker: tasks go on without it, and its tickets stay named in their steps."""
    doing = f"removing tracker {name}"
    administering(actor, doing)
    if not reason.strip():
        raise AlertError(doing, "a decision needs a reason", "say why")
    with write(doing):
        log.lock()
        row = get(name)
        row.removed_at, row.enabled, row.by, row.at = now, False, actor, now
        row.save()
        log.append("tracker.changed", actor, {"tracker": name, "removed": True, "reason": reason}, now)
    return row
