"""A ZIP in one form only, so that every program sees the same files in it.

Header and data of each file stand without a gap, then the directory in the same order, then its end. Python's
own reader believes the directory and finds its files from there: what stands in front of them, between them
or in their own headers, where other programs look first, it passes over. The form is PKWARE APPNOTE 6.3.10.
"""

from __future__ import annotations

import io
import stat
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from typing import NamedTuple, NoReturn

from proofwatch.evidence.base import EvidenceError

OPENING = "opening the binder"
CHUNK = 1 << 20
MOST_DIRECTORY = 256 << 20
"""Bytes of a directory: about two million files."""
LONGEST = 500
"""Characters of what is wrong: a name may have 65,535."""
STORED, DEFLATED = 0, 8
UTF8, HINTS = 0x0800, 0x0006
"""Flags that may be set: the name is UTF-8, and how hard the packer tried."""
FULL, MOST = 0xFFFF, 0xFFFFFFFF
"""A number of all ones stands in the ZIP64 field instead (APPNOTE 4.5.3)."""


class Member(NamedTuple):
    """Where the data of a file are, how many bytes they are there and unpacked, the method and the CRC."""

    start: int
    packed: int
    size: int
    method: int
    crc: int


class StrictZip:
    """A ZIP that was walked through from its first byte to its last; several threads may read it.

    Attributes:
        members: the files by name, in their order.

    Raises:
        EvidenceError: it cannot be opened, or has another form.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, Lock()
        self.members: dict[str, Member] = {}
        try:
            self._file = path.open("rb")
        except OSError as error:
            self._refuse(error.strerror or str(error))
        try:
            self._walk()
        except OSError as error:
            self._file.close()
            self._refuse(error.strerror or str(error))
        except EvidenceError:
            self._file.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yield the bytes of a file of `members`; never more than it says that it has.

        Raises:
            EvidenceError: it is damaged, or has more or fewer bytes than it says.
        """
        doing, member = f"reading {name}", self.members[name]
        left, crc = member.size, 0
        try:
            for data in self._inflated(member) if member.method else self._packed(member):
                left, crc = left - len(data), zlib.crc32(data, crc)
                if left < 0:
                    raise EvidenceError(doing, "it is longer than it says")
                yield data
        except (zlib.error, OSError):
            raise EvidenceError(doing, "it is damaged") from None
        if left:
            raise EvidenceError(doing, "it is shorter than it says")
        if crc != member.crc:
            raise EvidenceError(doing, "it is damaged: its CRC is another")

    def _packed(self, member: Member) -> Iterator[bytes]:
        for place in range(0, member.packed, CHUNK):
            yield self._bytes(member.start + place, min(CHUNK, member.packed - place))

    def _inflated(self, member: Member) -> Iterator[bytes]:
        """Yield the unpacked bytes; nothing may stand behind them. Raises zlib.error."""
        inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        for packed in self._packed(member):
            rest = packed
            while data := inflate.decompress(rest, CHUNK):
                rest = inflate.unconsumed_tail
                yield data
            if inflate.unused_data:
                break
        if inflate.unused_data or not inflate.eof:
            raise zlib.error("it does not end where it says")

    def _walk(self) -> None:
        count, start, end = self._end()
        if end - start > MOST_DIRECTORY:
            self._refuse(f"its directory has more than {MOST_DIRECTORY} bytes")
        directory, place = io.BytesIO(self._bytes(start, end - start)), 0
        for _ in range(count):
            name, member = self._member(directory, place)
            place = member.start + member.packed
            if name in self.members:
                self._refuse(f"{name} stands twice in it: programs would read different files")
            self.members[name] = member
        if place != start or directory.read(1):
            self._refuse("something is hidden in it, in front of its directory or within")

    def _end(self) -> tuple[int, int, int]:
        """Return how many files there are, and where the directory begins and ends (APPNOTE 4.3.14-16)."""
        self._length = self._file.seek(0, io.SEEK_END)
        end = self._length - 22
        mark, *said, comment = struct.unpack("<4s4H2LH", self._bytes(end, 22))
        if mark != b"PK\x05\x06" or comment:
            self._refuse("it does not end as a ZIP does: it is cut off, or something was added")
        if end >= 76 and (locator := self._bytes(end - 20, 20))[:4] == b"PK\x06\x07":
            end -= 76
            mark, *wide = struct.unpack("<4s8x4x2L4Q", self._bytes(end, 56))
            ones = [FULL] * 4 + [MOST] * 2
            fits = all(short in (full, most) for short, full, most in zip(said, wide, ones, strict=True))
            if mark != b"PK\x06\x06" or not fits or locator[4:] != struct.pack("<LQL", 0, end, 1):
                self._refuse("its two ends say different things")
            said = wide
        disk, first_disk, here, count, length, start = said
        if disk or first_disk or here != count or start + length != end:
            self._refuse("something is hidden in it, between its directory and its end")
        return count, start, end

    def _member(self, directory: io.BytesIO, place: int) -> tuple[str, Member]:
        """Read the next file of the directory, and its own header at `place` (APPNOTE 4.3.7, 4.3.12)."""
        head = directory.read(46)
        if len(head) != 46 or head[:4] != b"PK\x01\x02":
            self._refuse("its directory does not list as many files as it says")
        flags, method, crc, packed, size, names, extras, comment, disk, mode, offset = struct.unpack(
            "<8x2H4x3L4H2xLL", head
        )
        raw, extra = directory.read(names), directory.read(extras)
        if len(raw) + len(extra) != names + extras:
            self._refuse("its directory does not list as many files as it says")
        name = self._name(raw, flags)
        size, packed, offset = self._wide(name, extra, size, packed, offset)
        mark, *own, own_packed, own_size, names, extras = struct.unpack(
            "<4s2x2H4x3L2H", self._bytes(place, 30)
        )
        body = self._bytes(place + 30, names + extras)
        sizes = self._wide(name, body[names:], own_size, own_packed)
        if mark != b"PK\x03\x04" or offset != place:
            self._refuse(f"something is hidden in it, in front of {name}")
        if (own, body[:names], sizes) != ([flags, method, crc], raw, (size, packed)):
            self._refuse(f"its directory and the header of {name} say different things")
        if why := _odd(name, flags, mode >> 16, more=bool(comment or disk)):
            self._refuse(f"{name!r}: {why}", "Do not unpack it.")
        if method not in (STORED, DEFLATED) or (method == STORED and packed != size):
            self._refuse(f"{name} is compressed in a way that a binder does not use")
        return name, Member(place + 30 + len(body), packed, size, method, crc)

    def _name(self, raw: bytes, flags: int) -> str:
        name = raw.decode("utf-8", "replace")
        if name.encode() != raw or not (name.isascii() or flags & UTF8):
            why = "is not UTF-8, or not marked so: programs would read different names"
            self._refuse(f"the name of a file {why}")
        return name

    def _wide(self, name: str, extra: bytes, *values: int) -> tuple[int, ...]:
        """Return the values, those of all ones from the ZIP64 field; no other field may be there."""
        wide: Iterator[int] = iter(())
        if extra:
            if len(extra) % 8 != 4 or extra[:4] != struct.pack("<2H", 1, len(extra) - 4):
                self._refuse(f"the header of {name} has a field that a binder does not use")
            wide = iter(struct.unpack(f"<{len(extra) // 8}Q", extra[4:]))
        found = tuple(next(wide, -1) if value == MOST else value for value in values)
        if -1 in found or next(wide, None) is not None:
            self._refuse(f"the header of {name} has sizes that do not fit each other")
        return found

    def _bytes(self, start: int, count: int) -> bytes:
        if start < 0:
            self._refuse("it is no ZIP, or a damaged one")
        with self._lock:
            self._file.seek(min(start, self._length))
            data = self._file.read(count)
        if len(data) != count:
            self._refuse("it is cut off")
        return data

    def _refuse(self, problem: str, remedy: str = "Do not unpack it; get it again, whole.") -> NoReturn:
        raise EvidenceError(OPENING, f"{self._path}: {problem[:LONGEST]}", remedy)


def _odd(name: str, flags: int, mode: int, *, more: bool) -> str:
    """Return why a file has no place in a binder; "" if it has."""
    parts = name.split("/")
    if "\\" in name or any(ord(char) < 0x20 or ord(char) == 0x7F for char in name):
        return "its name holds a backslash or a control character"
    if ":" in parts[0] or {"", ".", ".."} & set(parts):
        return "its name does not lie in the folder of the binder"
    if flags & 0x0001:
        return "it is encrypted"
    if more or flags & ~(UTF8 | HINTS) or stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return "it is a link, streamed, commented, or no plain file"
    return ""
