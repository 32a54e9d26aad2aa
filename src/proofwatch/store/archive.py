"""A backup as a file: plain tar (POSIX ustar) of regular files with known names, and nothing else.

Written in one go, each file as long as it turns out to be. Read by a reader of our own, which knows nothing
but regular files: links, devices, sparse files, extended headers and compression are not understood at all,
so nothing in a file that somebody prepared can do harm by them.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from proofwatch.store.base import StoreError

BLOCK = 512
CHUNK = 1 << 20
MOST = 8**11 - 1
"""Bytes of one file, at most: what eleven octal digits can say."""
LONGEST_NAME = 100
END = bytes(2 * BLOCK)
WRITING = "writing the backup"
READING = "reading the backup"

_PART = r"[A-Za-z0-9_][A-Za-z0-9._-]*"
_NAME = re.compile(
    r"state/[a-z0-9_]+/[0-9]{4}\.jsonl"
    rf"|(checks|exports)/{_PART}(/{_PART})*"
    r"|objects/[0-9a-f]{2}/[0-9a-f]{62}"
    r"|keys/(log\.skey|web\.secret)"
    r"|manifest\.(json|note)"
)


class BackupError(StoreError):
    """A backup is damaged, was changed, or is none."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class Member:
    """One file in a backup: where its bytes are."""

    name: str
    offset: int
    size: int


def is_name(name: str) -> bool:
    """Tell whether a file of a backup may be called so."""
    return len(name) <= LONGEST_NAME and _NAME.fullmatch(name) is not None


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """Yield a new file that gets its name when the block ends well: whole, on disk, for its owner only.

    Raises:
        StoreError: something has that name already.
    """
    if path.exists():
        raise StoreError(WRITING, f"{path} is there already", "name a new file: a backup is never replaced")
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL
    try:
        with os.fdopen(os.open(temporary, flags, 0o600), "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _name_once(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _name_once(temporary: Path, path: Path) -> None:
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise StoreError(WRITING, f"{path} is there already", "name a new file") from None
    except OSError:  # A file system without links: the name was free a moment ago.
        temporary.rename(path)


class Writer:
    """Writes a tar of files whose lengths are known only once they are written."""

    def __init__(self, file: BinaryIO, mtime: int) -> None:
        self._file, self._mtime = file, mtime

    def add(self, name: str, chunks: Iterable[bytes]) -> tuple[int, str]:
        """Write one file; return its length and its SHA-256. If that fails, nothing of it stays.

        Raises:
            StoreError: it is too long.
        """
        if not is_name(name):
            raise StoreError(WRITING, f"{name!r} is no name of a file in a backup")
        start = self._file.tell()
        try:
            size, digest = self._add(name, start, chunks)
        except BaseException:
            self._file.seek(start)
            self._file.truncate()
            raise
        return size, digest

    def _add(self, name: str, start: int, chunks: Iterable[bytes]) -> tuple[int, str]:
        self._file.write(bytes(BLOCK))
        digest, size = hashlib.sha256(), 0
        for chunk in chunks:
            self._file.write(chunk)
            digest.update(chunk)
            size += len(chunk)
        if size > MOST:
            raise StoreError(WRITING, f"{name} has {size} bytes: over {MOST}")
        self._file.write(bytes(-size % BLOCK))
        end = self._file.tell()
        self._file.seek(start)
        self._file.write(_header(name, size, self._mtime))
        self._file.seek(end)
        return size, digest.hexdigest()

    def close(self) -> None:
        """Write the end of the tar."""
        self._file.write(END)


def _header(name: str, size: int, mtime: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = size, mtime, 0o600
    return info.tobuf(tarfile.USTAR_FORMAT, "utf-8", "strict")


class Reader:
    """Reads a backup. Nothing in it is trusted. `length`: its bytes in all."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.length = os.fstat(file.fileno()).st_size

    def members(self) -> Iterator[Member]:
        """Yield every file, in the order of the tar.

        Raises:
            BackupError: it is no tar, is cut, has something behind its end, or holds what is no file of a
                backup.
        """
        place = 0
        while True:
            header = self._at(place, BLOCK)
            if header == bytes(BLOCK):
                self._end(place)
                return
            member = _member(header, place + BLOCK)
            end = member.offset + member.size
            place = end + -end % BLOCK
            if place > self.length:
                raise BackupError(READING, f"it is cut within {member.name}", "use a whole copy of it")
            if any(self._at(end, place - end)):
                raise BackupError(READING, f"something stands behind {member.name}", "do not use it")
            yield member

    def chunks(self, member: Member) -> Iterator[bytes]:
        """Yield the bytes of a file. Raises BackupError if it is cut."""
        for start in range(0, member.size, CHUNK):
            yield self._at(member.offset + start, min(CHUNK, member.size - start))

    def lines(self, member: Member, longest: int) -> Iterator[bytes]:
        """Yield the lines of a file, each with its end. Raises BackupError if one is over `longest` bytes."""
        rest = b""
        for chunk in self.chunks(member):
            *whole, rest = (rest + chunk).split(b"\n")
            yield from (line + b"\n" for line in whole)
            if len(rest) > longest:
                raise BackupError(READING, f"{member.name} has a line of over {longest} bytes")
        if rest:
            raise BackupError(READING, f"{member.name} ends within a line")

    def _end(self, place: int) -> None:
        if self._at(place, len(END)) != END or self.length != place + len(END):
            raise BackupError(READING, "something stands where it should end")

    def _at(self, place: int, size: int) -> bytes:
        self._file.seek(place)
        data = self._file.read(size)
        if len(data) != size:
            raise BackupError(READING, "it is cut", "use a whole copy of it")
        return data


def _member(header: bytes, offset: int) -> Member:
    """Read a header exactly as `_header` writes it."""
    if header[257:265] != b"ustar\x0000":
        problem = "it is no tar as `proofwatch backup` writes it"
        raise BackupError(READING, problem, "name such a file; a compressed one has to be unpacked first")
    name_field, size_field, mtime_field = header[:LONGEST_NAME], header[124:136], header[136:148]
    name = name_field.rstrip(b"\0").decode("ascii", "replace")
    try:
        size, mtime = (int(field.rstrip(b"\0").decode("ascii"), 8) for field in (size_field, mtime_field))
    except ValueError:
        raise BackupError(READING, "the header of a file in it is damaged") from None
    if not is_name(name):
        kind = header[156:157].decode("ascii", "replace")
        raise BackupError(
            READING, f"{name[:80]!r} (of type {kind!r}) is no file of a backup", "do not use it"
        )
    if size < 0 or mtime < 0 or header != _header(name, size, mtime):
        problem = f"the header of {name} is damaged, or it is no regular file"
        raise BackupError(READING, problem, "do not use it")
    return Member(name, offset, size)
