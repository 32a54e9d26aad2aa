"""Where a message goes and whom it names: the rule's channels, the team's on-call, the next level."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import cached_property

from proofwatch.alerts import teams
from proofwatch.alerts.rules import Rule, matches
from proofwatch.store.models import ChannelConfig, Person, Team

HANDLE = {"email": "email", "slack": "slack"}
"""Kind of channel → how it addresses people: by their e-mail address, or by a handle of that name."""


class Routes:
    """One look at channels, teams and people; everything is read at most once."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    @cached_property
    def channels(self) -> list[ChannelConfig]:
        """Return the channels that exist, also those that are off."""
        return list(ChannelConfig.objects.filter(removed_at__isnull=True).order_by("name"))

    @cached_property
    def teams(self) -> dict[str, Team]:
        """Return the teams by name."""
        return {team.name: team for team in Team.objects.all()}

    @cached_property
    def people(self) -> dict[str, Person]:
        """Return everybody who is active, by name."""
        return {person.name: person for person in Person.objects.filter(active=True).order_by("name")}

    def of(self, rule: Rule) -> list[ChannelConfig]:
        """Return the channels that a rule tells."""
        return [channel for channel in self.channels if matches(channel.name, rule.channels)]

    def team(self, rule: Rule) -> Team | None:
        """Return the team whose quiet hours count."""
        return self.teams.get(rule.team)

    def named(self, rule: Rule, level: int) -> list[str]:
        """Return the names of those that a message of a level names: 0 is on-call, then the next ones."""
        if level == 0:
            team = self.team(rule)
            return teams.order(team, self.now)[:1] if team else []
        if not rule.escalate:
            return []
        kind, _, name = rule.escalate[min(level, len(rule.escalate)) - 1].partition(":")
        if kind == "person":
            return [name] if name in self.people else []
        if kind == "role":
            return [person.name for person in self.people.values() if person.role == name]
        found = self.teams.get(name)
        # The first of a team was named before; the next level is everybody after.
        return teams.order(found, self.now)[1:] or teams.order(found, self.now) if found else []

    def addresses(self, channel: ChannelConfig, names: Iterable[str]) -> list[str]:
        """Return how a channel addresses these people; those it cannot address are left out."""
        key = HANDLE.get(channel.kind)
        if key is None:
            return []
        people = [self.people[name] for name in names if name in self.people]
        found = [person.email if key == "email" else person.handles.get(key, "") for person in people]
        return [address for address in found if address]
