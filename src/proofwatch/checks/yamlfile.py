"""A YAML file as plain values, with the line of every one of them, so that an error can point at it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

MAX_BYTES = 64 * 1024
"""Bytes of one file; a larger one is not a check that a person wrote."""

_MAX_DEPTH = 20
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"

Lines = dict[tuple[str | int, ...], int]
"""Place of a value (keys and positions from the top) → line, counted from 1."""


class Unreadable(Exception):
    """The file is not plain YAML; `line` says where."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem)
        self.line = line
        self.problem = problem


def read_yaml(path: Path) -> tuple[Any, Lines]:
    """Return the file's value and the line of every part of it.

    Dates stay text, because a column decides what is a date.

    Raises:
        Unreadable: not YAML, a key twice, an anchor or alias, a tag of a programming language, too large.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise Unreadable(1, f"larger than {MAX_BYTES // 1024} kB")
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise Unreadable(1, "not UTF-8 text") from error
    except OSError as error:
        raise Unreadable(1, f"cannot be read: {error.strerror}") from error
    return parse_yaml(text)


def parse_yaml(text: str) -> tuple[Any, Lines]:
    """Return the value of a text and the line of every part of it. Raises Unreadable as `read_yaml` does."""
    if len(text) > MAX_BYTES:
        raise Unreadable(1, f"larger than {MAX_BYTES // 1024} kB")
    try:
        _scan(text)
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise Unreadable(line, f"not valid YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise Unreadable(1, f"not valid YAML: {' '.join(str(error).split())}") from error
    if node is None:
        raise Unreadable(1, "the file is empty")
    lines: Lines = {}
    return _value(node, (), lines), lines


def _scan(text: str) -> None:
    """Refuse what would make composing dangerous: it recurses in C, and aliases multiply."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if getattr(event, "anchor", None) is not None:
            raise Unreadable(line, "anchors and aliases (& and *) cannot be used: write it out")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _MAX_DEPTH:
                raise Unreadable(line, f"nested deeper than {_MAX_DEPTH} levels")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _value(node: yaml.Node, place: tuple[str | int, ...], lines: Lines) -> Any:
    lines.setdefault(place, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        return dict(_members(node, place, lines))
    if isinstance(node, yaml.SequenceNode):
        _plain_tag(node, "seq")
        return [_value(item, (*place, number), lines) for number, item in enumerate(node.value)]
    return _scalar(node)


def _members(node: yaml.MappingNode, place: tuple[str | int, ...], lines: Lines) -> Iterator[tuple[str, Any]]:
    _plain_tag(node, "map")
    keys: set[str] = set()
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode) or key_node.tag == f"{_TAG}merge":
            raise Unreadable(line, "a key must be plain text")
        key = str(key_node.value)
        if key in keys:
            raise Unreadable(line, f"the key '{key}' stands here twice")
        keys.add(key)
        lines[(*place, key)] = line
        yield key, _value(value_node, (*place, key), lines)


def _plain_tag(node: yaml.Node, name: str) -> None:
    if node.tag != f"{_TAG}{name}":
        raise Unreadable(node.start_mark.line + 1, f"the tag {node.tag} cannot be used")


def _scalar(node: yaml.Node) -> Any:
    kind = str(node.tag).removeprefix(_TAG)
    if kind in ("str", "timestamp"):
        return str(node.value)
    if kind not in ("null", "bool", "int", "float"):
        raise Unreadable(node.start_mark.line + 1, f"the tag {node.tag} cannot be used")
    try:
        return yaml.constructor.SafeConstructor().construct_object(node)
    except (ValueError, yaml.YAMLError) as error:
        raise Unreadable(node.start_mark.line + 1, f"'{node.value}' is no {kind}") from error
