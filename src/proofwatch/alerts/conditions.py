"""What the rules see: for every alert there could be, how many fail, cannot be seen, and are there at all.

Findings are counted by the database, once for each way of grouping and not once for each rule.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Max, Q

from proofwatch.alerts import watch
from proofwatch.alerts.rules import Rule, matches
from proofwatch.alerts.tally import Tally
from proofwatch.checks.base import SEVERITIES
from proofwatch.controls.base import Control
from proofwatch.store.models import (
    CheckRun,
    CheckSetting,
    Connection,
    ControlStatus,
    CoverageGap,
    Finding,
    FindingTag,
)
from proofwatch.store.models.connections import ConnectionState
from proofwatch.store.models.findings import FindingState
from proofwatch.store.services import connections, sweeps


def tallies(rules: Iterable[Rule], controls: Sequence[Control], now: datetime) -> Iterator[Tally]:
    """Yield every alert that there could be, of all rules."""
    rules = list(rules)
    names = dict(Connection.objects.values_list("pk", "name"))
    counted = _counted([rule for rule in rules if rule.when == "failing"], names)
    judged = _judged() if counted else {}
    for rule in rules:
        if rule.when == "failing":
            yield from _failing(rule, controls, counted[rule.group, rule.tags], judged, names)
        else:
            yield from OTHERS[rule.when](rule, controls, now)


Counted = Mapping[str, list[tuple[Any, ...]]]
Way = tuple[tuple[str, ...], tuple[str, ...]]
"""How a rule counts: what it groups by, and the tags that it wants."""


def _counted(rules: Sequence[Rule], names: Mapping[UUID, str]) -> dict[Way, Counted]:
    """Count once for each way of grouping; a coarser way is summed up from a finer one."""
    found: dict[Way, Counted] = {}
    patterns: dict[Way, set[tuple[str, ...]]] = {}
    for rule in rules:
        patterns.setdefault((rule.group, rule.tags), set()).add(rule.connections)
    for way in sorted(patterns, key=lambda way: -len(way[0])):
        group, tags = way
        finer = [
            other for other in found if other[1] == tags and set(group) < set(other[0])
            and patterns[way] <= patterns[other]
        ]  # fmt: skip
        if finer:
            found[way] = _summed(found[finer[0]], [finer[0][0].index(name) for name in group])
            continue
        wanted = {
            owner for owner, name in names.items() if any(matches(name, item) for item in patterns[way])
        }
        found[way] = _count(group, tags, None if len(wanted) == len(names) else wanted)
    return found


def _summed(counted: Counted, places: Sequence[int]) -> Counted:
    """Return the same counts by only those values of the group that stand at `places`."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for check, rows in counted.items():
        sums: dict[tuple[Any, ...], list[Any]] = {}
        for owner, severity, values, number, unseen, newest in rows:
            kept = sums.setdefault(
                (owner, severity, tuple(values[place] for place in places)), [0, 0, newest]
            )
            kept[0] += number
            kept[1] += unseen
            kept[2] = max(kept[2], newest)
        found[check] = [(*key, *kept) for key, kept in sums.items()]
    return found


def _count(group: tuple[str, ...], tags: tuple[str, ...], owners: Collection[UUID] | None) -> Counted:
    """Return check id → (connection, severity, group's values, all, unseen, newest) of open findings.

    `owners`: only of these connections; None: of all.
    """
    rows = Finding.objects.filter(state=FindingState.OPEN, connection__removed_at__isnull=True)
    if owners is not None:
        rows = rows.filter(connection__in=owners)
    if tags:
        rows = rows.filter(pk__in=FindingTag.objects.filter(tag__in=tags).values("finding"))
    found: dict[str, list[tuple[Any, ...]]] = {}
    values = rows.values_list("check_id", "connection_id", "severity", *group).annotate(
        number=Count("pk"),
        unseen=Count("pk", filter=Q(evidence_interrupted_since__isnull=False)),
        newest=Max("opened_at"),
    )
    for check, owner, severity, *rest in values:
        found.setdefault(check, []).append((owner, severity, tuple(rest[:-3]), *rest[-3:]))
    return found


def _judged() -> dict[tuple[str, UUID], int]:
    rows = CheckRun.objects.filter(latest=True).values_list("check_id", "connection_id", "passed", "failed")
    return {(check, owner): passed + failed for check, owner, passed, failed in rows}


def _failing(
    rule: Rule,
    controls: Sequence[Control],
    counted: Counted,
    judged: Mapping[tuple[str, UUID], int],
    names: Mapping[UUID, str],
) -> Iterator[Tally]:
    for control in controls:
        if not rule.covers(control.id):
            continue
        found: dict[tuple[UUID, str], Tally] = {}
        checks = [check for check in control.checks if matches(check, rule.checks)]
        for check in checks:
            for owner, severity, values, number, unseen, newest in counted.get(check, ()):
                if rule.severities and severity not in rule.severities:
                    continue
                if not matches(names[owner], rule.connections):
                    continue
                group = ", ".join(f"{name}={value}" for name, value in zip(rule.group, values, strict=True))
                tally = found.get((owner, group))
                if tally is None:
                    tally = Tally(rule, control.id, owner, group, rule.severity or severity)
                    tally.where = _findings(rule, checks, owner, values)
                    tally.checks, tally.values = tuple(checks), values
                    found[owner, group] = tally
                if number > unseen:
                    tally.failed.add(check)
                tally.failing += number - unseen
                tally.unseen += unseen
                tally.newest = max(filter(None, (tally.newest, newest)))
                if rule.severity is None:
                    tally.severity = min(tally.severity, severity, key=SEVERITIES.index)
        for (owner, _), tally in found.items():
            tally.population = sum(judged.get((check, owner), 0) for check in checks)
            yield tally


def _findings(rule: Rule, checks: Sequence[str], owner: UUID, values: Sequence[str]) -> Q:
    chosen = Q(connection_id=owner, check_id__in=checks, **dict(zip(rule.group, values, strict=True)))
    if rule.tags:
        chosen &= Q(pk__in=FindingTag.objects.filter(tag__in=rule.tags).values("finding"))
    return chosen & Q(severity__in=rule.severities) if rule.severities else chosen


def _standing(rule: Rule, controls: Sequence[Control], now: datetime) -> Iterator[Tally]:
    """Yield the controls that have stood so (no data, inconclusive) for longer than the rule says."""
    since = now - timedelta(minutes=rule.minutes)
    rows = ControlStatus.objects.filter(status=rule.when, since__lte=since).order_by("control_id")
    for row in rows:
        if rule.covers(row.control_id):
            yield Tally(
                rule, row.control_id, None, "", rule.severity or row.severity, failing=1, example=row.reason
            )


def _connections(rule: Rule, controls: Sequence[Control], now: datetime) -> Iterator[Tally]:
    """Yield the connections that failed or are stale; of a paused one it cannot be told."""
    for owner in connections.every():
        if not matches(owner.name, rule.connections):
            continue
        if owner.state == ConnectionState.PAUSED:
            yield Tally(rule, "", owner.pk, "", rule.severity or "high", unseen=1, example="it is paused")
            continue
        reason = ""
        if owner.state == ConnectionState.FAILED:
            reason = f"connection {owner.name} failed: {owner.problem}"
        elif connections.is_stale(owner, now):
            last = owner.last_complete_at
            seen = f"{last:%Y-%m-%d %H:%M:%SZ}" if last else "never"
            reason = f"connection {owner.name} has had no complete sweep in two intervals; the last: {seen}"
        if reason:
            yield Tally(rule, "", owner.pk, "", rule.severity or "high", failing=1, example=reason)


def _coverage(rule: Rule, controls: Sequence[Control], now: datetime) -> Iterator[Tally]:
    """Yield the connections whose newest whole sweep found places that exist and are not read.

    Where what exists could not be listed, fewer gaps than before prove nothing.
    """
    for owner in connections.every():
        last = sweeps.latest(owner, whole=True) if matches(owner.name, rule.connections) else None
        gaps = list(CoverageGap.objects.filter(sweep=last).order_by("account_id", "region")) if last else []
        if last is None or last.unknown:
            why = last.unknown[0] if last else "it was never swept"
            yield Tally(rule, "", owner.pk, "", rule.severity or "medium", unseen=1, example=why)
        elif gaps:
            first = gaps[0]
            reason = (
                f"{len(gaps)} places are not read, e.g. {first.account_id} {first.region}: {first.reason}"
            )
            yield Tally(rule, "", owner.pk, "", rule.severity or "medium", failing=len(gaps), example=reason)


def _disabled(rule: Rule, controls: Sequence[Control], now: datetime) -> Iterator[Tally]:
    """Yield the controls of which a check is off."""
    off = dict(CheckSetting.objects.filter(enabled=False).values_list("check_id", "reason"))
    for control in controls:
        gone = [check for check in control.checks if check in off and matches(check, rule.checks)]
        if gone and rule.covers(control.id):
            reason = f"{len(gone)} of {len(control.checks)} checks are off: {gone[0]}: {off[gone[0]]}"
            yield Tally(
                rule,
                control.id,
                None,
                "",
                rule.severity or "medium",
                failing=len(gone),
                population=len(control.checks),
                example=reason,
            )


def _writers(rule: Rule, controls: Sequence[Control], now: datetime) -> Iterator[Tally]:
    """Yield the connections whose identity could write."""
    for owner in connections.every():
        if owner.read_only or not matches(owner.name, rule.connections):
            continue
        told = owner.read_only is not None
        words = "could write" if told else "may be able to write: it cannot be told"
        reason = f"the identity of connection {owner.name} {words}"
        severity = rule.severity or "high"
        yield Tally(rule, "", owner.pk, "", severity, failing=int(told), unseen=int(not told), example=reason)


OTHERS = {
    "no data": _standing,
    "inconclusive": _standing,
    "connection": _connections,
    "coverage": _coverage,
    "check disabled": _disabled,
    "write permission": _writers,
    "unreviewed": watch.unreviewed,
    "task overdue": watch.overdue,
    "evidence gap": watch.evidence_gap,
    "delivery failed": watch.delivery_failed,
    "drill": watch.drill,
    "drill failed": watch.drill_failed,
    "checkpoint refused": watch.checkpoint_refused,
    "credential ends": watch.credential_ends,
}
"""Condition → what yields its alerts; `failing` is counted apart, because it is counted in the database."""
