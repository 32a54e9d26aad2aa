"""What people do to tickets in their tracker comes back here: read by poll or after a verified web hook."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q

from proofwatch.alerts.base import AlertError
from proofwatch.errors import ProofwatchError
from proofwatch.outbound.http import Client
from proofwatch.remediation import tasks
from proofwatch.remediation.tickets import POLL, build, watched
from proofwatch.remediation.trackers.base import Ticket as Known
from proofwatch.remediation.trackers.base import TicketState
from proofwatch.store import log
from proofwatch.store.django import write
from proofwatch.store.models import Ticket, TrackerConfig
from proofwatch.store.models.remediation import TaskState


def poll(client: Client, now: datetime) -> int:
    """Read the tickets of every tracker whose turn it is; return how many changed."""
    due = Q(polled_at__isnull=True) | Q(polled_at__lt=now - POLL)
    rows = TrackerConfig.objects.filter(due, enabled=True, removed_at__isnull=True)
    return sum(read(config, client, now) for config in rows)


def read(config: TrackerConfig, client: Client, now: datetime, only: Iterable[str] = ()) -> int:
    """Read tickets back and take over what changed. A tracker that is away is recorded as a problem.

    Args:
        config: the tracker.
        client: reaches it.
        now: the time.
        only: just these tickets; none: all whose task has not ended.
    """
    rows = {ticket.external_id: ticket for ticket in watched(config)}
    wanted = [name for name in rows if not only or name in set(only)]
    if not wanted:
        return 0  # Nothing is asked, so nothing is known about the tracker either.
    problem, known = "", []
    try:
        known = build(config, client).read(wanted)
    except ProofwatchError as error:
        problem = f"reading its tickets: {error.problem}"
    except Exception as error:  # noqa: BLE001 - recorded as the tracker's problem; the others are read
        problem = f"reading its tickets: it answered in another form ({type(error).__name__})"
    TrackerConfig.objects.filter(pk=config.pk).update(polled_at=now, problem=problem[:500])
    return sum(_take_over(config, rows[item.id], item, now) for item in known if item.id in rows)


def _take_over(config: TrackerConfig, ticket: Ticket, known: Known, now: datetime) -> bool:
    """Keep how a ticket stands, and let what changed become a step of its task."""
    before = (ticket.state, ticket.state_name, ticket.assignee)
    after = (str(known.state), known.state_name, known.assignee)
    if before == after:
        return False
    task = ticket.task
    who = f"tracker:{config.name}" + (f":{known.closed_by}" if known.closed_by else "")
    with write(f"taking over ticket {ticket.external_id}"):
        log.lock()
        fresh = Ticket.objects.get(pk=ticket.pk)
        if (fresh.state, fresh.state_name, fresh.assignee) == after:
            return False  # A web hook, or another worker, was faster.
        ticket.state, ticket.state_name, ticket.assignee = after
        ticket.read_at = now
        ticket.save()
        data = {"task": task.name, "tracker": config.name, "ticket": ticket.external_id}
        log.append("ticket.read", who, {**data, "before": list(before), "after": list(after)}, now)
        if known.state == TicketState.CLOSED and before[0] != TicketState.CLOSED:
            note = f"{config.name} {ticket.external_id} was closed ({known.state_name or known.state})"
            _claim(task.name, note, who, now)
        elif known.state == TicketState.IN_PROGRESS and task.state == TaskState.OPEN:
            tasks.begin_from_tracker(task.name, who, now)
    return True


def _claim(name: str, note: str, who: str, now: datetime) -> None:
    try:
        tasks.claim_fixed(name, note, by=who, now=now, role="tracker")
    except AlertError:
        return  # The task has ended meanwhile: nothing is left to claim.
