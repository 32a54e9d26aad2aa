"""One SELECT that judges all checks of a table in one scan, with every verdict as a bit.

A row of the answer is `idx` and, for each 64 checks, three words: `fail`, `inconclusive` and
`not_applicable`. Bit i belongs to the check at position i; a check passes where none of its bits is set.
The rules are DESIGN's: `applies` NULL, or `passes` NULL where the check applies, or an error, or any column
read that could not be read by the connector: inconclusive. Nothing else decides, and no default does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import duckdb

from proofwatch.checks.base import Check
from proofwatch.checks.expressions import NOW, parse
from proofwatch.checks.validate import param_types
from proofwatch.snapshots.engine import identifier, quote

WORD = 64
"""Checks per word."""

PLANES = ("fail", "inconclusive", "not_applicable")
"""The words of a chunk of checks, in the order of their columns."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A check with its parameters' values: expressions as SQL over the table, and what to bind."""

    check: Check
    applies: str
    """"" where the check applies to every row."""
    passes: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """All checks of one table, in the order of their bits."""

    checks: tuple[Bound, ...]
    values: Mapping[str, Any] = field(default_factory=dict)
    """What is bound when `select` is executed."""

    @property
    def words(self) -> int:
        """Return how many words each plane has."""
        return -(-len(self.checks) // WORD)

    def select(self, relation: str, idx_type: str = "INTEGER") -> str:
        """Return the SELECT over a relation that has the table's columns, `idx` and `_unread`."""
        outer = [f"CAST({identifier('the idx')} AS {idx_type}) AS idx"]
        for word in range(self.words):
            chunk = self.checks[word * WORD : (word + 1) * WORD]
            outer += [f"{sql} AS {name}" for sql, name in _planes(chunk, word)]
        return f"SELECT {', '.join(outer)} FROM (SELECT {', '.join(self._inner())} FROM {relation})"  # noqa: S608

    def _inner(self) -> Iterator[str]:
        """Yield the columns that are computed once per row; their names hold a space, as no column does."""
        yield f"idx AS {identifier('the idx')}"
        for position, bound in enumerate(self.checks):
            if bound.applies:
                yield f"TRY({bound.applies}) AS {_name('applies', position)}"
            yield f"TRY({bound.passes}) AS {_name('passes', position)}"
        for word in range(self.words):
            chunk = self.checks[word * WORD : (word + 1) * WORD]
            yield f"{_unread_mask(chunk)} AS {_name('unread', word)}"


def make_plan(
    session: duckdb.DuckDBPyConnection,
    checks: Sequence[Check],
    params: Mapping[str, Mapping[str, Any]],
    now: datetime,
) -> Plan:
    """Plan valid checks of one table.

    Args:
        session: to parse the expressions.
        checks: in the order of their bits.
        params: check id → its effective parameters.
        now: the sweep's time of observation, with its zone.
    """
    bound = [
        bind(session, check, params.get(check.id, check.params), now, f"p{number}_")
        for number, check in enumerate(checks)
    ]
    values: dict[str, Any] = {}
    for item in bound:
        values |= item.values
    return Plan(tuple(bound), values)


def bind(
    session: duckdb.DuckDBPyConnection, check: Check, params: Mapping[str, Any], now: datetime, prefix: str
) -> Bound:
    """Give a check's parameters names that are its own (`prefix`), and their types."""
    kinds = param_types(check.params)
    names = {name: f"{prefix}{name}" for name in params} | {NOW: NOW}
    casts = {name: f"CAST(${names[name]} AS {kind})" for name, kind in kinds.items()}
    values: dict[str, Any] = {}
    texts = []
    for text in (check.applies, check.passes):
        if "$" in text:
            expression, _, _ = parse(session, text)
            values |= {names[name]: now if name == NOW else params[name] for name, _, _ in expression.params}
            text = expression.bind(casts)
        texts.append(f"(\n{text}\n)")
    applies = "" if check.applies.strip().lower() == "true" else texts[0]
    return Bound(check, applies, texts[1], values)


def _name(kind: str, number: int) -> str:
    return identifier(f"{kind} {number}")


def _planes(chunk: Sequence[Bound], word: int) -> Iterator[tuple[str, str]]:
    """Yield (SQL, column name) of the three words of a chunk."""
    parts: dict[str, list[str]] = {plane: [] for plane in PLANES}
    for bit, bound in enumerate(chunk):
        applies, passes = (_name(kind, word * WORD + bit) for kind in ("applies", "passes"))
        if bound.applies:
            parts["fail"].append(_bit(f"{applies} AND NOT {passes}", bit))
            parts["inconclusive"].append(_bit(f"{applies} IS NULL OR ({applies} AND {passes} IS NULL)", bit))
            parts["not_applicable"].append(_bit(f"NOT {applies}", bit))
        else:
            parts["fail"].append(_bit(f"NOT {passes}", bit))
            parts["inconclusive"].append(_bit(f"{passes} IS NULL", bit))
    unread = _name("unread", word)
    for plane in PLANES:
        bits = " | ".join(parts[plane]) or "0::UBIGINT"
        sql = f"({bits}) | {unread}" if plane == "inconclusive" else f"({bits}) & ~{unread}"
        yield sql, f"{plane}_{word}"


def _bit(condition: str, bit: int) -> str:
    # A CASE over constants costs half of casting the condition and shifting it (measured).
    return f"CASE WHEN {condition} THEN {1 << bit}::UBIGINT ELSE 0::UBIGINT END"


def _unread_mask(chunk: Sequence[Bound]) -> str:
    """Return SQL of the bits whose checks read an unread column; evaluated only for rows that have one."""
    readers: dict[str, int] = {}
    for bit, bound in enumerate(chunk):
        for column in bound.check.columns:
            readers[column] = readers.get(column, 0) | 1 << bit
    tests = [
        f"CASE WHEN map_contains(_unread, {quote(column)}) THEN {mask}::UBIGINT ELSE 0::UBIGINT END"
        for column, mask in readers.items()
    ]
    if not tests:
        return "0::UBIGINT"
    return f"CASE WHEN _unread IS NULL THEN 0::UBIGINT ELSE {' | '.join(tests)} END"
