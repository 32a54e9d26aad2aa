"""What the state measures: sweeps, jobs, deliveries, the log, and the age of the data.

The state is one, however many processes answer: each of them tells the same, so the numbers are not to be
added up over processes. Labels are names that this installation chose, or words of closed sets.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Min, Q, QuerySet, Sum
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
    SummaryMetricFamily,
)

from proofwatch import __version__
from proofwatch.store.base import StoreError
from proofwatch.store.django import disconnect, guarded
from proofwatch.store.models import (
    Alert,
    Checkpoint,
    Connection,
    Delivery,
    DeliveryAttempt,
    Finding,
    Job,
    Keeper,
    KeptCheckpoint,
    LogHead,
    ShardRead,
    Sweep,
)
from proofwatch.store.models.deliveries import WAITING
from proofwatch.store.models.jobs import JobState
from proofwatch.store.models.sweeps import RUNNING, SweepState
from proofwatch.store.services import sweeps

NEVER = float("inf")
"""The age of what never was: larger than any limit, so that a rule on it speaks."""
DONE = (SweepState.COMPLETE, SweepState.PARTIAL, SweepState.FAILED)
ENDED = (*DONE, SweepState.SKIPPED, SweepState.MISSED)


def state(now: datetime, home: str) -> list[Metric]:
    """Return the measurements; where the state cannot be reached, only that.

    Args:
        now: the time.
        home: the home folder, whose room is told.
    """
    found: list[Metric] = [
        InfoMetricFamily("proofwatch_build", "Which Proofwatch this is.", {"version": __version__}),
        GaugeMetricFamily(
            "proofwatch_home_free_bytes", "Room where the home folder is.", shutil.disk_usage(home).free
        ),
    ]
    reachable = 1
    try:
        with guarded("measuring the state"):
            for part in (_data, _sweeps, _jobs, _deliveries, _work, _log):
                found += part(now)
    except StoreError:
        disconnect()
        found, reachable = found[:2], 0
    about = "Whether the state could be read: 0 means that its measurements are missing here."
    return [*found, GaugeMetricFamily("proofwatch_state_reachable", about, reachable)]


def _gauge(name: str, about: str, labels: tuple[str, ...], values: Iterable[tuple[Any, ...]]) -> Metric:
    """Return a gauge; each of `values` is its labels and then the value."""
    made = GaugeMetricFamily(f"proofwatch_{name}", about, labels=labels)
    for *words, value in values:
        made.add_metric([str(word) for word in words], value)
    return made


def _counter(name: str, about: str, labels: tuple[str, ...], values: Iterable[tuple[Any, ...]]) -> Metric:
    made = CounterMetricFamily(f"proofwatch_{name}", about, labels=labels)
    for *words, value in values:
        made.add_metric([str(word) for word in words], value)
    return made


def _age(now: datetime, at: datetime | None) -> float:
    return NEVER if at is None else max(0.0, (now - at).total_seconds())


def _existing() -> QuerySet:
    return Connection.objects.filter(removed_at__isnull=True)


def _data(now: datetime) -> Iterator[Metric]:
    rows = list(_existing().order_by("name"))
    yield _gauge(
        "data_age_seconds", "Seconds since a connection was last read completely; +Inf: never.",
        ("connection", "kind"), ((row.name, row.kind, _age(now, row.last_complete_at)) for row in rows),
    )  # fmt: skip
    yield _gauge(
        "sweep_interval_seconds", "Seconds from one sweep to the next, as set.",
        ("connection",), ((row.name, row.interval_minutes * 60) for row in rows),
    )  # fmt: skip
    yield _gauge(
        "sweep_overdue_seconds", "Seconds since a sweep was due that nobody planned yet.", ("connection",),
        ((row.name, _age(now, row.next_due_at)) for row in rows if row.next_due_at),
    )  # fmt: skip
    states = _existing().values_list("state").annotate(Count("pk")).order_by("state")
    yield _gauge("connections", "Connections by state.", ("state",), states)
    named = {row.pk: row.name for row in rows}
    newest = {sweep: named[owner] for owner, (sweep, _) in sweeps.newest_whole().items() if owner in named}
    unread = (
        ShardRead.objects.filter(sweep__in=newest, state="failed")
        .values_list("sweep")
        .annotate(Count("table", distinct=True))
    )
    failed = dict(unread)
    yield _gauge(
        "tables_unread", "Tables that the newest whole sweep could not read completely.", ("connection",),
        ((name, failed.get(sweep, 0)) for sweep, name in newest.items()),
    )  # fmt: skip


def _sweeps(now: datetime) -> Iterator[Metric]:
    named = dict(_existing().values_list("pk", "name"))
    # Of the table's index alone: rows of years are counted at each look.
    counted = Sweep.objects.values_list("connection_id", "state").annotate(number=Count("*"))
    rows = [(named[owner], word, n) for owner, word, n in counted.order_by() if owner in named]
    yield _counter(
        "sweeps", "Sweeps that ended, also those that were due and did not happen.",
        ("connection", "state"), sorted(row for row in rows if row[1] in ENDED),
    )  # fmt: skip
    running = sum(n for _, word, n in rows if word in RUNNING and word != SweepState.PLANNED)
    yield _gauge("sweeps_in_progress", "Sweeps that began and have not ended.", (), [(running,)])
    lasted = []
    for row in _existing().order_by("name"):
        last = row.sweeps.filter(state__in=DONE, started_at__isnull=False, finished_at__isnull=False)
        newest = last.order_by("-observed_at").only("started_at", "finished_at").first()
        if newest is not None:
            lasted.append((row.name, (newest.finished_at - newest.started_at).total_seconds()))
    about = "Seconds from the begin to the end of a connection's newest sweep."
    yield _gauge("sweep_last_duration_seconds", about, ("connection",), lasted)


def _jobs(now: datetime) -> Iterator[Metric]:
    due = Job.objects.filter(state=JobState.PENDING, due_at__lte=now).values_list("kind")
    waiting = list(due.annotate(Count("pk"), Min("due_at")).order_by("kind"))
    yield _gauge(
        "jobs_waiting", "Jobs that are due and that no worker has begun.",
        ("kind",), ((kind, number) for kind, number, _ in waiting),
    )  # fmt: skip
    yield _gauge(
        "job_wait_seconds", "Seconds that the job which is due longest has waited.",
        ("kind",), ((kind, _age(now, at)) for kind, _, at in waiting),
    )  # fmt: skip
    by_state = Job.objects.values_list("kind", "state").annotate(Count("pk")).order_by("kind", "state")
    rows = list(by_state)
    for name, which, about in (
        ("jobs_running", JobState.RUNNING, "Jobs that a worker holds."),
        ("jobs_dead", JobState.DEAD, "Jobs that were given up after their last attempt."),
    ):
        yield _gauge(name, about, ("kind",), ((kind, n) for kind, state, n in rows if state == which))
    yield _counter(
        "jobs_done", "Jobs that ended well.",
        ("kind",), ((kind, n) for kind, state, n in rows if state == JobState.DONE),
    )  # fmt: skip


def _deliveries(now: datetime) -> Iterator[Metric]:
    by_state = Delivery.objects.values_list("channel", "state").annotate(Count("pk"))
    rows = list(by_state.order_by("channel", "state"))
    yield _counter(
        "deliveries", "Messages by what became of them; accepted is the provider's word, not the reader's.",
        ("channel", "outcome"), (row for row in rows if row[1] not in WAITING),
    )  # fmt: skip
    waiting: dict[str, int] = {}
    for channel, state_, number in rows:
        waiting[channel] = waiting.get(channel, 0) + (number if state_ in WAITING else 0)
    about = "Messages that no provider accepted yet."
    yield _gauge("deliveries_waiting", about, ("channel",), waiting.items())
    due = Delivery.objects.filter(state__in=WAITING, due_at__lte=now).aggregate(at=Min("due_at"))["at"]
    yield _gauge(
        "delivery_wait_seconds", "Seconds that the message which is due longest has waited; 0: none is due.",
        (), [(_age(now, due) if due else 0.0,)],
    )  # fmt: skip
    attempts = SummaryMetricFamily(
        "proofwatch_delivery_attempt_duration_seconds", "Seconds that attempts to send took.",
        labels=("outcome",),
    )  # fmt: skip
    tries = DeliveryAttempt.objects.values_list("outcome").annotate(Count("pk"), Sum("seconds"))
    for outcome, number, seconds in tries.order_by("outcome"):
        attempts.add_metric([outcome], number, seconds)
    yield attempts


def _work(now: datetime) -> Iterator[Metric]:
    alerts = Alert.objects.filter(current=True).aggregate(
        open=Count("pk", filter=Q(state="open")), late=Count("pk", filter=Q(ended_at=None, due_at__lt=now))
    )
    yield _gauge("alerts_open", "Alerts that nobody acknowledged.", (), [(alerts["open"],)])
    about = "Alerts past the day they were to be repaired."
    yield _gauge("alerts_overdue", about, (), [(alerts["late"],)])
    failing = Finding.objects.filter(state="open").values_list("severity")
    yield _gauge(
        "findings_open", "Findings that fail.",
        ("severity",), failing.annotate(Count("pk")).order_by("severity"),
    )  # fmt: skip


def _log(now: datetime) -> Iterator[Metric]:
    head = LogHead.objects.get(pk=1)
    signed = Checkpoint.objects.aggregate(size=Max("size"), at=Max("at"))
    yield _gauge("log_entries", "Entries of the evidence log.", (), [(head.size,)])
    unsigned = head.size - (signed["size"] or 0)
    yield _gauge("log_unsigned_entries", "Entries under no signed checkpoint.", (), [(unsigned,)])
    about = "Seconds since the newest checkpoint was signed; +Inf: never."
    yield _gauge("checkpoint_age_seconds", about, (), [(_age(now, signed["at"]),)])
    given = KeptCheckpoint.objects.filter(state="accepted").values_list("keeper").annotate(Max("at"))
    taken = dict(given)
    keepers = Keeper.objects.filter(removed_at__isnull=True, enabled=True).order_by("name")
    yield _gauge(
        "outside_checkpoint_age_seconds", "Seconds since a keeper outside last took one; +Inf: never.",
        ("keeper",), ((name, _age(now, taken.get(name))) for name in keepers.values_list("name", flat=True)),
    )  # fmt: skip
