"""What a sweep found, in the shape in which the reconciliation takes it over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from proofwatch.checks.base import Counts, Severity, Status, UnreadPlace


class Key(NamedTuple):
    """One resource, as every table and view names it."""

    account_id: str
    region: str
    resource: str


class Failure(NamedTuple):
    """One failing result. Severity and version are its check's."""

    check: str
    account_id: str
    region: str
    resource: str
    reason: str


class Verdict(NamedTuple):
    """What this sweep says about one resource that is present."""

    status: Status
    reason: str


Verdicts = Callable[[str, Sequence[Key]], Mapping[Key, Verdict]]
"""(check id, keys in places read completely) → verdicts; a key that is missing is not in the inventory."""


Tagged = Callable[[Sequence[Key], Sequence[str]], Mapping[Key, frozenset[str]]]
"""(keys, tags as `key=value`) → which of these tags each key has; a key whose tags are unknown is missing."""


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """One check in one sweep: there is one whenever it was due, whatever happened.

    `places` are those whose inventory was read completely, as (account_id, region); `unread` the
    others in scope. `reason` says why the check could not be evaluated at all (then no places).
    """

    check: str
    version: str
    severity: Severity
    table: str
    counts: Counts = field(default_factory=Counts)
    places: frozenset[tuple[str, str]] = frozenset()
    unread: tuple[UnreadPlace, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)
    results: str = ""
    reason: str = ""
    worst: str = ""


@dataclass(frozen=True, slots=True)
class TableOutcome:
    """The object with a table's verdicts, the snapshot it was judged on, and the checks in it."""

    table: str
    results: str
    manifest: str
    checks: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything that one sweep found.

    Args:
        failures: called for every attempt to apply; yields every failing result once.
        verdicts: tells a restored resource from one that is gone.
        disabled: check id → why it was not due (turned off, or no longer in the catalogue).
        complete: every table was read completely in every place.
        objects_read: rows of all tables.
        evaluation: digest of the object that says which verdicts were judged on which rows.
        tagged: tells which tags the resources of the tables that were read have.
    """

    checks: tuple[CheckOutcome, ...]
    failures: Callable[[], Iterable[Failure]]
    verdicts: Verdicts
    complete: bool
    tables: tuple[TableOutcome, ...] = ()
    disabled: Mapping[str, str] = field(default_factory=dict)
    objects_read: int = 0
    evaluation: str = ""
    tagged: Tagged = lambda keys, tags: {}


@dataclass(frozen=True, slots=True)
class Applied:
    """What applying did. `again` is True if the sweep had been applied before: then nothing was done."""

    state: str
    transitions: Mapping[str, int] = field(default_factory=dict)
    controls: tuple[str, ...] = ()
    superseded_by: str = ""
    again: bool = False
