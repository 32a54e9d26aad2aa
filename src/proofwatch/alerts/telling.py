"""What a move of an alert tells: the kind of message, with the reason for telling it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proofwatch.alerts.base import ACTIVE, Effect, Kind, State
from proofwatch.alerts.channels.base import Happened

if TYPE_CHECKING:
    from proofwatch.alerts.book import Move

EFFECTS: dict[Effect, Happened] = {
    Effect.OPENED: Happened.OPENED,
    Effect.REGRESSED: Happened.REGRESSED,
    Effect.NOT_CONFIRMED: Happened.NOT_CONFIRMED,
    Effect.ACCEPTANCE_ENDED: Happened.ACCEPTANCE_ENDED,
    Effect.ACK_ENDED: Happened.ESCALATED,
    Effect.FLAPPING: Happened.FLAPPING,
    Effect.BREACHED: Happened.ESCALATED,
    Effect.ESCALATE: Happened.ESCALATED,
    Effect.REPEAT: Happened.REPEATED,
    Effect.CALMED: Happened.REPEATED,
}
PERSONS: dict[Kind, Happened] = {
    Kind.ACKNOWLEDGE: Happened.ACKNOWLEDGED,
    Kind.TASK: Happened.TASK,
    Kind.CLAIM: Happened.CLAIMED,
    Kind.ACCEPT: Happened.ACCEPTED,
    Kind.DISMISS: Happened.CLOSED,
}
WHY: dict[Effect, str] = {
    Effect.ACK_ENDED: "acknowledged, and neither a task nor a review followed in time",
    Effect.BREACHED: "the repair is later than agreed",
    Effect.ESCALATE: "nobody has acknowledged or reviewed it in time",
    Effect.REPEAT: "repeated: nobody has acknowledged or reviewed it",
    Effect.FLAPPING: "it begins and stops to fail too often: further changes are told in the digest only",
    Effect.CALMED: "it flaps no more: from now on its changes are told one by one again",
    Effect.ACCEPTANCE_ENDED: "the acceptance of the risk has ended",
    Effect.NOT_CONFIRMED: "a later run still fails: the claimed repair is not confirmed",
}
ENDINGS = {State.RESTORED: Happened.RESTORED, State.GONE: Happened.GONE}


def told(move: Move) -> list[tuple[Happened, str]]:
    """Return what a move tells, with the reason for telling it."""
    found: list[tuple[Happened, str]] = []
    for effect in move.step.effects:
        if effect == Effect.ENDED:
            found.append((ENDINGS.get(State(move.row.state), Happened.CLOSED), move.row.reason))
        elif effect in EFFECTS:
            found.append((EFFECTS[effect], WHY.get(effect, "")))
    if move.step.row and move.signal.kind in PERSONS:
        found.append((PERSONS[move.signal.kind], move.reason))
    reading = move.signal.kind == Kind.FAILING and move.row.state in ACTIVE
    if not found and reading and (note := _what_is_new(move)):
        found.append((Happened.CHANGED, note))
    return found


def _what_is_new(move: Move) -> str:
    """Say what is worse in an alert than before; "" if nothing is."""
    if move.signal.severer:
        return f"its severity is {move.row.severity} now; {move.row.count} fail"
    if move.grew:
        return f"{move.grew_from} failed before, {move.row.count} fail now"
    return f"something else fails, too: {move.row.count} fail now" if move.signal.worse else ""
