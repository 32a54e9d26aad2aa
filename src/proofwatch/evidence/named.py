"""Which objects entries name, themselves or through other objects that are JSON."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator

from proofwatch.evidence.entry import named_objects

MOST_JSON = 16 << 20
"""Objects that are JSON up to this size are read for the objects that they name in turn."""


class Named:
    """The objects that entries, and objects in turn, name: each once, in the order of being named."""

    def __init__(self, scratch: sqlite3.Connection, within: tuple[int, int] | None = None) -> None:
        self._scratch, self._within = scratch, within
        scratch.execute("CREATE TABLE named (place INTEGER PRIMARY KEY, digest BLOB UNIQUE, entry INTEGER)")
        scratch.execute("BEGIN")

    def add(self, digests: Iterable[str], entry: int) -> None:
        """Note objects that `entry` names, itself or through another object."""
        if self._within and not self._within[0] <= entry <= self._within[1]:
            return
        rows = [(bytes.fromhex(digest), entry) for digest in digests]
        if rows:
            self._scratch.executemany("INSERT OR IGNORE INTO named (digest, entry) VALUES (?, ?)", rows)

    def count(self) -> int:
        """Return how many objects are named so far."""
        # Places follow each other without a gap, and the last one is found at once; counting reads them all.
        found: int | None = self._scratch.execute("SELECT max(place) FROM named").fetchone()[0]
        return found or 0

    def walk(self) -> Iterator[tuple[str, int]]:
        """Yield (digest, entry) of every object, also of those that are added meanwhile."""
        place = 0
        query = "SELECT place, digest, entry FROM named WHERE place > ? ORDER BY place LIMIT 1"
        while row := self._scratch.execute(query, (place,)).fetchone():
            place = row[0]
            yield row[1].hex(), row[2]


def named_in(data: bytes) -> list[str]:
    """Return the digests that a JSON object names; nothing for other objects."""
    if data[:1] not in (b"{", b"["):
        return []
    try:
        # A bare list of digests is what a field too long for its object was moved to.
        return list(named_objects(json.loads(data), "object"))
    except (ValueError, RecursionError):
        return []
