"""How ready we are for an audit: the period day by day, and the four usual findings, as they stand now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import (
    Count,
    DateTimeField,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
)
from django.db.models.functions import Cast, Substr

from proofwatch.alerts import rulebook
from proofwatch.alerts.base import ACTIVE, ENDED, State
from proofwatch.controls.period import Coverage, Ran, Source, control_days, cover, days_of
from proofwatch.evidence.entry import parse
from proofwatch.store.django import guarded
from proofwatch.store.history import absent
from proofwatch.store.models import (
    Alert,
    AlertEvent,
    Audit,
    CheckRun,
    Connection,
    ControlList,
    CoverageGap,
    LogEntry,
    ManualEvidence,
    Review,
    Sweep,
)
from proofwatch.store.models.connections import ConnectionState
from proofwatch.store.models.sweeps import SweepState
from proofwatch.store.services import checks, connections, controls, sweeps

LOST = (SweepState.MISSED, SweepState.FAILED, SweepState.SKIPPED)
MOST_REASONS = 4
REVIEW_MINUTES = 4320
"""How long an alert may stay without a review, where no rule says otherwise: three days."""


@dataclass(frozen=True, slots=True)
class Usual:
    """One of the four usual findings.

    Attributes:
        id: checks, coverage, reviews or evidence.
        title: the question, as an auditor asks it.
        state: passing, failing, or inconclusive where it cannot be told.
        says: the verdict in a sentence.
        reasons: (what, address of its page or ""), each of them, at most `MOST` of them.
        number: how many reasons there are.
    """

    id: str
    title: str
    state: str
    says: str
    reasons: tuple[tuple[str, str], ...] = ()
    number: int = 0


MOST = 40


@dataclass(frozen=True, slots=True)
class _Facts:
    """What a period is judged by: its days so far, the connections, and what became of each occurrence."""

    days: list[date]
    sources: list[Source]
    ran: dict[tuple[str, date], Ran]


def coverage(audit: Audit, now: datetime, listed: ControlList | None) -> Coverage:
    """Return the days of a period until now: which controls were read, and every gap."""
    facts = _facts(audit, now)
    return cover(controls.controls_of(listed) if listed else (), facts.sources, facts.ran, facts.days)


def ledger(audit: Audit, now: datetime, listed: ControlList | None) -> Iterator[dict[str, object]]:
    """Yield every automated control on every day of a period until now, with counts and reasons.

    `judged` counts the runs of its checks, `inconclusive` those in which something could not be told (or the
    check could not be evaluated), `failing` those in which something failed.
    """
    facts = _facts(audit, now)
    known = controls.controls_of(listed) if listed else ()
    judged = _judged_runs(facts.days) if facts.days else {}
    checks = {item.id: item.checks for item in known}
    for item in control_days(known, facts.sources, facts.ran, facts.days):
        runs = [judged.get((check, item.day), (0, 0, 0)) for check in checks[item.control]]
        total, unsure, failing = (sum(run[place] for run in runs) for place in range(3))
        yield {
            "control": item.control, "day": item.day.isoformat(), "coverage": item.word, "due": item.due,
            "read": item.complete, "read_in_part": item.partial, "missed": item.missed,
            "check_runs": total, "inconclusive_runs": unsure, "failing_runs": failing, "why": list(item.why),
        }  # fmt: skip


LEDGER = (
    "control", "day", "coverage", "due", "read", "read_in_part", "missed", "check_runs", "inconclusive_runs",
    "failing_runs", "why",
)  # fmt: skip
"""The columns of the ledger, in order."""


def _judged_runs(days: list[date]) -> dict[tuple[str, date], tuple[int, int, int]]:
    """Return (check, day) → its runs, those with something inconclusive, those with something failing."""
    since = datetime.combine(days[0], time.min, UTC)
    until = datetime.combine(days[-1] + timedelta(days=1), time.min, UTC)
    absent.refuse(since, until, "counting the runs of each day", tables=("check_run",), before=0)
    rows = CheckRun.objects.filter(observed_at__gte=since, observed_at__lt=until).order_by()
    rows = rows.annotate(day=Substr(Cast("observed_at", TextField()), 1, 10))
    found = rows.values_list("check_id", "day").annotate(
        total=Count("pk"),
        unsure=Count("pk", filter=Q(inconclusive__gt=0) | ~Q(reason="")),
        failing=Count("pk", filter=Q(failed__gt=0)),
    )
    return {
        (check, date.fromisoformat(day)): (total, bad, failing) for check, day, total, bad, failing in found
    }


def _facts(audit: Audit, now: datetime) -> _Facts:
    days = days_of(audit.first, min(audit.last, now.astimezone(UTC).date()))
    with guarded("reading what was due and what was read"):
        intervals = _intervals()
        known = list(Connection.objects.order_by("name"))
        sources = [
            Source(
                row.name, row.kind, row.created_at.astimezone(UTC).date(),
                row.removed_at.astimezone(UTC).date() if row.removed_at else None,
                tuple(intervals.get(row.name, ())) or ((row.created_at.date(), row.interval_minutes),),
            )
            for row in known
        ]  # fmt: skip
        ran = _ran({row.pk: row.name for row in known}, days) if days else {}
    return _Facts(days, sources, ran)


def _intervals() -> dict[str, list[tuple[date, int]]]:
    """Return connection → (day, minutes between two sweeps from then on), from the entries that say so."""
    found: dict[str, list[tuple[date, int]]] = {}
    rows = LogEntry.objects.filter(kind__in=("connection.created", "connection.changed")).order_by("index")
    for raw, at in rows.values_list("entry", "at"):
        data = parse(bytes(raw)).data
        changes = data.get("changes")
        pair = changes.get("interval_minutes") if isinstance(changes, Mapping) else None
        minutes = pair[1] if pair else data.get("interval_minutes")
        if isinstance(minutes, int):
            found.setdefault(str(data.get("connection", "")), []).append((at.astimezone(UTC).date(), minutes))
    return found


def _ran(names: Mapping[object, str], days: list[date]) -> dict[tuple[str, date], Ran]:
    since = datetime.combine(days[0], time.min, UTC)
    until = datetime.combine(days[-1] + timedelta(days=1), time.min, UTC)
    rows = Sweep.objects.filter(slot__gte=since, slot__lt=until).order_by()
    # The text of a moment begins with its day on both databases; their own functions are far slower on one.
    rows = rows.annotate(day=Substr(Cast("slot", TextField()), 1, 10))
    found: dict[tuple[str, date], list[int]] = {}
    for owner, day, state, number in rows.values_list("connection_id", "day", "state").annotate(Count("pk")):
        kept = found.setdefault((names[owner], date.fromisoformat(day)), [0, 0, 0])
        place = 0 if state == SweepState.COMPLETE else 1 if state == SweepState.PARTIAL else 2
        if place < 2 or state in LOST:
            kept[place] += number
    why: dict[tuple[str, date], list[str]] = {}
    lost = rows.exclude(state=SweepState.COMPLETE).exclude(state__in=_running())
    for owner, day, state, error in lost.values_list("connection_id", "day", "state", "error").distinct():
        said = why.setdefault((names[owner], date.fromisoformat(day)), [])
        words = f"{state}: {error}" if error else str(state)
        if len(said) < MOST_REASONS and words not in said:
            said.append(words[:300])
    return {
        key: Ran(numbers[0], numbers[1], numbers[2], tuple(sorted(why.get(key, ()))))
        for key, numbers in found.items()
        if any(numbers)
    }


def _running() -> tuple[str, ...]:
    from proofwatch.store.models.sweeps import RUNNING

    return RUNNING


def usual(found: Coverage | None, now: datetime, listed: ControlList | None) -> list[Usual]:
    """Return the four usual findings as they stand now.

    Args:
        found: the coverage of the period; None where none is set.
        now: the time.
        listed: the control list in force; None if there is none.
    """
    with guarded("looking for the four usual findings"):
        return [_checks(listed), _coverage(), _reviews(found, now), _evidence(found, now)]


def _checks(listed: ControlList | None) -> Usual:
    title = "Are all checks of the approved controls enabled?"
    if listed is None:
        return Usual("checks", title, "failing", "No control list is in force.", (("import one", ""),), 1)
    off = checks.disabled()
    reasons = [
        (f"{control.id}: {check} {off[check]}", f"/checks/{check}")
        for control in controls.controls_of(listed) for check in control.checks if check in off
    ]  # fmt: skip
    if not listed.approvals.exists():
        reasons.insert(
            0, (f"version {listed.number} of the list was approved by nobody", "/settings/controls")
        )
    number = sum(len(control.checks) for control in controls.controls_of(listed))
    said = f"All {number} checks of the list are enabled, and it is approved."
    return _judged(
        "checks",
        title,
        reasons,
        said,
        ("control is not checked as approved", "controls are not checked as approved"),
    )


def _coverage() -> Usual:
    title = "Is every account, region and organisation read?"
    reasons = []
    every, newest = connections.every(), sweeps.newest_whole()
    gaps: dict[object, list[CoverageGap]] = {}
    for gap in CoverageGap.objects.filter(sweep__in=[last for last, _ in newest.values()]).order_by(
        "account_id", "region"
    ):
        gaps.setdefault(gap.sweep_id, []).append(gap)
    for row in every:
        page = f"/connections/{row.name}"
        last = newest.get(row.pk)
        if row.state == ConnectionState.PAUSED:
            reasons.append((f"{row.name} is paused by {row.paused_by}: {row.paused_reason}", page))
        if last is None:
            reasons.append((f"{row.name} was never read whole", page))
            continue
        reasons += [
            (f"{row.name}: {gap.account_id} {gap.account_name} {gap.region}: {gap.reason}", page)
            for gap in gaps.get(last[0], ())
        ]
        reasons += [(f"{row.name}: {what}", page) for what in last[1]]
    if not every:
        reasons.append(("no system is connected", "/connections"))
    return _judged(
        "coverage", title, reasons, "All that exists is read.", ("place is not read", "places are not read")
    )


def _reviews(found: Coverage | None, now: datetime) -> Usual:
    """Judge the alerts that wait too long now, and those of the period that waited too long before."""
    title = "Is every alert reviewed in time?"
    minutes = (
        next((rule.minutes for _, rule in rulebook.active() if rule.when == "unreviewed"), 0)
        or REVIEW_MINUTES
    )
    limit = timedelta(minutes=minutes)
    real = Alert.objects.filter(drill__isnull=True, number__isnull=False)
    waiting = real.filter(
        current=True, state__in=sorted(ACTIVE), opened_at__lte=now - limit, reviewed_at__isnull=True
    ).order_by("opened_at")
    waited = _waited(found, limit) if found else AlertEvent.objects.none()
    reasons = [
        (f"{row.name} of {row.opened_at:%Y-%m-%d}: {row.headline}", f"/alerts/{row.name}")
        for row in waiting[:MOST]
    ]
    for row in waited[: MOST - len(reasons)]:
        answered = row.first is not None and (row.ended is None or row.first <= row.ended)
        until = f"reviewed {_at(row.first)}" if answered else f"ended {_at(row.ended)} without a review"
        said = f"{row.alert.name} opened {_at(row.at)}, {until}: {row.alert.headline}"
        reasons.append((said, f"/alerts/{row.alert.name}"))
    hours, waits = f"{minutes / 60:g} hours", ("alert waited", "alerts waited")
    held = f"Every alert was reviewed within {hours}, or is younger."
    late = tuple(f"{words} for a review for more than {hours}" for words in waits)
    number = len(reasons) if len(reasons) < MOST else waiting.count() + waited.count()
    return _judged("reviews", title, reasons, held, late, number)


def _waited(found: Coverage, limit: timedelta) -> QuerySet[Any]:
    """Return the openings in the period after which nobody reviewed an alert for too long.

    Each opening counts, also where the alert ended and opened again: `first` is the review after it, `ended`
    its end; one that is open and unreviewed is not among them.
    """
    since = datetime.combine(found.days[0], time.min, UTC) if found.days else datetime.max.replace(tzinfo=UTC)
    until = datetime.combine(found.days[-1], time.max, UTC) if found.days else since
    same = {"alert": OuterRef("alert")}
    ends = AlertEvent.objects.filter(**same, pk__gt=OuterRef("pk"), after__in=sorted(ENDED)).order_by("pk")
    reviews = Review.objects.filter(**same, decided_at__gte=OuterRef("at")).order_by("decided_at")
    rows = AlertEvent.objects.filter(
        at__gte=since, at__lte=until, after=State.OPEN, before__in=["", State.PENDING, *sorted(ENDED)],
        alert__drill__isnull=True,
    ).select_related("alert")  # fmt: skip
    rows = rows.annotate(
        ended=Subquery(ends.values("at")[:1]), first=Subquery(reviews.values("decided_at")[:1])
    )
    over = ExpressionWrapper(F("at") + limit, DateTimeField())
    unanswered = Q(first__gt=over) | Q(first__isnull=True, ended__isnull=False)
    return rows.filter(unanswered, Q(ended__isnull=True) | Q(ended__gt=over)).order_by("pk")


def _at(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


def _evidence(found: Coverage | None, now: datetime) -> Usual:
    title = "Is evidence kept for the whole period?"
    if found is None:
        return Usual("evidence", title, "inconclusive", "No observation period is set.")
    reasons = [
        (
            f"{gap.connection} {gap.first} to {gap.last}: {gap.word}: {'; '.join(gap.why)}",
            f"/connections/{gap.connection}",
        )
        for gap in found.gaps
    ]
    for control, words in found.words.items():
        bare = [day for day, word in zip(found.days, words, strict=True) if word == "not connected"]
        if bare:
            said = (
                f"{control}: nothing that it reads was connected on {len(bare)} days, {bare[0]} to {bare[-1]}"
            )
            reasons.append((said, f"/controls/{control}"))
    oldest = LogEntry.objects.order_by("index").values_list("at", flat=True).first()
    if found.days and oldest and oldest.astimezone(UTC).date() > found.days[0]:
        reasons.insert(0, (f"the log begins at {oldest:%Y-%m-%d}, after the period began", "/evidence"))
    said = "Everything that was due was read and kept; nothing is ever deleted."
    return _judged("evidence", title, reasons, said, ("gap in the period", "gaps in the period"))


def _judged(
    name: str,
    title: str,
    reasons: list[tuple[str, str]],
    good: str,
    bad: tuple[str, ...],
    number: int | None = None,
) -> Usual:
    """Return a verdict; `bad` says what there is too much of: of one, and of more."""
    number = len(reasons) if number is None else number
    if not number:
        return Usual(name, title, "passing", good)
    return Usual(name, title, "failing", f"{number} {bad[number > 1]}.", tuple(reasons[:MOST]), number)


def shown_by_hand(first: date, last: date) -> dict[str, int]:
    """Return control → how many documents that people added speak of days of a period."""
    rows = ManualEvidence.objects.filter(effective_from__lte=last, effective_to__gte=first)
    return dict(rows.values_list("control_id").annotate(Count("pk")))
