"""What a check is, what it is evaluated on, and what it yields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from proofwatch.errors import ProofwatchError

Status = Literal["pass", "fail", "inconclusive", "not_applicable", "accepted"]
Severity = Literal["critical", "high", "medium", "low"]
SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low")


class CheckError(ProofwatchError):
    """A check or view file is wrong, or could not be evaluated. The message names file and line."""


@dataclass(frozen=True, slots=True)
class Case:
    """One worked example of a check. `unread` names columns that could not be read."""

    name: str
    given: Mapping[str, Any]
    expect: Status
    unread: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One automated rule, loaded and validated. `version` is the hash of what decides its verdict."""

    id: str
    title: str
    table: str
    criteria: tuple[str, ...]
    severity: Severity
    why: str
    applies: str
    passes: str
    on_pass: str
    on_fail: str
    fix: str
    params: Mapping[str, Any]
    same_as: Mapping[str, tuple[str, ...]]
    cases: tuple[Case, ...]
    columns: tuple[str, ...]
    """Columns that `applies` and `passes` read; if one is unread for a row, the result is inconclusive."""
    version: str
    path: Path
    source: str
    on_unknown: str = ""
    """The sentence where everything was read and there is no verdict all the same; "" for the usual one."""


@dataclass(frozen=True, slots=True)
class View:
    """A join, as one SELECT over tables, yielding account_id, region, resource as its key."""

    name: str
    about: str
    sql: str
    tables: tuple[str, ...]
    columns: tuple[tuple[str, str], ...]
    version: str
    path: Path
    anchor: str = ""
    """The table whose rows the view describes one by one, from which its key is taken; "" if none."""
    across: bool = False
    """True if a row rests on all accounts, so that anything unread anywhere leaves no row whole."""


@dataclass(frozen=True, slots=True)
class UnreadPlace:
    """A place where a table could not be read completely in this sweep."""

    account_id: str
    region: str
    reason: str
    permission: str = ""


@dataclass(frozen=True, slots=True)
class TableInput:
    """One table as it is to be judged: the proven Parquet of its whole state, and what is missing.

    `places` are those read completely in this sweep (rows of any other place are not judged),
    `unread` those in scope that were not. A table never read at all has no path and no places.
    """

    table: str
    path: Path | None
    places: tuple[tuple[str, str], ...]
    unread: tuple[UnreadPlace, ...] = ()


@dataclass(frozen=True, slots=True)
class Counts:
    """Results of one check in one sweep, by status."""

    passed: int = 0
    failed: int = 0
    inconclusive: int = 0
    not_applicable: int = 0
    accepted: int = 0

    @property
    def judged(self) -> int:
        """Return how many resources have a verdict or should have had one."""
        return self.passed + self.failed + self.inconclusive + self.accepted


@dataclass(frozen=True, slots=True)
class Result:
    """One verdict: check × resource. `resource` is None for a row about a whole place or table."""

    check: str
    check_version: str
    account_id: str
    region: str
    resource: str | None
    status: Status
    reason: str
