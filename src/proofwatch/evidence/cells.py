"""How a value stands in a table for people: the CSV follows from the JSON lines beside it, byte for byte."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

ROWS = 500
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def escape_cell(value: Any) -> str:
    """Return a value as CSV text; moments in RFC 3339 with Z, and nothing that a spreadsheet would run."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    text = raw_text(value) if not isinstance(value, str) else value
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def raw_text(value: Any) -> str:
    """Return a value that JSON has no type for as text: a moment in UTC with Z, a list as JSON."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, list | tuple | dict):
        return _JSON.encode(value)
    return str(value)


_JSON = json.JSONEncoder(default=raw_text, ensure_ascii=False)


def csv_row(row: Iterable[Any]) -> list[Any]:
    """Return the cells of a row as `csv.writer` takes them."""
    # Texts and whole numbers are nearly all of it, and need no more than a look.
    return [
        value
        if type(value) is int or (type(value) is str and not value.startswith(FORMULA_STARTS))
        else escape_cell(value)
        for value in row
    ]


def csv_chunks(rows: Iterable[Iterable[Any]]) -> Iterator[bytes]:
    """Yield rows as RFC 4180 in UTF-8, each with its line end, some hundred at a time."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    for number, row in enumerate(rows, start=1):
        writer.writerow(csv_row(row))
        if number % ROWS == 0:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()
