"""Which checks were enabled with which parameters, on any date of the period, and every change of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Min

from proofwatch.binder.archive import Archive
from proofwatch.binder.base import Order, text_of
from proofwatch.reports.configuration import CONFIGURED, as_of, spans
from proofwatch.store.models import CheckRun

SPANS = ("check", "valid_from", "valid_to", "enabled", "params", "by", "reason", "decision")
VERSIONS = ("check", "version", "table", "severity", "first_run", "last_run", "runs")


def write(order: Order, archive: Archive) -> None:
    """Write `configuration/`."""
    for name, at in (("start", order.since), ("end", order.until)):
        archive.add_rows(
            order,
            f"configuration/checks-at-{name}",
            CONFIGURED,
            _configured(order, at),
            title=f"Checks at the {name} of the period",
            question=f"Every check with its state, parameters and pass criteria as of {text_of(at)}.",
        )
    archive.add_rows(
        order,
        "configuration/checks-by-date",
        SPANS,
        (tuple(item[name] for name in SPANS) for item in spans(order.since, order.until)),
        title="Decisions about checks, with the span in which each held",
        question="Which checks were on or off with which parameters: of each check, the row whose span "
        "holds a "
        "date held then. A check that is not here was on, with its own parameters.",
    )
    archive.add_rows(
        order,
        "configuration/check-versions",
        VERSIONS,
        _versions(order),
        title="Versions of checks that ran",
        question="Which version of each check ran from when to when. Its text is in the evaluation objects "
        "of "
        "those runs, and of the newest one in checks/.",
    )
    archive.add_list(order, "configuration", "changes")
    for check in order.tools.checks.values():
        archive.add(f"configuration/checks/{check.id}.yaml", check.source.encode())


def _configured(order: Order, at: datetime) -> Iterator[tuple[Any, ...]]:
    for item in as_of(order.tools.checks, order.tools.objects, at):
        yield tuple(item[name] for name in CONFIGURED)


def _versions(order: Order) -> Iterator[tuple[Any, ...]]:
    rows = CheckRun.objects.filter(observed_at__gte=order.since, observed_at__lt=order.until).order_by()
    found = rows.values_list("check_id", "check_version", "table", "severity").annotate(
        first=Min("observed_at"), last=Max("observed_at"), number=Count("pk")
    )
    yield from sorted(found, key=lambda row: (row[0], row[4], row[1]))
