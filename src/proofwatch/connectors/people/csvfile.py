"""The people list as a CSV file: every fault is named with its line, and half a list is none."""

from __future__ import annotations

import csv
import io
import os
import time
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from proofwatch.connectors.base import Row, Unread

DOING = "reading the people list"
LARGEST = 64 << 20
COLUMNS = {
    "email": "address at work; it names the person",
    "name": "whole name",
    "title": "of the job",
    "department": "where they work",
    "manager": "address of the manager",
    "started_on": "first day, 2026-01-31",
    "ended_on": "last day; empty for who works here",
    "logins": "names of accounts that do not show the address, with a blank between: github:ada-m aws:ada",
    "emails": "further addresses, with a blank between",
}


def read_csv(path: str, max_age_hours: int) -> list[Row]:
    """Return the people of a file.

    Args:
        path: of a CSV in UTF-8 with a line of names, separated by commas or semicolons.
        max_age_hours: an older file is not believed.

    Raises:
        Unread: it cannot be read, is too old, or one of its lines is no person.
    """
    text = _text(path, max_age_hours)
    head = text.split("\n", 1)[0]
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=";" if ";" in head else ",", strict=True)
    names = [name.strip().lower() for name in reader.fieldnames or []]
    _check_names(path, names)
    reader.fieldnames = names
    found: dict[str, Row] = {}
    try:
        for given in reader:
            person = _person(path, reader.line_num, given)
            if person["email"] in found:
                raise _wrong(path, reader.line_num, "email", f"{person['email']} stands in it twice")
            found[person["email"]] = person
    except csv.Error as error:
        raise _wrong(path, reader.line_num, "", str(error)) from None
    if not found:
        raise Unread(DOING, f"{path} names nobody", "A list without people is taken for a broken export.")
    return list(found.values())


def _text(path: str, max_age_hours: int) -> str:
    try:
        with Path(path).open("rb") as file:
            age = time.time() - os.fstat(file.fileno()).st_mtime
            data = file.read(LARGEST + 1)
    except OSError as error:
        remedy = "Mend the path or the file's rights."
        raise Unread(DOING, f"{path}: {error.strerror or 'it cannot be read'}", remedy) from None
    if len(data) > LARGEST:
        raise Unread(DOING, f"{path} has more than {LARGEST} bytes")
    if age > max_age_hours * 3600:
        problem = (
            f"{path} was written {age / 3600:.0f} hours ago, more than the {max_age_hours} that are allowed"
        )
        raise Unread(DOING, problem, "Look at the export that writes it.", code="stale")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unread(DOING, f"{path} is not UTF-8", "Export it as CSV UTF-8.") from None


def _check_names(path: str, names: list[str]) -> None:
    if "email" not in names:
        near = get_close_matches("email", names, n=1, cutoff=0.5)
        more = f" ({near[0]!r} is near)" if near else ""
        raise _wrong(path, 1, "email", f"there is no such column{more}")
    for name in names:
        if name and name not in COLUMNS:
            near = get_close_matches(name, COLUMNS, n=1, cutoff=0.6)
            if near and near[0] not in names:
                raise _wrong(path, 1, name, f"no such column; did you mean {near[0]}?")


def _person(path: str, line: int, given: dict[str | None, Any]) -> Row:
    if None in given or None in given.values():
        raise _wrong(path, line, "", "it has more or fewer fields than the first line")
    values = {name: (given.get(name) or "").strip() for name in COLUMNS}
    email = values["email"].lower()
    if "@" not in email or any(sign.isspace() for sign in email):
        raise _wrong(path, line, "email", f"{email[:60]!r} is no address")
    ended = _day(path, line, "ended_on", values["ended_on"])
    return {
        "email": email,
        "emails": values["emails"].lower().split(),
        "name": values["name"] or None,
        "title": values["title"] or None,
        "department": values["department"] or None,
        "manager": values["manager"].lower() if "manager" in given else None,
        "started_on": _day(path, line, "started_on", values["started_on"]),
        "ended_on": ended,
        # Who has no last day works here: that is what the column means. After one, the day decides.
        "is_active": True if ended is None else None,
        "logins": values["logins"].split(),
    }


def _day(path: str, line: int, name: str, text: str) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise _wrong(path, line, name, f"{text[:20]!r} is no day; write 2026-01-31") from None


def _wrong(path: str, line: int, name: str, what: str) -> Unread:
    where = f"{path}:{line}: {name + ': ' if name else ''}{what}"
    return Unread(DOING, where, "Mend the export; nothing of the list is believed until then.", code="csv")
