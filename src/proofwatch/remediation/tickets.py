"""Tickets: what happens to a task is told to its tracker, at least once and in order.

Each step is a row that was queued with the change that caused it, so a tracker that is away costs time and
never a step. A step whose answer was lost looks for the ticket before it makes another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from django.db.models import Exists, OuterRef, Q
from pydantic import ValidationError

from proofwatch.alerts.base import AlertError, utc_text
from proofwatch.outbound.http import Client
from proofwatch.outbound.secrets import SecretError
from proofwatch.remediation.trackers.base import TaskFacts, Tracker, TrackerError
from proofwatch.remediation.trackers.base import Ticket as Known
from proofwatch.remediation.trackers.registry import tracker_class
from proofwatch.store import log
from proofwatch.store.django import guarded, write
from proofwatch.store.models import AlertResource, Person, Task, Ticket, TicketStep, TrackerConfig

LEASE = timedelta(minutes=2)
FIRST_DELAY, LONGEST_DELAY = timedelta(seconds=10), timedelta(hours=1)
MOST_ATTEMPTS = 60
"""At one an hour this is more than two days; then the step is failed, and said so."""
POLL = timedelta(minutes=5)
TOLD = {
    "assigned": "update",
    "due": "update",
    "begun": "comment",
    "comment": "comment",
    "claimed": "comment",
    "not confirmed": "comment",
    "late": "comment",
    "ended": "comment",
}
"""Step of a task → what its tracker is told."""


@dataclass(frozen=True, slots=True)
class Courier:
    """What telling trackers works with; as `alerts.outbox.Sender`."""

    client: Client
    owner: str
    url: str = ""
    mark: str = ""
    texts: Callable[[str], tuple[str, str] | None] = lambda check: None
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    step: Callable[[str], None] = lambda name: None


def open_for(task: Task, tracker: str, now: datetime) -> Ticket | None:
    """Queue a ticket for a new task, in its transaction, if a tracker that is on fits the rule's pattern."""
    rows = TrackerConfig.objects.filter(enabled=True, removed_at__isnull=True).order_by("name")
    config = next((row for row in rows if fnmatchcase(row.name, tracker)), None)
    if config is None:
        return None
    ticket: Ticket = Ticket.objects.create(task=task, tracker=config.name)
    TicketStep.objects.create(ticket=ticket, kind="create", body={}, created_at=now, due_at=now)
    return ticket


def step_for(task: Task, kind: str, text: str, by: str, now: datetime) -> None:
    """Queue what a step of a task tells its tickets, in its transaction."""
    if kind not in TOLD or by.partition(":")[0] == "tracker":
        return  # What came from the tracker is known there.
    words = {"claimed": f"{by} says that it is fixed", "not confirmed": "The fix is not confirmed"}
    words |= {"ended": "Proofwatch", "late": "It is late", "begun": f"{by} is at it"}
    body = {"text": [f"{words.get(kind, by)}: {text}" if text else words.get(kind, by)]}
    for ticket in Ticket.objects.filter(task=task):
        TicketStep.objects.create(ticket=ticket, kind=TOLD[kind], body=body, created_at=now, due_at=now)


def build(config: TrackerConfig, client: Client) -> Tracker:
    """Return the tracker that a configuration describes. Raises AlertError naming each wrong field."""
    cls = tracker_class(config.kind)
    try:
        return cls(cls.Settings.model_validate(dict(config.settings)), client)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, item['loc'])) or 'the settings'}: {item['msg']}" for item in error.errors()
        )
        problem = f"{config.kind}: {wrong}"
        raise AlertError(f"using tracker {config.name}", problem, "See docs/trackers.md.") from None


def drain(courier: Courier, most: int = 1000) -> int:
    """Tell the trackers what is due until nothing is; return how many attempts were made."""
    for done in range(most):
        step = _claim(courier.owner, courier.clock())
        if step is None:
            return done
        _carry(step, courier)
    return most


def _claim(owner: str, now: datetime) -> TicketStep | None:
    free = Q(leased_until__isnull=True) | Q(leased_until__lt=now)
    before = TicketStep.objects.filter(ticket=OuterRef("ticket"), state="queued", pk__lt=OuterRef("pk"))
    rows = TicketStep.objects.filter(free, state="queued", due_at__lte=now).exclude(Exists(before))
    with guarded("claiming a step for a tracker"):
        for row in rows.order_by("due_at", "pk")[:20]:
            seen = TicketStep.objects.filter(
                free, pk=row.pk, state="queued", attempts=row.attempts, lease_owner=row.lease_owner
            )
            if seen.update(lease_owner=owner, leased_until=now + LEASE, attempts=row.attempts + 1):
                found: TicketStep = TicketStep.objects.select_related("ticket__task__alert__connection").get(
                    pk=row.pk
                )
                return found
    return None


def _carry(step: TicketStep, courier: Courier) -> None:
    courier.step("claimed")
    ticket, answer, known = step.ticket, "", None
    config = TrackerConfig.objects.filter(pk=ticket.tracker, removed_at__isnull=True, enabled=True).first()
    values: dict[str, Any] = {"lease_owner": "", "leased_until": None}
    now = courier.clock()
    if config is None:
        answer = f"tracker {ticket.tracker} is off"
        values |= {"due_at": now + LONGEST_DELAY, "attempts": step.attempts - 1}
    else:
        try:
            tracker = build(config, courier.client)
            known = _tell(tracker, step, courier)
            courier.step("told")
            answer, values["state"] = "done", "done"
            values["done_at"] = courier.clock()
        except TrackerError as error:
            answer = error.answer or error.problem
            values |= _again(step, courier.clock(), error.permanent, error.retry_after)
            values["perhaps_twice"] = step.perhaps_twice or (error.unanswered and step.kind == "comment")
        except (AlertError, SecretError) as error:
            answer = error.problem
            values |= _again(step, courier.clock(), False, None)
        except Exception as error:  # noqa: BLE001 - recorded as the answer, then tried again
            answer = f"our own fault, or an answer of another form: {type(error).__name__}"
            values |= _again(step, courier.clock(), False, None)
            values["perhaps_twice"] = step.perhaps_twice or step.kind == "comment"
    if config is not None:
        wrong = "" if values.get("state") == "done" else f"{step.kind} of {ticket.task.name}: {answer}"
        TrackerConfig.objects.filter(pk=config.pk).update(problem=wrong[:500])
    _record(step, known, answer, values, courier.clock())


def _again(step: TicketStep, now: datetime, permanent: bool, rest: float | None) -> dict[str, Any]:
    if permanent or step.attempts >= MOST_ATTEMPTS:
        return {"state": "failed"}
    wait = min(FIRST_DELAY * (1 << min(step.attempts - 1, 20)), LONGEST_DELAY)
    return {"due_at": now + max(wait, timedelta(seconds=min(rest or 0.0, 86400.0)))}


def _tell(tracker: Tracker, step: TicketStep, courier: Courier) -> Known | None:
    ticket = step.ticket
    facts = _facts(ticket.task, courier)
    if step.kind == "create":
        # An earlier attempt may have made it, whatever we heard.
        found = tracker.find(facts.key) if step.attempts > 1 else None
        return found or tracker.create(facts)
    if not ticket.external_id:
        raise TrackerError("telling a tracker", "its ticket was never made", permanent=True)
    if step.kind == "update":
        return tracker.update(ticket.external_id, facts)
    tracker.comment(ticket.external_id, step.body.get("text", []))
    return None


def _record(
    step: TicketStep, known: Known | None, answer: str, values: Mapping[str, Any], now: datetime
) -> None:
    with write("recording what a tracker answered"):
        log.lock()
        held = TicketStep.objects.filter(pk=step.pk, lease_owner=step.lease_owner)
        if not held.update(answer=answer[:500], **values):
            return
        ticket = step.ticket
        if known is not None:
            _remember(ticket, known, now)
        data = {
            "task": ticket.task.name,
            "tracker": ticket.tracker,
            "ticket": ticket.external_id,
            "step": step.kind,
            "attempt": step.attempts,
            "state": values.get("state", "queued"),
            "answer": answer[:500],
        }
        log.append("ticket.step", "system", data, now)


def _remember(ticket: Ticket, known: Known, now: datetime) -> None:
    ticket.external_id, ticket.url = known.id[:200], known.url
    ticket.state, ticket.state_name, ticket.assignee = str(known.state), known.state_name, known.assignee
    ticket.read_at = now
    ticket.save()


def _facts(task: Task, courier: Courier) -> TaskFacts:
    alert = task.alert
    rows = AlertResource.objects.filter(alert=alert, ended_at__isnull=True).select_related("finding")
    some = list(rows.order_by("pk")[:10])
    more = rows.count() - len(some)
    body = [task.title]
    if some:
        body.append(f"Failing since {utc_text(alert.first_failed_at)}:" if alert else "Failing:")
    body += [
        f"• {item.finding.resource} ({item.finding.account_id} {item.finding.region}): {item.finding.reason}"
        for item in some
    ]
    body += [f"and {more} more"] if more > 0 else []
    texts = next(filter(None, (courier.texts(item.finding.check_id) for item in some)), None)
    if texts:
        body += [f"Why it matters: {texts[0]}", f"How to fix it: {texts[1]}"]
    if task.body:
        body.append(task.body)
    body.append(
        "Closing this ticket says that it is fixed. Proofwatch then reads it again, and only that proves it."
    )
    person = Person.objects.filter(pk=task.owner).first() if task.owner else None
    return TaskFacts(
        key=task.name,
        title=task.title[:250],
        body=tuple(body),
        severity=task.severity,
        due=task.due_at.date(),
        assignee=_handle(person, task),
        labels=tuple(filter(None, ("proofwatch", task.severity, task.control_id))),
        link=f"{courier.url}/remediation/{task.name}" if courier.url else "",
        mark=courier.mark,
    )


def _handle(person: Person | None, task: Task) -> str:
    ticket = Ticket.objects.filter(task=task).first()
    config = TrackerConfig.objects.filter(pk=ticket.tracker).first() if ticket else None
    return str(person.handles.get(config.kind, "")) if person and config else ""


def watched(config: TrackerConfig) -> list[Ticket]:
    """Return the tickets of a tracker whose task has not ended."""
    rows = Ticket.objects.filter(tracker=config.name, task__ended_at__isnull=True).exclude(external_id="")
    return list(rows.select_related("task__alert__connection"))
