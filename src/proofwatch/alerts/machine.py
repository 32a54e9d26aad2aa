"""The states of an alert and every way from one to another: the only place where they are decided.

It is pure: an alert as it stands, what happened, and the policy go in; how it stands then and what has to be
done about it come out. `TABLE` is read from top to bottom, and the first row that fits decides. What fits no
row changes nothing; if a person asked for it, that is an error, said by whoever called.

Only readings end an alert as *verified*: no row that a person or the clock may cause leads there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from proofwatch.alerts.base import ACTIVE, ENDED, LIVE, Alert, Effect, Kind, Policy, Signal, State, Step

Guard = Callable[[Alert, Signal, Policy], bool]
Change = Callable[[Alert, Signal, Policy], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Row:
    """One row: in one of these states, on this kind of signal, if the guard holds. `to` None: as it was."""

    name: str
    states: frozenset[State]
    kind: Kind
    guard: Guard
    to: State | None
    effects: tuple[Effect, ...] = ()
    change: Change = field(default=lambda alert, signal, policy: {})


def begin(signal: Signal, before: Alert | None = None) -> Alert:
    """Return the alert that a failing reading begins: pending, nobody told.

    `before` is the alert of the same key that ended: what begins and stops too often does so over several.
    """
    made = Alert(State.PENDING, signal.at, signal.at, signal.at, count=signal.count)
    if before is None:
        return made
    return replace(made, transitions=before.transitions, flapping_since=before.flapping_since)


def advance(alert: Alert, signal: Signal, policy: Policy) -> Step:
    """Return how the alert stands after a signal, and what has to be done."""
    for row in TABLE:
        if alert.state in row.states and row.kind == signal.kind and row.guard(alert, signal, policy):
            changed = replace(alert, **row.change(alert, signal, policy))
            if row.to is not None and row.to != alert.state:
                changed = replace(changed, state=row.to)
            changed, flap = _flapping(alert, changed, signal, policy)
            return _clock(Step(changed, (*row.effects, *flap), row.name), signal, policy)
    return _clock(Step(alert), signal, policy)


def needed(alert: Alert, policy: Policy) -> int:
    """Return how many consecutive complete passing runs prove a restoration; twice as many while flapping."""
    return policy.recover_after * (2 if alert.flapping_since else 1)


def _always(alert: Alert, signal: Signal, policy: Policy) -> bool:
    return True


def _waited(alert: Alert, signal: Signal, policy: Policy) -> bool:
    return signal.at - alert.pending_since >= policy.wait


def _later_run(alert: Alert, signal: Signal, policy: Policy) -> bool:
    """Only a run that began after the last failure says anything about its repair."""
    return signal.started_at is not None and signal.started_at > alert.last_failed_at


def _only(*ways: str) -> Guard:
    def guard(alert: Alert, signal: Signal, policy: Policy) -> bool:
        return _later_run(alert, signal, policy) and bool(signal.ends) and signal.ends <= set(ways)

    return guard


def _proven(alert: Alert, signal: Signal, policy: Policy) -> bool:
    return _later_run(alert, signal, policy) and alert.passes + 1 >= needed(alert, policy)


def _proven_repaired(alert: Alert, signal: Signal, policy: Policy) -> bool:
    return _proven(alert, signal, policy) and "rule changed" not in signal.ends


def _proven_away(alert: Alert, signal: Signal, policy: Policy) -> bool:
    away = bool(signal.ends) and signal.ends <= {"gone", "no longer applies"}
    return away and _proven(alert, signal, policy)


def _refuted(alert: Alert, signal: Signal, policy: Policy) -> bool:
    """A claim is refuted by a run that began after it; one that was under way proves nothing."""
    began, claimed = signal.started_at, alert.claimed_at
    return began is not None and claimed is not None and began > claimed


def _ack_over(alert: Alert, signal: Signal, policy: Policy) -> bool:
    return alert.ack_until is not None and signal.at >= alert.ack_until


def _acceptance_over(alert: Alert, signal: Signal, policy: Policy) -> bool:
    return alert.accepted_until is not None and signal.at >= alert.accepted_until


def _outgrown(alert: Alert, signal: Signal, policy: Policy) -> bool:
    return signal.worse or signal.count > alert.accepted_count


def _dismissed(alert: Alert, signal: Signal, policy: Policy) -> bool:
    over = alert.dismissed_until is not None and signal.at >= alert.dismissed_until
    return not over and not signal.rule_changed


def _soon_again(alert: Alert, signal: Signal, policy: Policy) -> bool:
    ended = alert.ended_at is not None and signal.at - alert.ended_at <= policy.reopen_within
    return ended and alert.numbered


def _opens(alert: Alert, signal: Signal, policy: Policy) -> Mapping[str, Any]:
    opened = {
        "numbered": True,
        "opened_at": signal.at,
        "passes": 0,
        "due_at": alert.first_failed_at + policy.sla,
    }
    return {**opened, **_timers(signal, policy), **_fails(alert, signal, policy)}


def _reopens(alert: Alert, signal: Signal, policy: Policy) -> Mapping[str, Any]:
    cleared: dict[str, Any] = dict.fromkeys(
        ("ended_at", "claimed_at", "ack_until", "accepted_until", "dismissed_until", "interrupted_since")
    )
    begun = {"first_failed_at": signal.at, "due_at": signal.at + policy.sla, "opened_at": signal.at}
    failed = {"last_failed_at": signal.at, "count": signal.count, "passes": 0}
    return {**cleared, **begun, **failed, "regressed": alert.regressed + 1, **_timers(signal, policy)}


def _timers(signal: Signal, policy: Policy) -> Mapping[str, Any]:
    return {"escalate_at": signal.at + policy.escalate_after, "repeat_at": signal.at + policy.repeat}


def _fails(alert: Alert, signal: Signal, policy: Policy) -> Mapping[str, Any]:
    if signal.kind != Kind.FAILING:
        return {}
    seen = max(alert.last_failed_at, signal.at)
    found = {"last_failed_at": seen, "count": signal.count, "passes": 0, "interrupted_since": None}
    return {**found, **_sooner(alert, signal, policy)}


def _sooner(alert: Alert, signal: Signal, policy: Policy) -> Mapping[str, Any]:
    """Return the clocks of an alert that got worse: nobody has answered for what is new in it."""
    found: dict[str, Any] = {}
    if signal.severer and alert.due_at is not None:
        found["due_at"] = min(alert.due_at, signal.at + policy.sla)
    if signal.severer and alert.ack_until is not None:
        found["ack_until"] = min(alert.ack_until, signal.at + policy.ack_timeout)
    if alert.state == State.OPEN and (signal.severer or (signal.worse and alert.escalate_at is None)):
        found |= _timers(signal, policy)
    return found


def _passes(alert: Alert, signal: Signal, policy: Policy) -> Mapping[str, Any]:
    return {"passes": alert.passes + 1, "interrupted_since": None}


def _ends(alert: Alert, signal: Signal, policy: Policy) -> Mapping[str, Any]:
    return {
        "ended_at": signal.at,
        "passes": alert.passes + 1,
        "interrupted_since": None,
        "escalate_at": None,
        "repeat_at": None,
        "ack_until": None,
    }


def _interrupts(alert: Alert, signal: Signal, policy: Policy) -> Mapping[str, Any]:
    return {"interrupted_since": alert.interrupted_since or signal.at, "passes": 0}


def _acknowledges(alert: Alert, signal: Signal, policy: Policy) -> Mapping[str, Any]:
    return {"ack_until": signal.at + policy.ack_timeout, "escalate_at": None, "repeat_at": None}


def _remedies(alert: Alert, signal: Signal, policy: Policy) -> Mapping[str, Any]:
    return {"ack_until": None, "escalate_at": None, "repeat_at": None}


def _claims(alert: Alert, signal: Signal, policy: Policy) -> Mapping[str, Any]:
    return {"claimed_at": signal.at}


def _unclaims(alert: Alert, signal: Signal, policy: Policy) -> Mapping[str, Any]:
    return {**_fails(alert, signal, policy), "claimed_at": None}


def _accepts(alert: Alert, signal: Signal, policy: Policy) -> Mapping[str, Any]:
    return {**_remedies(alert, signal, policy), "accepted_until": signal.until, "accepted_count": alert.count}


def _resumes(alert: Alert, signal: Signal, policy: Policy) -> Mapping[str, Any]:
    again: dict[str, Any] = {"accepted_until": None, "accepted_count": 0, "ack_until": None}
    if not alert.numbered:  # It was accepted before it opened.
        again |= {"numbered": True, "opened_at": signal.at, "due_at": signal.at + policy.sla}
    return {**again, **_timers(signal, policy), **_fails(alert, signal, policy)}


def _lapses(alert: Alert, signal: Signal, policy: Policy) -> Mapping[str, Any]:
    return {**_resumes(alert, signal, policy), "escalated": alert.escalated + 1}


def _dismisses(alert: Alert, signal: Signal, policy: Policy) -> Mapping[str, Any]:
    ended = {"ended_at": signal.at, "dismissed_until": signal.until}
    return {**_remedies(alert, signal, policy), **ended, "interrupted_since": None}


_ONE = {state: frozenset({state}) for state in State}
_HELD = ACTIVE | {State.ACCEPTED}

TABLE: tuple[Row, ...] = (
    Row(
        "opens",
        _ONE[State.PENDING],
        Kind.FAILING,
        _waited,
        State.OPEN,
        (Effect.NUMBER, Effect.OPENED),
        _opens,
    ),
    Row(
        "opens in time",
        _ONE[State.PENDING],
        Kind.TICK,
        _waited,
        State.OPEN,
        (Effect.NUMBER, Effect.OPENED),
        _opens,
    ),
    Row("waits", _ONE[State.PENDING], Kind.FAILING, _always, None, (), _fails),
    Row("did not last", _ONE[State.PENDING], Kind.CLEAR, _later_run, State.DID_NOT_LAST, (), _ends),
    Row("pending unseen", _ONE[State.PENDING], Kind.UNKNOWN, _always, None, (), _interrupts),
    Row("acknowledged", _ONE[State.OPEN], Kind.ACKNOWLEDGE, _always, State.ACKNOWLEDGED, (), _acknowledges),
    Row(
        "nothing followed",
        _ONE[State.ACKNOWLEDGED],
        Kind.TICK,
        _ack_over,
        State.OPEN,
        (Effect.ACK_ENDED,),
        _lapses,
    ),
    Row(
        "task made",
        frozenset({State.OPEN, State.ACKNOWLEDGED}),
        Kind.TASK,
        _always,
        State.REMEDIATION,
        (),
        _remedies,
    ),
    Row(
        "claimed", _ONE[State.REMEDIATION], Kind.CLAIM, _always, State.CLAIMED, (Effect.EARLY_SWEEP,), _claims
    ),
    Row(
        "not confirmed",
        _ONE[State.CLAIMED],
        Kind.FAILING,
        _refuted,
        State.REMEDIATION,
        (Effect.NOT_CONFIRMED,),
        _unclaims,
    ),
    Row(
        "outgrown",
        _ONE[State.ACCEPTED],
        Kind.FAILING,
        _outgrown,
        State.OPEN,
        (Effect.ACCEPTANCE_ENDED,),
        _resumes,
    ),
    Row(
        "expired",
        _ONE[State.ACCEPTED],
        Kind.TICK,
        _acceptance_over,
        State.OPEN,
        (Effect.ACCEPTANCE_ENDED,),
        _resumes,
    ),
    Row(
        "withdrawn",
        _ONE[State.ACCEPTED],
        Kind.ACCEPTANCE_ENDED,
        _always,
        State.OPEN,
        (Effect.ACCEPTANCE_ENDED,),
        _resumes,
    ),
    Row("still failing", _HELD, Kind.FAILING, _always, None, (), _fails),
    Row("resource gone", _HELD, Kind.CLEAR, _only("gone"), State.GONE, (Effect.ENDED,), _ends),
    Row("applies no more", _HELD, Kind.CLEAR, _proven_away, State.GONE, (Effect.ENDED,), _ends),
    Row("restored", _HELD, Kind.CLEAR, _proven_repaired, State.RESTORED, (Effect.ENDED,), _ends),
    Row("check changed", _HELD, Kind.CLEAR, _proven, State.CHECK_CHANGED, (Effect.ENDED,), _ends),
    Row("passes once more", _HELD, Kind.CLEAR, _later_run, None, (), _passes),
    Row("interrupted", _HELD, Kind.UNKNOWN, _always, None, (), _interrupts),
    Row("accepted", ACTIVE | {State.PENDING}, Kind.ACCEPT, _always, State.ACCEPTED, (), _accepts),
    Row("false positive", _HELD, Kind.DISMISS, _always, State.FALSE_POSITIVE, (), _dismisses),
    Row("dismissed", _ONE[State.FALSE_POSITIVE], Kind.FAILING, _dismissed, None),
    Row("regressed", ENDED, Kind.FAILING, _soon_again, State.OPEN, (Effect.REGRESSED,), _reopens),
    Row("fails anew", ENDED, Kind.FAILING, _always, None, (Effect.NEW,)),
)


def _flapping(
    before: Alert, after: Alert, signal: Signal, policy: Policy
) -> tuple[Alert, tuple[Effect, ...]]:
    """Count that it began to fail or stopped; say once that it does so too often."""
    begins = after.state == State.OPEN and before.state not in _HELD
    stops = after.state in ENDED and before.state in LIVE
    times = tuple(at for at in before.transitions if signal.at - at < policy.flap_window)
    if not (begins or stops):
        return replace(after, transitions=times) if times != before.transitions else after, ()
    times = (*times, signal.at)
    often = len(times) >= policy.flap_after
    since = (after.flapping_since or signal.at) if often else None
    told = (Effect.FLAPPING,) if often and before.flapping_since is None else ()
    return replace(after, transitions=times, flapping_since=since), told


def _clock(step: Step, signal: Signal, policy: Policy) -> Step:
    """Add what follows from the time alone: flags beside the state, which no state clears."""
    if signal.kind != Kind.TICK:
        return step
    alert, effects = step.alert, list(step.effects)
    times = tuple(at for at in alert.transitions if signal.at - at < policy.flap_window)
    if alert.flapping_since and len(times) < policy.flap_after:
        alert = replace(alert, flapping_since=None, transitions=times)
        effects.append(Effect.CALMED)
    told = alert.breached_at is not None and alert.due_at is not None and alert.breached_at >= alert.due_at
    if alert.state in ACTIVE and alert.due_at and signal.at > alert.due_at and not told:
        alert = replace(alert, breached_at=signal.at)
        effects.append(Effect.BREACHED)
    if alert.state == State.OPEN and alert.escalate_at and signal.at >= alert.escalate_at:
        following = signal.at + policy.escalate_after
        alert = replace(alert, escalated=alert.escalated + 1, escalate_at=following)
        effects.append(Effect.ESCALATE)
    if alert.state == State.OPEN and alert.repeat_at and signal.at >= alert.repeat_at:
        alert = replace(alert, repeat_at=signal.at + policy.repeat)
        effects.append(Effect.REPEAT)
    return replace(step, alert=alert, effects=tuple(effects))
