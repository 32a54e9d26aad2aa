"""The one transaction in which a sweep becomes the state.

Findings, check runs, controls and log entries commit together or not at all. A sweep that is
killed before is applied by its rerun; one that was applied is never applied again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

import rfc8785

from proofwatch.controls.status import add_counts
from proofwatch.evidence.listed import Listed, Rows
from proofwatch.snapshots.base import Objects
from proofwatch.store import log
from proofwatch.store.base import StoreError
from proofwatch.store.django import write
from proofwatch.store.journal import Journal
from proofwatch.store.models import (
    CheckRun,
    Connection,
    CoverageGap,
    ResultObject,
    ShardRead,
    Sweep,
    TableState,
)
from proofwatch.store.models.sweeps import APPLIED, RUNNING, SweepState
from proofwatch.store.outcome import Applied, CheckOutcome, Outcome
from proofwatch.store.services import controls
from proofwatch.store.services.reads import rows, totals
from proofwatch.store.services.sweeps import named
from proofwatch.store.transitions import Reconciliation

BATCH = 500
UNREAD = 100
"""Unread places of a check that stand in the manifest itself; more are an object that it names."""
READ = (
    "table",
    "account_id",
    "region",
    "state",
    "rows",
    "calls",
    "pages",
    "reason",
    "permission",
    "code",
    "lacking",
)


def apply(
    sweep: Sweep,
    outcome: Outcome,
    objects: Objects,
    *,
    now: datetime,
    actor: str = controls.SYSTEM,
    also: Callable[[datetime, Sweep, Outcome], object] = lambda now, sweep, outcome: None,
) -> Applied:
    """Apply the difference between a sweep and the state, and end the sweep.

    A check that another applied sweep of the connection observed later is kept as evidence and changes no
    finding and no control: what this one saw is no longer the newest. If that is true of all its checks,
    the sweep is superseded.

    Args:
        sweep: one that began and has not ended.
        outcome: what it found.
        objects: takes the sweep's manifest, and the list of transitions where it is long.
        now: when this is applied; findings change as of the sweep's `observed_at`.
        actor: written in the log entries.
        also: called in the same transaction once the state has changed: what stands above the store.

    Raises:
        StoreError: the sweep never began or ended unapplied, the outcome contradicts itself, or
            the database refused. Nothing is changed then.
    """
    doing = f"applying sweep {sweep.pk}"
    manifest = objects.put(rfc8785.dumps(_manifest(sweep, outcome, objects)))
    with write(doing), Journal(sweep) as journal:
        owner = Connection.objects.select_for_update(no_key=True).get(pk=sweep.connection_id)
        if not _end(sweep, outcome, manifest, now):
            return _ended_before(doing, sweep)
        last_run = _last_runs(sweep)
        old = {item.check for item in outcome.checks if _seen_later(sweep, last_run.get(item.check))}
        newer = _newer(sweep) if len(old) == len(outcome.checks) else None
        _record_runs(sweep, outcome, old)
        if newer is None:
            Reconciliation(sweep, _without(outcome, old), last_run, journal).run()
            _update_connection(owner, sweep, outcome)
        _mark_states(sweep)
        state = SweepState.COMPLETE if outcome.complete else SweepState.PARTIAL
        data = {**_entry(sweep, outcome, manifest), "state": str(state)}
        if newer is not None:
            data["superseded_by"] = str(newer.pk)
        log.append("sweep.finished", actor, data, now)
        journal.record(objects, named(sweep), actor, now)
        changed = controls.judge(now) if newer is None else []
        if newer is None:
            also(now, sweep, outcome)
    return Applied(str(state), dict(journal.counts), tuple(changed), str(newer.pk) if newer else "")


def _end(sweep: Sweep, outcome: Outcome, manifest: str, now: datetime) -> bool:
    """End the sweep if it is running: the conditional UPDATE that makes applying happen once."""
    state = SweepState.COMPLETE if outcome.complete else SweepState.PARTIAL
    running = Sweep.objects.filter(pk=sweep.pk, state__in=RUNNING, observed_at__isnull=False)
    counts = {"objects": outcome.objects_read, **_totals(outcome)}
    return bool(
        running.update(
            state=state,
            finished_at=now,
            manifest=manifest,
            counts=counts,
            error="",
            evaluation=outcome.evaluation,
        )
    )


def _ended_before(doing: str, sweep: Sweep) -> Applied:
    fresh = Sweep.objects.get(pk=sweep.pk)
    if fresh.state in APPLIED:
        return Applied(str(fresh.state), again=True)
    if fresh.observed_at is None:
        raise StoreError(doing, f"it is {fresh.state} and never began", "collect it first")
    raise StoreError(doing, f"it ended as {fresh.state}", "start a new sweep")


def _newer(sweep: Sweep) -> Sweep | None:
    others = Sweep.objects.filter(connection_id=sweep.connection_id, state__in=APPLIED).exclude(pk=sweep.pk)
    found: Sweep | None = others.filter(observed_at__gte=sweep.observed_at).order_by("observed_at").last()
    return found


def _last_runs(sweep: Sweep) -> Mapping[str, datetime]:
    runs = CheckRun.objects.filter(connection_id=sweep.connection_id, latest=True)
    return dict(runs.values_list("check_id", "observed_at"))


def _seen_later(sweep: Sweep, at: datetime | None) -> bool:
    return at is not None and sweep.observed_at is not None and at >= sweep.observed_at


def _without(outcome: Outcome, old: Collection[str]) -> Outcome:
    """Return the outcome without the checks that were observed later by another sweep."""
    if not old:
        return outcome
    return replace(
        outcome,
        checks=tuple(item for item in outcome.checks if item.check not in old),
        failures=lambda: (item for item in outcome.failures() if item.check not in old),
    )


def _record_runs(sweep: Sweep, outcome: Outcome, old: Collection[str]) -> None:
    names = [item.check for item in outcome.checks if item.check not in old]
    former = CheckRun.objects.filter(connection_id=sweep.connection_id, latest=True)
    former.filter(check_id__in=names).update(latest=False)
    runs = [_run(sweep, item, item.check not in old) for item in outcome.checks]
    CheckRun.objects.bulk_create(runs, batch_size=BATCH)
    ResultObject.objects.bulk_create(
        ResultObject(
            sweep=sweep,
            table=item.table,
            digest=item.results,
            manifest=item.manifest,
            checks=[list(pair) for pair in item.checks],
        )
        for item in outcome.tables
    )


def _run(sweep: Sweep, item: CheckOutcome, latest: bool) -> CheckRun:
    return CheckRun(
        sweep=sweep,
        connection_id=sweep.connection_id,
        latest=latest,
        observed_at=sweep.observed_at,
        check_id=item.check,
        check_version=item.version,
        table=item.table,
        severity=item.severity,
        params=dict(item.params),
        results=item.results,
        reason=item.reason,
        worst=item.worst,
        unread=[list(place) for place in _unread(item)],
        **asdict(item.counts),
    )


def _mark_states(sweep: Sweep) -> None:
    """Make the sweep's tables the newest, but for those that another sweep saw later."""
    own = TableState.objects.filter(sweep=sweep)
    former = TableState.objects.filter(connection_id=sweep.connection_id, latest=True)
    former = former.filter(table__in=own.values("table")).exclude(sweep=sweep)
    later = list(former.filter(sweep__observed_at__gt=sweep.observed_at).values_list("table", flat=True))
    former.exclude(table__in=later).update(latest=False)
    own.exclude(table__in=later).update(latest=True)


def _update_connection(owner: Connection, sweep: Sweep, outcome: Outcome) -> None:
    if sweep.tables:
        return  # It set out to read some tables only, and says nothing about the connection as a whole.
    owner.objects_read = outcome.objects_read
    if outcome.complete:
        owner.last_complete_at = sweep.observed_at
    owner.save(update_fields=("objects_read", "last_complete_at"))


def _unread(item: CheckOutcome) -> Rows:
    return tuple((place.account_id, place.region, place.reason, place.permission) for place in item.unread)


def _totals(outcome: Outcome) -> dict[str, int]:
    return asdict(add_counts(item.counts for item in outcome.checks))


def _entry(sweep: Sweep, outcome: Outcome, manifest: str) -> dict[str, Any]:
    """Return what the log says about a finished sweep; the manifest object says the rest."""
    reads_of, failed = totals(sweep), rows(sweep, "failed")
    return {
        **named(sweep),
        "observed_at": log.text(sweep.observed_at),
        "manifest": manifest,
        "plan": sweep.plan,
        "counts": _totals(outcome),
        "checks": len(outcome.checks),
        "objects": outcome.objects_read,
        "reads": reads_of.all,
        "reads_failed": reads_of.failed,
        "tables_failed": sorted(set(failed.values_list("table", flat=True)))[:200],
        "gaps": CoverageGap.objects.filter(sweep=sweep).count(),
    }


def _manifest(sweep: Sweep, outcome: Outcome, objects: Objects) -> dict[str, Any]:
    """Return the object that answers for the whole sweep: every table, place, gap and check."""
    listed = Listed(objects, UNREAD)
    states = TableState.objects.filter(sweep=sweep).order_by("table")
    gaps = CoverageGap.objects.filter(sweep=sweep).order_by("account_id", "region")
    return {
        "type": "proofwatch sweep manifest",
        **named(sweep),
        "observed_at": log.text(sweep.observed_at) if sweep.observed_at else None,
        "plan": sweep.plan,
        "unknown": list(sweep.unknown),
        "evaluation": outcome.evaluation,
        "complete": outcome.complete,
        "objects": outcome.objects_read,
        "tables": list(states.values("table", "manifest", "digest", "rows", "added", "changed", "removed")),
        "reads": _reads(sweep),
        "gaps": list(gaps.values("account_id", "account_name", "region", "reason")),
        "disabled": dict(outcome.disabled),
        "results": [
            {"table": item.table, "results": item.results, "manifest": item.manifest}
            for item in outcome.tables
        ],
        "checks": [
            {
                "check": item.check,
                "version": item.version,
                "table": item.table,
                "params": dict(item.params),
                "counts": asdict(item.counts),
                "results": item.results,
                "reason": item.reason,
                "unread": listed.of(_unread(item)),
            }
            for item in outcome.checks
        ],
    }


def _reads(sweep: Sweep) -> list[dict[str, Any]] | dict[str, Any]:
    """Return how each reading went, or of very many the object that says it."""
    if sweep.reads_object:
        found = totals(sweep)
        return {
            "object": sweep.reads_object,
            "count": found.all,
            "failed": found.failed,
            "lacking": found.lacking,
        }
    return list(ShardRead.objects.filter(sweep=sweep).order_by("table", "account_id", "region").values(*READ))
