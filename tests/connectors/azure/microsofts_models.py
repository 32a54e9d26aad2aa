"""Run apart from the tests, with Microsoft's packages on its path: read items with Microsoft's own models.

It gets `[[module, class, item], …]` on standard input and prints what the models do not know or cannot read.
A member that a model does not know would be a mistake of the fake, or of us.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any


def problems(cls: type, item: Mapping[str, Any], path: str) -> Iterator[str]:
    """Yield what is wrong with an item; there are two generations of models."""
    if hasattr(cls, "_attribute_map"):
        read = cls.deserialize(json.loads(json.dumps(item)))  # type: ignore[attr-defined]
        yield from lost(item, read.serialize(keep_readonly=True), path)
    else:
        yield from unknown(cls(json.loads(json.dumps(item))), item, path)


def lost(given: Any, back: Any, path: str) -> Iterator[str]:
    """Yield what is not there any more after reading and writing it again."""
    if isinstance(given, Mapping):
        for name, value in given.items():
            if value is None:
                continue
            if not isinstance(back, Mapping) or name not in back:
                yield f"{path}.{name}: not known"
            else:
                yield from lost(value, back[name], f"{path}.{name}")
    elif isinstance(given, list):
        for number, value in enumerate(given):
            yield from lost(value, back[number] if len(back) > number else None, f"{path}[{number}]")
    elif isinstance(given, bool) and back is not given:
        yield f"{path}: {given!r} became {back!r}"


def unknown(model: Any, item: Mapping[str, Any], path: str) -> Iterator[str]:
    """Yield members that a model does not know, and values that it does not read as it declares them."""
    fields = {field._rest_name: name for name, field in model._attr_to_rest_field.items()}
    for name, value in item.items():
        if name not in fields:
            yield f"{path}.{name}: not known"
            continue
        read = getattr(model, fields[name])
        pairs = zip(value, read, strict=True) if isinstance(value, list) else [(value, read)]
        for number, (given, got) in enumerate(pairs):
            where = f"{path}.{name}[{number}]"
            if hasattr(got, "_attr_to_rest_field"):
                yield from unknown(got, given, where)
            elif isinstance(given, bool) != isinstance(got, bool):
                yield f"{where}: {given!r} became {got!r}"


def main() -> None:
    """Judge what is given."""
    found = []
    for module, name, item in json.load(sys.stdin):
        cls = getattr(importlib.import_module(module), name)
        found += problems(cls, item, name)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
