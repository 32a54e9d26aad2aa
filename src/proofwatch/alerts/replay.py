"""What a rule would have sent: the history of findings played again through the same machine.

Sweeps and findings are as they were recorded; nobody answers, so what escalates and repeats is the most that
could have been. How controls stood is kept, too. Rules about our own work (connection down, …) have
no history of readings and are left out, by name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from proofwatch.alerts import machine
from proofwatch.alerts.base import ENDED, Alert, Effect, Kind, Signal, State
from proofwatch.alerts.channels.base import Happened
from proofwatch.alerts.routing import Routes
from proofwatch.alerts.rules import Rule, matches
from proofwatch.alerts.tally import alert_key
from proofwatch.alerts.telling import EFFECTS, ENDINGS
from proofwatch.controls.base import Control
from proofwatch.store.history import absent
from proofwatch.store.models import Connection, ControlStatusHistory, FindingEvent, Sweep
from proofwatch.store.models.findings import EventKind
from proofwatch.store.models.sweeps import APPLIED
from proofwatch.store.services import controls as control_lists

BEGINS = (EventKind.OPENED, EventKind.REGRESSED)
STEP = timedelta(minutes=15)
"""How often the clock is looked at between two sweeps."""


@dataclass(slots=True)
class Replayed:
    """What came of one rule."""

    rule: str
    alerts: int = 0
    messages: Counter[str] = field(default_factory=Counter)
    """Kind of message → how many."""
    channels: tuple[str, ...] = ()
    why_not: str = ""

    @property
    def total(self) -> int:
        """Return how many messages would have gone out, over all channels."""
        return sum(self.messages.values()) * len(self.channels)


@dataclass(slots=True)
class _Group:
    """One alert that could have been: the findings that fail in it, and how it stands."""

    severity: str
    open: set[Any] = field(default_factory=set)
    alert: Alert | None = None
    ends: set[str] = field(default_factory=set)


def replay(rules: Iterable[Rule], since: datetime, now: datetime) -> list[Replayed]:
    """Play the time from `since` to `now` again for each rule; return what each would have sent."""
    absent.refuse_ended(since, "playing the past again")
    listed = control_lists.current()
    controls = control_lists.controls_of(listed) if listed else ()
    routes = Routes(now)
    history = _History(since, now)
    found = []
    for rule in rules:
        names = tuple(channel.name for channel in routes.of(rule) if channel.enabled)
        done = Replayed(rule.id, channels=names)
        if rule.when in ("no data", "inconclusive"):
            _stand(rule, controls, history, done)
        elif rule.when != "failing":
            done.why_not = f"`when: {rule.when}` is about our own work, which has no history of readings"
        elif rule.percent is not None:
            done.why_not = "the populations of the past are not kept, only their findings"
        elif rule.tags:
            done.why_not = "the tags of the past are not kept, only those of now"
        else:
            _play(rule, controls, history, done)
        found.append(done)
    return found


class _History:
    """What was recorded, in the order in which it happened; read once for all rules."""

    def __init__(self, since: datetime, now: datetime) -> None:
        self.since, self.now = since, now
        self.names = dict(Connection.objects.values_list("pk", "name"))
        self.sweeps: list[tuple[datetime, UUID, bool]] = [
            (at, owner, state == "complete")
            for at, owner, state in Sweep.objects.filter(state__in=APPLIED, observed_at__gt=since)
            .order_by("observed_at")
            .values_list("observed_at", "connection_id", "state")
        ]
        self.statuses: dict[str, list[tuple[datetime, str, str]]] = {}
        rows = ControlStatusHistory.objects.filter(at__lte=now).order_by("at", "pk")
        for control, at, status, severity in rows.values_list("control_id", "at", "status", "severity"):
            self.statuses.setdefault(control, []).append((at, status, severity))
        self.events: list[tuple[Any, ...]] = list(
            FindingEvent.objects.filter(at__lte=now)
            .order_by("at", "pk")
            .values_list(
                "at", "kind", "finding_id", "finding__connection_id", "finding__check_id",
                "finding__severity", "finding__account_id", "finding__region", "finding__resource",
            )
        )  # fmt: skip

    def stood(self, control: str, status: str) -> Iterator[tuple[datetime, datetime | None, str]]:
        """Yield when a control began and ceased to stand so (None: it still does), and its severity."""
        began: datetime | None = None
        worst = ""
        for at, now_is, severity in self.statuses.get(control, ()):
            if now_is == status and began is None:
                began, worst = max(at, self.since), severity
            elif now_is != status and began is not None:
                if at > began:
                    yield began, at, worst
                began = None
        if began is not None:
            yield began, None, worst


def _play(rule: Rule, controls: Sequence[Control], history: _History, done: Replayed) -> None:
    for control in controls:
        if not rule.covers(control.id):
            continue
        checks = {check for check in control.checks if matches(check, rule.checks)}
        events = [event for event in history.events if event[4] in checks and _counts(rule, event, history)]
        if events:
            _play_control(rule, control.id, events, history, done)


def _stand(rule: Rule, controls: Sequence[Control], history: _History, done: Replayed) -> None:
    """Play a rule about how controls stand: failing from `minutes` after it began, clear at its end."""
    for control in controls:
        if not rule.covers(control.id):
            continue
        group: _Group | None = None
        for began, ended, severity in history.stood(control.id, str(rule.when)):
            fires = began + timedelta(minutes=rule.minutes)
            if fires >= (ended or history.now):
                continue
            group = group or _Group(rule.severity or severity)
            for at in (fires, *_moments(fires, ended or history.now)):
                if group.alert is None or (group.alert.state in ENDED and _anew(rule, group, at)):
                    group.alert = machine.begin(Signal(Kind.FAILING, at, at, 1))
                kind = Kind.FAILING if at == fires else Kind.TICK
                _send(rule, group, Signal(kind, at, at, 1), done)
            # Each look after it proves as much as the next one; `recover_after` of them end the alert.
            for number in range(rule.recover_after if ended else 0):
                at = (ended or history.now) + (number + 1) * STEP
                _send(rule, group, Signal(Kind.CLEAR, at, at, 0, ends=frozenset({"restored"})), done)


def _counts(rule: Rule, event: tuple[Any, ...], history: _History) -> bool:
    if rule.severities and event[5] not in rule.severities:
        return False
    return matches(history.names.get(event[3], ""), rule.connections)


def _play_control(
    rule: Rule, control: str, events: Sequence[tuple[Any, ...]], history: _History, done: Replayed
) -> None:
    groups: dict[str, _Group] = {}
    waiting = iter(events)
    upcoming = next(waiting, None)
    owners = {event[3] for event in events}
    last = history.since
    for at, owner, complete in history.sweeps:
        if owner not in owners:
            continue
        while upcoming is not None and upcoming[0] <= at:
            _take(rule, control, groups, upcoming)
            upcoming = next(waiting, None)
        for moment in _moments(last, at):
            for group in groups.values():
                _send(rule, group, Signal(Kind.TICK, moment), done)
        for group in groups.values():
            _read(rule, group, at, complete, done)
            _send(rule, group, Signal(Kind.TICK, at), done)
        last = at
    for moment in _moments(last, history.now):
        for group in groups.values():
            _send(rule, group, Signal(Kind.TICK, moment), done)


def _moments(start: datetime, end: datetime) -> Iterator[datetime]:
    moment = start + STEP
    while moment < end:
        yield moment
        moment += STEP


def _take(rule: Rule, control: str, groups: dict[str, _Group], event: tuple[Any, ...]) -> None:
    _, kind, finding, owner, check, severity, account, region, resource = event
    values: Mapping[str, str] = {
        "check_id": check, "account_id": account, "region": region, "resource": resource,
    }  # fmt: skip
    name = ", ".join(f"{key}={values[key]}" for key in rule.group)
    key = alert_key(rule.id, control, owner, name)
    group = groups.setdefault(key, _Group(rule.severity or severity))
    if kind in BEGINS:
        group.open.add(finding)
        group.ends.clear()
    elif kind in (EventKind.RESTORED, EventKind.GONE, EventKind.RULE_CHANGED, EventKind.NOT_APPLICABLE):
        group.open.discard(finding)
        group.ends.add(str(kind))


def _read(rule: Rule, group: _Group, at: datetime, complete: bool, done: Replayed) -> None:
    count = len(group.open)
    if count >= rule.count:
        if group.alert is None or (group.alert.state in ENDED and _anew(rule, group, at)):
            group.alert = machine.begin(Signal(Kind.FAILING, at, at, count))
        _send(rule, group, Signal(Kind.FAILING, at, at, count), done)
    elif group.alert is not None and complete and count <= rule.recover_count:
        ends = frozenset(group.ends) or frozenset({"restored"})
        _send(rule, group, Signal(Kind.CLEAR, at, at, 0, ends=ends), done)


def _anew(rule: Rule, group: _Group, at: datetime) -> bool:
    """Tell whether a failure of an ended alert begins another one, as the machine decides it."""
    if group.alert is None:
        return True
    step = machine.advance(group.alert, Signal(Kind.FAILING, at, at, 1), rule.policy(group.severity))
    return Effect.NEW in step.effects


def _send(rule: Rule, group: _Group, signal: Signal, done: Replayed) -> None:
    if group.alert is None:
        return
    before = group.alert
    step = machine.advance(before, signal, rule.policy(group.severity))
    group.alert = step.alert
    if step.alert.state == State.OPEN and not before.numbered:
        done.alerts += 1
    for effect in step.effects:
        if effect == Effect.ENDED:
            done.messages[str(ENDINGS.get(step.alert.state, Happened.CLOSED))] += 1
        elif effect in EFFECTS and not (before.flapping_since and effect != Effect.FLAPPING):
            done.messages[str(EFFECTS[effect])] += 1
