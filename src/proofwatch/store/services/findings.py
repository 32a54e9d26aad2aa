"""Findings: asked for, never changed here. Only a reconciliation moves them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, QuerySet

from proofwatch.checks.base import SEVERITIES
from proofwatch.store.base import Missing, StoreError
from proofwatch.store.django import guarded
from proofwatch.store.models import CheckRun, Finding, FindingEvent
from proofwatch.store.models.findings import FindingState


def query(
    *,
    connection: str = "",
    check: str = "",
    state: str = "",
    severity: str = "",
    resource: str = "",
    account_id: str = "",
    region: str = "",
    limit: int = 1000,
) -> list[Finding]:
    """Return findings, worst and oldest first; empty filters match everything.

    `resource` is a part of the resource's identifier; `state` is one of FindingState's values.
    The `last_failed_at` and `last_observed_at` of what is returned are brought up to date from
    the newest run of its check (see the model): they are not what the row holds.
    """
    if state and state not in FindingState.values:
        raise StoreError(
            "listing findings", f"{state!r} is no state", f"known: {', '.join(FindingState.values)}"
        )
    exact = {
        "connection__name": connection,
        "check_id": check,
        "state": state,
        "severity": severity,
        "account_id": account_id,
        "region": region,
    }
    chosen = Q(**{key: value for key, value in exact.items() if value})
    if resource:
        chosen &= Q(resource__contains=resource)
    with guarded("listing findings"):
        rows = Finding.objects.filter(chosen).select_related("connection")
        ordered = rows.order_by("rank", "opened_at", "check_id", "account_id", "region", "resource")[:limit]
        return _up_to_date(ordered)


def get(finding_id: str | uuid.UUID) -> Finding:
    """Return one finding. Raises StoreError if there is none."""
    doing = f"looking for finding {finding_id}"
    try:
        key = uuid.UUID(str(finding_id))
    except ValueError:
        raise Missing(doing, "that is not the id of a finding") from None
    with guarded(doing):
        found = _up_to_date(Finding.objects.filter(pk=key).select_related("connection"))
    if not found:
        raise Missing(doing, "there is none")
    return found[0]


def events(finding: Finding) -> list[FindingEvent]:
    """Return what happened to a finding, oldest first."""
    with guarded("reading what happened to a finding"):
        return list(FindingEvent.objects.filter(finding=finding).order_by("pk"))


def open_by_severity() -> dict[str, int]:
    """Return how many findings are open, by severity, on the connections that exist."""
    with guarded("counting findings"):
        rows = Finding.objects.filter(state=FindingState.OPEN, connection__removed_at__isnull=True)
        found = dict(rows.values_list("severity").annotate(number=Count("pk")))
    return {name: found.get(name, 0) for name in SEVERITIES}


def last_runs(checks: Iterable[str]) -> dict[tuple[Any, str], datetime]:
    """Return when each of these checks was last observed, by (connection id, check id)."""
    found = CheckRun.objects.filter(latest=True, check_id__in=set(checks))
    rows = found.values_list("connection_id", "check_id", "observed_at")
    return {(connection, check): at for connection, check, at in rows}


def _up_to_date(rows: QuerySet) -> list[Finding]:
    found = list(rows)
    runs = last_runs(row.check_id for row in found)
    for row in found:
        if row.state == FindingState.OPEN and row.evidence_interrupted_since is None:
            seen = runs.get((row.connection_id, row.check_id), row.last_failed_at)
            row.last_failed_at = row.last_observed_at = max(seen, row.last_failed_at)
    return found


def known(check: str) -> bool:
    """Tell whether a check has a finding; one that was removed from the catalogue may have."""
    with guarded("looking for a check's findings"):
        return bool(Finding.objects.filter(check_id=check).exists())
