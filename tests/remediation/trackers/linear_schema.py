"""Linear's GraphQL schema, read out of the TypeScript types that Linear makes from it for its own client.

Linear publishes no schema file in a registry; its client's declarations hold the same: every type, field,
argument and input, and which of them may be left out. Names of types are spelled as the generator does it
(`IssueIdComparator` for `IssueIDComparator`); nothing that we send names one of those.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from graphql import GraphQLError, GraphQLSchema, OperationDefinitionNode, build_schema, parse, validate
from graphql.execution.values import get_variable_values

TYPE = re.compile(r"^type (\w+) = (?:[\w &]+& )?\{\n(.*?)^\};$", re.M | re.S)
UNION = re.compile(r"^type (\w+) = (\w+(?: \| \w+)+);$", re.M)
ENUM = re.compile(r"^declare enum (\w+) \{\n(.*?)^\}$", re.M | re.S)
FIELD = re.compile(r"^  (\w+)\??: (.+);$", re.M)
VALUE = re.compile(r'^  \w+ = "(\w+)",$', re.M)
BUILT_IN = frozenset({"ID", "String", "Boolean", "Int", "Float"})
Fields = Mapping[str, tuple[tuple[str, str], ...]]


def schema(declarations: Path) -> GraphQLSchema:
    """Return the schema."""
    return build_schema(sdl(declarations.read_text("utf-8")), assume_valid=True, no_location=True)


def sdl(text: str) -> str:
    """Return the schema in GraphQL's own language."""
    text = text[: text.index("Fragment = ")]  # What follows are the client's own queries.
    types = {found[1]: tuple(FIELD.findall(found[2])) for found in TYPE.finditer(text)}
    scalars = [name for name, _ in types.pop("Scalars")]
    arguments = {
        name.lower(): types.pop(name)
        for name, fields in tuple(types.items())
        if name.endswith("Args") and "__typename" not in dict(fields)
    }
    inputs = _reached(types, (kind for fields in arguments.values() for _, kind in fields))
    lines = [f"scalar {name}" for name in scalars if name not in BUILT_IN]
    lines += [f"enum {found[1]} {{ {' '.join(VALUE.findall(found[2]))} }}" for found in ENUM.finditer(text)]
    lines += [f"union {found[1]} = {found[2]}" for found in UNION.finditer(text)]
    for name, fields in types.items():
        shown = []
        for field, kind in fields:
            taken = arguments.get(f"{name}{field}args".lower(), ())
            given = f"({', '.join(f'{key}: {_kind(of)}' for key, of in taken)})" if taken else ""
            if field != "__typename":
                shown.append(f"{field}{given}: {_kind(kind)}")
        lines.append(f"{'input' if name in inputs else 'type'} {name} {{ {' '.join(shown)} }}")
    return "\n".join(lines)


def refusals(known: GraphQLSchema, query: str, variables: Mapping[str, Any]) -> list[str]:
    """Return what the schema has against an operation and its variables."""
    document = parse(query)
    found: list[GraphQLError] = list(validate(known, document))
    if not found:
        (operation,) = document.definitions
        assert isinstance(operation, OperationDefinitionNode)
        values = get_variable_values(known, operation.variable_definitions, dict(variables))
        found = values if isinstance(values, list) else []
    more = set(variables) - set(re.findall(r"\$(\w+)\s*:", query))
    return [error.message for error in found] + [f"${name} is not declared" for name in sorted(more)]


def _kind(text: str) -> str:
    """Return a type in GraphQL's spelling: `InputMaybe<Array<Scalars["ID"]>>` is `[ID!]`."""
    if found := re.fullmatch(r"(?:Input)?Maybe<(.+)>", text):
        return _kind(found[1]).removesuffix("!")
    if found := re.fullmatch(r"Array<(.+)>", text):
        return f"[{_kind(found[1])}]!"
    if found := re.fullmatch(r'Scalars\["(\w+)"\]', text):
        return f"{found[1]}!"
    return f"{text}!" if re.fullmatch(r"\w+", text) else "String!"


def _reached(types: Fields, kinds: Iterable[str]) -> set[str]:
    """Return the types that some others name, directly or not."""
    reached: set[str] = set()
    waiting = list(kinds)
    while waiting:
        for name in set(re.findall(r"\w+", waiting.pop())) & types.keys() - reached:
            reached.add(name)
            waiting += [kind for _, kind in types[name]]
    return reached
