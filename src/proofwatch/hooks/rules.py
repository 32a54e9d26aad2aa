"""From an event's name to the tables it touches: patterns over names, tried in order.

A service that is known and a name that is not means: any of the service's tables may have changed. So a
provider's new operation is read too much, never too little.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Rules:
    """The tables of one service, and which names touch which of them.

    Attributes:
        every: all tables of the service: touched by a name that no pattern knows.
        lines: (pattern, tables with blanks between them); the first pattern found in a name counts, and
            no tables means that the name touches none. Case counts, or "Test" would stand in "CreateStream".
        prefix: what stands before each table's name in `lines`.
    """

    every: tuple[str, ...]
    lines: tuple[tuple[str, str], ...] = ()
    prefix: str = ""

    @cached_property
    def compiled(self) -> tuple[tuple[re.Pattern[str], tuple[str, ...]], ...]:
        """Return the patterns with their tables' full names."""
        return tuple((re.compile(pattern), words(tables, self.prefix)) for pattern, tables in self.lines)

    def known(self, name: str) -> tuple[str, ...] | None:
        """Return the tables of the first pattern found in a name; None where no pattern knows it."""
        return next((tables for pattern, tables in self.compiled if pattern.search(name)), None)

    def touched(self, name: str) -> tuple[str, ...]:
        """Return the tables that an event of this name may have changed."""
        known = self.known(name)
        return self.every if known is None else known


def words(tables: str, prefix: str = "") -> tuple[str, ...]:
    """Return names that stand in one text, with their prefix."""
    return tuple(prefix + name for name in tables.split())


def union(parts: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """Return all names of all parts, each once, in order."""
    return tuple(dict.fromkeys(name for part in parts for name in part))
