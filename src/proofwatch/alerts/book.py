"""Alerts as rows: what the machine decided is written with its events and log entries, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from django.db.models import Max

from proofwatch.alerts import base, machine, membership
from proofwatch.alerts.base import Effect, Kind, Policy, Signal, State, Step
from proofwatch.alerts.notices import Notices
from proofwatch.alerts.tally import Tally
from proofwatch.store import log, models
from proofwatch.store.models import AlertEvent

INLINE = 40
"""Moved alerts that one log entry names; more go into further entries."""
BATCH = 500
SAME = tuple(
    field.name for field in fields(base.Alert) if field.name not in ("state", "numbered", "transitions")
)
"""Fields that the machine and the row call by the same name."""
WRITTEN = (
    *SAME,
    "state",
    "number",
    "first_opened_at",
    "transitions",
    "severity",
    "headline",
    "reason",
    "population",
    "observed_at",
    "interruption",
    "evidence_before",
    "evidence_after",
    "acknowledged_at",
    "acknowledged_by",
    "claimed_by",
    "reviewed_at",
    "viewed_at",
    "rule_digests",
    "baseline",
)


def standing(row: models.Alert) -> base.Alert:
    """Return a row as the machine sees it."""
    times = tuple(datetime.fromisoformat(text) for text in row.transitions)
    same = {name: getattr(row, name) for name in SAME}
    return base.Alert(state=State(row.state), numbered=row.number is not None, transitions=times, **same)


@dataclass(slots=True)
class Move:
    """One alert that was moved: as it was, what came of it, and on whose word."""

    row: models.Alert
    before: str
    step: Step
    signal: Signal
    actor: str
    role: str = ""
    reason: str = ""
    sweep: Any = None
    grew_from: int = 0
    """How many failed before."""
    resumed: bool = False
    """Whether it could not be seen before, and can again."""

    @property
    def grew(self) -> bool:
        """Tell whether more fail than before."""
        return bool(self.row.count > self.grew_from)


class Book:
    """Writes moves in one transaction. The caller holds the log's lock, so numbers are given in one order."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.moves: list[Move] = []
        self.joins: list[tuple[models.Alert, Tally]] = []
        """Alerts whose resources have to be brought up to date, with what was seen of them."""
        self.shrunk: list[Any] = []
        """Ids of alerts in which only fewer fail."""
        self._next = (models.Alert.objects.aggregate(top=Max("number"))["top"] or 0) + 1

    def move(
        self,
        row: models.Alert,
        signal: Signal,
        policy: Policy,
        *,
        actor: str,
        role: str = "",
        reason: str = "",
        sweep: Any = None,
    ) -> Step:
        """Send a signal to an alert and remember what came of it; the row is changed, not yet saved."""
        before, failed, unseen = str(row.state), row.count, row.interrupted_since is not None
        step = machine.advance(standing(row), signal, policy)
        self._take(row, step)
        if Effect.REGRESSED in step.effects:
            # What people said was about the failure before this one.
            row.reviewed_at = row.acknowledged_at = row.viewed_at = None
            row.acknowledged_by = row.claimed_by = row.evidence_after = ""
        if signal.worse or signal.severer:
            row.reviewed_at = None  # Nobody has seen what is new in it.
        resumed = unseen and row.interrupted_since is None
        self.moves.append(Move(row, before, step, signal, actor, role, reason, sweep, failed, resumed))
        return step

    def began(
        self, row: models.Alert, signal: Signal, policy: Policy, *, actor: str, sweep: Any = None
    ) -> None:
        """Take a new alert over: it is pending, or opens at once where its rule does not wait."""
        first = machine.begin(signal, standing(row.previous) if row.previous else None)
        step = machine.advance(first, signal, policy)
        self._take(row, step)
        self.moves.append(Move(row, "", step, signal, actor, "", row.reason, sweep))

    def save(self) -> None:
        """Write rows, events and log entries of all moves."""
        fresh = [move.row for move in self.moves if move.row._state.adding]
        known = {move.row.pk: move.row for move in self.moves if not move.row._state.adding}
        models.Alert.objects.bulk_create(fresh, batch_size=BATCH)
        # An upsert of rows that exist: many times faster than a CASE for each field and row.
        models.Alert.objects.bulk_create(
            known.values(), batch_size=BATCH, update_conflicts=True, unique_fields=("id",),
            update_fields=WRITTEN,
        )  # fmt: skip
        membership.join(self.joins, self.now)
        membership.leave(self.shrunk, self.now)
        AlertEvent.objects.bulk_create(map(_event, filter(_changed, self.moves)), batch_size=BATCH)
        told = [move for move in self.moves if move.before != move.row.state or move.step.effects]
        entries = []
        for start in range(0, len(told), INLINE):
            part = [_line(move) for move in told[start : start + INLINE]]
            entries.append(("alerts.changed", told[start].actor, {"alerts": part}, self.now))
        if entries:
            log.append_all(entries)
        notices = Notices(self.now)
        notices.of_moves(self.moves)
        notices.save()

    def _take(self, row: models.Alert, step: Step) -> None:
        for name in SAME:
            setattr(row, name, getattr(step.alert, name))
        row.state = str(step.alert.state)
        row.transitions = [log.text(at) for at in step.alert.transitions]
        if step.alert.numbered and row.number is None:
            row.number, self._next = self._next, self._next + 1
            row.first_opened_at = row.opened_at


def note(row: models.Alert, kind: str, actor: str, role: str, at: datetime, reason: str, **data: Any) -> None:
    """Write an event that moves nothing: viewed, reviewed."""
    AlertEvent.objects.create(
        alert=row,
        kind=kind,
        before=row.state,
        after=row.state,
        at=at,
        actor=actor,
        role=role,
        reason=reason,
        data=data,
    )


def _changed(move: Move) -> bool:
    """Tell whether a move belongs into the history: a reading that says the same again does not."""
    same = move.before == move.row.state and not move.step.effects and move.row.count == move.grew_from
    return not same or move.signal.kind != Kind.FAILING or move.resumed


def _event(move: Move) -> AlertEvent:
    return AlertEvent(
        alert=move.row,
        kind=str(move.signal.kind),
        before=move.before,
        after=move.row.state,
        at=move.signal.at,
        actor=move.actor,
        role=move.role,
        reason=move.reason,
        data={"row": move.step.row, "effects": [str(item) for item in move.step.effects]},
        sweep=move.sweep,
    )


def _line(move: Move) -> Mapping[str, Any]:
    """Return what the log says about one moved alert."""
    row = move.row
    return {
        "alert": str(row.pk),
        "number": row.number,
        "rule": row.rule_id,
        "rule_version": row.rule_version,
        "control": row.control_id,
        "connection": str(row.connection_id or ""),
        "before": move.before,
        "after": row.state,
        "on": str(move.signal.kind),
        "effects": [str(item) for item in move.step.effects],
        "count": row.count,
        "population": row.population,
        "reason": (move.reason or row.reason)[:400],
        "evidence": {"before": row.evidence_before, "after": row.evidence_after},
    }


def told(moves: Iterable[Move], effect: Effect) -> list[Move]:
    """Return the moves that have an effect."""
    return [move for move in moves if effect in move.step.effects]


def readings(kind: Kind) -> bool:
    """Tell whether a kind of signal is a reading, and not a person or the clock."""
    return kind in (Kind.FAILING, Kind.CLEAR, Kind.UNKNOWN)
