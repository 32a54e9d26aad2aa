"""How things are printed: one JSON document or one calm table, and never a raw control character."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDE = 140
"""Columns where nobody's terminal says how wide it is: a file, a pipe."""

console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)
errors = Console(stderr=True, highlight=False)

STATUS_STYLE: dict[str, tuple[str, str]] = {
    "failing": ("✗", "bold red"),
    "fail": ("✗", "bold red"),
    "open": ("✗", "bold red"),
    "no data": ("∅", "magenta"),
    "inconclusive": ("?", "yellow"),
    "pending": ("…", "cyan"),
    "accepted": ("~", "blue"),
    "passing": ("✓", "green"),
    "pass": ("✓", "green"),
    "restored": ("✓", "green"),
    "gone": ("✓", "green"),
    "rule changed": ("≠", "cyan"),
    "no longer applies": ("–", "dim"),
    "not monitored": ("–", "dim"),
    "not_applicable": ("–", "dim"),
}
"""Status → (sign, colour): each is a word and a sign too, so it reads without colour."""


def json_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--json` to a verb."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")(function)


def safe(text: str, *, keep_lines: bool = False) -> str:
    """Escape control and direction characters: names from clouds may not drive the reader's terminal."""
    return "".join(
        char
        if (keep_lines and char == "\n")
        or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
        else f"\\u{ord(char):04x}"
        for char in text
    )


def utc(moment: datetime | None) -> str:
    """Return a moment as text to the second in UTC, or a dash."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ") if moment else "–"


def print_json(data: Any) -> None:
    """Print one JSON document."""
    sys.stdout.write(json.dumps(data, default=_plain, indent=2, ensure_ascii=False) + "\n")


def print_json_lines(items: Iterable[Any]) -> int:
    """Print one JSON object per line; return how many."""
    number = 0
    for item in items:
        sys.stdout.write(json.dumps(item, default=_plain, ensure_ascii=False) + "\n")
        number += 1
    return number


def status_text(status: str) -> Text:
    """Return a status as sign, word and colour."""
    sign, style = STATUS_STYLE.get(status, ("·", ""))
    return Text(f"{sign} {status}", style=style)


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str = "", empty: str = ""
) -> None:
    """Print rows as a table; a cell may be text, a number, None, a moment or a rich Text.

    Args:
        columns: headings; the last one takes the room that is left.
        rows: cells, in the order of the headings.
        title: printed above, left.
        empty: the sentence printed instead when there is no row.
    """
    table = Table(box=None, pad_edge=False, header_style="bold", title=title or None, title_justify="left")
    for index, name in enumerate(columns):
        table.add_column(name, overflow="fold", ratio=None if index < len(columns) - 1 else 1)
    number = 0
    for row in rows:
        table.add_row(*[_cell(value) for value in row])
        number += 1
    if not number and empty:
        console.print(empty)
        return
    console.print(table)


def print_fields(pairs: Iterable[tuple[str, Any]]) -> None:
    """Print label: value lines, aligned."""
    items = list(pairs)
    width = max((len(label) for label, _ in items), default=0)
    for label, value in items:
        console.print(Text(f"{label.ljust(width)}  ", style="dim"), _cell(value), sep="")


def say(text: str = "", style: str = "") -> None:
    """Print one line for people, on standard output."""
    console.print(Text(safe(text, keep_lines=True), style=style))


def note(text: str) -> None:
    """Print one line for people on standard error, so that it never mixes with data."""
    errors.print(Text(safe(text, keep_lines=True), style="dim"))


def _cell(value: Any) -> Text:
    if isinstance(value, Text):
        return value
    if isinstance(value, datetime):
        return Text(utc(value))
    if value is None:
        return Text("–", style="dim")
    if isinstance(value, list | tuple):
        return Text(safe(", ".join(str(item) for item in value)))
    return Text(safe(str(value)))


def _plain(value: Any) -> Any:
    """Turn what JSON lacks into text: moments as RFC 3339 with Z."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date | UUID | Path):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
