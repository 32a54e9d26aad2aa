"""The newest verdicts of every connection, or those at the end of some days, as plain objects."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from proofwatch.checks.read import Where, results
from proofwatch.evidence.evaluations import load_evaluation
from proofwatch.snapshots.base import Objects
from proofwatch.store.history import absent
from proofwatch.store.models import CheckRun, Connection, Sweep
from proofwatch.store.models.sweeps import APPLIED
from proofwatch.store.services import connections


def newest_results(
    objects: Objects,
    cache: Path,
    *,
    connection: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    checks: Collection[str] = (),
    statuses: Collection[str] = (),
    resource: str = "",
    account: str = "",
    region: str = "",
) -> Iterator[dict[str, Any]]:
    """Yield one object per result, from the newest sweep in which its check was due.

    Args:
        objects: where the verdicts are.
        cache: folder of rebuilt tables.
        connection: only this connection.
        since: with `until`: also on connections that were removed then or later.
        until: what was newest before this moment; None for now.
        checks: only these checks.
        statuses: only these statuses.
        resource: only resources whose identifier contains this text.
        account: only this account.
        region: only this region.

    Raises:
        StoreError: there is no such connection.
        EvidenceError, SnapshotError: an object is missing or changed.
    """
    for item in _chosen(connection, since or until):
        for sweep, due in newest_sweeps(item, until):
            wanted = [check for check in due if not checks or check in checks]
            if not wanted:
                continue
            where = Where(wanted, statuses, resource, account, region)
            found = load_evaluation(sweep.evaluation, objects, cache)
            for row in results(found, where):
                yield {
                    "check": row.check,
                    "resource": row.resource,
                    "account": row.account_id,
                    "region": row.region,
                    "status": row.status,
                    "reason": row.reason,
                    "check_version": row.check_version,
                    "observed_at": sweep.observed_at,
                    "same_as": {k: list(v) for k, v in found.checks[row.check].check.same_as.items()},
                    "severity": found.checks[row.check].check.severity,
                    "connection": item.name,
                    "sweep": str(sweep.pk),
                }


def _chosen(name: str, since: datetime | None) -> list[Connection]:
    """Return the connections that count, also those that were removed from a moment on."""
    found = [item for item in connections.every(since) if name in ("", item.name)]
    return found if found or not name else [connections.get(name)]


def newest_sweeps(connection: Any, until: datetime | None) -> Iterator[tuple[Sweep, list[str]]]:
    """Yield (sweep, checks) such that each check comes with the newest sweep before then that judged it."""
    runs = CheckRun.objects.filter(connection=connection, sweep__state__in=APPLIED)
    runs = runs.filter(latest=True) if until is None else runs.filter(observed_at__lt=until)
    if until is not None:
        absent.refuse(until - timedelta.resolution, until, "reading results as of a past moment")
    newest: dict[str, Any] = {}
    for check, sweep in runs.order_by("observed_at").values_list("check_id", "sweep_id"):
        newest[check] = sweep
    for key in sorted(set(newest.values()), key=str):
        yield Sweep.objects.get(pk=key), [check for check, sweep in newest.items() if sweep == key]
