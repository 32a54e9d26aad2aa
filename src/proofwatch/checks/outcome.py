"""What an evaluation found: verdicts in files, counts and the rows about whole places in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from proofwatch.checks.base import Check, Counts, Result, TableInput, UnreadPlace
from proofwatch.connectors.base import GLOBAL


@dataclass(frozen=True, slots=True)
class TableResults:
    """The verdicts of all checks of one table or view.

    Attributes:
        table: its name.
        path: Parquet of `idx` and the words that `plan` describes, in the order of the judged rows; None
            if nothing could be judged.
        rows: Parquet of the judged rows by the same idx: the snapshot, or the rows of the view.
        checks: (id, version) in the order of their bits.
        params: check id → the parameters that it was judged with.
        now: the time that the checks were given as `$now`.
        population: number of rows judged.
        places: the places judged.
        unread: the places in scope that were not.
    """

    table: str
    path: Path | None
    rows: Path | None
    checks: tuple[tuple[str, str], ...]
    params: Mapping[str, Mapping[str, Any]]
    now: datetime
    population: int
    places: tuple[tuple[str, str], ...]
    unread: tuple[UnreadPlace, ...]

    def position(self, check: str) -> int:
        """Return the bit of a check. Raises KeyError if it was not evaluated here."""
        for number, (check_id, _) in enumerate(self.checks):
            if check_id == check:
                return number
        raise KeyError(check)


@dataclass(frozen=True, slots=True)
class CheckResults:
    """One check in one evaluation. `about` holds its rows about whole places; `counts` includes them.

    `error` says why it could not be evaluated at all; then it has no verdict on any resource.
    """

    check: Check
    params: Mapping[str, Any]
    counts: Counts
    about: tuple[Result, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All checks that were due, each with its row or rows, whatever happened."""

    now: datetime
    tables: Mapping[str, TableResults]
    checks: Mapping[str, CheckResults] = field(default_factory=dict)


def unread_reason(table: str, place: UnreadPlace) -> str:
    """Return the sentence about a place that was not read."""
    needs = f", needs {place.permission}" if place.permission and place.permission not in place.reason else ""
    inner = f"{place.reason}{needs}".strip(", ")
    return f"cannot tell: {table} was not read" + (f" ({inner})" if inner else "")


def about_places(check: Check, source: TableInput, population: int, table: str) -> list[Result]:
    """Return the rows of a check that are about whole places: unread, empty, or never read."""

    def row(account_id: str, region: str, status: Any, reason: str) -> Result:
        return Result(check.id, check.version, account_id, region, None, status, reason)

    unread = sorted(source.unread, key=lambda place: (place.account_id, place.region))
    rows = [
        row(place.account_id, place.region, "inconclusive", unread_reason(table, place)) for place in unread
    ]
    if rows or population:
        return rows
    if not source.places:
        return [row("", "", "inconclusive", f"cannot tell: {table} was not read in this sweep")]
    account, region, where = _where(source.places)
    return [row(account, region, "not_applicable", f"No {table} in {where}")]


def _where(places: Sequence[tuple[str, str]]) -> tuple[str, str, str]:
    """Return the account and region that all places share ("" if they do not), and the places in words."""
    accounts = sorted({account for account, _ in places})
    regions = sorted({region for _, region in places})
    shared = accounts[0] if len(accounts) == 1 else ""
    words = f"account {shared}" if shared else f"{len(accounts)} accounts"
    if regions == [GLOBAL]:
        return shared, GLOBAL, words
    if len(regions) == 1:
        return shared, regions[0], f"{words}, region {regions[0]}"
    return shared, "", f"{words} × {len(regions)} regions"
