"""Where whoever reads a shard leaves its parts: a folder that every worker sees, or a bucket (`runtime`).

A part counts when a record names it, and of what was read together the first record is the only one: what is
read twice (its worker was thought dead, or died late) changes nothing.
"""

from __future__ import annotations

import os
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from proofwatch.snapshots.base import Part

NOTHING = "nothing.ndjson"
"""The part of a place that has no rows. Nobody leaves it: an empty file is made where it is fetched."""


class Exchange(Protocol):
    """What one sweep's workers leave for each other. Picklable: a task carries it to its worker."""

    def folder(self) -> Path:
        """Return a folder on this machine in which parts are written; it exists."""
        ...

    def record(self, name: str) -> bytes | None:
        """Return the record of that name, or None while nobody left one."""
        ...

    def send(self, part: Part) -> str:
        """Leave a part, which was written in the folder; return the name by which a record may name it.

        Raises:
            OSError, ProofwatchError: it could not be left.
        """
        ...

    def leave(self, name: str, record: bytes) -> bytes:
        """Leave a record whose parts were sent; return the one that counts: the first of its name.

        Raises:
            OSError, ProofwatchError: it could not be left. Nothing counts then.
        """
        ...

    def fetch(self, part: str) -> Path:
        """Return the file, on this machine, of a part that a record names.

        Raises:
            OSError, ProofwatchError: it cannot be had.
        """
        ...

    def release(self, fetched: Path) -> None:
        """Remove what was fetched, if it is a copy that only a worker needed; the part stays."""
        ...

    def clear(self) -> None:
        """Remove everything: the sweep has ended. What cannot be removed is left."""
        ...


@dataclass(frozen=True, slots=True)
class SharedFolder:
    """A folder that every worker sees: of this machine, or of a network file system."""

    path: Path

    def folder(self) -> Path:
        """Return the folder itself, made if needed."""
        self.path.mkdir(parents=True, exist_ok=True)
        return self.path

    def record(self, name: str) -> bytes | None:
        """Return the record of that name, or None."""
        try:
            return (self.path / name).read_bytes()
        except FileNotFoundError:
            return None

    def send(self, part: Part) -> str:
        """Return where the part lies: it is in the folder already."""
        return part.path.relative_to(self.path).as_posix()

    def leave(self, name: str, record: bytes) -> bytes:
        """Leave the record."""
        final, temporary = self.path / name, self.path / f"{name}.{uuid.uuid4().hex}.tmp"
        try:
            with temporary.open("xb") as file:
                file.write(record)
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(temporary, final)
            except FileExistsError:
                return final.read_bytes()
        finally:
            temporary.unlink(missing_ok=True)
        return record

    def fetch(self, part: str) -> Path:
        """Return where the part lies."""
        if part == NOTHING:
            return nothing(self.folder())
        return self.path / part

    def release(self, fetched: Path) -> None:
        """Leave the part where it is: it is no copy."""

    def clear(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.path, ignore_errors=True)


def nothing(folder: Path) -> Path:
    """Return an empty file in a folder."""
    path = folder / NOTHING
    path.touch()
    return path
