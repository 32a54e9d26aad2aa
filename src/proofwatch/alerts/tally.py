"""What a rule sees of one alert that there could be."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from proofwatch.alerts.rules import Rule


@dataclass(slots=True)
class Tally:
    """One alert that could be: what it is about, and what was seen of it.

    `failing` are seen failing, `unseen` failed and cannot be seen now, `population` 0 where nobody counted.
    """

    rule: Rule
    control: str
    connection: UUID | None
    group: str
    severity: str
    failing: int = 0
    unseen: int = 0
    population: int = 0
    newest: datetime | None = None
    """When the newest of the findings began to fail."""
    example: str = ""
    where: Q | None = None
    """The findings that it counts; None for what is not about findings."""
    checks: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    """The same as `where`, for matching findings one by one: checks, and a value per part of the group."""
    failed: set[str] = field(default_factory=set)
    """The checks that fail in it."""
    drill: UUID | None = None
    """The drill that it belongs to, if it is none of the real ones."""

    @property
    def key(self) -> str:
        """Return what tells one alert from every other."""
        return alert_key(self.rule.id, self.control, self.connection, self.group)

    @property
    def fires(self) -> bool:
        """Tell whether the threshold is reached."""
        if self.rule.percent is not None:
            return self.population > 0 and 100 * self.failing / self.population >= self.rule.percent
        return self.failing >= self.rule.count

    @property
    def holds(self) -> bool:
        """Tell whether it is still over the threshold of recovery."""
        return self.failing > self.rule.recover_count


def alert_key(rule: str, control: str, connection: UUID | None, group: str) -> str:
    """Return SHA-256 of rule × control × connection × group."""
    text = "\x00".join((rule, control, connection.hex if connection else "", group))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
