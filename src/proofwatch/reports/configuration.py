"""The dated configuration of checks: which were on, with which parameters, on any date."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from proofwatch.checks.base import Check
from proofwatch.evidence.evaluations import read_evaluation
from proofwatch.snapshots.base import Objects
from proofwatch.store.django import guarded
from proofwatch.store.history import absent
from proofwatch.store.models import CheckRun, CheckSettingHistory

CONFIGURED = (
    "check", "title", "enabled", "decided_at", "decided_by", "reason", "severity", "criteria", "table",
    "applies", "passes", "params", "version", "ran_at",
)  # fmt: skip


def as_of(checks: Mapping[str, Check], objects: Objects, at: datetime) -> Iterator[dict[str, Any]]:
    """Yield every check as it was configured at a moment.

    Whether it was on and its parameters come from the decisions until then. Its text is that of its last run
    until then, read from the evidence; of one that had not run yet, that of the catalogue as it stands, and
    `version` is "" then.

    Args:
        checks: the catalogue as it stands, by id.
        objects: where evaluations are.
        at: the moment.

    Raises:
        EvidenceError: an evaluation is missing or changed.
    """
    absent.refuse(at, at + timedelta.resolution, "reading how checks were configured")
    with guarded("reading how checks were configured"):
        decisions = CheckSettingHistory.objects.filter(at__lte=at).order_by("check_id", "counter")
        decided = {row.check_id: row for row in decisions}
        ran = set(CheckRun.objects.filter(latest=True).values_list("check_id", flat=True))
    known: dict[str, Mapping[str, Check]] = {}
    for name in sorted({*checks, *decided, *ran}):
        run = _last_run(name, at)
        check = checks.get(name)
        if run is not None and (check is None or check.version != run.check_version):
            digest = run.sweep.evaluation
            if digest and digest not in known:
                known[digest] = read_evaluation(digest, objects).checks
            check = known.get(digest, {}).get(name, check)
        if check is not None:
            yield _configured(check, decided.get(name), run)


def _last_run(check: str, at: datetime) -> CheckRun | None:
    with guarded("reading how checks were configured"):
        rows = CheckRun.objects.filter(check_id=check, observed_at__lte=at).select_related("sweep")
        found: CheckRun | None = rows.order_by("-observed_at").first()
    return found


def _configured(check: Check, row: CheckSettingHistory | None, run: CheckRun | None) -> dict[str, Any]:
    return {
        "check": check.id,
        "title": check.title,
        "enabled": row.enabled if row else True,
        "decided_at": row.at if row else None,
        "decided_by": row.by if row else "",
        "reason": row.reason if row else "",
        "severity": check.severity,
        "criteria": list(check.criteria),
        "table": check.table,
        "applies": check.applies,
        "passes": check.passes,
        "params": {**check.params, **(row.params if row else {})},
        "version": run.check_version if run else "",
        "ran_at": run.observed_at if run else None,
    }


def spans(since: datetime, until: datetime) -> Iterator[dict[str, Any]]:
    """Yield every decision about a check that held at some time of a period, with the span in which it did.

    Args:
        since: the first moment of the period.
        until: the moment before which it ends.
    """
    with guarded("reading the decisions about checks"):
        rows = list(CheckSettingHistory.objects.filter(at__lt=until).order_by("check_id", "counter"))
    for row, following in pairwise([*rows, None]):
        end = following.at if following is not None and following.check_id == row.check_id else None
        if end is None or end > since:
            yield {
                "check": row.check_id, "valid_from": row.at, "valid_to": end, "enabled": row.enabled,
                "params": dict(row.params), "by": row.by, "reason": row.reason, "decision": row.counter,
            }  # fmt: skip
