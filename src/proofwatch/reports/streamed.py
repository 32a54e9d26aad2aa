"""JSON written as it is made: a list may be an iterator, so a document may be larger than memory."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, TextIO


def write_json(out: TextIO, value: Any) -> None:
    """Write a value as JSON; what an iterator in it yields is written item by item, each on a line.

    A member whose iterator yields nothing is left out: formats that demand a list's first item allow that.
    """
    if isinstance(value, Mapping):
        _members(out, value)
    elif isinstance(value, Iterator):
        _items(out, value)
    else:
        out.write(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


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
