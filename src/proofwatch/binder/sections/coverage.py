"""What was due, read, inconclusive and missed, on every day; what exists and is not read; populations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Max

from proofwatch.binder.archive import Archive
from proofwatch.binder.base import Order
from proofwatch.reports import readiness
from proofwatch.store.models import CoverageGap, Sweep, TableState
from proofwatch.store.models.sweeps import APPLIED

GAPS = ("first", "last", "connection", "what", "not_read", "in_part", "why", "controls")
PLACES = ("connection", "account", "account_name", "region", "reason", "observed_at", "sweep")
POPULATIONS = ("day", "connection", "table", "rows", "digest", "manifest", "observed_at", "sweep")
USUAL = ("finding", "question", "state", "says", "reasons", "number")


def write(order: Order, archive: Archive) -> None:
    """Write `coverage/`."""
    now = order.origin.now
    found = readiness.coverage(order.audit, now, order.listed)
    archive.add_rows(
        order, "coverage/usual-findings", USUAL,
        (
            (item.id, item.title, item.state, item.says, [what for what, _ in item.reasons], item.number)
            for item in readiness.usual(found, now, order.listed)
        ),
        title="The four usual findings",
        question="Checks not enabled, places not read, alerts not reviewed in time, evidence not kept: as "
        "they "
        "stand when this was made.",
    )  # fmt: skip
    archive.add_rows(
        order, "coverage/days", readiness.LEDGER,
        (tuple(item[name] for name in readiness.LEDGER) for item in order.facts["ledger"]),
        title="Coverage by control and day",
        question="For every automated control and day: occurrences due, read, read in part, missed, and "
        "why; runs "
        "of its checks, and those that were inconclusive or failing.",
    )  # fmt: skip
    archive.add_rows(
        order, "coverage/gaps", GAPS,
        (
            (gap.first.isoformat(), gap.last.isoformat(), gap.connection, gap.word, gap.lost, gap.partial,
             list(gap.why), list(gap.controls))
            for gap in found.gaps
        ),
        title="Gaps", question="Every run of days on which a connection was not read as it should have been.",
    )  # fmt: skip
    archive.add_rows(
        order, "coverage/places-not-read", PLACES, _places(order),
        title="Places that exist and were not read",
        question="Accounts, regions, organisations, repositories of which nothing was read, as of the last "
        "whole "
        "sweep of each connection in the period.",
    )  # fmt: skip
    archive.add_rows(
        order, "coverage/populations", POPULATIONS, _populations(order), title="Populations",
        question="How many rows each table had at the end of each day, under which digest.",
    )  # fmt: skip


def _last(order: Order) -> Iterator[Sweep]:
    rows = Sweep.objects.filter(observed_at__gte=order.since, observed_at__lt=order.until, state__in=APPLIED)
    newest = rows.filter(tables=[]).order_by().values("connection").annotate(at=Max("observed_at"))
    for item in newest:
        yield Sweep.objects.select_related("connection").get(
            connection=item["connection"], observed_at=item["at"], tables=[]
        )


def _places(order: Order) -> Iterator[tuple[Any, ...]]:
    for run in sorted(_last(order), key=lambda run: run.connection.name):
        for gap in CoverageGap.objects.filter(sweep=run).order_by("account_id", "region"):
            yield (
                run.connection.name, gap.account_id, gap.account_name, gap.region, gap.reason,
                run.observed_at, str(run.pk),
            )  # fmt: skip


def _populations(order: Order) -> Iterator[tuple[Any, ...]]:
    """Yield the last state of each table on each day that has one."""
    rows = TableState.objects.filter(
        sweep__observed_at__gte=order.since, sweep__observed_at__lt=order.until, sweep__state__in=APPLIED
    ).order_by("sweep__observed_at", "table")
    found = rows.values_list(
        "sweep__observed_at", "connection__name", "table", "rows", "digest", "manifest", "sweep_id"
    )
    last: dict[tuple[str, str], tuple[Any, ...]] = {}
    today = ""
    for at, connection, table, number, digest, manifest, sweep in found.iterator(chunk_size=5000):
        day = at.date().isoformat()
        if day != today:
            yield from (last[key] for key in sorted(last))
            last, today = {}, day
        last[(connection, table)] = (day, connection, table, number, digest, manifest, at, str(sweep))
    yield from (last[key] for key in sorted(last))
