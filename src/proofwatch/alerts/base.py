"""The words of the alert machine: states, what can happen, what follows, and the times of a policy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from proofwatch.errors import ProofwatchError


class AlertError(ProofwatchError):
    """A rule is wrong, or an alert cannot be moved as somebody asked."""


class State(StrEnum):
    """How an alert stands."""

    PENDING = "pending"
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    REMEDIATION = "in remediation"
    CLAIMED = "fix claimed"
    ACCEPTED = "accepted"
    RESTORED = "verified restored"
    GONE = "verified: resource gone"
    DID_NOT_LAST = "closed: did not last"
    FALSE_POSITIVE = "closed: false positive"
    CHECK_CHANGED = "closed: check changed"


ACTIVE = frozenset({State.OPEN, State.ACKNOWLEDGED, State.REMEDIATION, State.CLAIMED})
LIVE = ACTIVE | {State.PENDING, State.ACCEPTED}
"""States that a reading may still end."""
ENDED = frozenset(State) - LIVE


class Kind(StrEnum):
    """What can happen to an alert."""

    FAILING = "failing"
    """A reading: at or over the threshold."""
    CLEAR = "clear"
    """A complete reading: under the recovery threshold, and it contained all that had failed."""
    UNKNOWN = "unknown"
    """No data, or what failed could not be read."""
    TICK = "time passed"
    ACKNOWLEDGE = "acknowledged"
    TASK = "task made"
    CLAIM = "fix claimed"
    ACCEPT = "risk accepted"
    ACCEPTANCE_ENDED = "acceptance ended"
    DISMISS = "false positive"


BY_PEOPLE = frozenset({Kind.ACKNOWLEDGE, Kind.TASK, Kind.CLAIM, Kind.ACCEPT, Kind.DISMISS})


class Effect(StrEnum):
    """What has to be done about a transition, in the same transaction."""

    NUMBER = "give it a number"
    OPENED = "tell: opened"
    REGRESSED = "tell: regressed"
    NOT_CONFIRMED = "tell: fix not confirmed"
    ENDED = "tell: it ended, with the evidence before and after"
    ACCEPTANCE_ENDED = "tell: acceptance ended"
    ACK_ENDED = "tell: acknowledged, and nothing followed"
    FLAPPING = "tell once: flapping"
    EARLY_SWEEP = "read it again soon"
    BREACHED = "tell: later than agreed"
    ESCALATE = "tell the next level"
    REPEAT = "tell again"
    CALMED = "tell: flapping no more"
    NEW = "begin a new alert, linked to this one"


def utc_text(at: datetime) -> str:
    """Return a time as people read it, to the second, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"


@dataclass(frozen=True, slots=True)
class Policy:
    """The times and numbers that a rule decides; the defaults are those of the agreed semantics."""

    wait: timedelta = timedelta(minutes=30)
    recover_after: int = 2
    ack_timeout: timedelta = timedelta(hours=72)
    escalate_after: timedelta = timedelta(hours=4)
    repeat: timedelta = timedelta(hours=24)
    sla: timedelta = timedelta(days=30)
    reopen_within: timedelta = timedelta(days=7)
    flap_after: int = 4
    flap_window: timedelta = timedelta(hours=24)


CRITICAL = Policy(
    wait=timedelta(0),
    ack_timeout=timedelta(hours=8),
    escalate_after=timedelta(hours=1),
    sla=timedelta(days=1),
)
SLA = {"critical": timedelta(days=1), "high": timedelta(days=7), "medium": timedelta(days=30)}


def default_policy(severity: str) -> Policy:
    """Return the default policy of a severity (critical, high, medium, low)."""
    return CRITICAL if severity == "critical" else Policy(sla=SLA.get(severity, timedelta(days=90)))


@dataclass(frozen=True, slots=True)
class Signal:
    """Something that happened.

    Attributes:
        at: when; of a reading, when it was observed.
        started_at: of a reading, when the run began that made it; only a later run can prove a repair.
        count: of a failing reading, how many fail.
        ends: of a clear one, how its findings ended: restored, gone, rule changed, no longer applies.
        until: of an acceptance or a dismissal, when it ends.
        worse: a failing reading contains what was not accepted.
        rule_changed: a failing reading by a check or rule that changed since the alert was dismissed, or of
            something that was not dismissed.
        severer: a failing reading whose severity is higher than the alert's.
    """

    kind: Kind
    at: datetime
    started_at: datetime | None = None
    count: int = 0
    ends: frozenset[str] = frozenset()
    until: datetime | None = None
    worse: bool = False
    rule_changed: bool = False
    severer: bool = False


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert as the machine sees it. All times are UTC."""

    state: State
    pending_since: datetime
    first_failed_at: datetime
    last_failed_at: datetime
    count: int = 0
    numbered: bool = False
    opened_at: datetime | None = None
    claimed_at: datetime | None = None
    ended_at: datetime | None = None
    ack_until: datetime | None = None
    escalate_at: datetime | None = None
    repeat_at: datetime | None = None
    due_at: datetime | None = None
    breached_at: datetime | None = None
    accepted_until: datetime | None = None
    accepted_count: int = 0
    dismissed_until: datetime | None = None
    interrupted_since: datetime | None = None
    flapping_since: datetime | None = None
    passes: int = 0
    regressed: int = 0
    escalated: int = 0
    transitions: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """What came of a signal. `row` names the row of the table that decided, "" where none fitted."""

    alert: Alert
    effects: tuple[Effect, ...] = ()
    row: str = ""
