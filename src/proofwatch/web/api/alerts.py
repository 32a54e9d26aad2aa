"""What can be done about alerts and tasks."""

from __future__ import annotations

from typing import Annotated

from django.http import HttpRequest, HttpResponse
from pydantic import BaseModel, Field

from proofwatch.alerts import dismissals, review, silences
from proofwatch.alerts.base import AlertError
from proofwatch.remediation import tasks
from proofwatch.store.models import Task as TaskRow
from proofwatch.web.access import Needs
from proofwatch.web.api.changing import change
from proofwatch.web.api.guard import needs
from proofwatch.web.api.objects import Alert, SilenceBody, Task, alert_body, silence_body, task_body
from proofwatch.web.api.router import router
from proofwatch.web.api.types import Given, Moment, Name, Noted, Reasoned, Text

ACT = needs(Needs.ACT)
CHANNEL = "api"


class Reviewing(Given):
    """A review: what was decided, and why."""

    decision: Annotated[str, Field(max_length=100, description=f"One of: {', '.join(review.DECISIONS)}.")]
    note: Text


class ReviewingMany(Reviewing):
    """One review of several alerts: all of them or none."""

    alerts: Annotated[list[Name], Field(min_length=1, max_length=1000)]


class Silencing(Reasoned):
    """Holding messages back until a time."""

    until: Moment
    until_worse: bool = False


class Dismissing(Reasoned):
    """Calling it a false positive; a second person has to say the same."""

    until: Moment


class Making(Given):
    """A task for an alert; without a date it is due as the rule says."""

    alert: Name
    owner: Annotated[str, Field(max_length=200)] = ""
    due: Moment | None = None
    note: Text = ""


class Assigning(Noted):
    """A task for somebody."""

    owner: Name


class Commenting(Given):
    """A comment."""

    text: Text


class Moving(Reasoned):
    """Another date for a task."""

    due: Moment


class Reviewed(BaseModel):
    """What a review of several alerts led to."""

    reviewed: list[str]
    tasks: list[str] = Field(description="Tasks that the rules asked for because of it.")


@router.post("/reviews", auth=ACT, response=Reviewed, operation_id="review_alerts",
             summary="Review several alerts")  # fmt: skip
def review_alerts(request: HttpRequest, given: ReviewingMany) -> HttpResponse:
    """All of them or none; one row of the review log for each."""
    by, now = request.person.name, request.now

    def act() -> dict[str, list[str]]:
        made = review.review(given.alerts, given.decision, given.note, by=by, now=now, channel=CHANNEL)
        tasks.by_policy(now)
        ids = [item.alert_id for item in made]
        new = TaskRow.objects.filter(alert__in=ids, made_at=now).order_by("number")
        return {"reviewed": [item.alert.name for item in made], "tasks": [task.name for task in new]}

    return change(request, act, lambda done: done)


@router.post("/alerts/{name}/acknowledge", auth=ACT, response=Alert, operation_id="acknowledge_alert",
             summary="Take notice of an alert")  # fmt: skip
def acknowledge(request: HttpRequest, given: Noted, name: Name) -> HttpResponse:
    """Its repeats stop until the answer is too old. A note is needed."""
    return change(
        request,
        lambda: review.acknowledge(
            name, given.note, by=request.person.name, now=request.now, channel=CHANNEL
        ),
        lambda row: alert_body(str(row.pk)),
        current=lambda: alert_body(name),
    )


@router.post("/alerts/{name}/review", auth=ACT, response=Alert, operation_id="review_alert",
             summary="Review an alert")  # fmt: skip
def review_alert(request: HttpRequest, given: Reviewing, name: Name) -> HttpResponse:
    """Where the rules ask for a task after this decision, it is made."""

    def act() -> None:
        review.review(
            [name], given.decision, given.note, by=request.person.name, now=request.now, channel=CHANNEL
        )
        tasks.by_policy(request.now)

    return change(request, act, lambda _: alert_body(name), current=lambda: alert_body(name))


@router.post("/alerts/{name}/silence", auth=ACT, response=SilenceBody, operation_id="silence_alert",
             summary="Hold back the messages about an alert")  # fmt: skip
def silence(request: HttpRequest, given: Silencing, name: Name) -> HttpResponse:
    """At most 30 days; evaluation, clock and log go on."""
    return change(
        request,
        lambda: silences.make(
            {"alert": _numbered(name)}, given.reason, given.until, by=request.person.name, now=request.now,
            until_worse=given.until_worse,
        ),
        silence_body,
        current=lambda: alert_body(name),
    )  # fmt: skip


def _numbered(name: str) -> str:
    row = review.get(name)
    if not row.number:
        raise AlertError("silencing", "this alert was not told yet", "wait until it has a number")
    return str(row.name)


@router.post("/silences/{name}/end", auth=ACT, response=SilenceBody, operation_id="end_silence",
             summary="End a silence")  # fmt: skip
def end_silence(request: HttpRequest, given: Reasoned, name: Name) -> HttpResponse:
    """By its id. What it held back is told at once."""
    return change(
        request,
        lambda: silences.end(name, given.reason, by=request.person.name, now=request.now),
        silence_body,
    )


@router.post("/alerts/{name}/dismiss", auth=ACT, response=Alert, operation_id="dismiss_alert",
             summary="Call an alert a false positive")  # fmt: skip
def dismiss(request: HttpRequest, given: Dismissing, name: Name) -> HttpResponse:
    """Proposes it; when a second person says the same, the alert is closed."""
    return change(
        request,
        lambda: dismissals.dismiss(name, given.reason, given.until, by=request.person.name, now=request.now),
        lambda _: alert_body(name),
        current=lambda: alert_body(name),
    )


@router.post("/tasks", auth=ACT, response={201: Task}, operation_id="make_task", summary="Make a task")
def make(request: HttpRequest, given: Making) -> HttpResponse:
    """For an alert that has none."""
    if given.due is not None and given.due <= request.now:
        raise AlertError("making a task", "its date is past", "name a day to come")
    return change(
        request,
        lambda: tasks.make(
            given.alert, by=request.person.name, now=request.now, owner=given.owner, due=given.due,
            note=given.note,
        ),
        lambda row: task_body(row.name),
        status=201,
    )  # fmt: skip


@router.post("/tasks/{name}/assign", auth=ACT, response=Task, operation_id="assign_task",
             summary="Give a task to somebody")  # fmt: skip
def assign(request: HttpRequest, given: Assigning, name: Name) -> HttpResponse:
    """To an active person who may act."""
    by, now = request.person.name, request.now
    return change(
        request,
        lambda: tasks.assign(name, given.owner, by=by, now=now, note=given.note),
        lambda row: task_body(row.name),
        current=lambda: task_body(name),
    )


@router.post("/tasks/{name}/begin", auth=ACT, response=Task, operation_id="begin_task",
             summary="Say that somebody is at it")  # fmt: skip
def begin(request: HttpRequest, given: Noted, name: Name) -> HttpResponse:
    """The task is in progress then."""
    return change(
        request,
        lambda: tasks.begin(name, by=request.person.name, now=request.now, note=given.note),
        lambda row: task_body(row.name),
        current=lambda: task_body(name),
    )


@router.post("/tasks/{name}/comment", auth=ACT, response=Task, operation_id="comment_task",
             summary="Comment a task")  # fmt: skip
def comment(request: HttpRequest, given: Commenting, name: Name) -> HttpResponse:
    """Comments stay; none is changed or removed."""
    return change(
        request,
        lambda: tasks.comment(name, given.text, by=request.person.name, now=request.now),
        lambda row: task_body(row.name),
        current=lambda: task_body(name),
    )


@router.post("/tasks/{name}/claim", auth=ACT, response=Task, operation_id="claim_task",
             summary="Say that it is repaired")  # fmt: skip
def claim(request: HttpRequest, given: Noted, name: Name) -> HttpResponse:
    """A claim: it is read again soon, and only readings verify it."""
    return change(
        request,
        lambda: tasks.claim_fixed(name, given.note, by=request.person.name, now=request.now),
        lambda row: task_body(row.name),
        current=lambda: task_body(name),
    )


@router.post("/tasks/{name}/due", auth=ACT, response=Task, operation_id="move_task", summary="Move its date")
def move(request: HttpRequest, given: Moving, name: Name) -> HttpResponse:
    """The old date stays in its steps."""
    by, now = request.person.name, request.now
    return change(
        request,
        lambda: tasks.move_due(name, given.due, by=by, now=now, reason=given.reason),
        lambda row: task_body(row.name),
        current=lambda: task_body(name),
    )
