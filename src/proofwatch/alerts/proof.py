"""What readings prove about alerts: that the reason is gone, or that it is still there, and since which run.

An alert about findings is proven by runs of its checks. One about a connection needs a newer sweep of it, one
about how a control stands a newer observation that tells, and one about our own records a look at them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from proofwatch.alerts.base import Kind, Signal
from proofwatch.alerts.readings import Inside, Run, unread
from proofwatch.alerts.rules import Rule
from proofwatch.alerts.tally import Tally
from proofwatch.store.models import Alert, AlertResource, Connection, ControlStatus, Finding, Sweep
from proofwatch.store.models.findings import FindingState
from proofwatch.store.services import sweeps

BY_SWEEP = frozenset({"connection", "coverage", "write permission", "evidence gap"})
BY_STANDING = frozenset({"no data", "inconclusive"})
BY_READING = BY_SWEEP | BY_STANDING | {"failing"}
TELLING = frozenset({"passing", "failing", "accepted"})
"""How a control stands when its data can be told; nothing else proves that it can."""
RESTORED = frozenset({"restored"})

Runs = Mapping[tuple[UUID, str], Run]
Proof = tuple[Signal, Run | None]


def of_findings(row: Alert, inside: Sequence[Inside], runs: Runs) -> Proof | None:
    """Return the clear reading that newer runs of the checks give; None if no complete one was made since.

    Each check needs a run of its own that began after what was known; a sweep of some tables may bring one
    and a later sweep the other. The reading is as old as the oldest of them.
    """
    checks = {item.check for item in inside}
    found = [runs[row.connection_id, check] for check in checks if (row.connection_id, check) in runs]
    if len(found) < len(checks) or any(run.reason or run.observed_at <= row.observed_at for run in found):
        return None
    places = {(i.check, i.account_id, i.region) for i in inside if i.state != FindingState.GONE}
    if not found or unread(row.connection_id, places):
        return None
    oldest = min(run.observed_at for run in found)
    newest = max(found, key=lambda run: run.observed_at)
    ends = frozenset(item.state for item in inside if item.state != FindingState.OPEN) or RESTORED
    if any(item.state == FindingState.OPEN for item in inside):
        ends |= RESTORED  # Under the threshold of recovery something still fails: it is not gone.
    return Signal(Kind.CLEAR, newest.observed_at, started_at=oldest, ends=ends), newest


def without_findings(rule: Rule, row: Alert, now: datetime) -> Proof | None:
    """Return the clear reading of an alert that is about no finding; None if nothing newer was read."""
    if AlertResource.objects.filter(alert=row).exists():
        return None  # What failed in it is out of reach: only its own readings may end it.
    run = _newest(rule, row)
    if rule.when in BY_SWEEP | BY_STANDING:
        if run is None or run.observed_at <= row.observed_at:
            return None
        return Signal(Kind.CLEAR, now, started_at=run.observed_at, ends=RESTORED), run
    return (Signal(Kind.CLEAR, now, started_at=now, ends=RESTORED), None) if now > row.observed_at else None


def standing(rule: Rule, row: Alert) -> str:
    """Say why how a control stands proves nothing about an alert that it could not be told; "" if it does."""
    if rule.when not in BY_STANDING:
        return ""
    found = ControlStatus.objects.filter(control_id=row.control_id).first()
    if found is not None and found.status in TELLING:
        return ""
    how = f"it is {found.status} now: {found.reason}" if found else "its status is not known"
    return f"{row.control_id} is not known to stand otherwise: {how}"


def still(rule: Rule, tally: Tally, row: Alert | None, runs: Runs, now: datetime) -> Proof:
    """Return the time and run of a failing reading: of the checks that fail, and of no other."""
    run = None
    if tally.where is not None and tally.connection is not None:
        checks = tally.failed or set(tally.checks)
        found = [runs[tally.connection, name] for name in checks if (tally.connection, name) in runs]
        run = max(found, key=lambda item: item.observed_at, default=None)
        at = run.observed_at if run else now
        return Signal(Kind.FAILING, at, started_at=at), run
    newest = _newest(rule, row) if row is not None else None
    began = now if rule.when not in BY_SWEEP | BY_STANDING else newest.observed_at if newest else None
    return Signal(Kind.FAILING, now, started_at=began), newest


def dismissed(tally: Tally) -> dict[str, str]:
    """Return finding → the digest of the rule by which it fails, of all that a tally counts."""
    if tally.where is None:
        return {}
    rows = Finding.objects.filter(tally.where, state=FindingState.OPEN).values_list("pk", "rule")
    return {pk.hex: rule for pk, rule in rows}


def beyond(row: Alert, tally: Tally) -> bool:
    """Tell whether something fails that was not called a false positive, or by a check that changed since."""
    if tally.where is None or not row.rule_digests:
        return False
    return any(row.rule_digests.get(name) != rule for name, rule in dismissed(tally).items())


def _newest(rule: Rule, row: Alert) -> Run | None:
    """Return the newest observation that an alert without findings rests on."""
    sweep: Sweep | None = None
    if rule.when in BY_SWEEP and row.connection_id:
        owner = Connection.objects.get(pk=row.connection_id)
        sweep = sweeps.latest(owner, whole=True)
    elif rule.when in BY_STANDING:
        found = ControlStatus.objects.filter(control_id=row.control_id, status__in=TELLING).first()
        if found is None or found.observed_at is None:
            return None
        sweep = Sweep.objects.filter(pk__in=found.sweeps).order_by("-observed_at").first()
        if sweep is not None:
            return Run(found.observed_at, sweep.pk, sweep.manifest, "")
    if sweep is None or sweep.observed_at is None:
        return None
    return Run(sweep.observed_at, sweep.pk, sweep.manifest, "")
