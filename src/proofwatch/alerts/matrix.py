"""Which rules tell of which control: where nobody is told, a failure would go unnoticed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from proofwatch.alerts import rulebook
from proofwatch.alerts.routing import Routes
from proofwatch.store.services import controls


@dataclass(frozen=True, slots=True)
class Told:
    """Who is told when one control fails.

    Attributes:
        rules: ids of the rules that tell it on a channel that is on.
        mute: ids of the rules that cover it and have no such channel.
        automated: False for a control that is shown by hand: no reading makes it fail.
    """

    control: str
    title: str
    rules: tuple[str, ...]
    mute: tuple[str, ...]
    automated: bool

    @property
    def gap(self) -> bool:
        """Tell whether it can fail and nobody would be told."""
        return self.automated and not self.rules

    @property
    def why(self) -> str:
        """Return why no rule tells it, "" if one does."""
        if not self.automated:
            return "shown by hand"
        if self.rules:
            return ""
        return f"{', '.join(self.mute)} has no channel" if self.mute else "nobody is told"


@dataclass(frozen=True, slots=True)
class Matrix:
    """Every control of the list, and the names of the channels that are on."""

    rows: Sequence[Told]
    channels: Sequence[str]

    @property
    def gaps(self) -> list[str]:
        """Return the controls that can fail with nobody told."""
        return [row.control for row in self.rows if row.gap]


def matrix(now: datetime) -> Matrix:
    """Return who is told when a control fails, for every control of the list in force."""
    listed = controls.current()
    routes = Routes(now)
    rules = [rule for _, rule in rulebook.active() if rule.when == "failing"]
    active = [rule for rule in rules if any(channel.enabled for channel in routes.of(rule))]
    loud = {rule.id for rule in active}
    rows = []
    for item in controls.controls_of(listed) if listed else ():
        covering = [rule.id for rule in rules if rule.covers(item.id)] if item.checks else []
        telling = tuple(name for name in covering if name in loud)
        mute = tuple(name for name in covering if name not in loud)
        rows.append(Told(item.id, item.title, telling, mute, bool(item.checks)))
    return Matrix(tuple(rows), tuple(channel.name for channel in routes.channels if channel.enabled))
