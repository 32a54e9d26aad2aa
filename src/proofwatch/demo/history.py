"""Ninety days of simulated history, so that strips, reviews and repairs can be seen at the first look.

The story is told through the same services as real readings: what each check found in a first reading of the
simulated company is spread over the days before it, and people of the company answer. Every entry says so by
its actor, `demo`, and by the mark of the installation. No snapshot stands behind the simulated days.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any

from proofwatch.alerts import people, review, rulebook
from proofwatch.alerts.base import State
from proofwatch.checks.base import Counts, UnreadPlace
from proofwatch.remediation import acceptances, clock, tasks
from proofwatch.snapshots.base import Objects
from proofwatch.store import reconcile
from proofwatch.store.models import Alert, CheckRun, Connection, Finding, RiskAcceptance, ShardRead, Task
from proofwatch.store.outcome import CheckOutcome, Failure, Key, Outcome, Verdict
from proofwatch.store.services import connections, sweeps

DAYS = 90
ACTOR = "demo"
SEED = 90
SELDOM, OFTEN = 3, 42
"""The connection is read every so many days, until the day from which on it is read daily."""
OUTAGE = range(48, 50)
"""Days on which one place could not be read."""
MISSED = frozenset({61})
"""Days on which nothing ran."""
LATE = 11
"""One alert in so many waits a day for its review."""
DENIED = "AccessDenied: the role was changed by mistake"
Send = Callable[[datetime], int]
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Seen:
    """What one check found in the first reading."""

    check: str
    version: str
    severity: str
    table: str
    params: dict[str, Any]
    counts: Counts
    failures: tuple[Failure, ...]
    places: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Episode:
    """From which day on, and up to which (not with it), a resource fails."""

    begins: int
    ends: int


@dataclass(slots=True)
class Plot:
    """What fails when."""

    seen: Sequence[Seen]
    episodes: dict[tuple[str, Key], list[Episode]] = field(default_factory=dict)

    def fails(self, failure: Failure, day: int) -> bool:
        """Tell whether a result fails on a day."""
        spans = self.episodes[failure.check, Key(failure.account_id, failure.region, failure.resource)]
        return any(item.begins <= day < item.ends for item in spans)


def first_reading() -> list[Seen]:
    """Return what each check found, from the one sweep that the state holds."""
    failed: dict[str, list[Failure]] = {}
    for row in Finding.objects.filter(state="open").order_by("check_id", "account_id", "region", "resource"):
        item = Failure(row.check_id, row.account_id, row.region, row.resource, row.reason)
        failed.setdefault(row.check_id, []).append(item)
    read: dict[str, set[tuple[str, str]]] = {}
    rows = ShardRead.objects.filter(state="complete").values_list("table", "account_id", "region")
    for table, account, region in rows:
        read.setdefault(table, set()).add((account, region))
    everywhere = {place for places in read.values() for place in places}
    return [
        Seen(
            run.check_id, run.check_version, run.severity, run.table, run.params,
            Counts(run.passed, run.failed, 0, run.not_applicable, 0),
            tuple(failed.get(run.check_id, ())),
            frozenset(read.get(run.table) or everywhere),
        )
        for run in CheckRun.objects.filter(latest=True).order_by("check_id")
        if not run.reason
    ]  # fmt: skip


def plot(seen: Sequence[Seen], days: int = DAYS) -> Plot:
    """Decide what fails when: a check goes wrong on some day, its resources then or later, some twice."""
    chance = random.Random(SEED)  # noqa: S311 – a story, no secret
    made = Plot(seen)
    for item in seen:
        # Most of what fails today began lately: the strip of a control has something to tell.
        begins = max(chance.randrange(days // 2, days - 2) for _ in range(3))
        # Little fails in a well-kept company; more of it has a past, so that repairs can be seen.
        early = chance.random() < 0.6
        first = chance.randrange(1, days // 2 - 6) if early else 0
        for failure in item.failures:
            key = (failure.check, Key(failure.account_id, failure.region, failure.resource))
            spans = [Episode(min(days - 1, begins + chance.choice((0, 0, 0, 1, 3, 9))), days + 1)]
            if early and chance.random() < 0.6:
                spans.append(Episode(first, first + chance.randrange(2, 9)))
            made.episodes[key] = spans
    return made


@dataclass(slots=True)
class Story:
    """Tells the days one after another.

    Attributes:
        owner: the connection that is said to have been read.
        objects: takes what the sweeps leave behind.
        plot: what fails when.
        now: the end of the story.
        send: delivers what is due at a time; returns how many messages.
    """

    owner: Connection
    objects: Objects
    plot: Plot
    now: datetime
    send: Send = lambda now: 0
    told: Counter[str] = field(default_factory=Counter)

    def tell(self, progress: Progress = lambda stage, done, total: None, days: int = DAYS) -> Counter[str]:
        """Tell every day; return what happened how often."""
        self._every(SELDOM, self.moment(0, days))
        for day in range(days):
            progress("90 days", day, days)
            at = self.moment(day, days)
            if day == OFTEN:
                self._every(1, at)
            if day < OFTEN and day % SELDOM:
                continue
            if day not in MISSED:
                self.sweep(day, at)
                self.told["sweeps"] += 1
            clock.look(at + timedelta(hours=1))
            self.people(day, at + timedelta(hours=3))
            self.send(at + timedelta(hours=4))
        progress("90 days", days, days)
        return self.told

    def _every(self, days: int, at: datetime) -> None:
        """Let the connection be read every so many days from a time on."""
        self.owner = connections.change(self.owner, actor="bob", now=at, interval_minutes=days * 1440)

    def moment(self, day: int, days: int = DAYS) -> datetime:
        """Return when the sweep of a day was: at six in the morning."""
        date = (self.now - timedelta(days=days - day)).date()
        return datetime.combine(date, time(6), UTC)

    def sweep(self, day: int, at: datetime) -> None:
        """Apply what a reading of this day would have found."""
        planned = sweeps.plan(self.owner, slot=at, trigger="demo", actor=ACTOR, now=at)
        run = sweeps.begin(planned, now=at)
        outcome = self.outcome(day)
        sweeps.record_reads(run, list(_reads(self.plot.seen, day)))
        reconcile.apply(
            run, outcome, self.objects, now=at + timedelta(seconds=40), actor=ACTOR, also=clock.observe
        )

    def outcome(self, day: int) -> Outcome:
        """Return what every check said on a day."""

        def failures() -> Iterable[Failure]:
            for item in self.plot.seen:
                places = _places(item, day)
                for failure in item.failures:
                    if (failure.account_id, failure.region) in places and self.plot.fails(failure, day):
                        yield failure

        def verdicts(check: str, keys: Sequence[Key]) -> dict[Key, Verdict]:
            return {key: Verdict("pass", "It is as it should be.") for key in keys}

        failing = Counter(failure.check for failure in failures())
        checks = tuple(self._check(item, failing[item.check], day) for item in self.plot.seen)
        objects = sum(item.counts.passed + item.counts.failed for item in self.plot.seen)
        return Outcome(checks, failures, verdicts, complete=day not in OUTAGE, objects_read=objects)

    def _check(self, item: Seen, failed: int, day: int) -> CheckOutcome:
        lost = item.places - _places(item, day)
        total = item.counts.passed + item.counts.failed
        counts = Counts(total - failed, failed, len(lost), item.counts.not_applicable, 0)
        worst = next((row.reason for row in item.failures if self.plot.fails(row, day)), "") if failed else ""
        return CheckOutcome(
            check=item.check, version=item.version, severity=item.severity, table=item.table,  # type: ignore[arg-type]
            counts=counts, places=item.places - lost, params=item.params, worst=worst,
            unread=tuple(UnreadPlace(account, region, DENIED) for account, region in sorted(lost)),
        )  # fmt: skip

    def people(self, day: int, at: datetime) -> None:
        """Let the people of the company look, decide and repair."""
        waiting = Alert.objects.filter(current=True, state=State.OPEN, reviewed_at=None, number__isnull=False)
        for row in waiting.order_by("number"):
            if row.drill:
                review.acknowledge(row.name, "the drill came through", by="ana", now=at, channel="demo")
            elif row.number % LATE or row.opened_at < at - timedelta(hours=20):
                self._review(row, at)
        self._repair(day, at)
        self._accept(day, at)

    def _review(self, row: Alert, at: datetime) -> None:
        by = "ana" if row.number % 3 else "bob"
        review.view(row, by=by, now=at, channel="demo")
        decision = "repair" if row.severity in ("critical", "high") or row.number % 2 else "watch"
        note = (
            "This is real; we mend it."
            if decision == "repair"
            else "Understood; it waits for the next release."
        )
        review.review([row.name], decision, note, by=by, now=at + timedelta(minutes=4), channel="demo")
        tasks.by_policy(at + timedelta(minutes=5))
        self.told["reviews"] += 1

    def _repair(self, day: int, at: datetime) -> None:
        """Claim the tasks of alerts that will be found restored tomorrow."""
        rows = Task.objects.filter(ended_at=None, claimed_at=None).select_related("alert")
        for task in rows.order_by("number"):
            spans = self._spans(task, day)
            if not spans or any(item.ends > day + 1 for item in spans):
                continue
            if not task.owner:
                tasks.assign(task.name, "bob", by="ana", now=at, note="you know this one")
            later = at + timedelta(hours=2)
            tasks.claim_fixed(task.name, "set back to the standard", by="bob", now=later)
            self.told["repairs"] += 1

    def _spans(self, task: Task, day: int) -> list[Episode]:
        """Return the episodes that fail on a day, of the resources that a task is about."""
        if task.alert is None:
            return []
        inside = task.alert.resources.filter(ended_at=None).values_list(
            "finding__check_id", "finding__account_id", "finding__region", "finding__resource"
        )
        known = [self.plot.episodes.get((check, Key(*key)), []) for check, *key in inside]
        return [item for spans in known for item in spans if item.begins <= day < item.ends]

    def _accept(self, day: int, at: datetime) -> None:
        """Ask once for a risk to be accepted, and let another person agree."""
        if RiskAcceptance.objects.exists() or day < 30:
            return
        row = Finding.objects.filter(state="open", severity="low").order_by("opened_at", "pk").first()
        if row is None:
            return
        scope = {"check": row.check_id, "resources": [row.resource]}
        asked = acceptances.request(
            scope, "It is replaced next quarter; nothing reaches it from outside.",
            self.now + timedelta(days=60), by="ana", now=at,
        )  # fmt: skip
        acceptances.decide(
            asked.name, True, "agreed until the replacement", by="bob", now=at + timedelta(hours=1)
        )


def _places(item: Seen, day: int) -> frozenset[tuple[str, str]]:
    """Return the places that a check could be judged in on a day."""
    if day not in OUTAGE or not item.places:
        return item.places
    return item.places - {max(item.places)}


def _reads(seen: Sequence[Seen], day: int) -> Iterable[sweeps.Read]:
    for table in sorted({item.table for item in seen}):
        (item, *_) = [found for found in seen if found.table == table]
        lost = item.places - _places(item, day)
        for account, region in sorted(item.places):
            why = DENIED if (account, region) in lost else ""
            yield sweeps.Read(
                account_id=account, region=region, table=table, rows=0, calls=1, pages=1, reason=why
            )


def begin(now: datetime) -> datetime:
    """Return when the history begins."""
    return datetime.combine((now - timedelta(days=DAYS + 1)).date(), time(9), UTC)


def invite(now: datetime) -> None:
    """Name the people of the company, as of the beginning."""
    people.add("ana", role="lead", actor=ACTOR, now=now, full_name="Ana (demo)", email="ana@example.com")
    people.add("bob", role="owner", actor=ACTOR, now=now, full_name="Bob (demo)", email="bob@example.com")
    people.add("eve", role="responder", actor=ACTOR, now=now, full_name="Eve (demo)", email="eve@example.com")
    people.add(
        "aud", role="auditor", actor=ACTOR, now=now, full_name="Alex (demo auditor)", email="aud@example.com"
    )
    rulebook.install(actor=ACTOR, now=now)
