"""From botocore's model of an answer to DuckDB's types.

Left out: binary members and members that AWS marks as sensitive (pre-shared keys, passwords,
environment variables, personal data), unless a table names the member in its `columns`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from proofwatch.connectors.naming import column_name, quoted, snake, steps
from proofwatch.connectors.values import PAIRS

LONGEST_ABOUT = 160

_SCALARS = {
    "string": "VARCHAR",
    "character": "VARCHAR",
    "boolean": "BOOLEAN",
    "integer": "BIGINT",
    "long": "BIGINT",
    "short": "BIGINT",
    "byte": "BIGINT",
    "bigdecimal": "DOUBLE",
    "float": "DOUBLE",
    "double": "DOUBLE",
    "timestamp": "TIMESTAMPTZ",
}
_DOCUMENTS = frozenset({"policyDocumentType"})
"""Shapes of text that botocore has decoded as JSON before we see it (IAM's policies)."""

_NOT_SECRET = frozenset({"SSEKMSKeyId", "AccountName"})
"""Marked as sensitive, yet only names: of a bucket's key, of an organisation's account."""


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an answer's structure as a column."""

    member: str
    column: str
    type: str
    about: str


def is_left_out(shape: Any) -> bool:
    """Tell whether a member is binary, a stream, or marked by AWS as sensitive."""
    if shape.type_name == "blob":
        return True
    return bool(shape.metadata.get("sensitive")) and shape.name not in _NOT_SECRET


def type_of(shape: Any, member: str = "") -> str:
    """Return DuckDB's type text for a shape; `member` is the name it has where it is used."""
    kind = shape.type_name
    if kind == "string" and (shape.name in _DOCUMENTS or shape.serialization.get("jsonvalue")):
        return "JSON"
    if kind in _SCALARS:
        return _SCALARS[kind]
    if getattr(shape, "is_document_type", False) or _is_recursive(shape):
        return "JSON"
    if kind == "list":
        if is_tag_list(shape, member):
            return "MAP(VARCHAR, VARCHAR)"
        return f"{type_of(shape.member, member)}[]"
    if kind == "map":
        return f"MAP(VARCHAR, {type_of(shape.value)})"
    fields = [
        f"{quoted(snake(name))} {type_of(inner, name)}"
        for name, inner in shape.members.items()
        if not is_left_out(inner)
    ]
    # DuckDB has no structure without fields; AWS uses one as a mark that something is set.
    return f"STRUCT({', '.join(fields)})" if fields else "JSON"


def is_tag_list(shape: Any, member: str) -> bool:
    """Tell whether a list holds tags: its name says so, and its items hold a key and a value."""
    return (
        "tag" in member.lower()
        and shape.type_name == "list"
        and shape.member.type_name == "structure"
        and any(key in shape.member.members and value in shape.member.members for key, value in PAIRS)
    )


def at(shape: Any, path: str) -> Any:
    """Return the shape at a path such as `Reservations[].Instances[]`. Raises KeyError naming the step."""
    for member, every in steps(path):
        if shape.type_name != "structure" or member not in shape.members:
            raise KeyError(f"{shape.name} has no member {member}")
        shape = shape.members[member]
        if every:
            if shape.type_name != "list":
                raise KeyError(f"{member} is not a list")
            shape = shape.member
    return shape


def members(shape: Any) -> Iterator[Member]:
    """Yield the columns of a structure, or of a map whose keys AWS enumerates (the account summary)."""
    if shape.type_name == "map" and getattr(shape.key, "enum", None):
        for key in shape.key.enum:
            yield Member(key, column_name(key), type_of(shape.value), "")
        return
    for name, inner in shape.members.items():
        if not is_left_out(inner):
            yield Member(name, column_name(name), type_of(inner, name), about(inner.documentation))


def about(documentation: str) -> str:
    """Return the first sentence of botocore's documentation, or nothing where it is long."""
    text = re.sub(r"<(note|important)>.*?</\1>", " ", documentation or "", flags=re.DOTALL)
    text = html.unescape(re.sub(r"<[^>]+>", " ", text))
    text = re.sub(r"\s+([.,;:)])", r"\1", " ".join(text.split()))
    sentence = re.split(r"(?<!e\.g)(?<!i\.e)\.\s+(?=[A-Z])", text, maxsplit=1)[0].strip().rstrip(".:")
    return sentence if 0 < len(sentence) <= LONGEST_ABOUT else ""


@cache
def _is_recursive(shape: Any) -> bool:
    """Tell whether a structure can contain itself."""
    return shape.type_name == "structure" and _contains(shape, shape.name, set())


def _contains(shape: Any, wanted: str, seen: set[str]) -> bool:
    if shape.type_name == "structure":
        inner = list(shape.members.values())
    elif shape.type_name == "list":
        inner = [shape.member]
    elif shape.type_name == "map":
        inner = [shape.value]
    else:
        return False
    for each in inner:
        if each.name == wanted:
            return True
        if each.name not in seen:
            seen.add(each.name)
            if _contains(each, wanted, seen):
                return True
    return False
