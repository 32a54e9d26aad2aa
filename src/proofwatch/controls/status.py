"""From what the checks said to what a control's owner needs to know, with the reason in a sentence.

Worst first: failing > no data > inconclusive > pending > accepted > passing > not monitored. A
pass older than twice the interval of its connection is no data: nobody knows what is true today.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from proofwatch.checks.base import SEVERITIES, Counts, Severity
from proofwatch.connectors.registry import CONNECTORS
from proofwatch.controls.base import WORST_FIRST, Control, ControlState, ControlStatus, Link, Observation

STALE_AFTER_INTERVALS = 2


def control_statuses(
    controls: Iterable[Control],
    observations: Sequence[Observation],
    *,
    now: datetime,
    disabled: Mapping[str, str],
    connected: Collection[str],
    links: Sequence[Link] = (),
) -> list[ControlStatus]:
    """Return the status of every control, worst first (then by severity, then by id).

    Args:
        controls: the approved or imported list.
        observations: newest observation of each check on each connection.
        now: the time at which staleness is judged, UTC.
        disabled: check id → why it is disabled.
        connected: kinds of source systems that have a connection, e.g. {"aws"}.
        links: the connections that exist: each must be observed by every check of its kind.
    """
    by_check: dict[str, list[Observation]] = {}
    for item in observations:
        by_check.setdefault(item.check, []).append(item)
    absent = _never_observed(links, observations)
    statuses = [_status(control, by_check, now, disabled, connected, absent) for control in controls]
    return sorted(
        statuses,
        key=lambda one: (WORST_FIRST.index(one.status), SEVERITIES.index(one.severity), one.control),
    )


def add_counts(counts: Iterable[Counts]) -> Counts:
    """Return the sum, status by status."""
    items = list(counts)
    return Counts(
        passed=sum(item.passed for item in items),
        failed=sum(item.failed for item in items),
        inconclusive=sum(item.inconclusive for item in items),
        not_applicable=sum(item.not_applicable for item in items),
        accepted=sum(item.accepted for item in items),
    )


def _status(
    control: Control,
    by_check: Mapping[str, list[Observation]],
    now: datetime,
    disabled: Mapping[str, str],
    connected: Collection[str],
    absent: Sequence[Link],
) -> ControlStatus:
    enabled = [check for check in control.checks if check not in disabled]
    seen = [item for check in enabled for item in by_check.get(check, [])]
    unseen = [check for check in enabled if check not in by_check]
    apart = [check for check in unseen if _has_no_connection(check, connected)]
    unseen = [check for check in unseen if check not in apart]
    counts = add_counts(item.counts for item in seen)
    status, reason = _verdict(control, enabled, seen, unseen, counts, now, disabled, connected, absent)
    if counts.accepted and status not in ("accepted", "not monitored"):
        verb = "fails" if counts.accepted == 1 else "fail"
        reason = f"{reason.rstrip('.')}. {counts.accepted} {verb} under an approved risk acceptance."
    off = len(control.checks) - len(enabled)
    if off and enabled:
        reason += f" {off} of its {len(control.checks)} checks {'is' if off == 1 else 'are'} disabled."
    if apart and status != "not monitored":
        kinds = ", ".join(sorted({check.split(".")[0] for check in apart}))
        have = f"{len(apart)} of its {len(control.checks)} checks {'has' if len(apart) == 1 else 'have'}"
        reason = f"{reason.rstrip('.')}. {have} no connection: {kinds}."
    return ControlStatus(
        control=control.id,
        status=status,
        reason=reason,
        counts=counts,
        severity=_severity(seen),
        observed_at=min((item.observed_at for item in seen), default=None),
        checks=tuple(sorted({(item.check, item.version) for item in seen})),
        sweeps=tuple(sorted({item.sweep for item in seen})),
    )


def _verdict(
    control: Control,
    enabled: list[str],
    seen: list[Observation],
    unseen: list[str],
    counts: Counts,
    now: datetime,
    disabled: Mapping[str, str],
    connected: Collection[str],
    absent: Sequence[Link],
) -> tuple[ControlState, str]:
    if not enabled:
        return "not monitored", _why_unmonitored(control, disabled)
    if not seen and not any(source in connected for source in control.data_sources):
        sources = ", ".join(control.data_sources) or "its data sources"
        return "not monitored", f"No connection to {sources} exists."
    failing = [item for item in seen if item.counts.failed]
    if failing:
        return "failing", _failing(failing, counts)
    stale = [item for item in seen if is_stale(item, now)]
    if stale:
        oldest = min(stale, key=lambda item: item.observed_at)
        limit = oldest.interval_minutes * STALE_AFTER_INTERVALS
        at = oldest.observed_at.strftime("%Y-%m-%d %H:%M:%SZ")
        return "no data", f"Last observed {at}, more than {limit} minutes ago; what is true now is unknown."
    missing = [link for link in absent if any(check.split(".")[0] == link.kind for check in enabled)]
    late = [link for link in missing if _overdue(link, now)]
    if late:
        since = late[0].since.strftime("%Y-%m-%d %H:%M:%SZ")
        return "no data", f"Connection {late[0].name} exists since {since} and was never observed."
    if counts.inconclusive:
        first = next(item for item in seen if item.counts.inconclusive)
        why = f": {first.worst}" if first.worst else ""
        return "inconclusive", f"{counts.inconclusive} of {counts.judged} results could not be told{why}"
    lost = [item for item in seen if item.unseen]
    if lost:
        number = sum(item.unseen for item in lost)
        findings = "1 open finding" if number == 1 else f"{number} open findings"
        return "inconclusive", f"{findings} can no longer be seen: {lost[0].unseen_why}."
    if missing:
        return "pending", f"Connection {missing[0].name} was not observed yet."
    if unseen:
        return "pending", f"{len(unseen)} of {len(enabled)} checks have not run yet: {', '.join(unseen[:3])}."
    if counts.accepted:
        return "accepted", f"{counts.accepted} of {counts.judged} fail under an approved risk acceptance."
    if not counts.judged:
        return "passing", "There is nothing to judge: all was read, and no resource is in scope (0 of 0)."
    return "passing", f"{counts.passed} of {counts.judged} resources pass {_checks(len(enabled))}."


def _has_no_connection(check: str, connected: Collection[str]) -> bool:
    """Tell whether a check is about a kind of system that exists and is not connected here."""
    kind = check.split(".")[0]
    return kind in CONNECTORS and kind not in connected


def _never_observed(links: Sequence[Link], observations: Sequence[Observation]) -> list[Link]:
    """Return the connections of which no check ever said anything."""
    seen = {item.connection for item in observations}
    return [link for link in links if link.name not in seen]


def _overdue(link: Link, now: datetime) -> bool:
    return now - link.since > timedelta(minutes=link.interval_minutes * STALE_AFTER_INTERVALS)


def is_stale(item: Observation, now: datetime) -> bool:
    """Tell whether an observation is older than twice the interval of its connection."""
    return now - item.observed_at > timedelta(minutes=item.interval_minutes * STALE_AFTER_INTERVALS)


def _failing(failing: list[Observation], counts: Counts) -> str:
    worst = min(failing, key=lambda item: (SEVERITIES.index(item.severity), -item.counts.failed))
    example = f" e.g. {worst.worst}" if worst.worst else ""
    checks = _checks(len({item.check for item in failing}))
    text = f"{counts.failed} of {counts.judged} results fail in {checks};{example}"
    unsure = f" {counts.inconclusive} more could not be told." if counts.inconclusive else ""
    return text.rstrip(";.") + "." + unsure


def _why_unmonitored(control: Control, disabled: Mapping[str, str]) -> str:
    if not control.checks:
        return "It has no automated check; it is shown by hand."
    why = "; ".join(f"{check}: {disabled[check]}" for check in control.checks[:2])
    return (
        f"All of its {_checks(len(control.checks))} disabled ({why})."
        if len(control.checks) > 1
        else (f"Its only check is disabled ({why}).")
    )


def _checks(number: int) -> str:
    return "1 check" if number == 1 else f"{number} checks"


def _severity(seen: list[Observation]) -> Severity:
    """Return the severity of the worst check that fails, else of the worst that ran."""
    pool = [item for item in seen if item.counts.failed] or seen
    return min((item.severity for item in pool), key=SEVERITIES.index, default="low")
