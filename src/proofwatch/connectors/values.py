"""Values as the providers' answers hold them, made into what a column's type wants, or refused.

The type text alone decides: a member that the table does not know (newer than our declaration) is left out,
a value that does not fit makes its column unread with the reason, never a changed value.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from proofwatch.connectors.base import Column
from proofwatch.connectors.naming import column_name, snake

Convert = Callable[[Any], Any]

_LONGEST_SHOWN = 60
PAIRS = (("Key", "Value"), ("TagKey", "TagValue"), ("key", "value"), ("tagKey", "tagValue"))
"""How the services spell a tag."""
_MORE_PAIRS = (*PAIRS, ("AttributeKey", "AttributeValue"), ("Name", "Value"), ("name", "value"))


class Misfit(ValueError):
    """A value does not fit its column's type."""


class Shaper:
    """Makes the columns of one table from raw members."""

    def __init__(self, columns: Iterable[Column]) -> None:
        self._columns = {column.name: converter(column.type) for column in columns}
        self._known: dict[str, tuple[str, Convert] | None] = {}

    def fill(self, row: dict[str, Any], raw: Mapping[str, Any], unread: dict[str, str]) -> None:
        """Set the row's columns from `raw`; name in `unread` those whose value does not fit."""
        known = self._known
        for member, value in raw.items():
            if member not in known:
                known[member] = self._column(member)
            found = known[member]
            if found is None or value is None:
                continue
            name, convert = found
            try:
                row[name] = convert(value)
            except Misfit as error:
                unread[name] = str(error)

    def _column(self, member: str) -> tuple[str, Convert] | None:
        name = column_name(member)
        return (name, self._columns[name]) if name in self._columns else None


@lru_cache(maxsize=4096)
def converter(kind: str) -> Convert:
    """Return the function that makes a value of DuckDB type `kind`; it raises Misfit."""
    if kind.endswith("[]"):
        return _list_of(converter(kind[:-2]))
    if kind.startswith("MAP("):
        return _map_of(converter(_split(kind[4:-1])[1]))
    if kind.startswith("STRUCT("):
        fields = (_field(part) for part in _split(kind[7:-1]))
        return _struct_of({name: converter(inner) for name, inner in fields})
    return _SCALARS[kind]


def plain(value: Any) -> Any:
    """Return a value with nothing in it that JSON cannot hold: times as RFC 3339, bytes as base64."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, bytes):
        return b64encode(value).decode("ascii")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise _misfit("JSON", value)


def _misfit(kind: str, value: Any) -> Misfit:
    shown = repr(value)
    shown = shown if len(shown) <= _LONGEST_SHOWN else shown[:_LONGEST_SHOWN] + "…"
    return Misfit(f"the answer has {type(value).__name__} {shown} where {kind} was expected")


def _text(value: Any) -> Any:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return plain(value)
    if isinstance(value, int | float):
        return str(value)
    raise _misfit("VARCHAR", value)


def _boolean(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise _misfit("BOOLEAN", value)


def _integer(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            pass
    raise _misfit("BIGINT", value)


def _double(value: Any) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise _misfit("DOUBLE", value)


def _time(value: Any) -> Any:
    if isinstance(value, datetime):
        return value if value.tzinfo is UTC else value.astimezone(UTC)
    if isinstance(value, str):
        try:
            parsed = datetime.fromisoformat(value)
        except ValueError:
            raise _misfit("TIMESTAMPTZ", value) from None
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    raise _misfit("TIMESTAMPTZ", value)


def _document(value: Any) -> Any:
    """Return JSON; text is parsed, after undoing the encodings of some services.

    IAM encodes its policies for URLs, API Gateway puts a backslash before each quote, and OpenSearch answers
    with empty text where there is no policy.
    """
    if not isinstance(value, str):
        return plain(value)
    if not value:
        return None
    text = unquote(value) if value.lstrip()[:1] == "%" else value
    try:
        return json.loads(json.loads(f'"{text}"') if text.startswith('{\\"') else text)
    except ValueError:
        raise _misfit("JSON", value) from None


_SCALARS: dict[str, Convert] = {
    "VARCHAR": _text,
    "BOOLEAN": _boolean,
    "BIGINT": _integer,
    "DOUBLE": _double,
    "TIMESTAMPTZ": _time,
    "JSON": _document,
}


def _list_of(convert: Convert) -> Convert:
    def make(value: Any) -> Any:
        if not isinstance(value, list):
            raise _misfit("a list", value)
        return [None if item is None else convert(item) for item in value]

    return make


def _map_of(convert: Convert) -> Convert:
    def make(value: Any) -> Any:
        if isinstance(value, list):
            value = _pairs(value)
        if not isinstance(value, Mapping):
            raise _misfit("a map", value)
        return {str(key): None if item is None else convert(item) for key, item in value.items()}

    return make


def _pairs(items: list[Any]) -> dict[str, Any]:
    for key, value in _MORE_PAIRS:
        if all(isinstance(item, Mapping) and key in item for item in items):
            # A tag may have no value, which is an empty text and not nothing.
            return {item[key]: item.get(value) or "" for item in items}
    raise _misfit("a list of keys and values", items)


def _struct_of(fields: Mapping[str, Convert]) -> Convert:
    known: dict[str, tuple[str, Convert] | None] = {}

    def learn(member: str) -> tuple[str, Convert] | None:
        name = snake(member)
        known[member] = (name, fields[name]) if name in fields else None
        return known[member]

    def make(value: Any) -> Any:
        if not isinstance(value, Mapping):
            raise _misfit("a structure", value)
        made = {}
        for member, item in value.items():
            found = known[member] if member in known else learn(member)
            if found is not None:
                made[found[0]] = None if item is None else found[1](item)
        return made

    return make


def _split(text: str) -> list[str]:
    """Split type text at its outer commas."""
    parts, depth, begin, quoted = [], 0, 0, False
    for place, sign in enumerate(text):
        if sign == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif sign in "([":
            depth += 1
        elif sign in ")]":
            depth -= 1
        elif sign == "," and depth == 0:
            parts.append(text[begin:place].strip())
            begin = place + 1
    return [*parts, text[begin:].strip()]


def _field(text: str) -> tuple[str, str]:
    if text.startswith('"'):
        end = text.index('" ', 1)
        return text[1:end].replace('""', '"'), text[end + 2 :].strip()
    name, _, kind = text.partition(" ")
    return name, kind.strip()
