"""A log as a folder of files, as in C2SP tlog-tiles: what an auditor is given, and what the verifier reads.

checkpoint                    the signed checkpoint that the folder is for
tile/<L>/<N>[.p/<W>]          hashes of level L; N as x001/x234/067, W the width of a tile not full
tile/entries/<N>[.p/<W>]      entries, each behind its length in two bytes
"""

from __future__ import annotations

import os
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from proofwatch.evidence.base import EvidenceError, LogReader
from proofwatch.evidence.checkpoint import parse_checkpoint
from proofwatch.evidence.merkle import HEIGHT, SIZE, WIDTH, tile_width
from proofwatch.evidence.note import split_note

MOST_LEVEL = 63
MOST_ENTRY = 0xFFFF
ENTRIES = "entries"
READING = "reading the log's folder"
WRITING = "writing the log's folder"

Progress = Callable[[int, int], None]


def tile_path(level: int | str, index: int, width: int = WIDTH) -> str:
    """Return the path of a tile, or of an entry bundle if `level` is "entries".

    Raises:
        EvidenceError: there can be no such tile.
    """
    known = level == ENTRIES or (isinstance(level, int) and 0 <= level <= MOST_LEVEL)
    if not known or index < 0 or not 1 <= width <= WIDTH:
        raise EvidenceError("naming a tile", f"there is no tile {level}/{index} of width {width}")
    parts = [f"{index % 1000:03}"]
    while index := index // 1000:
        parts.append(f"x{index % 1000:03}")
    path = f"tile/{level}/{'/'.join(reversed(parts))}"
    return path if width == WIDTH else f"{path}.p/{width}"


def encode_bundle(entries: Iterable[bytes]) -> bytes:
    """Return entries as a bundle. Raises EvidenceError if one is longer than 65,535 bytes."""
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > MOST_ENTRY:
            raise EvidenceError(
                "writing an entry bundle", f"an entry has {len(entry)} bytes: over {MOST_ENTRY}"
            )
        parts += (len(entry).to_bytes(2, "big"), entry)
    return b"".join(parts)


def decode_bundle(data: bytes, count: int) -> list[bytes]:
    """Return the `count` entries of a bundle. Raises EvidenceError if it has more, fewer or half an entry."""
    doing = "reading an entry bundle"
    entries: list[bytes] = []
    place = 0
    while place < len(data):
        start = place + 2
        place = start + int.from_bytes(data[place:start], "big")
        if start > len(data) or place > len(data):
            raise EvidenceError(doing, f"it ends within entry {len(entries)}")
        entries.append(data[start:place])
    if len(entries) != count:
        raise EvidenceError(doing, f"it has {len(entries)} entries, not {count}")
    return entries


def write_log(reader: LogReader, folder: Path, progress: Progress | None = None) -> int:
    """Write the log as far as its newest checkpoint reaches; return how many entries that is.

    Safe to repeat, also when the log has grown: a file that exists is never replaced, except the
    checkpoint, which is written last.

    Raises:
        EvidenceError: the log has no checkpoint or ends before it, a file there says something
            else, or the folder cannot be written.
    """
    note = reader.checkpoint()
    if not note:
        raise EvidenceError(WRITING, "the log has no checkpoint", "Sign one first.")
    size = parse_checkpoint(split_note(note)[0]).size
    if reader.size() < size:
        problem = f"the checkpoint is over {size} entries, and the log says that it has {reader.size()}"
        raise EvidenceError(WRITING, problem, "The log was cut; run `proofwatch evidence verify`.")
    for index in range(0, size, WIDTH):
        width = min(WIDTH, size - index)
        bundle = list(reader.entries(index, index + width))
        if len(bundle) != width:
            raise EvidenceError(WRITING, f"entries {index} to {index + width - 1}: {len(bundle)} are there")
        _put(folder, tile_path(ENTRIES, index // WIDTH, width), encode_bundle(bundle))
        if progress:
            progress(index + width, size)
    for level in range(MOST_LEVEL + 1):
        for index in range(-(-(size >> (HEIGHT * level)) // WIDTH)):
            width = tile_width(size, level, index)
            _put(folder, tile_path(level, index, width), reader.tile(level, index, width))
    _replace(folder / "checkpoint", note.encode("utf-8"))
    return size


class TileLog(ABC):
    """A log in the files of tlog-tiles, wherever they are; implements `evidence.base.LogReader`.

    Nothing in it is trusted.
    """

    where = "the log"

    @abstractmethod
    def file(self, name: str) -> bytes:
        """Return the bytes of a file.

        Raises:
            FileNotFoundError: there is none.
            EvidenceError: it cannot be read.
        """

    def size(self) -> int:
        """Return the size that the checkpoint claims. Raises EvidenceError if there is no checkpoint."""
        note = self.checkpoint()
        if not note:
            raise EvidenceError(READING, f"there is no checkpoint in {self.where}")
        return parse_checkpoint(split_note(note)[0]).size

    def entries(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes of entries start ≤ i < end, one bundle at a time."""
        size = self.size()
        if not 0 <= start <= end <= size:
            raise EvidenceError(READING, f"there are no entries {start} to {end} in a log of {size}")
        for index in range(start // WIDTH, -(-end // WIDTH)):
            width = tile_width(size, 0, index)
            data, found = self._read(ENTRIES, index, width)
            bundle = decode_bundle(data, found)[:width]
            yield from bundle[max(0, start - index * WIDTH) : end - index * WIDTH]

    def tile(self, level: int, index: int, width: int) -> bytes:
        """Return `width` (1–256) consecutive hashes of tile (level, index). Raises EvidenceError."""
        data, found = self._read(level, index, width)
        if len(data) != found * SIZE:
            path = tile_path(level, index, found)
            raise EvidenceError(READING, f"{path} has {len(data)} bytes, not {found * SIZE}")
        return data[: width * SIZE]

    def checkpoint(self) -> str:
        """Return the signed checkpoint, or "" if there is none."""
        try:
            return self.file("checkpoint").decode("utf-8")
        except FileNotFoundError:
            return ""
        except UnicodeError:
            raise EvidenceError(READING, "checkpoint: it is not UTF-8") from None

    def _read(self, level: int | str, index: int, width: int) -> tuple[bytes, int]:
        """Return the bytes of a tile and its width: the full one where the partial one is gone."""
        for found in dict.fromkeys((width, WIDTH)):
            try:
                return self.file(tile_path(level, index, found)), found
            except FileNotFoundError:
                continue
        raise EvidenceError(READING, f"{tile_path(level, index, width)} is not there")


class DirectoryLog(TileLog):
    """A log in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.where = str(folder)

    def file(self, name: str) -> bytes:
        """Return the bytes of a file in the folder."""
        try:
            return (self.folder / name).read_bytes()
        except FileNotFoundError:
            raise
        except OSError as error:
            raise EvidenceError(READING, f"{name}: {error.strerror or error}") from None


def _put(folder: Path, name: str, data: bytes) -> None:
    """Write a file once: the same bytes again is success, other bytes an error."""
    path = folder / name
    try:
        if path.exists():
            if path.read_bytes() != data:
                raise EvidenceError(
                    WRITING,
                    f"{name} is there and says something else",
                    "Use an empty folder, and verify both.",
                )
            return
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EvidenceError(WRITING, f"{name}: {error.strerror or error}") from None
    _replace(path, data)


def _replace(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                os.fchmod(file.fileno(), 0o644)
            Path(temporary).replace(path)
        finally:
            Path(temporary).unlink(missing_ok=True)
    except OSError as error:
        raise EvidenceError(WRITING, f"{path.name}: {error.strerror or error}") from None
