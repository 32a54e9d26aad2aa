"""The answers to an auditor's five questions about an export, in sentences for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from proofwatch.reports.tables import NOTE

KNOWN = frozenset({
    "system", "organization", "mark", "subject", "title", "question", "where", "generated_at", "generated_by",
    "role", "filter", "rows", "first", "last", "matching", "population", "includes_silenced_and_accepted",
    "data_as_of", "control_list", "note",
})  # fmt: skip
"""What has its own place; other plain facts stand with what was asked."""
PLAIN = (str, int, float, date)


@dataclass(frozen=True, slots=True)
class Part:
    """Which rows a file holds.

    Attributes:
        number: of the part, from 1.
        of: how many parts there are.
        low: number of its first row, from 1; 0 if there is none.
        high: number of its last row.
        rows: rows of all parts.
        first: first cell of the first row.
        last: first cell of the last row.
    """

    number: int
    of: int
    low: int
    high: int
    rows: int
    first: str
    last: str

    @property
    def range(self) -> str:
        """Return which rows these are."""
        if not self.rows:
            return "no rows"
        which = f"rows {counted(self.low)}–{counted(self.high)} of {counted(self.rows)}"
        ends = self.first if self.first == self.last else f"{self.first} – {self.last}"
        said = f"{which}: {ends}" if ends else which
        return f"part {self.number} of {self.of}, {said}" if self.of > 1 else said


def moment(value: Any) -> str:
    """Return a moment in UTC to the second, a day as it is, "–" for none."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if value else "–"


def counted(number: int) -> str:
    """Return a number with thin spaces between thousands, as on the pages."""
    return f"{number:,}".replace(",", "\u202f")


def answers(meta: Mapping[str, Any], part: Part) -> list[tuple[str, list[str]]]:
    """Return each of the five questions with its answers, a line each.

    Args:
        meta: as `provenance` makes it; what is missing is left out.
        part: which rows the file holds.
    """
    return [
        ("Where is it from?", _source(meta)),
        ("What was asked?", _query(meta)),
        ("Who made it, and when?", _who(meta)),
        ("Is it complete?", _complete(meta, part)),
        ("By which rules?", _rules(meta)),
    ]


def _source(meta: Mapping[str, Any]) -> list[str]:
    whose = f" of {meta['organization']}" if meta.get("organization") else ""
    lines = [f"{meta.get('system', 'Proofwatch')}{whose}"]
    for item in meta.get("data_as_of") or ():
        gap = item.get("places_not_read")
        unread = "" if gap is None else f", {gap} places not read" if gap else ", every place read"
        lines.append(
            f"{item.get('connection')}: observed {moment(item.get('observed_at'))}, "
            f"{item.get('state')}{unread}, sweep {item.get('sweep')}"
        )
    return lines if meta.get("data_as_of") else [*lines, "No connection has been read yet."]


def _query(meta: Mapping[str, Any]) -> list[str]:
    chosen = meta.get("filter")
    told = (
        ", ".join(f"{name} = {value}" for name, value in chosen.items())
        if isinstance(chosen, Mapping)
        else ""
    )
    lines = [f"{meta.get('title', '')}, filter: {told or 'none'}"]
    more = {name: value for name, value in meta.items() if name not in KNOWN and isinstance(value, PLAIN)}
    lines += [f"{name.replace('_', ' ')}: {_plain(value)}" for name, value in more.items()]
    return [*lines, f"Made again by: {meta['where']}"] if meta.get("where") else lines


def _plain(value: Any) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else moment(value)


def _who(meta: Mapping[str, Any]) -> list[str]:
    role = f", {meta['role']}" if meta.get("role") else ""
    return [f"{meta.get('generated_by') or 'unknown'}{role}", moment(meta.get("generated_at"))]


def _complete(meta: Mapping[str, Any], part: Part) -> list[str]:
    here = part.high - part.low + 1 if part.rows else 0
    lines = [f"{counted(here)} {'row' if here == 1 else 'rows'} in this file ({part.range})"]
    matching, population = meta.get("matching"), meta.get("population")
    if matching is not None and matching != part.rows:
        lines.append(f"{counted(matching)} matched when they were counted, before they were read")
    if population is not None:
        lines.append(f"{counted(part.rows)} in this export, {counted(population)} in all without the filter")
    if meta.get("includes_silenced_and_accepted"):
        lines.append(f"silenced and accepted are included: {meta['includes_silenced_and_accepted']}")
    return lines


def _rules(meta: Mapping[str, Any]) -> list[str]:
    listed = meta.get("control_list") or {}
    if not listed:
        return ["No control list is in force."]
    digest = str(listed.get("sha256") or "")
    lines = [f"Control list version {listed.get('version')}", f"SHA-256 {digest}" if digest else ""]
    return [line for line in lines if line]


READING = (
    f"{NOTE} Times are UTC. Digests are shortened to their first 12 characters and very long cells are cut, "
    "both marked by “…”; the CSV and the JSON lines of the same export hold them whole. ⟨U+XXXX⟩ names a "
    "character that would be invisible or that these fonts lack; ↵ stands for a line break."
)
