"""Rows and names that are on disk while a table is read, so that memory does not grow with their number."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import zlib
from collections.abc import Iterator, Sequence
from tempfile import TemporaryFile
from typing import Any


class RowsOnDisk:
    """Rows in groups by name, packed, in a file without a name: it is gone with the object, or the process.

    Only the places of the parts stay in memory. Threads may read at once.
    """

    def __init__(self) -> None:
        self._file = TemporaryFile(prefix="proofwatch-")  # noqa: SIM115 - it lives as long as the object
        self._parts: dict[str, list[tuple[int, int]]] = {}
        self._size = 0
        self._lock = threading.Lock()

    def add(self, group: str, rows: Sequence[Any]) -> None:
        """Add rows to a group. Raises OSError where the disk is full."""
        packed = zlib.compress(json.dumps(rows).encode(), 1)
        with self._lock:
            self._file.write(packed)
            self._parts.setdefault(group, []).append((self._size, len(packed)))
            self._size += len(packed)

    def rows(self, group: str) -> Iterator[Any]:
        """Yield the rows of a group in the order in which they were added."""
        with self._lock:
            self._file.flush()
            parts = tuple(self._parts.get(group, ()))
        for at, size in parts:
            yield from json.loads(zlib.decompress(os.pread(self._file.fileno(), size, at)))

    def __contains__(self, group: str) -> bool:
        return group in self._parts


class NamesOnDisk:
    """A set of names, in a database without a name: it is gone with the object, or the process."""

    def __init__(self) -> None:
        self._names = sqlite3.connect("", check_same_thread=False)
        self._names.execute("PRAGMA journal_mode = OFF")
        self._names.execute("CREATE TABLE names (name TEXT PRIMARY KEY) WITHOUT ROWID")

    def add(self, name: str) -> bool:
        """Add a name; tell whether it was not there yet. Raises sqlite3.OperationalError on a full disk."""
        return self._names.execute("INSERT OR IGNORE INTO names VALUES (?)", (name,)).rowcount == 1
