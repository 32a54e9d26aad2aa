"""JSON written as it is made: a list may be an iterator, so a document may be larger than memory."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, TextIO


def write_json(out: TextIO, value: Any) -> None:
    """Write a value as JSON; what an iterator in it yields is written item by item, each on a line.

    Iterators may stand in mappings, at any depth, and in what other iterators yield; not in lists. A member
    whose iterator yields nothing is left out: formats that demand a list's first item allow that.
    """
    if isinstance(value, Iterator):
        _items(out, value)
        return
    try:
        text = _ENCODER.encode(value)
    except _Iterates:
        _members(out, value)
    else:
        out.write(text)


class _Iterates(Exception):
    """There is an iterator somewhere in a value."""


def _refuse(value: Any) -> Any:
    if isinstance(value, Iterator):
        raise _Iterates
    raise TypeError(f"{type(value).__name__} has no JSON form")


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_refuse)


def _members(out: TextIO, value: Mapping[str, Any]) -> None:
    out.write("{")
    sign = ""
    for name, item in value.items():
        if isinstance(item, Iterator):
            first = next(item, None)
            if first is None:
                continue
            item = chain([first], item)
        out.write(f"{sign}{json.dumps(name)}:")
        write_json(out, item)
        sign = ","
    out.write("}")


def _items(out: TextIO, value: Iterator[Any]) -> None:
    out.write("[")
    sign = "\n"
    for item in value:
        out.write(sign)
        write_json(out, item)
        sign = ",\n"
    out.write("\n]")
