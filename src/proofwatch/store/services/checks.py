"""Checks: turned on and off and given parameters, by someone and for a reason."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from proofwatch.store import log
from proofwatch.store.base import StoreError
from proofwatch.store.django import guarded, write
from proofwatch.store.models import CheckSetting, CheckSettingHistory
from proofwatch.store.services import controls
from proofwatch.store.services.actors import administering

KEPT = ("enabled", "params", "reason", "by", "at", "counter")


def decide(
    check: str,
    *,
    actor: str,
    now: datetime,
    reason: str,
    enabled: bool | None = None,
    params: Mapping[str, Any] | None = None,
) -> CheckSetting:
    """Turn a check on or off or replace its parameters; what is None stays as it was.

    Findings of a check that is turned off stay as they are. The statuses of its controls follow.

    Raises:
        StoreError: there is no reason.
    """
    doing = f"deciding on check {check}"
    administering(actor, doing)
    if not reason.strip():
        raise StoreError(doing, "a decision needs a reason", "say why")
    with write(doing):
        log.lock()  # one decision after the other, also on a check without a row yet
        row = CheckSetting.objects.filter(pk=check).first()
        row = row or CheckSetting(check_id=check, counter=0)
        before = {"enabled": row.enabled, "params": dict(row.params)}
        row.enabled = row.enabled if enabled is None else enabled
        row.params = row.params if params is None else dict(params)
        after = {"enabled": row.enabled, "params": dict(row.params)}
        if before == after and row.counter:
            return row
        row.reason, row.by, row.at, row.counter = reason.strip(), actor, now, row.counter + 1
        row.save(force_insert=row.counter == 1, force_update=row.counter > 1)
        CheckSettingHistory.objects.create(check_id=check, **{name: getattr(row, name) for name in KEPT})
        data = {"check": check, "before": before, "after": after, "reason": row.reason}
        log.append("check.changed", actor, {**data, "decision": row.counter}, now)
        controls.judge(now)
    return row


def enable(check: str, *, actor: str, now: datetime, reason: str) -> CheckSetting:
    """Turn a check on."""
    return decide(check, actor=actor, now=now, reason=reason, enabled=True)


def disable(check: str, *, actor: str, now: datetime, reason: str) -> CheckSetting:
    """Turn a check off."""
    return decide(check, actor=actor, now=now, reason=reason, enabled=False)


def disabled() -> dict[str, str]:
    """Return check id → why it is off, and by whom."""
    with guarded("reading which checks are on"):
        rows = CheckSetting.objects.filter(enabled=False).values_list("check_id", "reason", "by", "at")
        return {check: f"disabled by {by} on {at:%Y-%m-%d}: {reason}" for check, reason, by, at in rows}


def params() -> dict[str, dict[str, Any]]:
    """Return check id → its parameters, for the checks whose parameters were changed."""
    with guarded("reading the parameters of checks"):
        rows = CheckSetting.objects.values_list("check_id", "params")
        return {check: dict(values) for check, values in rows if values}


def history(check: str) -> list[CheckSettingHistory]:
    """Return every decision on a check, oldest first."""
    with guarded(f"reading the decisions on check {check}"):
        return list(CheckSettingHistory.objects.filter(check_id=check).order_by("counter"))
