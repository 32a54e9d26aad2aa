"""Strict validators for DuckDB's types: a value fits its column as it is, or it is refused.

Every ready-made way into a column coerces silently somewhere (100.7 becomes 100, "true" becomes true,
an object becomes NULL), and a verdict on a coerced value is a verdict on something nobody read.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

import duckdb

from proofwatch.snapshots.base import SnapshotError

Check = Callable[[Any], Any]
"""Takes a value that is not None; returns what is written as JSON, or raises Misfit."""

_EXACT = 2**53
"""Integers up to here are exact in a DOUBLE (IEEE 754)."""


class Misfit(Exception):
    """A value does not fit. Says what was found by kind, never the value: it could be secret."""

    def __init__(self, expected: str, value: object, *, found: str = "") -> None:
        super().__init__(expected)
        self.expected = expected
        self.found = found or kind(value)
        self.path: list[str] = []

    def under(self, step: str) -> Misfit:
        """Say that the value sits at `step` (`.name`, `[3]`) of something larger."""
        self.path.append(step)
        return self

    def reason(self, column: str) -> str:
        """Return one line with the path, e.g. `tags[3].value: expected text, got a number`."""
        return f"{column}{''.join(reversed(self.path))}: expected {self.expected}, got {self.found}"


def kind(value: object) -> str:
    """Name a value's kind in words, without showing it."""
    names: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (bool, "a boolean"),
        ((int, float), "a number"),
        (str, "text"),
        (datetime, "a time"),
        (date, "a date"),
        (dict, "an object"),
        ((list, tuple), "a list"),
        ((bytes, bytearray), "bytes"),
    )
    return next((name for types, name in names if isinstance(value, types)), type(value).__name__)


def compile_columns(columns: tuple[tuple[str, str], ...], table: str) -> list[tuple[str, type | None, Check]]:
    """Return (name, exact type that needs no check, check) for each column.

    Args:
        columns: (name, DuckDB type text).
        table: named in errors.

    Raises:
        SnapshotError: a type does not exist or is not one that snapshots hold.
    """
    compiled = []
    with duckdb.connect(":memory:") as session:
        for name, text in columns:
            try:
                parsed = session.type(text)
                compiled.append((name, _exact(parsed), _check(parsed)))
            except (duckdb.Error, KeyError) as error:
                raise SnapshotError(
                    f"reading the columns of {table}",
                    f"column {name} has the type {text}, which snapshots cannot hold",
                    "Use VARCHAR, BOOLEAN, INTEGER, BIGINT, DOUBLE, DATE, TIMESTAMPTZ, JSON, STRUCT, T[] or "
                    "MAP(VARCHAR, T).",
                ) from error
    return compiled


def _exact(parsed: Any) -> type | None:
    if str(parsed) == "JSON":
        return None
    found: type | None = {"varchar": str, "boolean": bool}.get(parsed.id)
    return found


def _check(parsed: Any) -> Check:
    if str(parsed) == "JSON":
        return _json
    if parsed.id == "list":
        return _list(_check(dict(parsed.children)["child"]))
    if parsed.id == "struct":
        return _struct([(name, _check(child)) for name, child in parsed.children])
    if parsed.id == "map":
        children = dict(parsed.children)
        if children["key"].id != "varchar":
            raise KeyError("key")
        return _map(_check(children["value"]))
    return _SCALARS[parsed.id]


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise Misfit("text", value)


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise Misfit("true or false", value)


def _whole(bits: int) -> Check:
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1

    def check(value: Any) -> int:
        if type(value) is not int:
            raise Misfit("a whole number", value, found="a fraction" if isinstance(value, float) else "")
        if not low <= value <= high:
            raise Misfit(f"a whole number of {bits} bits", value, found="a larger number")
        return value

    return check


def _double(value: Any) -> float | int:
    if type(value) is float and math.isfinite(value):
        return value
    if type(value) is int and -_EXACT <= value <= _EXACT:
        return value
    if type(value) in (int, float):
        raise Misfit("a number", value, found="one that is not finite or not exact as DOUBLE")
    raise Misfit("a number", value)


def _time(value: Any) -> str:
    if isinstance(value, str):
        try:
            value = _parse_time(value)
        except (ValueError, OverflowError):
            raise Misfit("a time", value, found="text that is no RFC 3339 time") from None
    if not isinstance(value, datetime):
        raise Misfit("a time", value)
    if value.tzinfo is None:
        raise Misfit("a time with its zone", value, found="a time without a zone")
    written: str = value.isoformat()
    if not written.endswith("+00:00"):
        try:
            written = value.astimezone(UTC).isoformat()
        except OverflowError:
            raise Misfit("a time", value, found="a time outside of the years 1 to 9999") from None
    return f"{written[:-6]}Z"


@lru_cache(maxsize=4096)
def _parse_time(text: str) -> datetime:
    """Parse RFC 3339; the bare dates and week dates that Python also takes are refused."""
    if len(text) < 20 or text[4] != "-" or text[10] not in "Tt " or text[13] != ":":
        raise ValueError(text)
    return datetime.fromisoformat(text)


def _date(value: Any) -> str:
    if isinstance(value, str):
        try:
            if len(value) == 10 and value[4] == "-":
                return date.fromisoformat(value).isoformat()
        except ValueError:
            pass
        raise Misfit("a date", value, found="text that is no date YYYY-MM-DD")
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    raise Misfit("a date", value)


def _list(item: Check) -> Check:
    def check(value: Any) -> list[Any]:
        if not isinstance(value, (list, tuple)):
            raise Misfit("a list", value)
        position = 0
        try:
            found = []
            for position, member in enumerate(value):  # noqa: B007 - named in the refusal
                found.append(None if member is None else item(member))
            return found
        except Misfit as misfit:
            raise misfit.under(f"[{position}]") from None

    return check


def _struct(members: list[tuple[str, Check]]) -> Check:
    def check(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise Misfit("an object", value)
        found = {}
        name = ""
        try:
            for name, member in members:
                given = value.get(name)
                if given is not None:
                    found[name] = member(given)
        except Misfit as misfit:
            raise misfit.under(f".{name}") from None
        return found

    return check


def _map(item: Check) -> Check:
    def check(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise Misfit("an object", value)
        found = {}
        key = ""
        # Sorted, because the order in which a provider lists tags is no change of them.
        keys = _sorted_keys(value)
        try:
            for key in keys:
                given = value[key]
                found[key] = None if given is None else item(given)
        except Misfit as misfit:
            raise misfit.under(f".{key}") from None
        return found

    return check


def _json(value: Any) -> Any:
    """Return a JSON value with sorted keys; times become RFC 3339 text."""
    found = type(value)
    if found is str or found is bool or value is None:
        return value
    if found is dict:
        return _json_object(value)
    if found is list or found is tuple:
        return _json_list(value)
    if isinstance(value, int):
        if -(2**63) <= value < 2**64:
            return value
        raise Misfit("JSON", value, found="a number of more than 64 bits")
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        raise Misfit("JSON", value, found="a number that is not finite")
    return _json_rare(value)


def _json_rare(value: Any) -> Any:
    """Return what providers' libraries make of JSON: times, and subclasses of the plain kinds."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, dict):
        return _json_object(value)
    if isinstance(value, datetime):
        return _time(value)
    if isinstance(value, date):
        return value.isoformat()
    raise Misfit("JSON", value)


def _sorted_keys(value: dict[Any, Any]) -> list[str]:
    for key in value:
        if not isinstance(key, str):
            raise Misfit("text as every key", key, found=f"{kind(key)} as a key")
    return sorted(value)


_json_object, _json_list = _map(_json), _list(_json)

_SCALARS: dict[str, Check] = {
    "varchar": _text,
    "boolean": _boolean,
    "integer": _whole(32),
    "bigint": _whole(64),
    "double": _double,
    "timestamp with time zone": _time,
    "date": _date,
}
