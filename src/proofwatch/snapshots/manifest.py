"""The small canonical JSON object that says of which objects a table's state consists.

A state is a base (a Parquet of the whole table) and the changes since. The changes of one sweep are one
*delta*: gzipped NDJSON with one line for each row that is new or different (`_seq`, `idx` and every column)
and one for each that is gone (`_gone` true). Of several lines with the same idx the one with the greatest
`_seq`, the delta's number, holds. After every 96 deltas one *roll-up* in the same form replaces them, so
with a sweep every 15 minutes a state is its base, at most 31 roll-ups and the deltas of less than a day.

A manifest lists at most 16 deltas by itself and names in `earlier` the manifest that lists those before,
back to the last roll-up: small manifests, and never more than five steps to find them all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rfc8785

from proofwatch.errors import ProofwatchError
from proofwatch.snapshots.base import Objects, SnapshotError, State
from proofwatch.snapshots.canon import Columns

KIND = "proofwatch/table/1"

ROLL_UP = 96
"""Deltas that become one roll-up: a day of sweeps every 15 minutes."""

LISTED = 16
"""Deltas that one manifest lists by itself."""


@dataclass(frozen=True, slots=True)
class Chain:
    """A state's manifest, resolved: everything needed to rebuild it, oldest change first."""

    manifest: str
    body: Mapping[str, Any]
    columns: Columns
    rollups: tuple[str, ...]
    deltas: tuple[str, ...]
    """Those since the last roll-up."""

    @property
    def objects(self) -> tuple[str, ...]:
        """Return the digests of the objects that hold rows."""
        return (self.body["base"], *self.rollups, *self.deltas)


def put_json(objects: Objects, value: Any) -> str:
    """Store a value as canonical JSON (RFC 8785); return the digest."""
    return objects.put(rfc8785.dumps(value))


def resolve(manifest: str, objects: Objects) -> Chain:
    """Read a manifest and what it names.

    Raises:
        SnapshotError: an object is missing, changed, or not what a manifest may name; it is named.
    """
    body = _manifest(manifest, objects)
    schema = _get_json(body["schema"], objects)
    rollups = _get_json(body["rollups"], objects) if body["rollups"] else []
    columns = tuple((str(name), str(kind)) for name, kind in schema["columns"])
    return Chain(manifest, body, columns, tuple(rollups), tuple(_deltas(body, objects)))


def read_state(manifest: str, objects: Objects) -> State:
    """Return the state behind a manifest digest, with no changes counted.

    Raises:
        SnapshotError: an object that the manifest needs is missing or changed.
    """
    chain = resolve(manifest, objects)
    return state(chain.manifest, chain.body, chain.columns, (0, 0, 0))


def state(manifest: str, body: Mapping[str, Any], columns: Columns, counts: tuple[int, int, int]) -> State:
    """Return a State whose body is the manifest and the columns it refers to."""
    added, changed, removed = counts
    full = {**body, "columns": [list(column) for column in columns]}
    return State(body["table"], manifest, body["digest"], body["rows"], added, changed, removed, full)


def fetch(digest: str, objects: Objects) -> Path:
    """Return a local path to an object. Raises SnapshotError naming it."""
    with _naming(digest):
        return objects.path(digest)


def _manifest(digest: str, objects: Objects) -> dict[str, Any]:
    body = _get_json(digest, objects)
    if not isinstance(body, dict) or body.get("kind") != KIND:
        raise SnapshotError(
            f"reading the manifest {digest}", f"object {digest} is no manifest of a table ({KIND})"
        )
    return body


def _deltas(body: Mapping[str, Any], objects: Objects) -> list[str]:
    """Return the deltas since the last roll-up, oldest first."""
    pages = [body["deltas"]]
    while body["earlier"]:
        body = _manifest(body["earlier"], objects)
        pages.append(body["deltas"])
    return [digest for page in reversed(pages) for digest in page]


def _get_json(digest: str, objects: Objects) -> Any:
    if not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise SnapshotError("reading a snapshot", f"{digest!r} is not the digest of an object")
    with _naming(digest):
        return json.loads(objects.get(digest))


@contextmanager
def _naming(digest: str) -> Iterator[None]:
    """Say which object could not be had, whatever the store says."""
    try:
        yield
    except (ProofwatchError, OSError, ValueError) as error:
        problem = getattr(error, "problem", str(error))
        raise SnapshotError(
            f"reading the object {digest}",
            problem if digest in problem else f"object {digest}: {problem}",
            getattr(error, "remedy", "")
            or "Restore the object from a copy of the store; nothing can stand in for it.",
            permanent=getattr(error, "permanent", True),
        ) from error
