"""What an OSCAL document tells of: the controls with their words, the risks taken over, the people named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.db.models import Count

from proofwatch.checks.base import Counts
from proofwatch.controls.base import Control
from proofwatch.reports.tables import ReportError
from proofwatch.store.django import guarded
from proofwatch.store.models import (
    Audit,
    ControlList,
    ControlStatusHistory,
    Finding,
    LogEntry,
    ManualEvidence,
    RiskAcceptance,
)
from proofwatch.store.models.findings import FindingState
from proofwatch.store.services import controls

NOT_JUDGED = "not judged"
"""Of a control before anything was recorded about it."""


@dataclass(frozen=True, slots=True)
class Span:
    """What a document is about: an audit's days, or how things stand now.

    Attributes:
        name: of the audit; "now" without one.
        first: from when; None for now.
        until: to when, not included.
        audit: the audit.
    """

    name: str
    first: datetime | None
    until: datetime
    audit: Audit | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """A status that a control had for a time; `to` is the end of the days looked at if it goes on."""

    status: str
    reason: str
    since: datetime
    to: datetime


@dataclass(frozen=True, slots=True)
class Stand:
    """How one control stands, or stood over some days.

    Attributes:
        control: which.
        held: what it was, in order; one for now.
        counts: of the newest results.
        observed_at: the oldest observation that it rests on.
    """

    control: Control
    held: Sequence[Held]
    counts: Counts = field(default_factory=Counts)
    observed_at: datetime | None = None

    @property
    def words(self) -> frozenset[str]:
        """Return every status that it had."""
        return frozenset(item.status for item in self.held)

    @property
    def satisfied(self) -> bool | None:
        """Tell whether it was satisfied all the time; None where that cannot be told.

        It was not if it ever failed, also under an accepted risk. It was if it passed all the time. What was
        inconclusive, not read or not judged for a while is neither.
        """
        if self.words & {"failing", "accepted"}:
            return False
        return True if self.words == {"passing"} else None


def span_of(audit: Audit | None, now: datetime) -> Span:
    """Return the days of an audit until now, or now. Raises ReportError before its first day."""
    if audit is None:
        return Span("now", None, now)
    first = datetime.combine(audit.first, time.min, UTC)
    if first >= now:
        begins = f"its first day is {audit.first}"
        raise ReportError(f"exporting {audit.name}", f"the period has not begun: {begins}")
    last = datetime.combine(audit.last + timedelta(days=1), time.min, UTC)
    return Span(audit.name, first, min(last, now), audit)


def listed_in(span: Span) -> ControlList:
    """Return the control list that was in force at the end of a span. Raises ReportError if there is none."""
    found = controls.of_period(span.audit) if span.audit else controls.current()
    if found is None:
        raise ReportError("exporting OSCAL", "there is no control list", "run `proofwatch controls import`")
    return found


def stands(span: Span, listed: ControlList) -> list[Stand]:
    """Return how each control of a list stands, in the order of the list."""
    known = controls.controls_of(listed)
    if span.first is not None:
        with guarded("reading how the controls stood"):
            return [_stood(control, span.first, span.until) for control in known]
    found = {item.control: item for item in controls.statuses(span.until)}
    return [
        Stand(
            control,
            [Held(item.status, item.reason, item.observed_at or span.until, span.until)],
            item.counts,
            item.observed_at,
        )
        for control in known
        if (item := found.get(control.id))
    ]


def _stood(control: Control, first: datetime, until: datetime) -> Stand:
    rows = ControlStatusHistory.objects.filter(control_id=control.id).order_by("at", "pk")
    before = rows.filter(at__lt=first).last()
    now = Held(before.status, before.reason, first, until) if before else None
    now = now or Held(NOT_JUDGED, "Nothing was recorded about it before.", first, until)
    held: list[Held] = []
    last: Any = before
    for last in rows.filter(at__gte=first, at__lt=until).iterator():
        if last.status != now.status:
            held.append(Held(now.status, now.reason, now.since, last.at))
            now = Held(last.status, last.reason, last.at, until)
    held = [item for item in [*held, now] if item.to > item.since]
    if last is None:
        return Stand(control, held)
    return Stand(control, held, Counts(**last.counts), last.observed_at)


@dataclass(frozen=True, slots=True)
class Risk:
    """A risk that somebody took over, with the results that it is about.

    Attributes:
        row: the acceptance.
        covers: (connection id, check) of the findings that it covers now.
    """

    row: RiskAcceptance
    covers: frozenset[tuple[Any, str]]

    def about(self, connection: Any, name: str, check: str, control: str) -> bool:
        """Tell whether it is about what a check found on a connection for a control."""
        scope = self.row.scope
        if scope.get("control") not in (None, "", control):
            return False
        if (connection, check) in self.covers:
            return True
        named = scope.get("check") or scope.get("control")
        return bool(named) and (
            scope.get("check") in (None, "", check) and scope.get("connection") in (None, "", name)
        )


def risks(span: Span) -> list[Risk]:
    """Return the acceptances that were in force in a span."""
    with guarded("reading the accepted risks"):
        rows = RiskAcceptance.objects.filter(decided_at__lte=span.until).exclude(state="refused")
        if span.first is None:
            rows = rows.filter(state="approved", expires_at__gt=span.until)
        covered: dict[str, set[tuple[Any, str]]] = {}
        found = Finding.objects.filter(acceptance__gt="", state=FindingState.OPEN).order_by()
        for name, owner, check in found.values_list("acceptance", "connection_id", "check_id").distinct():
            covered.setdefault(name, set()).add((owner, check))
        return [
            Risk(row, frozenset(covered.get(row.name, ())))
            for row in rows.order_by("number")
            if span.first is None or (row.ended_at or row.expires_at) >= span.first
        ]


def accepted(span: Span) -> dict[tuple[Any, str], int]:
    """Return how many open findings are under an accepted risk now, by (connection id, check)."""
    if span.first is not None:
        return {}
    with guarded("counting the accepted findings"):
        rows = Finding.objects.filter(acceptance__gt="", state=FindingState.OPEN).order_by()
        counted = rows.values_list("connection_id", "check_id").annotate(Count("pk"))
        return {(owner, check): number for owner, check, number in counted}


def documents(span: Span) -> list[ManualEvidence]:
    """Return the documents that speak of days of a span and were added before its end."""
    with guarded("reading the documents"):
        rows = ManualEvidence.objects.filter(at__lt=span.until, effective_from__lte=span.until.date())
        first = (span.first or span.until).date()
        return list(rows.filter(effective_to__gte=first).order_by("number"))


def installation() -> str:
    """Return what tells this installation from others: the hash of its log's first entry."""
    with guarded("reading the log"):
        first = LogEntry.objects.filter(index=0).values_list("leaf", flat=True).first()
        return bytes(first).hex() if first else ""
