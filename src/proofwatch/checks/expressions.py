"""What an expression of a check means, as DuckDB itself parses and binds it; nothing is guessed from text.

The parser's tree (`json_serialize_sql`) tells the columns, parameters and functions that are used. The bound
plan (`json_serialize_plan`) tells the types, and every conversion that DuckDB would add on its own: it
compares leniently (`account_id = 123` turns text into numbers), and a verdict must not hang on that.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

import duckdb

from proofwatch.snapshots.engine import connect, identifier, lock

Node = dict[str, Any]

MAX_LENGTH = 20_000
"""Characters of one expression; more is no longer something that a person reviews."""

NOW = "now"
"""The parameter that every check has: the sweep's time of observation."""

_HEAD = "SELECT coalesce(\n"
_TAIL = "\n)"
_ALLOWED = {
    "CONJUNCTION", "COMPARISON", "BETWEEN", "OPERATOR", "FUNCTION", "CAST", "CASE", "CONSTANT",
    "COLUMN_REF", "LAMBDA", "PARAMETER", "TYPE",
}  # fmt: skip
_REFUSED = {
    "SUBQUERY": "a subquery cannot be used here: write a view for a join",
    "WINDOW": "a window function cannot be used here: a check judges one row",
    "STAR": "* cannot be used here: name the columns",
    "COLLATE": "COLLATE cannot be used here: use lower()",
}
_GROWING = {
    "repeat",
    "lpad",
    "rpad",
    "range",
    "generate_series",
    "list_resize",
    "array_resize",
    "format",
    "printf",
}
"""Functions that build a value of any size from a small one, outside of DuckDB's memory limit."""

_CLOCKS = {"now", "today", "current_date", "current_timestamp", "localtimestamp", "current_time", "localtime"}


@dataclass(frozen=True, slots=True)
class Expression:
    """An analysed expression: the columns it reads, and where its parameters stand (as characters)."""

    text: str
    columns: tuple[str, ...]
    params: tuple[tuple[str, int, int], ...]

    def bind(self, names: Mapping[str, str]) -> str:
        """Return the text with each `$name` replaced by SQL of `names`, which are our own."""
        parts, end = [], 0
        for name, start, stop in self.params:
            parts += [self.text[end:start], names[name]]
            end = stop
        return "".join([*parts, self.text[end:]])


def open_session(**options: Any) -> duckdb.DuckDBPyConnection:
    """Open a session in which division by zero is an error, locked unless told otherwise.

    Args:
        options: as for `proofwatch.snapshots.engine.connect`; with `allowed` left out, nothing may be read.
    """
    allowed = options.pop("allowed", ())
    session = connect(**options)
    session.execute("SET ieee_floating_point_ops = false")
    if allowed is not None:
        lock(session, allowed)
    return session


def parse(session: duckdb.DuckDBPyConnection, text: str) -> tuple[Expression, Node, list[str]]:
    """Parse one expression.

    Returns:
        the expression with every name that it refers to as a column, its tree, and what is wrong with it.
        The tree is empty where the text does not parse.
    """
    nothing = Expression(text, (), ())
    if len(text) > MAX_LENGTH:
        return nothing, {}, [f"longer than {MAX_LENGTH} characters"]
    tree = _serialize(session, "json_serialize_sql", _HEAD + text + _TAIL)
    if tree.get("error"):
        return nothing, {}, [f"does not parse: {tree['error_message']}"]
    root = _single(tree)
    if root is None:
        return nothing, {}, ["must be one expression"]
    found = list(_walk(root, ()))
    problems = list(dict.fromkeys(problem for node, _ in found if (problem := _refusal(node))))
    columns = dict.fromkeys(name for node, scope in found if (name := _reference(node, scope)))
    params = sorted(
        (_span(text, node) for node, _ in found if node["class"] == "PARAMETER"), key=lambda p: p[1]
    )
    return Expression(text, tuple(columns), tuple(params)), tree, problems


def _serialize(session: duckdb.DuckDBPyConnection, function: str, sql: str) -> Node:
    row = session.execute(f"SELECT {function}($1)", [sql]).fetchone()
    tree: Node = json.loads(row[0]) if row else {"error": True, "error_message": "no answer"}
    return tree


def _single(tree: Node) -> Node | None:
    """Return the expression inside `coalesce(…)`, if the text is one whole expression and nothing more."""
    statements = tree["statements"]
    if len(statements) != 1 or statements[0]["node"]["type"] != "SELECT_NODE":
        return None
    node = statements[0]["node"]
    items = node["select_list"]
    plain = node["from_table"]["type"] == "EMPTY" and not any(
        node.get(part)
        for part in ("where_clause", "group_expressions", "having", "qualify", "sample", "modifiers")
    )
    if (
        not plain
        or len(items) != 1
        or items[0]["type"] != "OPERATOR_COALESCE"
        or len(items[0]["children"]) != 1
    ):
        return None
    inner: Node = items[0]["children"][0]
    return inner


def _walk(node: Any, scope: tuple[str, ...]) -> Iterator[tuple[Node, tuple[str, ...]]]:
    """Yield every expression node with the lambda parameters that are in force there."""
    if isinstance(node, list):
        for item in node:
            yield from _walk(item, scope)
    elif isinstance(node, dict):
        if node.get("class") == "LAMBDA" and node.get("syntax_type") == "LAMBDA_KEYWORD":
            yield node, scope
            names = {name for part, _ in _walk(node["lhs"], ()) for name in part.get("column_names", ())}
            yield from _walk(node["expr"], (*scope, *names))
            return
        if "class" in node:
            yield node, scope
        for key, child in node.items():
            if key != "type_expr":
                yield from _walk(child, scope)


def _reference(node: Node, scope: Sequence[str]) -> str:
    """Return the dotted name that a column reference starts with; "" for a lambda's parameter."""
    if node["class"] != "COLUMN_REF" or node["column_names"][0] in scope:
        return ""
    return ".".join(node["column_names"])


def _span(text: str, node: Node) -> tuple[str, int, int]:
    start = int(node["query_location"]) - len(_HEAD)
    data = text.encode()
    before = len(data[:start].decode(errors="ignore"))
    return node["identifier"], before, before + len(node["identifier"]) + 1


def _refusal(node: Node) -> str:
    """Say why a node cannot be part of a check; "" if it can."""
    if node["class"] not in _ALLOWED:
        kind = node["class"].lower().replace("_", " ")
        return _REFUSED.get(node["class"], f"{kind} cannot be used here")
    if node["class"] == "FUNCTION":
        return function_problem(node)
    if node["type"] == "GROUPING_FUNCTION":
        return "grouping() cannot be used here: a check judges one row"
    plain = node["class"] == "COMPARISON" and "DISTINCT" not in node["type"]
    if plain and (_is_null(node["left"]) or _is_null(node["right"])):
        return "comparing with NULL is never true or false: write IS NULL or IS NOT NULL"
    if node["type"] == "COMPARE_IN" and any(_is_null(child) for child in node["children"]):
        return "NULL in the list of IN makes every other value unknown: leave it out"
    return ""


def _is_null(node: Node) -> bool:
    return bool(node["class"] == "CONSTANT" and node.get("literal", {}).get("kind") == "NULL_LITERAL")


def function_problem(node: Node, *, aggregates: bool = False) -> str:
    """Say why a function cannot be called; "" if it can. Views may aggregate, checks may not."""
    name = node["function_name"].lower()
    if len(node.get("qualified_name", {}).get("path", ())) > 1:
        return f"{name}() cannot be named with a schema"
    kinds = functions().get(name)
    if aggregates and name == "unnest":
        return ""
    if name in _CLOCKS:
        return f"{name}() gives another answer at every run: use $now, the time of observation"
    if name in _GROWING:
        return f"{name}() cannot be used here: it can build a value of any size"
    if kinds is None:
        near = nearest(name, functions())
        return f"there is no function {name}(){near}"
    if "scalar" in kinds or "macro" in kinds:
        return ""
    if "table" in kinds or "table_macro" in kinds:
        return f"{name}() cannot be used here: it reads a table or file"
    if "unstable" in kinds:
        return f"{name}() cannot be used here: it gives another answer at every run"
    if aggregates:
        return ""
    return f"{name}() is an aggregate and cannot be used here: a check judges one row"


@lru_cache(maxsize=1)
def functions() -> Mapping[str, frozenset[str]]:
    """Return what DuckDB has under each function name: its kinds, with scalar ones only if stable."""
    kinds: dict[str, set[str]] = {}
    with connect(allowed=()) as session:
        rows = session.execute(
            "SELECT function_name, function_type, stability FROM duckdb_functions()"
        ).fetchall()
    for name, kind, stability in rows:
        stable = kind != "scalar" or stability == "CONSISTENT"
        kinds.setdefault(name, set()).add(kind if stable else "unstable")
    found = {name: frozenset(of) for name, of in kinds.items()}
    # A row of values parses as a function without being one.
    return {**found, "row": frozenset({"scalar"}), "error": frozenset({"unstable"})}


def nearest(name: str, known: Any) -> str:
    """Return `; did you mean 'x'?` with the nearest known name, or "" if none is near."""
    names = {str(item).lower(): str(item) for item in known}
    near = get_close_matches(name.lower(), names, n=1, cutoff=0.6)
    return f"; did you mean '{names[near[0]]}'?" if near else ""


def create_table(session: duckdb.DuckDBPyConnection, name: str, columns: Sequence[tuple[str, str]]) -> None:
    """Create an empty table that has the given columns."""
    body = ", ".join(f"{identifier(column)} {kind}" for column, kind in columns)
    session.execute(f"CREATE TABLE IF NOT EXISTS {identifier(name)} ({body})")
