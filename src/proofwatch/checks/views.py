"""Load a view: one SELECT over tables, in a file of its own, with a stated key."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import rfc8785

from proofwatch.checks.base import View
from proofwatch.checks.expressions import create_table, function_problem, nearest
from proofwatch.connectors.base import KEY, Table
from proofwatch.snapshots.base import SnapshotError
from proofwatch.snapshots.engine import single_select

MAX_LENGTH = 50_000
"""Characters of one view."""

Node = dict[str, Any]
Problem = tuple[int, str, str]

_HEADER = re.compile(r"--\s*(about|key|across)\s*:\s*(.*?)\s*$")
_LINE = re.compile(r"^LINE (\d+):", re.MULTILINE)
_KEY = ", ".join(KEY)
_SOURCES = {"BASE_TABLE", "SUBQUERY", "JOIN", "EMPTY", "EXPRESSION_LIST", "TABLE_FUNCTION", "CTE"}


def load_view(
    session: duckdb.DuckDBPyConnection, path: Path, tables: Mapping[str, Table]
) -> tuple[View | None, list[Problem]]:
    """Return the view, or None and what is wrong with its file, as (line, field, problem).

    Args:
        session: where the tables of the view are created, empty, to bind it.
        path: `<name>.sql`.
        tables: declared tables by name.
    """
    try:
        sql = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return None, [(1, "", f"cannot be read: {error}")]
    if len(sql) > MAX_LENGTH:
        return None, [(1, "", f"longer than {MAX_LENGTH} characters")]
    header = _header(sql)
    problems = [*_header_problems(header), *_across_problems(header)]
    if path.stem in tables:
        problems.append((1, "", f"'{path.stem}' is the name of a table: rename the file"))
    try:
        single_select(session, sql, "")
    except SnapshotError as error:
        return None, [*problems, (_line(error.problem), "", _short(error.problem))]
    tree = _tree(session, sql)
    used, wrong = _sources(tree, tables)
    wrong += list(dict.fromkeys(_functions(tree)))
    if wrong:
        return None, [*problems, *((1, "", text) for text in wrong)]
    for name in used:
        create_table(session, name, [(column.name, column.type) for column in tables[name].columns])
    try:
        columns = [(str(row[0]), str(row[1])) for row in session.execute(f"DESCRIBE {sql}").fetchall()]
    except duckdb.Error as error:
        return None, [*problems, (_line(str(error)), "", _short(str(error)))]
    problems += [(1, "", text) for text in _key_problems(columns)]
    if problems:
        return None, problems
    view = _view(path, sql, header["about"][1], used, columns, tree, tables)
    return replace(view, across="across" in header), []


def _header(sql: str) -> dict[str, tuple[int, str]]:
    found: dict[str, tuple[int, str]] = {}
    for number, line in enumerate(sql.splitlines(), start=1):
        if not line.startswith("--"):
            break
        match = _HEADER.match(line)
        if match:
            found[match[1]] = (number, match[2])
    return found


def _header_problems(header: Mapping[str, tuple[int, str]]) -> Iterator[Problem]:
    if not header.get("about", (0, ""))[1]:
        yield 1, "about", "is missing: begin with a line `-- about: what a row is`"
    if "key" not in header:
        yield 1, "key", f"is missing: add a line `-- key: {_KEY}`"
    elif [part.strip() for part in header["key"][1].split(",")] != list(KEY):
        yield header["key"][0], "key", f"must be {_KEY}, not {header['key'][1]}"


def _across_problems(header: Mapping[str, tuple[int, str]]) -> Iterator[Problem]:
    line, value = header.get("across", (0, "accounts"))
    if value != "accounts":
        yield line, "across", f"must be accounts, not {value or 'empty'}: its rows rest on every account read"


def _key_problems(columns: list[tuple[str, str]]) -> Iterator[str]:
    names = [name for name, _ in columns]
    kinds = dict(columns)
    for name in KEY:
        if name not in kinds:
            yield f"the SELECT does not yield the key column {name}"
        elif kinds[name] != "VARCHAR":
            yield f"the key column {name} must be VARCHAR, but is {kinds[name]}"
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"the SELECT yields two columns called {name}"
    if "idx" in kinds:
        yield "idx is the engine's own column: give it another name"
    if kinds.get("_unread", "MAP(VARCHAR, VARCHAR)") != "MAP(VARCHAR, VARCHAR)":
        yield f"_unread must be MAP(VARCHAR, VARCHAR), but is {kinds['_unread']}"


def _tree(session: duckdb.DuckDBPyConnection, sql: str) -> Node:
    row = session.execute("SELECT json_serialize_sql($1)", [sql]).fetchone()
    tree: Node = json.loads(row[0]) if row else {}
    node: Node = tree["statements"][0]["node"] if tree.get("statements") else {}
    return node


def _nodes(node: Any) -> Iterator[Node]:
    if isinstance(node, list):
        for item in node:
            yield from _nodes(item)
    elif isinstance(node, dict):
        yield node
        for child in node.values():
            yield from _nodes(child)


def _sources(tree: Node, tables: Mapping[str, Table]) -> tuple[list[str], list[str]]:
    """Return the tables that are read, and what is wrong with the sources."""
    common = {item["key"] for node in _nodes(tree) for item in (node.get("cte_map") or {}).get("map", ())}
    used: dict[str, None] = {}
    wrong = []
    for node in _nodes(tree):
        kind = node.get("type")
        if kind == "BASE_TABLE":
            name = str(node["table_name"])
            if len(_path(node)) > 1 or node.get("schema_name") or node.get("catalog_name"):
                wrong.append(f"{'.'.join(_path(node)) or name} cannot be named with a schema")
            elif name in tables:
                used[name] = None
            elif name not in common:
                wrong.append(f"there is no table '{name}'{nearest(name, tables)}")
        elif kind == "TABLE_FUNCTION":
            name = node["function"]["function_name"]
            if name != "unnest":
                wrong.append(f"{name}() cannot be used here: a view reads tables")
        elif "sample" in node and "alias" in node and "class" not in node and kind not in _SOURCES:
            wrong.append(f"{str(kind).lower().replace('_', ' ')} cannot be used here: a view reads tables")
    return list(used), wrong


def _path(node: Node) -> list[str]:
    return [part for part in (node.get("qualified_name") or {}).get("path", ()) if part]


def _functions(tree: Node) -> Iterator[str]:
    for node in _nodes(tree):
        if node.get("class") == "PARAMETER":
            yield "a view has no parameters"
        if node.get("class") == "FUNCTION":
            problem = function_problem(node, aggregates=True)
            if problem:
                yield problem


def _line(message: str) -> int:
    match = _LINE.search(message)
    return int(match[1]) if match else 1


def _short(message: str) -> str:
    return message.strip().splitlines()[0]


def _view(
    path: Path,
    sql: str,
    about: str,
    used: list[str],
    columns: list[tuple[str, str]],
    tree: Node,
    tables: Mapping[str, Table],
) -> View:
    names = {part.lower() for node in _nodes(tree) for part in node.get("column_names") or ()}
    whole = any(node.get("class") == "STAR" for node in _nodes(tree))
    read = [
        [name, [[c.name, c.type] for c in tables[name].columns if whole or c.name.lower() in names]]
        for name in used
    ]
    body = {"name": path.stem, "sql": sql, "reads": read}
    return View(
        name=path.stem,
        about=about,
        sql=sql,
        tables=tuple(used),
        columns=tuple(columns),
        version=hashlib.sha256(rfc8785.dumps(body)).hexdigest(),
        path=path,
        anchor=_anchor(tree, used),
    )


def _anchor(tree: Node, used: list[str]) -> str:
    """Return the table from which the key is taken as it is, or "" if that cannot be told from the text."""
    keys = [
        item["column_names"]
        for name in KEY
        for item in tree.get("select_list", ())
        if item.get("class") == "COLUMN_REF" and (item.get("alias") or item["column_names"][-1]) == name
    ]
    if len(keys) != len(KEY) or any(len(parts) != 2 for parts in keys):
        return ""
    if [parts[1] for parts in keys] != list(KEY) or len({parts[0] for parts in keys}) != 1:
        return ""
    alias = keys[0][0]
    for node in _nodes(tree.get("from_table")):
        if node.get("type") == "BASE_TABLE" and alias in (node.get("alias"), node["table_name"]):
            return str(node["table_name"]) if node["table_name"] in used else ""
    return ""
