"""The digest of a team: once a day at its hour, what needs somebody, what was held back, what ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Q

from proofwatch.alerts import teams
from proofwatch.alerts.base import ACTIVE, State
from proofwatch.alerts.notices import Notices
from proofwatch.alerts.rules import matches
from proofwatch.store import log
from proofwatch.store.django import write
from proofwatch.store.models import Alert, Delivery, RiskAcceptance, Task, Team
from proofwatch.store.models.deliveries import DeliveryState
from proofwatch.store.models.remediation import TaskState

EVERYBODY = "everybody"
"""The team that stands for all while nobody made one: told at 09:00 UTC on every channel."""
SOON = timedelta(days=14)
DONE = (TaskState.RESTORED, TaskState.GONE, TaskState.ENDED)


def due(now: datetime) -> int:
    """Queue the digest of every team whose hour has come since its last one; return how many.

    The first look of a new team queues nothing: it begins to count from there.
    """
    sent = 0
    with write("making the digests"):
        log.lock()
        rows = list(Team.objects.select_for_update()) or [_everybody(now)]
        for team in rows:
            moment = teams.digest_due(team, now)
            if moment is None:
                continue
            since = team.digested_at
            Team.objects.filter(pk=team.pk).update(digested_at=now)
            if since is not None:
                sent += _queue(team, since, moment, now)
    return sent


def _everybody(now: datetime) -> Team:
    made: Team = Team.objects.create(name=EVERYBODY, digested_at=now)
    return made


def _queue(team: Team, since: datetime, moment: datetime, now: datetime) -> int:
    notices = Notices(now)
    channels = [
        item
        for item in notices.routes.channels
        if item.enabled and matches(item.name, team.channels or ["*"])
    ]
    if not channels:
        return 0
    lines = summary(since, now)
    headline = f"Digest of {team.name}: {lines[0]}"
    for channel in channels:
        notices.digest(channel, f"digest-{team.name}-{log.text(moment)}", headline, lines[1:])
    return len(notices.save())


def summary(since: datetime, now: datetime) -> list[str]:
    """Return the digest's lines; the first says everything in short."""
    active = Alert.objects.filter(current=True, state__in=sorted(ACTIVE))
    waiting = list(
        active.filter(reviewed_at__isnull=True, state=State.OPEN).order_by("rank", "first_failed_at")[:25]
    )
    unreviewed = active.filter(reviewed_at__isnull=True, state=State.OPEN).count()
    late = Task.objects.filter(due_at__lt=now).exclude(state__in=DONE)
    ended = Alert.objects.filter(ended_at__gt=since, number__isnull=False).order_by("ended_at")
    first = f"{unreviewed} alerts need a review, {late.count()} tasks are overdue, {ended.count()} ended"
    lines = [first]
    lines += [
        f"needs review since {_day(row.opened_at)}: {row.severity}: {row.name} {row.headline}"
        for row in waiting
    ]
    lines += [
        f"overdue since {_day(row.due_at)}: {row.name} {row.title} ({row.owner or 'nobody'})"
        for row in late[:10]
    ]
    lines += [f"{row.state}: {row.name} {row.headline}" for row in ended[:10]]
    lines += _acceptances(now)
    return lines + held_back(since)


def held_back(since: datetime) -> list[str]:
    """Return how many messages were held back or failed since a time, by the reason."""
    kinds = Counter[str]()
    rows = Delivery.objects.filter(
        Q(state=DeliveryState.NOT_SENT) | Q(state=DeliveryState.FAILED), created_at__gt=since
    )
    for state, reason in rows.values_list("state", "reason"):
        kinds["could not be sent" if state == DeliveryState.FAILED else _kind(reason)] += 1
    return [f"{number} messages held back: {kind}" for kind, number in sorted(kinds.items())]


def _kind(reason: str) -> str:
    for start, word in KINDS:
        if reason.startswith(start):
            return word
    return "for another reason"


KINDS: Sequence[tuple[str, str]] = (
    ("silenced", "silenced"),
    ("flapping", "flapping"),
    ("inhibited", "a connection is down"),
    ("grouped", "grouped into one message"),
    ("told by the digest", "told by the digest of a first sweep"),
    ("channel", "the channel is off"),
)


def _acceptances(now: datetime) -> list[str]:
    rows = RiskAcceptance.objects.filter(state="approved", expires_at__lt=now + SOON).order_by("expires_at")
    return [f"acceptance {row.name} expires {_day(row.expires_at)}: {row.reason[:120]}" for row in rows[:10]]


def _day(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%SZ}" if at else "never"
