"""The errors and the storage contract of the evidence log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from proofwatch.errors import ProofwatchError


class EvidenceError(ProofwatchError):
    """Evidence could not be written, or is not what it was committed to be."""


class Absent(EvidenceError):
    """An object is not in the store."""


class LogReader(Protocol):
    """A stored log. Nothing here is trusted: the verifier recomputes every hash it is given."""

    def size(self) -> int:
        """Return the number of entries."""
        ...

    def entries(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes of entries start ≤ i < end, in order."""
        ...

    def tile(self, level: int, index: int, width: int) -> bytes:
        """Return `width` (1–256) consecutive 32-byte hashes of tile (level, index)."""
        ...

    def checkpoint(self) -> str:
        """Return the newest signed checkpoint as a signed note, or "" if there is none."""
        ...
