"""Who keeps checkpoints outside: added, changed, paused, removed, each by someone, as an entry."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from proofwatch.outside.base import KeeperSettings, OutsideError
from proofwatch.outside.registry import keeper
from proofwatch.store import log
from proofwatch.store.django import guarded, write
from proofwatch.store.models import Keeper
from proofwatch.store.services.actors import administering
from proofwatch.store.services.naming import missing

NAME = r"[a-z0-9][a-z0-9._-]{0,59}"
LONGEST_INTERVAL = 31 * 24 * 60
"""Minutes."""


def every() -> list[Keeper]:
    """Return the keepers by name, without those removed."""
    with guarded("listing who keeps checkpoints outside"):
        return list(Keeper.objects.filter(removed_at__isnull=True).order_by("name"))


def get(name: str) -> Keeper:
    """Return a keeper. Raises StoreError with the nearest name if there is none."""
    found = {row.name: row for row in every()}
    if name not in found:
        raise missing("keeper", name, found)
    return found[name]


def parsed(kind: str, settings: Mapping[str, Any], doing: str) -> KeeperSettings:
    """Return the settings of a kind. Raises OutsideError naming each wrong field, and no value."""
    try:
        return keeper(kind).settings.model_validate(dict(settings))
    except ValidationError as error:
        # Pydantic repeats the value; a value in the wrong field may be a secret, so only its place is told.
        wrong = "; ".join(
            f"{'.'.join(map(str, item['loc'])) or 'the settings'}: {item['msg']}" for item in error.errors()
        )
        raise OutsideError(doing, f"{kind}: {wrong}", "See docs/outside.md for the settings.") from None


def save(
    name: str,
    kind: str,
    settings: Mapping[str, Any],
    *,
    actor: str,
    now: datetime,
    interval: int = 0,
    reason: str = "",
) -> Keeper:
    """Add a keeper, due at once, or change the one of that name.

    Args:
        name: what we call it.
        kind: one of the registry.
        settings: of the kind.
        actor: who does it.
        now: the time.
        interval: minutes from one checkpoint to the next; 0 for what is usual for the kind.
        reason: why; needed where there is one of that name already.

    Raises:
        OutsideError: something cannot be used as it is.
        StoreError: the actor may not change settings.
    """
    doing = f"saving keeper {name}"
    administering(actor, doing)
    if not re.fullmatch(NAME, name):
        raise OutsideError(doing, f"{name!r} cannot be a name", "use lower-case letters, digits, . _ and -")
    plain = parsed(kind, settings, doing).model_dump(mode="json", exclude_unset=True)
    minutes = interval or keeper(kind).interval_minutes
    if not 1 <= minutes <= LONGEST_INTERVAL:
        raise OutsideError(doing, f"every {minutes} minutes is not from 1 minute to 31 days")
    with write(doing):
        log.lock()
        known = Keeper.objects.filter(pk=name).first()
        standing = known is not None and known.removed_at is None
        if standing and not reason.strip():
            raise OutsideError(doing, "there is one of that name, and a change needs a reason", "say why")
        row = known or Keeper(name=name)
        before = _body(row) if standing else None
        row.kind, row.settings, row.interval_minutes = kind, plain, minutes
        row.enabled = row.enabled if standing else True
        row.by, row.at, row.next_due_at, row.removed_at = actor, now, now, None
        row.save(force_insert=known is None)
        data = {"keeper": name, "before": before, "after": _body(row), "reason": reason}
        log.append("keeper.changed", actor, data, now)
    return row


def switch(name: str, enabled: bool, *, actor: str, now: datetime, reason: str) -> Keeper:
    """Pause a keeper, or let it go on, due at once."""
    return _change(name, {"enabled": enabled, "next_due_at": now}, actor, now, reason)


def remove(name: str, *, actor: str, now: datetime, reason: str) -> Keeper:
    """Remove a keeper; what it was given stays on record, and with it."""
    return _change(name, {"enabled": False, "removed_at": now}, actor, now, reason)


def _change(name: str, values: Mapping[str, Any], actor: str, now: datetime, reason: str) -> Keeper:
    doing = f"changing keeper {name}"
    administering(actor, doing)
    if not reason.strip():
        raise OutsideError(doing, "a decision needs a reason", "say why")
    with write(doing):
        log.lock()
        row = get(name)
        before = _body(row)
        for key, value in {**values, "by": actor, "at": now}.items():
            setattr(row, key, value)
        row.save()
        after = None if row.removed_at else _body(row)
        log.append(
            "keeper.changed", actor, {"keeper": name, "before": before, "after": after, "reason": reason}, now
        )
    return row


def _body(row: Keeper) -> dict[str, Any]:
    return {
        "kind": row.kind, "settings": row.settings, "interval_minutes": row.interval_minutes,
        "enabled": row.enabled,
    }  # fmt: skip
