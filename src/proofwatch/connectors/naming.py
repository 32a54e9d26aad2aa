"""Names: members of answers as columns, and templates that are filled from a raw answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

from proofwatch.connectors.base import KEY

_HOLE = re.compile(r"\{([A-Za-z_][\w.]*)\}")
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*\Z")
_WORDS = """
all analyse analyze and any array as asc asymmetric both case cast check collate column constraint
create default deferrable desc describe distinct do else end except false fetch for foreign from
group having in initially intersect into lambda lateral leading limit not null offset on only or
order pivot pivot_longer pivot_wider placing primary qualify references returning select show some
summarize symmetric table then to trailing true union unique unpivot using variadic when where
window with
"""
_RESERVED_WORDS = frozenset(_WORDS.split())
"""What DuckDB 2.0 calls reserved (`duckdb_keywords()`): as the name of a field it needs quotes."""


class MissingMember(KeyError):
    """A template names a member that the answer does not have."""

    def __str__(self) -> str:
        """Return the member's name alone."""
        return str(self.args[0])


@cache
def snake(member: str) -> str:
    """Return botocore's own snake case of a member: `DBInstanceIdentifier` → `db_instance_identifier`."""
    from botocore import xform_name

    return re.sub(r"\W+", "_", xform_name(member))


def column_name(member: str) -> str:
    """Return the column of a top-level member.

    A member called like a part of the key (`AccountId`, `Region`, `resource`) gets `item_` in front,
    because the key's columns mean where it was read and which row it is. `TagList` and `TagSet` are
    `tags` everywhere.
    """
    name = snake(member)
    if name in KEY:
        return f"item_{name}"
    return "tags" if name in ("tag_list", "tag_set") else name


def quoted(field: str) -> str:
    """Return a field's name as DuckDB's type text wants it."""
    plain = _PLAIN.match(field) and field not in _RESERVED_WORDS
    return field if plain else '"' + field.replace('"', '""') + '"'


def look_up(values: Mapping[str, Any], path: str) -> Any:
    """Return the value at a dotted path. Raises MissingMember where it is absent or None."""
    found: Any = values
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
        if found is None:
            raise MissingMember(path)
    return found


def fill(template: Any, values: Mapping[str, Any]) -> Any:
    """Fill every `{Member}` or `{Member.Inner}` of a template from `values`.

    A text that is exactly one placeholder becomes the value itself; lists and mappings are filled inside.
    Raises MissingMember.
    """
    if isinstance(template, str):
        whole = _HOLE.fullmatch(template)
        if whole:
            return look_up(values, whole[1])
        return _HOLE.sub(lambda hole: str(look_up(values, hole[1])), template)
    if isinstance(template, Mapping):
        return {key: fill(value, values) for key, value in template.items()}
    if isinstance(template, list | tuple):
        return [fill(value, values) for value in template]
    return template


def holes(template: Any) -> set[str]:
    """Return the first parts of every placeholder in a template."""
    if isinstance(template, str):
        return {name.partition(".")[0] for name in _HOLE.findall(template)}
    if isinstance(template, Mapping):
        template = list(template.values())
    if isinstance(template, list | tuple):
        return set().union(*map(holes, template))
    return set()


@lru_cache(maxsize=8192)
def steps(path: str) -> tuple[tuple[str, bool], ...]:
    """Split `Reservations[].Instances[]` into (member, is every item of it wanted) pairs."""
    return tuple((part.removesuffix("[]"), part.endswith("[]")) for part in path.split(".") if part)


def dig(answer: Any, path: str) -> Any:
    """Return what stands at `path` of an answer; `[]` walks through a list and gives a flat one.

    A member that is absent gives None, or, behind `[]`, nothing.
    """
    if "[]" not in path:
        for member, _ in steps(path):
            if not isinstance(answer, dict) and not isinstance(answer, Mapping):
                return None
            answer = answer.get(member)
        return answer
    values = [answer]
    for member, every in steps(path):
        values = [value.get(member) for value in values if isinstance(value, Mapping)]
        if every:
            values = [item for value in values if value is not None for item in value]
    return [value for value in values if value is not None]
