"""Every transition of an alert, and that no sequence of events reaches what must not be."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from proofwatch.alerts.base import (
    ACTIVE,
    BY_PEOPLE,
    ENDED,
    LIVE,
    Alert,
    Effect,
    Kind,
    Policy,
    Signal,
    State,
    default_policy,
)
from proofwatch.alerts.machine import TABLE, advance, begin, needed
from proofwatch.store.models.alerts import AlertState

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
POLICY = Policy()
RESTORED = frozenset({"restored"})


def at(state: State, **values: object) -> Alert:
    """An alert that began an hour ago and stands so."""
    began = NOW - HOUR
    plain = Alert(state, began, began, began, count=3, numbered=state is not State.PENDING, opened_at=began)
    ended = {"ended_at": NOW - MINUTE} if state in ENDED else {}
    return replace(plain, **{**ended, **values})


def failing(**values: object) -> Signal:
    return Signal(Kind.FAILING, **{"at": NOW, "started_at": NOW - MINUTE, "count": 3, **values})


def clear(ends: frozenset[str] = RESTORED, **values: object) -> Signal:
    return Signal(Kind.CLEAR, **{"at": NOW, "started_at": NOW - MINUTE, "ends": ends, **values})


def happens(kind: Kind, **values: object) -> Signal:
    return Signal(kind, **{"at": NOW, **values})


ONCE = {"passes": 1}
CASES = [
    ("opens", at(State.PENDING), failing(), State.OPEN, {Effect.NUMBER, Effect.OPENED}),
    ("opens in time", at(State.PENDING), happens(Kind.TICK), State.OPEN, {Effect.NUMBER, Effect.OPENED}),
    ("waits", at(State.PENDING, pending_since=NOW - MINUTE), failing(), State.PENDING, set()),
    ("did not last", at(State.PENDING), clear(), State.DID_NOT_LAST, set()),
    ("pending unseen", at(State.PENDING), happens(Kind.UNKNOWN), State.PENDING, set()),
    ("acknowledged", at(State.OPEN), happens(Kind.ACKNOWLEDGE), State.ACKNOWLEDGED, set()),
    (
        "nothing followed",
        at(State.ACKNOWLEDGED, ack_until=NOW),
        happens(Kind.TICK),
        State.OPEN,
        {Effect.ACK_ENDED},
    ),
    ("task made", at(State.OPEN), happens(Kind.TASK), State.REMEDIATION, set()),
    ("task made", at(State.ACKNOWLEDGED), happens(Kind.TASK), State.REMEDIATION, set()),
    ("claimed", at(State.REMEDIATION), happens(Kind.CLAIM), State.CLAIMED, {Effect.EARLY_SWEEP}),
    (
        "not confirmed",
        at(State.CLAIMED, claimed_at=NOW - 2 * MINUTE),
        failing(),
        State.REMEDIATION,
        {Effect.NOT_CONFIRMED},
    ),
    ("still failing", at(State.CLAIMED, claimed_at=NOW - MINUTE / 2), failing(), State.CLAIMED, set()),
    ("outgrown", at(State.ACCEPTED, accepted_count=2), failing(), State.OPEN, {Effect.ACCEPTANCE_ENDED}),
    (
        "outgrown",
        at(State.ACCEPTED, accepted_count=3),
        failing(worse=True),
        State.OPEN,
        {Effect.ACCEPTANCE_ENDED},
    ),
    ("still failing", at(State.ACCEPTED, accepted_count=3), failing(), State.ACCEPTED, set()),
    (
        "expired",
        at(State.ACCEPTED, accepted_until=NOW),
        happens(Kind.TICK),
        State.OPEN,
        {Effect.ACCEPTANCE_ENDED},
    ),
    (
        "withdrawn",
        at(State.ACCEPTED),
        happens(Kind.ACCEPTANCE_ENDED),
        State.OPEN,
        {Effect.ACCEPTANCE_ENDED},
    ),
    ("resource gone", at(State.OPEN), clear(frozenset({"gone"})), State.GONE, {Effect.ENDED}),
    (
        "applies no more",
        at(State.OPEN, passes=1),
        clear(frozenset({"gone", "no longer applies"})),
        State.GONE,
        {Effect.ENDED},
    ),
    ("restored", at(State.OPEN, **ONCE), clear(), State.RESTORED, {Effect.ENDED}),
    ("restored", at(State.CLAIMED, **ONCE), clear(RESTORED | {"gone"}), State.RESTORED, {Effect.ENDED}),
    (
        "check changed",
        at(State.OPEN, **ONCE),
        clear(RESTORED | {"rule changed"}),
        State.CHECK_CHANGED,
        {Effect.ENDED},
    ),
    ("passes once more", at(State.OPEN), clear(), State.OPEN, set()),
    ("interrupted", at(State.CLAIMED), happens(Kind.UNKNOWN), State.CLAIMED, set()),
    ("accepted", at(State.OPEN), happens(Kind.ACCEPT, until=NOW + DAY), State.ACCEPTED, set()),
    ("false positive", at(State.OPEN), happens(Kind.DISMISS, until=NOW + DAY), State.FALSE_POSITIVE, set()),
    (
        "dismissed",
        at(State.FALSE_POSITIVE, dismissed_until=NOW + DAY),
        failing(),
        State.FALSE_POSITIVE,
        set(),
    ),
    (
        "regressed",
        at(State.FALSE_POSITIVE, dismissed_until=NOW + DAY),
        failing(rule_changed=True),
        State.OPEN,
        {Effect.REGRESSED},
    ),
    ("regressed", at(State.RESTORED), failing(), State.OPEN, {Effect.REGRESSED}),
    ("regressed", at(State.GONE), failing(), State.OPEN, {Effect.REGRESSED}),
    ("fails anew", at(State.RESTORED, ended_at=NOW - 8 * DAY), failing(), State.RESTORED, {Effect.NEW}),
    ("fails anew", at(State.DID_NOT_LAST, numbered=False), failing(), State.DID_NOT_LAST, {Effect.NEW}),
]


@pytest.mark.parametrize(
    ("row", "alert", "signal", "state", "effects"),
    CASES,
    ids=[f"{case[0]} from {case[1].state}" for case in CASES],
)
def test_each_row(row: str, alert: Alert, signal: Signal, state: State, effects: set[Effect]) -> None:
    step = advance(alert, signal, POLICY)
    assert (step.row, step.alert.state, set(step.effects)) == (row, state, effects)


def test_every_row_of_the_table_is_tried() -> None:
    assert {row.name for row in TABLE} == {case[0] for case in CASES}


def test_the_states_are_those_that_are_stored() -> None:
    assert {str(state) for state in State} == set(AlertState.values)


@pytest.mark.parametrize("state", sorted(State))
@pytest.mark.parametrize("kind", sorted(BY_PEOPLE | {Kind.TICK, Kind.UNKNOWN}))
def test_only_a_reading_verifies(state: State, kind: Kind) -> None:
    after = advance(at(state, passes=9), happens(kind, until=NOW + DAY), POLICY).alert.state
    assert after == state or after not in (
        State.RESTORED,
        State.GONE,
        State.CHECK_CHANGED,
        State.DID_NOT_LAST,
    )


@pytest.mark.parametrize("state", sorted(ACTIVE | {State.ACCEPTED}))
def test_a_run_that_began_before_the_last_failure_proves_nothing(state: State) -> None:
    alert = at(state, passes=9, last_failed_at=NOW - MINUTE)
    for ends in (RESTORED, frozenset({"gone"}), frozenset({"rule changed"})):
        assert advance(alert, clear(ends, started_at=NOW - MINUTE), POLICY).alert == alert


def test_a_failure_or_a_gap_begins_the_count_again() -> None:
    alert = at(State.OPEN, passes=1)
    assert advance(alert, failing(), POLICY).alert.passes == 0
    assert advance(alert, happens(Kind.UNKNOWN), POLICY).alert.passes == 0


def test_time_to_repair_is_counted_from_the_first_failure_and_a_breach_stays() -> None:
    alert = advance(at(State.PENDING), failing(), default_policy("high")).alert
    assert alert.due_at == alert.first_failed_at + 7 * DAY
    late = advance(alert, happens(Kind.TICK, at=NOW + 7 * DAY), default_policy("high"))
    assert Effect.BREACHED in late.effects
    again = advance(late.alert, happens(Kind.TICK, at=NOW + 8 * DAY), default_policy("high"))
    assert Effect.BREACHED not in again.effects
    proven = replace(again.alert, passes=1, last_failed_at=NOW)
    ended = advance(proven, clear(at=NOW + 9 * DAY, started_at=NOW + 9 * DAY), POLICY).alert
    assert (ended.state, ended.breached_at) == (State.RESTORED, NOW + 7 * DAY)


def test_what_nobody_looks_at_goes_up_and_is_repeated_until_acknowledged() -> None:
    alert = advance(at(State.PENDING), failing(), POLICY).alert
    up = advance(alert, happens(Kind.TICK, at=NOW + 4 * HOUR), POLICY)
    assert (up.effects, up.alert.escalated) == ((Effect.ESCALATE,), 1)
    assert advance(up.alert, happens(Kind.TICK, at=NOW + 5 * HOUR), POLICY).effects == ()
    assert Effect.REPEAT in advance(up.alert, happens(Kind.TICK, at=NOW + 24 * HOUR), POLICY).effects
    seen = advance(up.alert, happens(Kind.ACKNOWLEDGE, at=NOW + 5 * HOUR), POLICY).alert
    assert advance(seen, happens(Kind.TICK, at=NOW + 30 * HOUR), POLICY).effects == ()
    assert advance(seen, happens(Kind.TICK, at=NOW + 77 * HOUR), POLICY).effects == (Effect.ACK_ENDED,)


def test_flapping_is_told_once_and_asks_for_twice_the_proof() -> None:
    alert, told, moment = at(State.RESTORED), [], NOW
    for _ in range(4):
        step = advance(alert, failing(at=moment, started_at=moment), POLICY)
        told += step.effects
        alert = step.alert
        while alert.state == State.OPEN:
            moment += 15 * MINUTE
            step = advance(alert, clear(at=moment, started_at=moment), POLICY)
            alert = step.alert
            told += step.effects
        moment += 15 * MINUTE
    assert told.count(Effect.FLAPPING) == 1
    assert needed(alert, POLICY) == 4
    calm = advance(alert, happens(Kind.TICK, at=moment + DAY), POLICY).alert
    assert needed(replace(calm, transitions=()), POLICY) in (2, 4)
    assert advance(alert, happens(Kind.TICK, at=moment + 2 * DAY), POLICY).alert.state == alert.state


class Lives(RuleBasedStateMachine):
    """One alert under every order of events, beside the simplest memory of what really happened."""

    @initialize()
    def begins(self) -> None:
        self.now = NOW
        self.alert = begin(failing())
        self.number = self.alert.numbered
        self.last_failure = NOW
        self.proofs: list[datetime] = []
        self.step = None
        self.before = self.alert

    def send(self, signal: Signal) -> None:
        self.before, self.signal = self.alert, signal
        self.step = advance(self.alert, signal, POLICY)
        self.alert = begin(signal) if Effect.NEW in self.step.effects else self.step.alert

    @rule(minutes=st.integers(0, 60 * 24 * 9))
    def time_passes(self, minutes: int) -> None:
        self.now += minutes * MINUTE
        self.send(happens(Kind.TICK, at=self.now))

    @rule(count=st.integers(1, 9), worse=st.booleans(), changed=st.booleans(), late=st.integers(0, 30))
    def fails(self, count: int, worse: bool, changed: bool, late: int) -> None:
        self.now += MINUTE
        self.proofs, self.last_failure = [], self.now
        began = self.now - late * MINUTE
        self.send(failing(at=self.now, started_at=began, count=count, worse=worse, rule_changed=changed))

    @rule(
        late=st.integers(0, 30),
        ends=st.sets(st.sampled_from(["restored", "gone", "rule changed"]), min_size=1),
    )
    def is_clear(self, late: int, ends: set[str]) -> None:
        self.now += MINUTE
        began = self.now - late * MINUTE
        if began > self.last_failure:
            self.proofs.append(self.now)
        self.send(clear(frozenset(ends), at=self.now, started_at=began))

    @rule()
    def cannot_be_read(self) -> None:
        self.now += MINUTE
        self.proofs = []
        self.send(happens(Kind.UNKNOWN, at=self.now))

    @rule(kind=st.sampled_from(sorted(BY_PEOPLE | {Kind.ACCEPTANCE_ENDED})), days=st.integers(1, 365))
    def somebody_acts(self, kind: Kind, days: int) -> None:
        self.send(happens(kind, at=self.now, until=self.now + days * DAY))

    @invariant()
    def restored_only_with_proof(self) -> None:
        if self.step and self.alert.state == State.RESTORED != self.before.state:
            assert self.signal.kind == Kind.CLEAR
            assert "rule changed" not in self.signal.ends
            assert len(self.proofs) >= needed(self.before, POLICY)

    @invariant()
    def gone_only_when_read(self) -> None:
        if self.step and self.alert.state == State.GONE != self.before.state:
            assert self.signal.kind == Kind.CLEAR and self.proofs and self.signal.ends == {"gone"}

    @invariant()
    def a_failure_is_never_lost(self) -> None:
        if self.step and self.signal.kind == Kind.FAILING:
            held = self.alert.state == State.FALSE_POSITIVE == self.before.state
            assert self.alert.state in LIVE or held

    @invariant()
    def the_unknown_changes_no_state(self) -> None:
        if self.step and self.signal.kind == Kind.UNKNOWN:
            assert self.alert.state == self.before.state

    @invariant()
    def a_number_is_kept_and_told_once(self) -> None:
        if not self.step:
            return
        if Effect.NEW not in self.step.effects:
            assert self.alert.numbered or not self.before.numbered
        opens = self.alert.state == State.OPEN and self.before.state == State.PENDING
        assert opens == (Effect.OPENED in self.step.effects)

    @invariant()
    def flags_fit_the_state(self) -> None:
        assert (self.alert.ended_at is not None) == (self.alert.state in ENDED)
        assert self.alert.breached_at is None or self.alert.breached_at <= self.now


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
