"""Teams: who is called now and who next, their quiet hours, and when their digest is due."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from proofwatch.alerts.base import AlertError
from proofwatch.alerts.people import NAME
from proofwatch.checks.base import SEVERITIES
from proofwatch.store import log
from proofwatch.store.django import guarded, write
from proofwatch.store.models import ChannelConfig, Person, Team
from proofwatch.store.services.actors import administering
from proofwatch.store.services.naming import unknown

CLOCK = r"([01]\d|2[0-3]):[0-5]\d"
SPOKEN = ("critical",)
"""Severities that are told in quiet hours unless a team says otherwise."""


def every() -> list[Team]:
    """Return the teams by name."""
    with guarded("listing the teams"):
        return list(Team.objects.order_by("name"))


def save(name: str, values: Mapping[str, Any], *, actor: str, now: datetime, reason: str) -> Team:
    """Make or change a team. Keys: members, zone, rotation_days, quiet, channels, digest_at.

    Raises:
        AlertError: a value cannot be used.
        StoreError: a member is unknown.
    """
    doing = f"changing team {name}"
    if not re.fullmatch(NAME, name):
        raise AlertError(doing, f"{name!r} cannot be a name", "use lower-case letters, digits, . _ and -")
    administering(actor, doing)
    if not reason.strip():
        raise AlertError(doing, "a decision needs a reason", "say why")
    _check(doing, values)
    with write(doing):
        log.lock()
        people = set(Person.objects.filter(active=True).values_list("name", flat=True))
        for member in values.get("members", ()):
            if member not in people:
                raise unknown(doing, "person", member, people)
        channels = list(ChannelConfig.objects.filter(removed_at__isnull=True).values_list("name", flat=True))
        for pattern in values.get("channels", ()):
            if "*" not in pattern and pattern not in channels:
                raise unknown(doing, "channel", pattern, channels)
        known = Team.objects.filter(pk=name).first()
        team = known or Team(name=name, rotates_from=now)
        before = _body(team) if known else None
        for key, value in values.items():
            setattr(team, key, value)
        team.save(force_insert=known is None)
        data = {"team": name, "before": before, "after": _body(team), "reason": reason}
        log.append("team.changed", actor, data, now)
    return team


def order(team: Team, now: datetime) -> list[str]:
    """Return the members as they are called now, on-call first; those who left are not called."""
    names = list(team.members)
    if team.rotation_days and team.rotates_from and names:
        turns = (now - team.rotates_from) // timedelta(days=team.rotation_days)
        first = turns % len(names)
        names = [*names[first:], *names[:first]]
    here = set(Person.objects.filter(name__in=names, active=True).values_list("name", flat=True))
    return [name for name in names if name in here]


def quiet_until(team: Team | None, severity: str, now: datetime) -> datetime | None:
    """Return until when a team is not disturbed about a severity; None if it may be told now."""
    if team is None or not team.quiet or severity in team.quiet.get("except", SPOKEN):
        return None
    zone = ZoneInfo(team.zone)
    local = now.astimezone(zone)
    begins, ends = (time.fromisoformat(team.quiet[key]) for key in ("from", "to"))
    for back in (0, 1):
        day = local.date() - timedelta(days=back)
        if day.weekday() not in team.quiet.get("days", range(7)):
            continue
        start = datetime.combine(day, begins, zone)
        end = datetime.combine(day + timedelta(days=ends <= begins), ends, zone)
        if start <= local < end:
            return end.astimezone(UTC)
    return None


def digest_due(team: Team, now: datetime) -> datetime | None:
    """Return the newest moment at which the digest was due, if it was not told since; else None."""
    if not team.digest_at:
        return None
    zone = ZoneInfo(team.zone)
    local = now.astimezone(zone)
    due = datetime.combine(local.date(), time.fromisoformat(team.digest_at), zone)
    if due > local:
        due -= timedelta(days=1)
    moment = due.astimezone(UTC)
    return moment if team.digested_at is None or team.digested_at < moment else None


def _check(doing: str, values: Mapping[str, Any]) -> None:
    members = list(values.get("members", ()))
    twice = sorted({name for name in members if members.count(name) > 1})
    if twice:
        raise AlertError(doing, f"{twice[0]} stands twice among the members", "name everybody once")
    zone = values.get("zone", "UTC")
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise AlertError(doing, f"{zone!r} is no time zone", "write it as Europe/Berlin") from None
    at = values.get("digest_at", "")
    if at and not re.fullmatch(CLOCK, at):
        raise AlertError(doing, f"digest_at: {at!r} is no time of day", "write it as 09:00")
    _check_quiet(doing, values.get("quiet") or {})


def _check_quiet(doing: str, quiet: Mapping[str, Any]) -> None:
    if not quiet:
        return
    for key in ("from", "to"):
        if not re.fullmatch(CLOCK, str(quiet.get(key, ""))):
            raise AlertError(doing, f"quiet hours: {key} is no time of day", "write it as 22:00")
    if not str(quiet.get("reason", "")).strip():
        raise AlertError(doing, "quiet hours need a reason", "say why nobody is to be disturbed then")
    _only(doing, "days", quiet.get("days", ()), range(7))
    _only(doing, "except", quiet.get("except", ()), SEVERITIES)


def _only(doing: str, key: str, given: Sequence[Any], known: Sequence[Any]) -> None:
    for item in given:
        if item not in known:
            raise AlertError(doing, f"quiet hours: {key}: {item!r}", f"known: {', '.join(map(str, known))}")


def _body(team: Team) -> dict[str, Any]:
    names = ("members", "zone", "rotation_days", "quiet", "channels", "digest_at")
    return {name: getattr(team, name) for name in names}
