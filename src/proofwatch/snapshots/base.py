"""What a snapshot is, and the store it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from proofwatch.errors import ProofwatchError


class SnapshotError(ProofwatchError):
    """A snapshot could not be written, found or rebuilt as it was committed."""


class NoRoom(SnapshotError):
    """The engine had not enough memory, or no room to spill what did not fit."""


class Objects(Protocol):
    """A write-once store of bytes named by their SHA-256 (hex).

    Durable once `put` returns. The same bytes again is success; other bytes under a name that
    exists is an error. Whoever can write there can add objects, not change what a name means.
    """

    def put(self, data: bytes) -> str:
        """Store bytes; return their SHA-256 in hex."""
        ...

    def put_file(self, path: Path) -> str:
        """Store a file's bytes without holding them in memory; return their SHA-256 in hex."""
        ...

    def get(self, digest: str) -> bytes:
        """Return the bytes, proven against `digest`. Raises if absent or changed."""
        ...

    def path(self, digest: str) -> Path:
        """Return a local read-only path to the bytes, proven against `digest` (fetched if remote)."""
        ...


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of one table in one place, as collected: a finished NDJSON file on local disk.

    `duplicates` counts rows that the provider listed more than once, word for word; they were dropped.
    """

    table: str
    account_id: str
    region: str
    path: Path
    rows: int
    duplicates: int = 0


@dataclass(frozen=True, slots=True)
class State:
    """A table as it stood after one sweep. `manifest` is the digest of its canonical JSON object.

    `body` is that object (see `snapshots.manifest`: table, connection, month, base, roll-ups, deltas,
    previous manifest, rows, digest of all rows, DuckDB's version) with `columns`, [[name, type]…].
    `changed` counts every row whose text differs, which all do when the columns changed.
    """

    table: str
    manifest: str
    digest: str
    rows: int
    added: int
    changed: int
    removed: int
    body: Mapping[str, Any]
