"""The types of a bound expression, and the conversions between kinds of value that it hides."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import duckdb

from proofwatch.snapshots.engine import identifier

Node = dict[str, Any]

_NUMBERS = (
    "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
    "UHUGEINT", "DECIMAL", "FLOAT", "DOUBLE", "BIGNUM", "INTEGER_LITERAL",
)  # fmt: skip
_FAMILIES = {
    **dict.fromkeys(_NUMBERS, "number"),
    **dict.fromkeys(("VARCHAR", "CHAR", "STRING_LITERAL", "ENUM"), "text"),
    "BOOLEAN": "boolean",
    "DATE": "time",
    "NULL": "unknown",
    "SQLNULL": "unknown",
    "ANY": "unknown",
}

_QUOTED = re.compile(r'"([a-z_][a-z0-9_]*)"')
"""A name that DuckDB quotes when it writes the expression, because it is also a keyword."""


def bound_type(
    session: duckdb.DuckDBPyConnection, table: str, tree: Node, params: Mapping[str, str]
) -> tuple[str, list[str]]:
    """Bind a parsed expression over a table of the session.

    Args:
        session: has an empty table called `table`.
        table: whose row is judged.
        tree: as `expressions.parse` returns it.
        params: parameter → DuckDB type.

    Returns:
        the type of the expression ("" if it does not bind), and what is wrong.
    """
    statement = tree["statements"][0]
    inner = _marked(session, statement["node"]["select_list"][0]["children"][0], params)
    typed = {**tree, "statements": [{**statement, "node": {**statement["node"], "select_list": [inner]}}]}
    row = session.execute("SELECT json_deserialize_sql($1::JSON)", [json.dumps(typed)]).fetchone()
    sql = f"{row[0]} FROM {identifier(table)}" if row else ""
    row = session.execute("SELECT json_serialize_plan($1)", [sql]).fetchone()
    plan: Node = json.loads(row[0]) if row else {"error": True, "error_message": "no answer"}
    if plan.get("error"):
        return "", [_first_line(plan["error_message"])]
    root = plan["plans"][0]["expressions"][0]
    return _type_name(_type_of(root)), list(dict.fromkeys(_conversions(root, None, sql)))


def _first_line(message: str) -> str:
    return message.strip().splitlines()[0].rstrip(":")


def _marked(session: duckdb.DuckDBPyConnection, node: Any, params: Mapping[str, str]) -> Any:
    """Give parameters their type, and mark what the author converts on purpose (as TRY_CAST)."""
    if isinstance(node, list):
        return [_marked(session, item, params) for item in node]
    if not isinstance(node, dict):
        return node
    if node.get("class") == "PARAMETER":
        return _typed_null(session, params[node["identifier"]])
    fresh = {key: _marked(session, child, params) for key, child in node.items()}
    if node.get("class") == "CAST":
        fresh["try_cast"] = True
    return fresh


def _typed_null(session: duckdb.DuckDBPyConnection, kind: str) -> Node:
    row = session.execute("SELECT json_serialize_sql($1)", [f"SELECT TRY_CAST(NULL AS {kind})"]).fetchone()
    tree = json.loads(row[0]) if row else {}
    node: Node = tree["statements"][0]["node"]["select_list"][0]
    return node


def _conversions(node: Any, parent: Node | None, sql: str) -> Iterator[str]:
    """Yield a sentence for each conversion between kinds of value that nobody wrote."""
    if isinstance(node, list):
        for item in node:
            yield from _conversions(item, parent, sql)
        return
    if not isinstance(node, dict):
        return
    if node.get("type") == "OPERATOR_CAST" and not node.get("function_data", {}).get("try_cast"):
        given, wanted = _type_of(node["children"][0]), _type_of(node)
        compares = parent is not None and str(parent.get("type", "")).startswith("COMPARE_")
        if not _alike(given, wanted, strict=compares):
            yield _sentence(node, parent if compares else None, given, wanted, sql)
    inner = node if "expression_class" in node else parent
    for child in node.values():
        yield from _conversions(child, inner, sql)


def _sentence(node: Node, comparison: Node | None, given: Node, wanted: Node, sql: str) -> str:
    if comparison is None:
        return f"turns {_type_name(given)} into {_type_name(wanted)} unasked: write CAST if that is meant"
    sides: dict[str, str] = {}
    for child in comparison["children"]:
        implicit = child.get("type") == "OPERATOR_CAST" and not child["function_data"].get("try_cast")
        kind = _type_of(child["children"][0] if implicit else child)
        sides.setdefault(_family(kind), _type_name(kind))
    place = _snippet(comparison, sql)
    kinds = " with ".join(sides.values())
    return f"compares {kinds}{place}: compare like with like, or write CAST if that is meant"


def _snippet(node: Node, sql: str) -> str:
    start, length = int(node.get("query_location") or 0), int(node.get("query_location_length") or 0)
    text = " ".join(sql.encode()[start : start + length].decode(errors="ignore").split())
    text = _QUOTED.sub(r"\1", text)
    return f" in `{text}`" if 0 < len(text) <= 80 and start < len(sql) else ""


def _type_of(node: Node) -> Node:
    if node.get("expression_class") == "BOUND_CONSTANT":
        kind: Node = node["value"]["type"]
        return kind
    if node.get("expression_class") == "BOUND_CONJUNCTION":
        return {"id": "BOOLEAN"}
    found: Node = node.get("return_type", {"id": "BOOLEAN"})
    return found


def _family(kind: Node) -> str:
    info = kind.get("type_info") or {}
    if info.get("alias") == "JSON":
        return "JSON"
    name = str(kind["id"])
    return _FAMILIES.get(name, "time" if name.startswith("TIMESTAMP") else name)


def _alike(given: Node, wanted: Node, *, strict: bool) -> bool:
    """Tell whether one kind of value stays that kind. NULL fits all; JSON is text, except in comparisons."""
    one, two = _family(given), _family(wanted)
    if "unknown" in (one, two):
        return True
    if {one, two} == {"JSON", "text"}:
        return not strict
    if one != two:
        return False
    if one in ("LIST", "ARRAY", "MAP"):
        return _alike(_child(given), _child(wanted), strict=strict)
    if one == "STRUCT":
        pairs = zip(_members(given), _members(wanted), strict=False)
        return all(_alike(left, right, strict=strict) for left, right in pairs)
    return True


def _child(kind: Node) -> Node:
    info = kind.get("type_info") or {}
    found: Node = info.get("child_type") or {"id": "ANY"}
    return found


def _members(kind: Node) -> list[Node]:
    info = kind.get("type_info") or {}
    return [member["second"] for member in info.get("child_types") or ()]


def _type_name(kind: Node) -> str:
    info = kind.get("type_info") or {}
    if info.get("alias"):
        return str(info["alias"])
    if kind["id"] in ("LIST", "ARRAY"):
        return f"{_type_name(_child(kind))}[]"
    return {"TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ"}.get(str(kind["id"]), str(kind["id"]))
