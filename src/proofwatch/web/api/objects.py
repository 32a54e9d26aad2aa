"""Single objects: what is known of one alert, task, control, check, connection, acceptance, entry, person."""

from __future__ import annotations

import base64
from datetime import date, datetime, timedelta
from typing import Annotated, Any

from django.http import Http404, HttpRequest, HttpResponse
from pydantic import BaseModel, Field, create_model

from proofwatch.alerts import channelbook, review, rulebook
from proofwatch.evidence.entry import parse
from proofwatch.listings import acceptances, alerts, connections, controls, entries, findings, tasks
from proofwatch.remediation import acceptances as acceptance_service
from proofwatch.remediation import tasks as task_service
from proofwatch.store.history import absent
from proofwatch.store.models import AlertRule, ChannelConfig, LogEntry, Person, Silence
from proofwatch.store.services import checks as check_service
from proofwatch.store.services import connections as connection_service
from proofwatch.store.services import findings as finding_service
from proofwatch.web.access import Needs
from proofwatch.web.api.answers import send
from proofwatch.web.api.guard import needs
from proofwatch.web.api.lists import facts, row_type
from proofwatch.web.api.router import router
from proofwatch.web.api.types import Name
from proofwatch.web.context import installation

READ = needs(Needs.READ)
MOST_EVENTS = 1000
Index = Annotated[int, Field(ge=0, le=2**62)]


class Event(BaseModel):
    """One thing that happened."""

    at: datetime
    kind: str
    actor: str
    role: str
    text: str
    before: str
    after: str


class Decision(BaseModel):
    """One decision on a check."""

    at: datetime
    by: str
    enabled: bool
    params: dict[str, Any]
    reason: str


class Check(BaseModel):
    """A check as it is set here."""

    check: str
    title: str
    enabled: bool
    decision: str = Field(description="Why it is off; empty while it is on.")
    severity: str
    criteria: list[str]
    table: str
    why: str
    applies: str
    passes: str
    fix: str
    params: dict[str, Any] = Field(description="In force: the check's own, and those set here.")
    version: str
    history: list[Decision]


class Rule(BaseModel):
    """An alert rule in force."""

    rule: str
    title: str
    enabled: bool
    version: int
    reason: str = Field(description="Why it was changed last.")
    by: str
    at: datetime
    form: dict[str, Any] = Field(description="The rule itself, as in its file.")


class Channel(BaseModel):
    """A channel, without what it takes to reach it."""

    channel: str
    kind: str
    enabled: bool
    reason: str
    by: str
    at: datetime
    tested_at: datetime | None
    tested: str


class SilenceBody(BaseModel):
    """Messages held back."""

    silence: str
    matcher: dict[str, str]
    reason: str
    by: str
    at: datetime
    until: datetime
    until_worse: bool
    ended_at: datetime | None
    ended_by: str
    ended_because: str


class PersonBody(BaseModel):
    """Somebody who can be asked, told and named."""

    person: str
    full_name: str
    role: str
    active: bool
    email: str
    zone: str
    access_until: datetime | None
    period_from: date | None
    period_to: date | None


class Entry(row_type(entries.LISTING)):  # type: ignore[misc]
    """An entry of the evidence log."""

    data: dict[str, Any]
    leaf: str = Field(description="SHA-256 of the leaf, hexadecimal.")
    entry: str = Field(description="The entry's own bytes, base64.")


class _Happened(BaseModel):
    events: list[Event] = Field(description="Oldest first; of a longer history, the newest.")


class _Followed(_Happened):
    archived_months: list[str] = Field(
        description="Months, as 2025-01, whose events are in the archive and not among them."
    )


Alert: type[BaseModel] = create_model("Alert", __base__=(row_type(alerts.LISTING), _Happened))
Task: type[BaseModel] = create_model("Task", __base__=(row_type(tasks.LISTING), _Happened))
Finding: type[BaseModel] = create_model("Finding", __base__=(row_type(findings.LISTING), _Followed))
Control = row_type(controls.LISTING)
Connection = row_type(connections.LISTING)
Acceptance = row_type(acceptances.LISTING)


def _one(listing: Any, row: Any) -> dict[str, Any]:
    (found,) = listing.source.bodies([row])
    return facts(listing, found)


def _event(item: Any) -> dict[str, Any]:
    return {
        "at": item.at, "kind": item.kind, "actor": item.actor, "role": getattr(item, "role", ""),
        "text": str(getattr(item, "reason", "") or getattr(item, "text", "") or ""),
        "before": str(getattr(item, "before", "") or ""), "after": str(getattr(item, "after", "") or ""),
    }  # fmt: skip


def alert_body(name: str) -> dict[str, Any]:
    """Return an alert. Raises StoreError."""
    row = review.get(name)
    return {**_one(alerts.LISTING, row), "events": [*map(_event, review.events(row)[-MOST_EVENTS:])]}


def task_body(name: str) -> dict[str, Any]:
    """Return a task. Raises StoreError."""
    row = task_service.get(name)
    shown = next(iter(tasks.LISTING.source.everything().filter(pk=row.pk)))
    return {**_one(tasks.LISTING, shown), "events": [*map(_event, task_service.events(row)[-MOST_EVENTS:])]}


def acceptance_body(name: str) -> dict[str, Any]:
    """Return an acceptance. Raises StoreError."""
    return _one(acceptances.LISTING, acceptance_service.get(name))


def connection_body(name: str, now: datetime) -> dict[str, Any]:
    """Return a connection. Raises StoreError."""
    return facts(connections.LISTING, connections.body(connection_service.get(name), now))


def check_body(name: str) -> dict[str, Any]:
    """Return a check. Raises Http404."""
    found = installation().catalog.checks.get(name)
    if found is None:
        raise Http404(f"There is no check {name}.")
    off, set_here = check_service.disabled(), check_service.params()
    return {
        "check": found.id, "title": found.title, "enabled": found.id not in off,
        "decision": off.get(found.id, ""), "severity": found.severity, "criteria": list(found.criteria),
        "table": found.table, "why": found.why, "applies": found.applies, "passes": found.passes,
        "fix": found.fix, "params": {**found.params, **set_here.get(found.id, {})}, "version": found.version,
        "history": [
            {"at": row.at, "by": row.by, "enabled": row.enabled, "params": row.params, "reason": row.reason}
            for row in check_service.history(found.id)
        ],
    }  # fmt: skip


def rule_body(row: AlertRule) -> dict[str, Any]:
    """Return a rule."""
    form = rulebook.form(row)
    return {
        "rule": row.pk, "title": form.title, "enabled": row.enabled, "version": row.version,
        "reason": row.reason, "by": row.by, "at": row.at, "form": form.model_dump(mode="json"),
    }  # fmt: skip


def channel_body(row: ChannelConfig) -> dict[str, Any]:
    """Return a channel."""
    names = ("kind", "enabled", "reason", "by", "at", "tested_at", "tested")
    return {"channel": row.name, **{name: getattr(row, name) for name in names}}


def silence_body(row: Silence) -> dict[str, Any]:
    """Return a silence."""
    names = ("matcher", "reason", "by", "at", "until", "until_worse", "ended_at", "ended_by", "ended_because")
    return {"silence": str(row.pk), **{name: getattr(row, name) for name in names}}


def person_body(row: Person) -> dict[str, Any]:
    """Return a person."""
    names = ("full_name", "role", "active", "email", "zone", "access_until", "period_from", "period_to")
    return {"person": row.name, **{name: getattr(row, name) for name in names}}


@router.get("/alerts/{name}", auth=READ, response=Alert, operation_id="get_alert", summary="One alert")
def get_alert(request: HttpRequest, name: Name) -> HttpResponse:
    """`AL-12`, `12` or its id. Reading it here is not written down as a person's look at it."""
    return send(request, alert_body(name))


@router.get("/tasks/{name}", auth=READ, response=Task, operation_id="get_task", summary="One task")
def get_task(request: HttpRequest, name: Name) -> HttpResponse:
    """`TSK-7` or `7`."""
    return send(request, task_body(name))


@router.get(
    "/findings/{name}", auth=READ, response=Finding, operation_id="get_finding", summary="One finding"
)
def get_finding(request: HttpRequest, name: Name) -> HttpResponse:
    """By its id."""
    row = finding_service.get(name)
    happened = [_event(_Step(item)) for item in finding_service.events(row)[-MOST_EVENTS:]]
    until = row.last_observed_at + timedelta.resolution
    away = absent.away(row.first_failed_at, until, tables=("finding_event",), before=0)
    months = [str(month) for month in away]
    return send(request, {**_one(findings.LISTING, row), "events": happened, "archived_months": months})


class _Step:
    """An event of a finding, in the words of the others."""

    def __init__(self, item: Any) -> None:
        self.at, self.kind, self.actor = item.at, item.kind, getattr(item, "actor", "")
        self.text = str(getattr(item, "reason", "") or "")


@router.get(
    "/controls/{name}", auth=READ, response=Control, operation_id="get_control", summary="One control"
)
def get_control(request: HttpRequest, name: Name) -> HttpResponse:
    """A control of the list in force, and how it stands."""
    found = next((row for row in controls.rows(request.now) if row["control"] == name), None)
    if found is None:
        raise Http404(f"There is no control {name} in the list in force.")
    return send(request, facts(controls.LISTING, found))


@router.get("/checks/{name}", auth=READ, response=Check, operation_id="get_check", summary="One check")
def get_check(request: HttpRequest, name: Name) -> HttpResponse:
    """A check with its logic, its parameters and every decision on it."""
    return send(request, check_body(name))


@router.get(
    "/connections/{name}", auth=READ, response=Connection, operation_id="get_connection",
    summary="One connection",
)  # fmt: skip
def get_connection(request: HttpRequest, name: Name) -> HttpResponse:
    """A connection that exists, and whether it is read."""
    return send(request, connection_body(name, request.now))


@router.get(
    "/acceptances/{name}", auth=READ, response=Acceptance, operation_id="get_acceptance",
    summary="One risk acceptance",
)  # fmt: skip
def get_acceptance(request: HttpRequest, name: Name) -> HttpResponse:
    """`RA-3` or `3`."""
    return send(request, acceptance_body(name))


@router.get("/rules/{name}", auth=READ, response=Rule, operation_id="get_rule", summary="One alert rule")
def get_rule(request: HttpRequest, name: Name) -> HttpResponse:
    """A rule in force, with its form."""
    return send(request, rule_body(rulebook.get(name)))


@router.get(
    "/channels/{name}", auth=READ, response=Channel, operation_id="get_channel", summary="One channel"
)
def get_channel(request: HttpRequest, name: Name) -> HttpResponse:
    """A channel, without its settings."""
    return send(request, channel_body(channelbook.get(name)))


@router.get("/people/{name}", auth=READ, response=PersonBody, operation_id="get_person", summary="One person")
def get_person(request: HttpRequest, name: Name) -> HttpResponse:
    """Somebody of this installation."""
    found = Person.objects.filter(pk=name).first()
    if found is None:
        raise Http404(f"There is no person {name}.")
    return send(request, person_body(found))


@router.get(
    "/entries/{index}", auth=READ, response=Entry, operation_id="get_entry",
    summary="One entry of the evidence log",
)  # fmt: skip
def get_entry(request: HttpRequest, index: Index) -> HttpResponse:
    """With its own bytes, so that its leaf can be computed again."""
    row = LogEntry.objects.filter(pk=index).first()
    if row is None:
        raise Http404(f"The log has no entry {index} yet.")
    raw = bytes(row.entry)
    body = {
        **facts(entries.LISTING, entries.body(row)), "data": dict(parse(raw).data),
        "leaf": bytes(row.leaf).hex(), "entry": base64.b64encode(raw).decode(),
    }  # fmt: skip
    return send(request, body)


@router.get("/me", auth=READ, response=PersonBody, operation_id="get_me", summary="Who is asking")
def get_me(request: HttpRequest) -> HttpResponse:
    """The person in whose name this request is made."""
    return send(request, person_body(request.person))
