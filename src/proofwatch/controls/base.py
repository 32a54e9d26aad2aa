"""What a control is, and the status it can have."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from proofwatch.checks.base import Counts, Severity
from proofwatch.errors import ProofwatchError

ControlState = Literal[
    "failing", "no data", "inconclusive", "pending", "accepted", "passing", "not monitored"
]
WORST_FIRST: tuple[ControlState, ...] = (
    "failing",
    "no data",
    "inconclusive",
    "pending",
    "accepted",
    "passing",
    "not monitored",
)


class ControlError(ProofwatchError):
    """A control list is wrong or cannot be used. The message names file and control."""


@dataclass(frozen=True, slots=True)
class Control:
    """One control of the list, in the company's own words."""

    id: str
    title: str
    statement: str
    owner_role: str
    criteria: tuple[str, ...]
    checks: tuple[str, ...]
    data_sources: tuple[str, ...]
    frequency: str
    manual: str = ""


@dataclass(frozen=True, slots=True)
class ControlList:
    """A versioned list of controls; `sha256` is the digest of its canonical JSON."""

    framework: str
    version: str
    title: str
    controls: tuple[Control, ...]
    sha256: str


@dataclass(frozen=True, slots=True)
class Observation:
    """What one check said in the newest sweep of one connection in which it was due."""

    check: str
    version: str
    severity: Severity
    counts: Counts
    observed_at: datetime
    sweep: str
    connection: str
    interval_minutes: int
    worst: str = ""
    """The reason of one failing (else inconclusive) result, for the sentence a person reads first."""
    unseen: int = 0
    """Open findings that nobody can see any more: their place left the scope, or could not be read."""
    unseen_why: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """A connection that a control's checks are expected to be observed on.

    `kind` is its connector's; the first word of a check's id is the kind of connection it reads.
    """

    name: str
    kind: str
    since: datetime
    interval_minutes: int


@dataclass(frozen=True, slots=True)
class ControlStatus:
    """A control's status now, with everything needed to argue about it."""

    control: str
    status: ControlState
    reason: str
    counts: Counts = field(default_factory=Counts)
    severity: Severity = "low"
    observed_at: datetime | None = None
    checks: tuple[tuple[str, str], ...] = ()
    """(check id, version) of every observation that was used."""
    sweeps: tuple[str, ...] = ()
