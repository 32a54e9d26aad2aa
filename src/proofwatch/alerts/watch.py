"""Conditions about our own work: what was not looked at, not repaired, not sent, not read in time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from proofwatch.alerts import drills
from proofwatch.alerts.base import ACTIVE
from proofwatch.alerts.rules import Rule, matches
from proofwatch.alerts.tally import Tally
from proofwatch.controls.base import Control
from proofwatch.store.models import Alert, Delivery, Drill, Keeper, KeptCheckpoint, Sweep, Task
from proofwatch.store.models.deliveries import DeliveryState
from proofwatch.store.models.remediation import TaskState
from proofwatch.store.models.sweeps import SweepState
from proofwatch.store.services import connections

DAY = 1440
LIVE = (TaskState.OPEN, TaskState.IN_PROGRESS, TaskState.CLAIMED)
LOST = (SweepState.MISSED, SweepState.FAILED)


def unreviewed(rule: Rule, controls: Sequence[Control], now: datetime) -> Iterator[Tally]:
    """Yield one alert for all that are open for longer than the rule says and that nobody reviewed."""
    since = now - timedelta(minutes=rule.minutes or DAY)
    rows = Alert.objects.filter(
        current=True, state__in=sorted(ACTIVE), opened_at__lte=since, reviewed_at__isnull=True,
        drill__isnull=True,
    ).exclude(rule_id=rule.id)  # fmt: skip
    number = rows.count()
    if number:
        first = rows.order_by("opened_at").first()
        example = f"{number} alerts are not reviewed, the oldest: {first.name} {first.headline}"
        yield Tally(rule, "", None, "", rule.severity or "high", failing=number, example=example)


def overdue(rule: Rule, controls: Sequence[Control], now: datetime) -> Iterator[Tally]:
    """Yield one alert for all tasks that are later than agreed."""
    rows = Task.objects.filter(due_at__lt=now - timedelta(minutes=rule.minutes), state__in=LIVE)
    number = rows.count()
    if number:
        first = rows.order_by("due_at").first()
        example = f"{number} tasks are overdue, the oldest: {first.name} {first.title[:200]}"
        yield Tally(rule, "", None, "", rule.severity or "high", failing=number, example=example)


def evidence_gap(rule: Rule, controls: Sequence[Control], now: datetime) -> Iterator[Tally]:
    """Yield the connections of which sweeps that were due did not happen within the rule's time."""
    since = now - timedelta(minutes=rule.minutes or DAY)
    for owner in connections.every():
        if not matches(owner.name, rule.connections):
            continue
        rows = Sweep.objects.filter(connection=owner, slot__gt=since, state__in=LOST)
        number = rows.count()
        if number:
            last = rows.order_by("-slot").first()
            example = f"{number} sweeps of {owner.name} that were due did not happen: {last.error[:200]}"
            yield Tally(rule, "", owner.pk, "", rule.severity or "high", failing=number, example=example)


def delivery_failed(rule: Rule, controls: Sequence[Control], now: datetime) -> Iterator[Tally]:
    """Yield one alert for all messages that no attempt could deliver within the rule's time."""
    since = now - timedelta(minutes=rule.minutes or DAY)
    rows = Delivery.objects.filter(state=DeliveryState.FAILED, created_at__gt=since).exclude(
        alert__rule_id=rule.id
    )
    number = rows.count()
    if number:
        last = rows.order_by("-order").first()
        example = f"{number} messages could not be delivered, the last on {last.channel}: {last.reason[:200]}"
        yield Tally(rule, "", None, "", rule.severity or "high", failing=number, example=example)


def checkpoint_refused(rule: Rule, controls: Sequence[Control], now: datetime) -> Iterator[Tally]:
    """Yield each keeper outside that took no checkpoint within the rule's time, or that knew another log."""
    since = now - timedelta(minutes=rule.minutes or DAY)
    for row in Keeper.objects.filter(enabled=True, removed_at=None).order_by("name"):
        tries = KeptCheckpoint.objects.filter(keeper=row.name, at__gte=row.at)
        last = tries.order_by("-at", "-pk").first()
        if last is None or last.state == "accepted":
            continue
        if last.alarming:
            severity, words = "critical", "says that the log is not the one that it knew"
        elif row.at < since and not tries.filter(state="accepted", at__gte=since).exists():
            severity, words = (
                rule.severity or "high",
                f"has taken no checkpoint since {since:%Y-%m-%d %H:%M:%SZ}",
            )
        else:
            continue
        example = f"{row.name} {words}: {last.error[:300]}"
        yield Tally(rule, "", None, f"keeper={row.name}", severity, failing=1, example=example)


def credential_ends(rule: Rule, controls: Sequence[Control], now: datetime) -> Iterator[Tally]:
    """Yield each connection whose credential ends within the rule's time, or has ended."""
    for owner in connections.every():
        ends = connections.credential_ends(owner)
        if ends is None or not matches(owner.name, rule.connections):
            continue
        if ends > now + timedelta(minutes=rule.minutes or 14 * DAY):
            continue
        severity = "critical" if ends < now + timedelta(days=3) else rule.severity or "high"
        words = "ended" if ends <= now else "ends"
        example = f"the credential of connection {owner.name} {words} at {ends:%Y-%m-%d %H:%M:%SZ}: renew it"
        yield Tally(rule, "", owner.pk, "", severity, failing=1, example=example)


def drill(rule: Rule, controls: Sequence[Control], now: datetime) -> Iterator[Tally]:
    """Yield the drill that is under way: it fails on purpose until somebody acknowledges it."""
    for row in drills.running():
        if rule.covers(row.control_id):
            example = "this is a drill: acknowledge it; nothing is wrong"
            yield Tally(
                rule, row.control_id, None, f"drill {row.pk}", rule.severity or "high", failing=1,
                example=example, drill=row.pk,
            )  # fmt: skip


def drill_failed(rule: Rule, controls: Sequence[Control], now: datetime) -> Iterator[Tally]:
    """Yield one alert while the newest drill that ended has failed."""
    last = Drill.objects.filter(ended_at__isnull=False).order_by("-ended_at").first()
    if last is not None and last.state == drills.FAILED:
        yield Tally(
            rule, "", None, "", rule.severity or "high", failing=1,
            example=f"the drill of {last.started_at:%Y-%m-%d %H:%M:%SZ} failed: {last.reason}",
        )  # fmt: skip
