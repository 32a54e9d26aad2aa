"""Lists inside an object that is JSON: short ones as they are, each long one as an object of its own.

An object is searched for what it names up to 16 MB, and whatever it names must be found: to be proven, copied
and kept. So what it says of each place, for each check, must not make it that large in an hour in which
thousands of places cannot be read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import rfc8785

from proofwatch.evidence.base import EvidenceError
from proofwatch.snapshots.base import Objects

Rows = tuple[tuple[str, ...], ...]


class Listed:
    """Writes lists of rows; the same list, said of many checks or tables, is one object."""

    def __init__(self, objects: Objects, most: int) -> None:
        """Take the store, and how many rows a list has at most that stands in the object itself."""
        self._objects, self._most = objects, most
        self._kept: dict[Rows, dict[str, Any]] = {}

    def of(self, rows: Rows) -> list[list[str]] | dict[str, Any]:
        """Return what is said of the rows."""
        if len(rows) <= self._most:
            return [list(row) for row in rows]
        if rows not in self._kept:
            digest = self._objects.put(rfc8785.dumps([list(row) for row in rows]))
            self._kept[rows] = {"object": digest, "count": len(rows)}
        return self._kept[rows]


def count_of(said: Any) -> int:
    """Return how many rows a list has, wherever it stands."""
    return int(said["count"]) if isinstance(said, Mapping) else len(said)


def rows_of(said: Any, objects: Objects) -> list[list[Any]]:
    """Return the rows of a list, wherever it stands.

    Raises:
        EvidenceError: its object is missing, changed, or no list.
    """
    if not isinstance(said, Mapping):
        return list(said)
    digest = str(said["object"])
    try:
        found = json.loads(objects.get(digest))
    except ValueError:
        found = None
    if not isinstance(found, list) or not all(isinstance(row, list) for row in found):
        raise EvidenceError("reading a list", f"object {digest} is none")
    return found
