"""What can be changed of how things are set up: checks, rules, channels, connections, people; and risks."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from django.http import Http404, HttpRequest, HttpResponse
from pydantic import BaseModel, Field

from proofwatch.alerts import channelbook, people, rulebook
from proofwatch.checks.validate import effective_params
from proofwatch.remediation import acceptances
from proofwatch.store.services import checks, connections, syncing
from proofwatch.web.access import Needs
from proofwatch.web.api import objects
from proofwatch.web.api.changing import change
from proofwatch.web.api.guard import needs
from proofwatch.web.api.objects import Acceptance, Channel, Check, Connection, PersonBody, Rule
from proofwatch.web.api.router import router
from proofwatch.web.api.types import Given, Moment, Name, Noted, Reasoned
from proofwatch.web.context import installation

ACT, ADMINISTER, OWN = needs(Needs.ACT), needs(Needs.ADMINISTER), needs(Needs.OWN)
Short = Annotated[str, Field(max_length=200)]


class Scope(Given):
    """Which open failures are meant; all that is given must fit."""

    control: Name | None = None
    check: Name | None = None
    connection: Name | None = None
    account_id: Name | None = None
    region: Name | None = None
    resources: Annotated[list[Annotated[str, Field(max_length=2000)]], Field(max_length=1000)] | None = None
    tag: Annotated[str, Field(max_length=600, description="key=value")] | None = None
    alert: Name | None = None


class Asking(Reasoned):
    """A risk to be accepted until a date, at most a year away."""

    scope: Scope
    until: Moment


class Setting(Reasoned):
    """Parameters of a check, in place of all that were set before."""

    params: dict[str, Any]


class Pausing(Reasoned):
    """No sweeps until a time."""

    until: Moment


class Syncing(Given):
    """Tables to read again; none: all."""

    tables: Annotated[list[Name], Field(max_length=500)] = Field(default_factory=list)


class Somebody(Given):
    """What is given of a person is changed; all else stays."""

    role: Annotated[str, Field(description="owner, lead, responder or auditor", max_length=50)] | None = None
    full_name: Short | None = None
    email: Short | None = None
    zone: Short | None = None
    access_until: Moment | None = Field(default=None, description="null: no end.")
    period_from: date | None = Field(default=None, description="null: from the beginning.")
    period_to: date | None = Field(default=None, description="null: to the end.")


class Asked(BaseModel):
    """What was asked for happens soon, by a worker."""

    connection: str
    tables: int


class Queued(BaseModel):
    """A message that a worker sends soon."""

    channel: str
    delivery: str


@router.post("/acceptances", auth=ACT, response={201: Acceptance}, operation_id="request_acceptance",
             summary="Ask that a risk be accepted")  # fmt: skip
def ask(request: HttpRequest, given: Asking) -> HttpResponse:
    """Another person decides."""
    scope = given.scope.model_dump(exclude_none=True)
    if "tag" in scope:
        installation().refresh_tags([scope["tag"]])
    return change(
        request,
        lambda: acceptances.request(
            scope, given.reason, given.until, by=request.person.name, now=request.now
        ),
        lambda row: objects.acceptance_body(row.name),
        status=201,
    )


def _decide(request: HttpRequest, name: str, approve: bool, note: str) -> HttpResponse:
    return change(
        request,
        lambda: acceptances.decide(name, approve, note, by=request.person.name, now=request.now),
        lambda row: objects.acceptance_body(row.name),
        current=lambda: objects.acceptance_body(name),
    )


@router.post("/acceptances/{name}/approve", auth=ADMINISTER, response=Acceptance,
             operation_id="approve_acceptance", summary="Accept a risk")  # fmt: skip
def approve(request: HttpRequest, given: Noted, name: Name) -> HttpResponse:
    """Not by who asked for it. A note is needed."""
    return _decide(request, name, True, given.note)


@router.post("/acceptances/{name}/refuse", auth=ADMINISTER, response=Acceptance,
             operation_id="refuse_acceptance", summary="Refuse to accept a risk")  # fmt: skip
def refuse(request: HttpRequest, given: Noted, name: Name) -> HttpResponse:
    """Not by who asked for it. A note is needed."""
    return _decide(request, name, False, given.note)


@router.post("/acceptances/{name}/end", auth=ACT, response=Acceptance, operation_id="end_acceptance",
             summary="Accept a risk no longer")  # fmt: skip
def end(request: HttpRequest, given: Reasoned, name: Name) -> HttpResponse:
    """Its failures count again at once."""
    return change(
        request,
        lambda: acceptances.end(name, given.reason, by=request.person.name, now=request.now),
        lambda row: objects.acceptance_body(row.name),
        current=lambda: objects.acceptance_body(name),
    )


def _turn_check(request: HttpRequest, name: str, enabled: bool, reason: str) -> HttpResponse:
    objects.check_body(name)
    turn = checks.enable if enabled else checks.disable
    return change(
        request,
        lambda: turn(name, actor=request.person.name, now=request.now, reason=reason),
        lambda _: objects.check_body(name),
        current=lambda: objects.check_body(name),
    )


@router.post("/checks/{name}/enable", auth=ADMINISTER, response=Check, operation_id="enable_check",
             summary="Turn a check on")  # fmt: skip
def enable_check(request: HttpRequest, given: Reasoned, name: Name) -> HttpResponse:
    """It is evaluated from the next sweep on."""
    return _turn_check(request, name, True, given.reason)


@router.post("/checks/{name}/disable", auth=ADMINISTER, response=Check, operation_id="disable_check",
             summary="Turn a check off")  # fmt: skip
def disable_check(request: HttpRequest, given: Reasoned, name: Name) -> HttpResponse:
    """Its findings stay as they are; the statuses of its controls follow."""
    return _turn_check(request, name, False, given.reason)


@router.put("/checks/{name}/params", auth=ADMINISTER, response=Check, operation_id="set_check_params",
            summary="Set the parameters of a check")  # fmt: skip
def set_params(request: HttpRequest, given: Setting, name: Name) -> HttpResponse:
    """In place of all that were set before; those that are not named are as the check says."""
    found = installation().catalog.checks.get(name)
    if found is None:
        raise Http404(f"There is no check {name}.")
    made = effective_params(found, given.params)
    params = {key: made[key] for key in given.params}
    by, now = request.person.name, request.now
    return change(
        request,
        lambda: checks.decide(name, actor=by, now=now, reason=given.reason, params=params),
        lambda _: objects.check_body(name),
        current=lambda: objects.check_body(name),
    )


def _turn_rule(request: HttpRequest, name: str, enabled: bool, reason: str) -> HttpResponse:
    return change(
        request,
        lambda: rulebook.switch(name, enabled, actor=request.person.name, now=request.now, reason=reason),
        objects.rule_body,
        current=lambda: objects.rule_body(rulebook.get(name)),
    )


@router.post("/rules/{name}/enable", auth=ADMINISTER, response=Rule, operation_id="enable_rule",
             summary="Turn a rule on")  # fmt: skip
def enable_rule(request: HttpRequest, given: Reasoned, name: Name) -> HttpResponse:
    """It makes alerts from the next reading on."""
    return _turn_rule(request, name, True, given.reason)


@router.post("/rules/{name}/disable", auth=ADMINISTER, response=Rule, operation_id="disable_rule",
             summary="Turn a rule off")  # fmt: skip
def disable_rule(request: HttpRequest, given: Reasoned, name: Name) -> HttpResponse:
    """It closes nothing: its alerts stay until readings end them."""
    return _turn_rule(request, name, False, given.reason)


def _turn_channel(request: HttpRequest, name: str, enabled: bool, reason: str) -> HttpResponse:
    return change(
        request,
        lambda: channelbook.switch(name, enabled, actor=request.person.name, now=request.now, reason=reason),
        objects.channel_body,
        current=lambda: objects.channel_body(channelbook.get(name)),
    )


@router.post("/channels/{name}/enable", auth=ADMINISTER, response=Channel, operation_id="enable_channel",
             summary="Turn a channel on")  # fmt: skip
def enable_channel(request: HttpRequest, given: Reasoned, name: Name) -> HttpResponse:
    """Messages are sent there again."""
    return _turn_channel(request, name, True, given.reason)


@router.post("/channels/{name}/disable", auth=ADMINISTER, response=Channel, operation_id="disable_channel",
             summary="Turn a channel off")  # fmt: skip
def disable_channel(request: HttpRequest, given: Reasoned, name: Name) -> HttpResponse:
    """What waits there is not sent, and says so."""
    return _turn_channel(request, name, False, given.reason)


@router.post("/channels/{name}/test", auth=ADMINISTER, response={202: Queued}, operation_id="test_channel",
             summary="Send a message marked TEST")  # fmt: skip
def test_channel(request: HttpRequest, name: Name) -> HttpResponse:
    """A worker sends it; the channel says then how it went."""
    return change(
        request,
        lambda: channelbook.queue_test(name, actor=request.person.name, now=request.now),
        lambda row: {"channel": row.channel, "delivery": str(row.pk)},
        status=202,
    )


@router.post("/connections/{name}/pause", auth=ADMINISTER, response=Connection,
             operation_id="pause_connection", summary="Stop the sweeps until a time")  # fmt: skip
def pause(request: HttpRequest, given: Pausing, name: Name) -> HttpResponse:
    """Each occurrence meanwhile is recorded as skipped."""
    by, now = request.person.name, request.now
    return change(
        request,
        lambda: connections.pause(
            connections.get(name), actor=by, now=now, reason=given.reason, until=given.until
        ),
        lambda row: objects.connection_body(row.name, now),
        current=lambda: objects.connection_body(name, now),
    )


@router.post("/connections/{name}/resume", auth=ADMINISTER, response=Connection,
             operation_id="resume_connection", summary="End a pause")  # fmt: skip
def resume(request: HttpRequest, given: Reasoned, name: Name) -> HttpResponse:
    """Sweeps are due again."""
    by, now = request.person.name, request.now
    return change(
        request,
        lambda: connections.resume(connections.get(name), actor=by, now=now, reason=given.reason),
        lambda row: objects.connection_body(row.name, now),
        current=lambda: objects.connection_body(name, now),
    )


@router.post("/connections/{name}/sync", auth=ADMINISTER, response={202: Asked},
             operation_id="sync_connection", summary="Read it again now")  # fmt: skip
def sync(request: HttpRequest, given: Syncing, name: Name) -> HttpResponse:
    """A worker reads it within a few seconds, outside the schedule."""
    by, now = request.person.name, request.now
    return change(
        request,
        lambda: syncing.ask(connections.get(name), given.tables, actor=by, now=now),
        lambda tables: {"connection": name, "tables": len(tables)},
        status=202,
    )


@router.put("/people/{name}", auth=OWN, response=PersonBody, operation_id="put_person",
            summary="Add somebody, or change what is given")  # fmt: skip
def put_person(request: HttpRequest, given: Somebody, name: Name) -> HttpResponse:
    """A new person is a responder in UTC unless the request says otherwise. Nobody is invited by this."""
    said = given.model_dump(exclude_unset=True)
    ends = {key: said.pop(key) for key in ("access_until", "period_from", "period_to") if key in said}
    by, now = request.person.name, request.now

    def act() -> Any:
        row = people.add(name, actor=by, now=now, **said)
        return people.limit(name, actor=by, now=now, **ends) if ends else row

    return change(request, act, objects.person_body)


def _switch(request: HttpRequest, name: str, active: bool, reason: str) -> HttpResponse:
    return change(
        request,
        lambda: people.switch(name, active, actor=request.person.name, now=request.now, reason=reason),
        objects.person_body,
    )


@router.post("/people/{name}/deactivate", auth=OWN, response=PersonBody, operation_id="deactivate_person",
             summary="Let somebody act no more")  # fmt: skip
def deactivate(request: HttpRequest, given: Reasoned, name: Name) -> HttpResponse:
    """They cannot come in any more, nor can their tokens. What they did stays theirs."""
    return _switch(request, name, False, given.reason)


@router.post("/people/{name}/activate", auth=OWN, response=PersonBody, operation_id="activate_person",
             summary="Let somebody act again")  # fmt: skip
def activate(request: HttpRequest, given: Reasoned, name: Name) -> HttpResponse:
    """They sign in as before."""
    return _switch(request, name, True, given.reason)
