"""The control list: imported, approved, and judged whenever something it rests on changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.db.models import Count, Max, Q

from proofwatch.checks.base import Counts
from proofwatch.controls.base import Control, ControlList, ControlStatus, Link, Observation
from proofwatch.controls.load import as_body
from proofwatch.controls.status import control_statuses
from proofwatch.store import log, models
from proofwatch.store.base import StoreError
from proofwatch.store.django import guarded, write
from proofwatch.store.models import CheckRun, CheckSetting, ControlApproval, ControlStatusHistory, Finding
from proofwatch.store.models.findings import FindingState
from proofwatch.store.services.actors import administering

SYSTEM = "system"
TUPLES = ("criteria", "checks", "data_sources")
INLINE = 25
"""Changes of status that one log entry names; more go into further entries."""


def import_list(controls: ControlList, *, actor: str, now: datetime) -> models.ControlList:
    """Keep a validated control list as the next version; the same list again is the same version."""
    administering(actor, "importing the control list")
    with write("importing the control list"):
        log.lock()
        found = models.ControlList.objects.filter(sha256=controls.sha256).first()
        if found is not None:
            return found
        number = (models.ControlList.objects.aggregate(top=Max("number"))["top"] or 0) + 1
        row = models.ControlList.objects.create(
            number=number,
            version=controls.version,
            sha256=controls.sha256,
            body=as_body(controls),
            imported_at=now,
            imported_by=actor,
        )
        data = {"number": number, "version": controls.version, "sha256": controls.sha256}
        log.append("controls.imported", actor, {**data, "controls": len(controls.controls)}, now)
        judge(now)
    return row


def approve(number: int, *, actor: str, now: datetime, note: str = "") -> ControlApproval:
    """Approve one imported version; from now on it is the list in force.

    Raises:
        StoreError: there is no such version.
    """
    doing = f"approving version {number} of the control list"
    administering(actor, doing)
    with write(doing):
        row = models.ControlList.objects.filter(number=number).first()
        if row is None:
            numbers = models.ControlList.objects.order_by("number").values_list("number", flat=True)
            known = ", ".join(map(str, numbers)) or "none; run `proofwatch controls import`"
            raise StoreError(doing, "it was never imported", f"imported: {known}")
        approval = ControlApproval.objects.create(control_list=row, by=actor, at=now, note=note)
        data = {"number": number, "version": row.version, "sha256": row.sha256, "note": note}
        data["approved_at"] = log.text(now)  # An entry is never dated before the one in front of it.
        log.append("controls.approved", actor, data, now)
        judge(now)
    return approval


def current() -> models.ControlList | None:
    """Return the list approved last; before any approval the one imported last; None before that."""
    with guarded("reading the control list"):
        approval = ControlApproval.objects.select_related("control_list").order_by("pk").last()
        return approval.control_list if approval else models.ControlList.objects.order_by("number").last()


def of_period(audit: models.Audit) -> models.ControlList | None:
    """Return the list in force at the end of a period, or now if it still runs; None if there is none."""
    found = in_force(audit)
    return found[-1] if found else None


def in_force(audit: models.Audit) -> list[models.ControlList]:
    """Return the lists that were in force in a period, in order of time; a list may be there again.

    One that is approved is in force until another one is; before any approval, the one imported last. Where
    none is as old as the period, it is the list that is in force now.
    """
    since = datetime.combine(audit.first, time.min, UTC)
    until = datetime.combine(audit.last + timedelta(days=1), time.min, UTC)
    with guarded("reading the control list"):
        imports = models.ControlList.objects.defer("body").order_by("number")
        rows = ControlApproval.objects.select_related("control_list").defer("control_list__body")
        approvals = list(rows.order_by("pk"))
        begun = [
            (row.imported_at, row) for row in imports if not approvals or row.imported_at < approvals[0].at
        ]
        begun += [(row.at, row.control_list) for row in approvals]
        found: list[models.ControlList] = []
        for at, row in begun:
            if at < until:
                found = [row] if at <= since else [*found, row]
        now = None if found else current()
        return [now] if now else found


def controls_of(row: models.ControlList) -> tuple[Control, ...]:
    """Return the controls of a stored list."""
    return tuple(_control(item) for item in row.body["controls"])


def observations() -> list[Observation]:
    """Return what every check said last on every connection that exists."""
    owners = models.Connection.objects.filter(removed_at__isnull=True)
    owners = {row.pk: row for row in owners.only("name", "interval_minutes")}
    # The places that were not read can be many thousand; nothing here looks at them.
    runs = CheckRun.objects.filter(latest=True).defer("unread", "params")
    found = [run for run in runs if run.connection_id in owners]
    found.sort(key=lambda run: (run.check_id, owners[run.connection_id].name))
    lost, accepted = _unseen(), _accepted()
    return [
        Observation(
            check=run.check_id,
            version=run.check_version,
            severity=run.severity,
            counts=_with_accepted(counts_of(run), accepted.get((run.connection_id, run.check_id), 0)),
            observed_at=run.observed_at,
            sweep=str(run.sweep_id),
            connection=owners[run.connection_id].name,
            interval_minutes=owners[run.connection_id].interval_minutes,
            worst=run.worst or run.reason,
            unseen=lost.get((run.connection_id, run.check_id), (0, ""))[0],
            unseen_why=lost.get((run.connection_id, run.check_id), (0, ""))[1],
        )
        for run in found
    ]


def _unseen() -> dict[tuple[Any, str], tuple[int, str]]:
    """Return how many open findings are interrupted, and one reason, by (connection id, check id).

    Asked for by what few rows have: SQLite would begin at the many that are open.
    """
    rows = Finding.objects.filter(evidence_interrupted_since__isnull=False)
    found = rows.values_list("connection_id", "check_id", "state").annotate(
        number=Count("pk"), why=Max("interruption")
    )
    return {
        (owner, check): (number, why)
        for owner, check, state, number, why in found
        if state == FindingState.OPEN
    }


def _accepted() -> dict[tuple[Any, str], int]:
    """Return how many findings fail under an approved acceptance, by (connection id, check id)."""
    rows = Finding.objects.filter(acceptance__gt="").values_list("connection_id", "check_id", "state")
    found = rows.annotate(number=Count("pk", filter=Q(evidence_interrupted_since__isnull=True)))
    return {
        (owner, check): number
        for owner, check, state, number in found
        if state == FindingState.OPEN and number
    }


def _with_accepted(counts: Counts, accepted: int) -> Counts:
    """Return the counts with so many failures counted as accepted: they stay visible as their own number."""
    moved = min(accepted, counts.failed)
    return replace(counts, failed=counts.failed - moved, accepted=counts.accepted + moved)


def links() -> list[Link]:
    """Return the connections that exist, as the statuses expect to hear of them."""
    rows = models.Connection.objects.filter(removed_at__isnull=True).order_by("name")
    return [Link(row.name, row.kind, row.created_at, row.interval_minutes) for row in rows]


def counts_of(run: CheckRun) -> Counts:
    """Return the counts of a check run."""
    return Counts(**{field.name: getattr(run, field.name) for field in fields(Counts)})


def statuses(now: datetime) -> list[ControlStatus]:
    """Return how every control stands at `now`, worst first, from what is stored."""
    row = current()
    if row is None:
        return []
    with guarded("reading how the controls stand"):
        off = CheckSetting.objects.filter(enabled=False).values_list("check_id", "reason")
        known = links()
        return control_statuses(
            controls_of(row),
            observations(),
            now=now,
            disabled=dict(off),
            connected={link.kind for link in known},
            links=known,
        )


def judge(now: datetime, *, actor: str = SYSTEM) -> list[str]:
    """Judge every control, keep what changed, and return the ids whose *status* changed.

    Within its transaction it holds the log's lock, so that two sweeps that end together judge
    one after the other and the later one sees what the earlier one found.
    """
    with write("judging the controls"):
        row = current()
        if row is None:
            return []
        log.lock()
        found = statuses(now)
        kept = {item.control_id: item for item in models.ControlStatus.objects.all()}
        changed: list[tuple[str, ControlStatus]] = []
        for item in found:
            old = kept.pop(item.control, None)
            if old is None or old.status != item.status:
                changed.append((old.status if old else "", item))
                _save(row, item, since=now)
            elif _differs(old, item):
                _save(row, item, since=old.since)
        models.ControlStatus.objects.filter(pk__in=list(kept)).delete()
        _record(row, changed, actor, now)
    return [item.control for _, item in changed]


def _control(item: dict[str, Any]) -> Control:
    values: dict[str, Any] = {key: tuple(value) if key in TUPLES else value for key, value in item.items()}
    return Control(**values)


def _save(row: models.ControlList, item: ControlStatus, since: datetime) -> None:
    models.ControlStatus.objects.update_or_create(
        control_id=item.control, defaults={**_columns(row, item), "since": since}
    )


def _columns(row: models.ControlList, item: ControlStatus) -> dict[str, Any]:
    return {
        "status": item.status,
        "severity": item.severity,
        "reason": item.reason,
        "counts": asdict(item.counts),
        "observed_at": item.observed_at,
        "sweeps": list(item.sweeps),
        "checks": [list(pair) for pair in item.checks],
        "control_list": row,
    }


def _differs(old: models.ControlStatus, item: ControlStatus) -> bool:
    return bool(old.reason != item.reason or old.observed_at != item.observed_at)


def _record(
    row: models.ControlList, changed: Sequence[tuple[str, ControlStatus]], actor: str, now: datetime
) -> None:
    ControlStatusHistory.objects.bulk_create(
        ControlStatusHistory(control_id=item.control, at=now, before=before, **_columns(row, item))
        for before, item in changed
    )
    for start in range(0, len(changed), INLINE):
        part = [
            {
                "control": item.control,
                "before": before,
                "status": item.status,
                "reason": item.reason[:500],
                "counts": asdict(item.counts),
                "checks": [list(pair) for pair in item.checks][:20],
                "observed_at": log.text(item.observed_at) if item.observed_at else None,
            }
            for before, item in changed[start : start + INLINE]
        ]
        log.append("control.status", actor, {"controls": part, "control_list": row.sha256}, now)
