"""Which findings a sweep has seen failing: ids on disk, so that memory does not grow with their number."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType

_SHELVES = 256
"""Files, by an id's first byte: of ten million ids one file has about forty thousand."""

_WAITING = 8192
"""Bytes of one file that are held before they are written."""

_LENGTH = 16


class Seen:
    """A set of ids, one file of which is in memory at a time: add all of them, then ask in their order."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="proofwatch-")
        self._waiting = [bytearray() for _ in range(_SHELVES)]
        self._held: tuple[int, set[bytes]] = (-1, set())

    def __enter__(self) -> Seen:
        """Return itself; the files live as long as the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the files."""
        self._folder.cleanup()

    def add(self, ids: Iterable[uuid.UUID]) -> None:
        """Note ids; one that was noted before counts once."""
        self._held = (-1, set())
        for key in ids:
            shelf = self._waiting[key.bytes[0]]
            shelf += key.bytes
            if len(shelf) >= _WAITING:
                self._flush(key.bytes[0])

    def count(self) -> int:
        """Return how many different ids were noted."""
        return sum(len(self._shelf(number)) for number in range(_SHELVES))

    def others(self, ids: Sequence[uuid.UUID]) -> Iterator[uuid.UUID]:
        """Yield those of `ids` that were not noted."""
        return (key for key in ids if key.bytes not in self._shelf(key.bytes[0]))

    def _shelf(self, number: int) -> set[bytes]:
        if self._held[0] != number:
            self._flush(number)
            path = self._path(number)
            data = path.read_bytes() if path.exists() else b""
            ids = {data[start : start + _LENGTH] for start in range(0, len(data), _LENGTH)}
            self._held = (number, ids)
        return self._held[1]

    def _flush(self, number: int) -> None:
        if self._waiting[number]:
            with self._path(number).open("ab") as file:
                file.write(self._waiting[number])
            self._waiting[number].clear()

    def _path(self, number: int) -> Path:
        return Path(self._folder.name) / f"{number:02x}"
