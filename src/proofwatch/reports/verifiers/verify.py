#!/usr/bin/env python3
"""Verify a Proofwatch binder, believing nothing that it says.

    python3 verify.py BINDER.zip [--checkpoint KEPT.txt] [--vkey KEY] [--policy FILE] [--json]

Needs Python 3.9 or newer, the package `cryptography`, for time-stamps the program `openssl`, and no network.
Ends with 0 if nothing is wrong, 1 if something is, 3 if that cannot be told, 2 if it was called wrongly.

Read `Verification.run` first: it is the order of everything. The form of a binder is in docs/binder.md of
Proofwatch. ZIP: PKWARE APPNOTE 6.3.10. Tree: RFC 6962 §2.1. Files of the log, checkpoints, notes, witnesses:
C2SP tlog-tiles, tlog-checkpoint, signed-note, tlog-cosignature, tlog-policy (c2sp.org). Entries: RFC 8785.
Time-stamps: RFC 3161 in DER (X.690). Signatures: Ed25519 (RFC 8032). Hashes: SHA-256.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import json
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    can_sign = True
except ImportError:  # then no signature is checked, and the report says so
    can_sign = False

FORMAT, SUMS, SIGNED, ABOUT = "proofwatch-binder/1", "SHA256SUMS", "SHA256SUMS.note", "binder.json"
HEAD, VKEYS, POLICY, PEMS = "log/checkpoint", "log/vkeys.txt", "log/policy.txt", "log/authorities/"
KEPT = "log/kept.json"
CHUNK, SMALL, MOST_JSON, MOST_LIST = 1 << 20, 1_000_000, 16 << 20, 256 << 20  # bytes
MOST_LISTED, LONGEST, DEEPEST = 200, 500, 100
MOST_NUMBER, LAST_SECOND = 2**63 - 1, 253_402_300_799
SLACK = timedelta(days=1)  # a binder is cosigned before it is made
LOG_KEY, WITNESS_KEY = b"\x01", b"\x04"
TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(Z|[+-]\d\d:\d\d)", re.ASCII)
NAMES_OBJECTS = {"manifest", "plan", "results", "transitions", "read_only_proof", "object", "base", "schema",
                 "rollups", "deltas", "earlier", "evaluation", "rows_object"}  # fmt: skip
BEGINS = ("schedule.slot", "sweep.planned", "sweep.started")
ENDS = ("sweep.finished", "sweep.failed", "sweep.skipped", "sweep.missed")
DATED = "2a864886f70d010702", "2a864886f70d0109100104", "608648016503040201"
"""Object identifiers in a time-stamp: signed data, its content, SHA-256."""


class Wrong(Exception):
    """What is wrong with a file, in words that follow its name."""


class Deep(Wrong):
    """JSON that is nested too deeply to be read."""


class Report:
    """What was found. Nothing is proven that does not stand in `proven`."""

    def __init__(self) -> None:
        self.lists: dict[str, list[str]] = {"wrong": [], "proven": [], "unproven": [], "remarks": []}
        self.faults = self.gaps = self.hidden = 0
        self.signed = False

    def say(self, where: str, text: str) -> None:
        """Put a line into a list once, without what does not print; beyond 200 they are only counted."""
        text = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text[:LONGEST])
        if text in self.lists[where]:
            return
        if len(self.lists[where]) < MOST_LISTED:
            self.lists[where].append(text)
        else:
            self.hidden += 1

    def blame(self, name: str, problem: object) -> None:
        """Say what is wrong with a file."""
        self.faults += 1
        self.say("wrong", f"{name}: {problem}")

    def doubt(self, text: str) -> None:
        """Say what cannot be told and should be: the verdict is then 3 at best."""
        self.gaps += 1
        self.say("unproven", text)

    @contextmanager
    def about(self, name: str) -> Iterator[None]:
        """Go on after something that is wrong with a file, having said so."""
        try:
            yield
        except Wrong as problem:
            self.blame(name, problem)

    @property
    def exit_code(self) -> int:
        """Return 1 if something is wrong, 3 if nothing is signed or something cannot be told, else 0."""
        return 1 if self.faults else 0 if self.signed and not self.gaps else 3


# --- The ZIP, in one form only, so that every program sees the same files in it: header and data of each,
# --- without a gap, then the directory in the same order, then its end. CRCs are compared, not computed.


class Member(NamedTuple):
    """Where the data of a file are, how many bytes they are there and inflated, and the method (0 or 8)."""

    start: int
    packed: int
    size: int
    method: int


class Zip:
    """A ZIP that is read with suspicion and in bounded memory."""

    def __init__(self, file: io.BufferedIOBase, report: Report) -> None:
        self._file, self._report, self._size = file, report, file.seek(0, io.SEEK_END)
        self.members: dict[str, Member] = {}
        self.digests: dict[str, bytes] = {}  # SHA-256 of every file that was read
        count, start, end = self._end()
        directory, place, folded = io.BytesIO(self._bytes(start, end - start)), 0, dict[str, str]()
        for _ in range(count):
            name, member = self._member(directory, place)
            place = member.start + member.packed
            if name in self.members:
                report.blame(name, "it stands twice in the ZIP: programs would read different files")
                continue
            if (other := folded.setdefault(name.lower(), name)) != name:
                report.say("remarks", f"{name}: some systems take it for {other}")
            self.members[name] = member
        if place != start or directory.read(1):
            raise Wrong("something is hidden in it, in front of its directory or within")

    def _bytes(self, start: int, count: int) -> bytes:
        if start < 0 or count > MOST_LIST:
            raise Wrong("it is no ZIP, or a damaged one")
        self._file.seek(min(start, self._size))
        data = self._file.read(count)
        if len(data) != count:
            raise Wrong("it is cut off")
        return data

    def _end(self) -> tuple[int, int, int]:
        """Return how many files there are, and where the directory begins and ends (APPNOTE 4.3.14-16)."""
        end = self._size - 22
        mark, *said, comment = struct.unpack("<4s4H2LH", self._bytes(end, 22))
        if mark != b"PK\x05\x06" or comment:
            raise Wrong("it does not end as a ZIP does: it is cut off, or something was added")
        if end >= 76 and (locator := self._bytes(end - 20, 20))[:4] == b"PK\x06\x07":
            end -= 76
            mark, *wide = struct.unpack("<4s8x4x2L4Q", self._bytes(end, 56))
            ones = [0xFFFF] * 4 + [0xFFFFFFFF] * 2
            fits = all(short in (full, most) for short, full, most in zip(said, wide, ones))
            if mark != b"PK\x06\x06" or not fits or locator[4:] != struct.pack("<LQL", 0, end, 1):
                raise Wrong("its two ends say different things")
            said = wide
        disk, first_disk, here, count, length, start = said
        if disk or first_disk or here != count or start + length != end:
            raise Wrong("something is hidden in it, between its directory and its end")
        return count, start, end

    def _member(self, directory: io.BytesIO, place: int) -> tuple[str, Member]:
        """Read the next file of the directory, and its own header at `place` (APPNOTE 4.3.7, 4.3.12)."""
        head = directory.read(46)
        if len(head) != 46 or head[:4] != b"PK\x01\x02":
            raise Wrong("its directory does not list as many files as it says")
        flags, method, crc, packed, size, names, extras, comment, disk, mode, offset = struct.unpack(
            "<8x2H4x3L4H2xLL", head
        )
        raw, extra = directory.read(names), directory.read(extras)
        if len(raw) + len(extra) != names + extras:
            raise Wrong("its directory does not list as many files as it says")
        name = _name(raw, flags)
        size, packed, offset = _wide(name, extra, size, packed, offset)
        mark, *own, own_packed, own_size, names, extras = struct.unpack(
            "<4s2x2H4x3L2H", self._bytes(place, 30)
        )
        body = self._bytes(place + 30, names + extras)
        sizes = _wide(name, body[names:], own_size, own_packed)
        if mark != b"PK\x03\x04" or offset != place:
            raise Wrong(f"something is hidden in it, in front of {name}")
        if (own, body[:names], sizes) != ([flags, method, crc], raw, (size, packed)):
            raise Wrong(f"its directory and the header of {name} say different things")
        if comment or disk or flags & ~0x0806 or mode >> 16 & 0o170000 not in (0, 0o100000):
            kind = "encrypted" if flags & 1 else "a link, streamed, commented, or no plain file"
            self._report.blame(name, f"it is {kind}: a binder holds plain files only")
        if method not in (0, 8) or (method == 0 and packed != size):
            raise Wrong(f"{name} is compressed in a way that a binder does not use")
        if why := _unsafe(name):
            self._report.blame(name, f"its name {why}: do not unpack this ZIP")
        return name, Member(place + 30 + len(body), packed, size, method)

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yield the bytes of a file, never more than it declares, and keep their SHA-256."""
        if name not in self.members:
            raise Wrong("it is missing")
        place, packed, left, method = self.members[name]
        end, rest, hasher, inflate = place + packed, b"", hashlib.sha256(), zlib.decompressobj(-15)
        while True:
            if not rest and place < end:
                rest = self._bytes(place, min(CHUNK, end - place))
                place += len(rest)
            try:
                data = inflate.decompress(rest, CHUNK) if method else rest
            except zlib.error:
                raise Wrong("it is damaged") from None
            rest, left = inflate.unconsumed_tail, left - len(data)
            if inflate.unused_data:
                raise Wrong("it is damaged")
            if left < 0:
                raise Wrong("it is longer than it says")
            hasher.update(data)
            if data:
                yield data
            elif place == end and not rest:
                break
        if method and not inflate.eof:
            raise Wrong("it is damaged")
        if left:
            raise Wrong("it is shorter than it says")
        self.digests[name] = hasher.digest()

    def read(self, name: str, most: int = SMALL) -> bytes:
        """Return a file of at most `most` bytes."""
        if name in self.members and self.members[name].size > most:
            raise Wrong(f"it has more than {most} bytes")
        return b"".join(self.chunks(name))

    def text(self, name: str) -> str:
        """Return a small file as text."""
        try:
            return self.read(name).decode("utf-8")
        except UnicodeDecodeError:
            raise Wrong("it is not UTF-8") from None


def _name(raw: bytes, flags: int) -> str:
    name = raw.decode("utf-8", "replace")
    if name.encode() != raw or not (name.isascii() or flags & 0x0800):
        raise Wrong("the name of a file is not UTF-8, or not marked so: programs would read different names")
    return name


def _unsafe(name: str) -> str:
    if "\\" in name or any(ord(char) < 0x20 or ord(char) == 0x7F for char in name):
        return "holds a backslash or a control character"
    outside = re.match(r"[A-Za-z]:", name) or {"", ".", ".."} & set(name.split("/"))
    return "leads out of the folder that it is unpacked into, or names no file" if outside else ""


def _wide(name: str, extra: bytes, *values: int) -> tuple[int, ...]:
    """Return the values, those of all ones from the ZIP64 field (APPNOTE 4.5.3); no other field may be."""
    wide: Iterator[int] = iter(())
    if extra:
        if extra[:2] != b"\x01\x00" or len(extra) % 8 != 4 or extra[2] != len(extra) - 4 or extra[3]:
            raise Wrong(f"the header of {name} has a field that a binder does not use")
        wide = iter(struct.unpack(f"<{len(extra) // 8}Q", extra[4:]))
    found = tuple(next(wide, -1) if value == 0xFFFFFFFF else value for value in values)
    if -1 in found or next(wide, None) is not None:
        raise Wrong(f"the header of {name} has sizes that do not fit each other")
    return found


# --- Keys, signed notes, checkpoints, policies -------------------------------------------------------------


class Key(NamedTuple):
    """A public key: its name, the four bytes that stand for it in signature lines, 32 bytes of Ed25519."""

    name: str
    number: bytes
    public: bytes

    def fits(self, message: str, signature: bytes) -> bool:
        """Tell whether the signature is this key's."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message.encode())
        except InvalidSignature:
            return False
        return True

    def __str__(self) -> str:
        """Name the key."""
        return f"{self.name}+{self.number.hex()}"


class Note(NamedTuple):
    """A signed note: its text with the last newline, and (name, number, signature) of each line below."""

    text: str
    signatures: list[tuple[str, bytes, bytes]]

    def signers(self, keys: Iterable[Key]) -> set[Key]:
        """Return which of the keys signed it. Raises Wrong if a signature by one of them does not fit."""
        found, known = set(), {(key.name, key.number): key for key in keys if can_sign}
        for name, number, signature in self.signatures:
            if key := known.get((name, number)):
                if not key.fits(self.text, signature):
                    raise Wrong(f"the signature of {key} does not fit the text")
                found.add(key)
        return found


class Point(NamedTuple):
    """A checkpoint: the log that it is of, how many entries it is over, their root, and its note."""

    origin: str
    size: int
    root: bytes
    note: Note


def decode64(text: str) -> bytes:
    """Read base64 (RFC 4648 §4) in its one canonical form."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        data = b""
    if base64.b64encode(data).decode() != text:
        raise Wrong("its base64 is malformed")
    return data


def read_key(text: str, kind: bytes) -> Key:
    """Read name+id+key; the id is made from name and key, and the first byte of the key is its type."""
    name, _, rest = text.strip().partition("+")
    number, _, body = rest.partition("+")
    raw = decode64(body)
    if not name or raw[:1] != kind or len(raw) != 33:
        raise Wrong(f"{text[:80]!r} is no Ed25519 key of type {kind[0]}")
    if hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4].hex() != number:
        raise Wrong(f"the id of the key {text[:80]!r} does not belong to its name and bytes")
    return Key(name, bytes.fromhex(number), raw[1:])


def read_note(data: bytes) -> Note:
    """Read a signed note. No signature is checked here."""
    try:
        text, gap, lines = data.decode("utf-8").rpartition("\n\n")
    except UnicodeDecodeError:
        raise Wrong("it is not UTF-8") from None
    if (
        not gap
        or lines[-1:] != "\n"
        or lines.count("\n") > 100
        or re.search(r"[\0-\x09\x0b-\x1f]", text + lines)
    ):
        raise Wrong("it is no signed note")
    found = []
    for line in lines[:-1].split("\n"):
        match = re.fullmatch(r"— ([^\s+]+) (\S+)", line)
        raw = decode64(match[2]) if match else b""
        if not match or len(raw) < 5:
            raise Wrong("a signature line is malformed")
        found.append((match[1], raw[:4], raw[4:]))
    return Note(text + "\n", found)


def read_point(data: bytes) -> Point:
    """Read a checkpoint: origin, size and root in a line each, perhaps extensions."""
    note = read_note(data)
    lines = note.text[:-1].split("\n")
    if len(lines) < 3 or "" in lines or not re.fullmatch(r"0|[1-9][0-9]{0,18}", lines[1]):
        raise Wrong("it does not have the three lines origin, size and root")
    origin, size, root = lines[0], int(lines[1]), decode64(lines[2])
    if len(root) != 32 or size > MOST_NUMBER:
        raise Wrong("it does not have the three lines origin, size and root")
    return Point(origin, size, root, note)


class Policy:
    """The logs and the witnesses that somebody knows, and which of the witnesses are enough (tlog-policy)."""

    def __init__(self, text: str) -> None:
        self.logs: list[Key] = []
        self.witnesses: dict[str, Key] = {}
        self.groups: list[tuple[str, int, list[str]]] = []  # name, how many of the members, members
        self.quorum = ""
        self._free: set[str] = set()  # names that no group has as a member yet
        for line in text.split("\n"):
            words = [word for word in re.split("[ \t]+", line) if word]
            if words and words[0][0] != "#" and not self._take(words[0], words[1:]):
                raise Wrong(f"the line {line[:60]!r} cannot stand in a policy")
        for keys in (self.logs, list(self.witnesses.values())):
            if len({key.public for key in keys}) < len(keys):
                raise Wrong("a key stands twice in the policy")
        if not self.quorum:
            raise Wrong("the policy has no quorum line")

    def _take(self, kind: str, words: list[str]) -> bool:
        name = words[0] if words else ""
        defined = {"none", *self.witnesses, *(group[0] for group in self.groups)}
        if kind == "log" and len(words) in (1, 2):
            self.logs.append(read_key(name, LOG_KEY))
        elif kind == "quorum" and len(words) == 1 and not self.quorum and name in defined:
            self.quorum = name
        elif kind == "witness" and len(words) in (2, 3) and name not in defined:
            self.witnesses[name] = read_key(words[1], WITNESS_KEY)
            self._free.add(name)
        elif kind == "group" and len(words) > 2 and name not in defined and self._free.issuperset(words[2:]):
            least = {"any": "1", "all": str(len(words) - 2)}.get(words[1], words[1])
            self._free = (self._free - set(words[2:])) | {name}
            self.groups.append((name, int(least) if re.fullmatch("[1-9][0-9]{0,3}", least) else 0, words[2:]))
            return 0 < self.groups[-1][1] <= len(set(words[2:])) == len(words) - 2
        else:
            return False
        return True

    def met(self, cosigned: set[Key]) -> bool:
        """Tell whether these witnesses are enough."""
        done = {name for name, key in self.witnesses.items() if key in cosigned}
        for name, least, members in self.groups:  # each stands behind its members
            if len(done.intersection(members)) >= least:
                done.add(name)
        return self.quorum in done


# --- The tree and its entries ------------------------------------------------------------------------------


class Tree:
    """A growing Merkle tree (RFC 6962 §2.1), kept as the roots of its complete subtrees, largest first."""

    def __init__(self) -> None:
        self.size = 0
        self._hashes: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        """Add the hash of a leaf: two subtrees of one size become one, as often as there are two."""
        number = self.size
        while number & 1:
            leaf, number = _node(self._hashes.pop(), leaf), number >> 1
        self._hashes.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """Return the root of the tree as it is now."""
        found = self._hashes[-1] if self._hashes else hashlib.sha256().digest()
        for item in reversed(self._hashes[:-1]):
            found = _node(item, found)
        return found


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def tile_path(level: object, index: int, width: int) -> str:
    """Return the file of a tile of `width` hashes or entries: x001/x234/067, and .p/W if it is not full."""
    parts = [f"{index % 1000:03}"]
    while index := index // 1000:
        parts.append(f"x{index % 1000:03}")
    return f"log/tile/{level}/{'/'.join(reversed(parts))}" + (f".p/{width}" if width < 256 else "")


def split_bundle(data: bytes, count: int) -> list[bytes]:
    """Return the entries of a bundle, each behind its length in two bytes."""
    found, at = [], 0
    while at + 2 <= len(data):
        start, at = at + 2, at + 2 + int.from_bytes(data[at : at + 2], "big")
        found.append(data[start:at])
    if at != len(data) or len(found) != count:
        raise Wrong(f"it does not hold {count} whole entries")
    return found


def _refuse(text: str) -> int:
    raise ValueError(text)


QUICK_IN = json.JSONDecoder(
    parse_int=lambda text: int(text) if len(text) < 16 else _refuse(text),
    parse_float=_refuse,
    parse_constant=_refuse,
)
QUICK_OUT = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)
"""Of text in ASCII and whole numbers, as most entries are, Python writes the form of RFC 8785 by itself."""


def load_json(data: bytes) -> Any:
    """Read JSON (RFC 8259), without the liberties that Python's reader takes."""
    try:
        return json.loads(data.decode("utf-8"), parse_constant=_refuse)
    except RecursionError:
        raise Deep("it is nested too deeply") from None
    except ValueError:
        raise Wrong("it is not JSON") from None


def canonical(value: Any, depth: int = 0) -> str:
    """Return JSON in the one form of RFC 8785."""
    if depth > DEEPEST:
        raise Deep("it is nested too deeply")
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(f"{canonical(n)}:{canonical(value[n], depth + 1)}" for n in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(canonical(item, depth + 1) for item in value) + "]"
    if isinstance(value, float):  # §3.2.2.3: Python's digits, but other exponents
        plain = 1e-6 <= abs(value) < 1e21
        return re.sub(r"\.0$|(?<=e[+-])0", "", format(Decimal(repr(value)), "f") if plain else repr(value))
    if isinstance(value, int) and abs(value) >= 2**53:
        raise Wrong("it holds a whole number of 2**53 or more")
    return json.dumps(value, ensure_ascii=False)


def read_entry(data: bytes) -> dict[str, Any]:
    """Read an entry of the log; it must stand there exactly as its writer writes it."""
    body, quick = None, False
    with suppress(ValueError, RecursionError):
        body = QUICK_IN.decode(data.decode("ascii"))
        quick = QUICK_OUT.encode(body).encode() == data
    body = body if quick else load_json(data)
    if not isinstance(body, dict) or sorted(body) != ["actor", "at", "data", "kind", "v"]:
        raise Wrong("its fields are not v, kind, actor, at, data")
    version, kind, actor, at = body["v"], body["kind"], body["actor"], body["at"]
    if version is True or version != 1 or not isinstance(body["data"], dict) or len(data) > 64_000:
        raise Wrong("it is not of version 1, its data are no object, or it is over 64,000 bytes")
    if not re.fullmatch(r"[a-z]+\.[a-z_]+", str(kind)) or not isinstance(actor, str) or not actor:
        raise Wrong("its kind is not of the form thing.verb, or nobody is named as its actor")
    if moment(at) is None or len(at) != 27 or at[26] != "Z":
        raise Wrong("its time is not of the form 2026-11-23T06:00:00.000000Z")
    if not quick and canonical(body).encode("utf-8", "replace") != data:
        raise Wrong("it is not canonical JSON (RFC 8785)")
    return body


def moment(text: Any) -> datetime | None:
    """Return a time with a zone, or None if it is none."""
    match = TIME.fullmatch(text) if isinstance(text, str) else None
    if not match:
        return None
    with suppress(ValueError, OverflowError):
        zone = "+00:00" if match[3] == "Z" else match[3]
        plain = datetime.fromisoformat(f"{match[1]}.{(match[2] or '0').ljust(6, '0')}{zone}")
        return plain.astimezone(timezone.utc)
    return None


def written(at: datetime) -> str:
    """Return a time as people read it."""
    return at.isoformat().replace("+00:00", "Z")


def object_path(digest: str) -> str:
    """Return the file of an object."""
    return f"objects/{digest[:2]}/{digest[2:]}"


def named_objects(value: Any, name: str = "") -> Iterator[str]:
    """Yield the files of the objects that JSON names, in certain fields or as {"sha256": …, "role": …}."""
    stack = [(value, name, 0)]
    while stack:
        value, name, depth = stack.pop()
        if depth > DEEPEST:
            raise Deep("it is nested too deeply")
        if isinstance(value, dict):
            reference = "sha256" in value and ("role" in value or name in NAMES_OBJECTS)
            for key, item in value.items():
                stack.append((item, "object" if reference and key == "sha256" else key, depth + 1))
        elif isinstance(value, list):
            stack.extend((item, name, depth + 1) for item in value)
        elif name in NAMES_OBJECTS and isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value):
            yield object_path(value)


class Story:
    """Whether the log tells the whole story: sweeps that began end, and occurrences follow their interval.

    A tree proves that nothing was changed, not that all was recorded; this looks for what is not there.
    """

    def __init__(self, doubt: Callable[[str], None]) -> None:
        self._doubt = doubt
        self._open: dict[str, tuple[int, str]] = {}  # sweep → entry that began it, connection
        self._newest: dict[str, str] = {}  # connection → sweep
        self._interval: dict[str, timedelta] = {}
        self._next: dict[str, datetime | None] = {}  # connection → the occurrence that must come

    def take(self, index: int, kind: str, data: dict[str, Any]) -> None:
        """Look at the next entry."""
        connection, sweep = str(data.get("connection", "")), str(data.get("sweep") or "")
        if sweep and kind in BEGINS:
            self._open.setdefault(sweep, (index, connection))
            self._newest[connection] = sweep
        elif sweep and kind in ENDS and not self._open.pop(sweep, None):
            self._doubt(f"when sweep {sweep} began: entry {index} ends it and no entry before began it")
        changes, minutes = data.get("changes"), data.get("interval_minutes")
        if kind == "connection.changed":  # [before, after]
            pair = changes.get("interval_minutes") if isinstance(changes, dict) else None
            minutes = pair[1] if isinstance(pair, list) and len(pair) == 2 else None
        sets = kind in ("connection.created", "connection.changed", "schedule.skipped", "schedule.missed")
        if sets and type(minutes) is int and 0 < minutes < 10_000_000:
            self._interval[connection] = timedelta(minutes=minutes)
        if kind == "schedule.slot":
            self._due(index, connection, data.get("slot"), data.get("slot"))
        elif kind in ("schedule.skipped", "schedule.missed"):
            self._due(index, connection, data.get("first"), data.get("last"))
        elif kind == "connection.removed":
            self._interval.pop(connection, None)
            self._next.pop(connection, None)

    def _due(self, index: int, connection: str, first: Any, last: Any) -> None:
        start, end, due = moment(first), moment(last), self._next.get(connection)
        if start and due and start != due:
            said = f"{written(due)} and entry {index} says {written(start)}"
            self._doubt(f"what was due for connection {connection}: the next occurrence was {said}")
        interval = self._interval.get(connection)
        self._next[connection] = end + interval if end and interval else None

    def finish(self) -> None:
        """Tell the sweeps that never ended though a later one of their connection began."""
        for sweep, (index, connection) in self._open.items():
            if self._newest.get(connection) != sweep:
                self._doubt(f"how sweep {sweep} ended: entry {index} began it and no entry ends it")


# --- Time-stamps (RFC 3161) --------------------------------------------------------------------------------


def der(data: bytes, span: tuple[int, int], *tags: int) -> list[tuple[int, int]]:
    """Return where the values within `span` begin and end; the first of them must have these tags (X.690)."""
    at, end = span
    seen, found = [], []
    while at < end:
        tag, length, at = data[at], data[at + 1] if at + 1 < end else 0x80, at + 2
        if length >= 0x80:  # then the low bits say how many bytes the length has
            count = length & 0x7F
            length, at = int.from_bytes(data[at : at + count], "big") if 0 < count < 5 else end, at + count
        seen.append(tag)
        found.append((at, at + length))
        at += length
    if at != end or seen[: len(tags)] != list(tags):
        raise Wrong("it is no granted time-stamp (RFC 3161)")
    return found


def read_stamp(data: bytes) -> tuple[bytes, datetime]:
    """Return the SHA-256 that a time-stamp is over, and its time. Its signature is not looked at here."""
    response = der(data, (0, len(data)), 0x30)[0]
    status, token = der(data, response, 0x30, 0x30)[:2]
    granted = der(data, status, 0x02)[0]
    kind, signed = der(data, token, 0x06, 0xA0)[:2]
    content = der(data, der(data, signed, 0x30)[0], 0x02, 0x31, 0x30)[2]
    inner, octets = der(data, content, 0x06, 0xA0)[:2]
    info = der(data, der(data, octets, 0x04)[0], 0x30)[0]
    imprint, _, at = der(data, info, 0x02, 0x06, 0x30, 0x02, 0x18)[2:5]
    algorithm, digest = der(data, imprint, 0x30, 0x04)[:2]
    hashed = der(data, algorithm, 0x06)[0]
    stated = re.fullmatch(rb"(\d{14})(\.\d+)?Z", data[slice(*at)])
    dated = tuple(data[slice(*span)].hex() for span in (kind, inner, hashed)) == DATED
    if data[slice(*granted)] not in (b"\x00", b"\x01") or not stated or not dated:
        raise Wrong("it is no granted time-stamp over a SHA-256 (RFC 3161)")
    with suppress(ValueError):
        when = datetime.strptime(stated[1].decode() + "+0000", "%Y%m%d%H%M%S%z")
        return data[slice(*digest)], when
    raise Wrong("its time is none")


def ask_openssl(token: bytes, checkpoint: bytes, authorities: bytes, at: int) -> bool | None:
    """Let openssl verify a time-stamp's signature and certificates as of its own time; None if it cannot."""
    program = shutil.which("openssl")
    if not program or not authorities:
        return None
    with tempfile.TemporaryDirectory() as folder:
        files = [str(Path(folder, name)) for name in ("checkpoint.txt", "token.tsr", "authorities.pem")]
        for file, data in zip(files, (checkpoint, token, authorities)):
            Path(file).write_bytes(data)
        asked = [program, "ts", "-verify", "-data", files[0], "-in", files[1], "-CAfile", files[2]]
        try:
            done = subprocess.run([*asked, "-attime", str(at)], capture_output=True, timeout=60)  # noqa: S603
        except (OSError, subprocess.TimeoutExpired):
            return None
    said = done.stdout + done.stderr
    if done.returncode == 0 and b"Verification: OK" in said:
        return True
    # Certificates of another authority, or that cannot be read, make nothing wrong: it is not shown, no more.
    unknown = b"certificate verify error" in said or b"Error loading file" in said
    return None if unknown or b"Verification: FAILED" not in said else False


# --- The binder --------------------------------------------------------------------------------------------


class About(NamedTuple):
    """What binder.json says: the log, first and last day of the period, its first and last entry."""

    origin: object
    size: object
    root: object
    days: tuple[str, str]
    first: int
    last: int


def read_about(data: bytes) -> About:
    """Read binder.json."""
    body = load_json(data)
    try:
        log, days, entries = body["log"], body["period"], body["entries"]
        said = log["origin"], log["size"], log["root"]
        found = About(*said, (days["first"], days["last"]), entries["first"], entries["last"])
        right = body["format"] == FORMAT and type(found.first) is type(found.last) is int
        right = right and abs(found.first) < 2**53 and abs(found.last) < 2**53
        if right and all(re.fullmatch(r"\d{4}-\d\d-\d\d", day) for day in found.days):
            return found
    except (KeyError, TypeError):
        pass
    raise Wrong(f"it does not say format {FORMAT}, log, period and entries as a binder does")


class Tiles:
    """Compares the tiles in the binder with the hashes that the entries give (C2SP tlog-tiles)."""

    def __init__(self, binder: Zip, report: Report) -> None:
        self._zip, self._report = binder, report
        self._levels: list[tuple[int, list[bytes]]] = []

    def add(self, value: bytes, level: int = 0) -> None:
        """Take the next hash of a level; a full tile is compared and becomes a hash of the level above."""
        if level == len(self._levels):
            self._levels.append((0, []))
        index, hashes = self._levels[level]
        hashes.append(value)
        if len(hashes) == 256:
            self._compare(level, index, hashes)
            self._levels[level] = (index + 1, [])
            tree = Tree()
            for item in hashes:
                tree.append(item)
            self.add(tree.root(), level + 1)

    def finish(self) -> None:
        """Compare the tiles at the right edge, which are not full."""
        for level, (index, hashes) in enumerate(self._levels):
            if hashes:
                self._compare(level, index, hashes)

    def _compare(self, level: int, index: int, hashes: list[bytes]) -> None:
        name = tile_path(level, index, len(hashes))
        with self._report.about(name):
            if self._zip.read(name) != b"".join(hashes):
                raise Wrong("its hashes are not those that the entries give")


class Given(NamedTuple):
    """What the auditor brought along: keys of the log, a policy, and a checkpoint (its file and bytes)."""

    keys: list[Key]
    policy: Policy | None
    kept: tuple[str, bytes] | None


class Verification:
    """One binder, verified step by step."""

    def __init__(self, binder: Zip, report: Report, given: Given, tell: Callable[[int, int], None]) -> None:
        self._zip, self._report, self._given, self._tell = binder, report, given, tell
        self._kept = given.kept[0] if given.kept else ""
        self._about: About | None = None
        self._period: tuple[int, int] | None = None  # first and last entry dated within the period
        self._policy = given.policy
        self._cosigned: dict[int, set[Key]] = {}  # size → witnesses who cosigned it
        self._points: dict[str, Point] = {}  # file → checkpoint
        self._fitting: list[str] = []  # files of checkpoints that are signed and fit the entries
        self._tree = Tree()
        self._roots = {0: self._tree.root()}  # size → root
        self._times: dict[int, datetime | None] = {}  # size → time of the last entry
        self._listed: list[Key] = []  # keys in log/vkeys.txt
        self._named: list[tuple[int, Key]] = []  # keys that entries name
        self._keys: set[Key] = set()  # keys that count
        self._needed: dict[str, int] = {}  # object that must be there → entry that leads to it
        self._also: set[str] = set()  # objects that other entries lead to
        self._links: dict[str, list[str]] = {}  # object → objects that it names

    def run(self) -> None:
        """Verify everything, in this order."""
        self._read_frame()
        self._walk_log()
        self._choose_keys()
        self._judge_points()
        self._judge_answers()
        self._hash_files()
        self._judge_list()
        self._judge_signature()
        self._judge_objects()
        self._judge_about()
        self._say_what_is_left()

    def _read_frame(self) -> None:
        """Read what must be known before the entries are: the period, the keys, every checkpoint."""
        with self._report.about(ABOUT):
            self._about = read_about(self._zip.read(ABOUT, MOST_JSON))
        with self._report.about(VKEYS):
            lines = map(str.strip, self._zip.text(VKEYS).split("\n"))
            self._listed = [read_key(line, LOG_KEY) for line in lines if line and line[0] != "#"]
        if POLICY in self._zip.members and not self._policy:
            with self._report.about(POLICY):
                self._policy = Policy(self._zip.text(POLICY))
        for name in sorted({HEAD, *self._zip.members}):
            match = re.fullmatch(r"log/(?:checkpoints/(\d+)|kept/(\d+)-[^/]+)\.txt", name)
            if match or name == HEAD:
                with self._report.about(name):
                    point = read_point(self._zip.read(name))
                    if match and (match[1] or match[2]) != str(point.size):
                        raise Wrong(f"it is over {point.size} entries, not as many as its name says")
                    self._points[name] = point
        if self._given.kept:
            with self._report.about(self._kept):
                self._points[self._kept] = read_point(self._given.kept[1])

    def _walk_log(self) -> None:
        """Read every entry once: form, order of time, schedule, leaves, tiles, roots."""
        size = self._points[HEAD].size if HEAD in self._points else 0
        wanted, faults = {point.size for point in self._points.values()}, self._report.faults
        dated = wanted | ({self._about.last + 1} if self._about else set())
        tiles, story, last = Tiles(self._zip, self._report), Story(self._report.doubt), ""
        while self._tree.size < size:
            width = min(256, size - self._tree.size)
            name = tile_path("entries", self._tree.size // 256, width)
            try:
                bundle = split_bundle(self._zip.read(name, MOST_JSON + SMALL), width)
            except Wrong as problem:
                self._report.blame(name, problem)
                break
            for data in bundle:
                with self._report.about(f"{name}: entry {self._tree.size}"):
                    last = self._take(read_entry(data), last, story)
                leaf = hashlib.sha256(b"\x00" + data).digest()
                self._tree.append(leaf)
                tiles.add(leaf)
                if self._tree.size in wanted:
                    self._roots[self._tree.size] = self._tree.root()
                if self._tree.size in dated:
                    self._times[self._tree.size] = moment(last)
        tiles.finish()
        story.finish()
        if self._report.faults == faults and size:
            text = (
                f"entries that are canonical, in the order of time, and make up the tiles of the log: {size}"
            )
            self._report.say("proven", text)
            if not self._report.gaps:
                self._report.say(
                    "proven",
                    "every occurrence that was due has its entry, and every sweep its end",
                )

    def _take(self, entry: dict[str, Any], last: str, story: Story) -> str:
        """Look at an entry; return its time. Times have one form, so that they are in order as texts are."""
        index, at, kind, data, about = self._tree.size, entry["at"], entry["kind"], entry["data"], self._about
        story.take(index, kind, data)
        if about and about.days[0] <= at[:10] <= about.days[1]:
            self._period = (self._period[0] if self._period else index, index)
        for name in named_objects(data):
            if about and about.first <= index <= about.last:
                self._needed.setdefault(name, index)
            elif name in self._zip.members:
                self._also.add(name)
        for text in data.values() if kind in ("key.created", "key.rotated") else ():
            if isinstance(text, str) and text.count("+") > 1:
                self._named.append((index, read_key(text, LOG_KEY)))
        if at < last:
            raise Wrong("it is dated before the entry in front of it")
        return str(at)

    def _choose_keys(self) -> None:
        """Choose the keys that count.

        With keys given: those, and further ones that entries name under a checkpoint that such a key signed.
        Without: those in the binder, as far as its log, where it names keys at all, names them.
        """
        named = {key for _, key in self._named}
        if not self._given.keys:
            self._keys = {key for key in self._listed if key in named or not named}
            for key in sorted({*self._listed} - self._keys):
                self._report.blame(VKEYS, f"no entry of the log names the key {key}")
            return
        known, self._keys, before = {*self._given.keys, *self._listed, *named}, {*self._given.keys}, 0
        while len(self._keys) > before:
            before = len(self._keys)
            for point in self._points.values():
                with suppress(Wrong):  # is judged below
                    if self._roots.get(point.size) == point.root and self._keys & point.note.signers(known):
                        self._keys |= {key for index, key in self._named if index < point.size}

    def _judge_points(self) -> None:
        """Hold every checkpoint against the entries: signed by a key of the log, with the root they give."""
        if HEAD not in self._points:
            return
        head = self._points[HEAD]
        for name, point in self._points.items():
            with self._report.about(name):
                if point.origin != head.origin:
                    raise Wrong(f"it is of the log {point.origin}, and {HEAD} is of {head.origin}")
                signers = [key for key in point.note.signers(self._keys) if key.name == point.origin]
                if self._keys and can_sign and not signers:
                    raise Wrong("no known key has signed it")
                if name == self._kept and point.size > head.size:
                    there = f"it holds {head.size} entries, and you saw {point.size}"
                    raise Wrong(f"this binder is older than the checkpoint that you kept: {there}")
                if self._roots.get(point.size) != point.root:
                    raise Wrong(f"the first {point.size} entries do not have the root that stands in it")
                self._fitting += [name] if signers else []
        count = sum(name.startswith("log/checkpoints/") for name in self._fitting)
        if count:
            text = f"checkpoints on the way that are signed and have the roots of their entries: {count}"
            self._report.say("proven", text)
        if HEAD in self._fitting:
            self._report.say("proven", f"{head.origin} signed exactly these {head.size} entries")
            self._report.signed = head.size > 0
        if self._kept in self._fitting and self._points[self._kept].size:
            text = f"nothing in front of entry {self._points[self._kept].size} was changed since {self._kept}"
            self._report.say("proven", text)

    def _judge_answers(self) -> None:
        """Verify what others answered to the checkpoints that they were given."""
        for name in sorted(name for name in self._zip.members if name.startswith("log/kept/")):
            match = re.fullmatch(r"log/kept/(\d+)-[^/]+\.(tsr|txt)", name)
            with self._report.about(name):
                if not match:
                    self._report.say("remarks", f"{name}: not looked at: neither a .tsr nor a .txt")
                elif match[2] == "tsr":
                    self._judge_stamp(name, f"log/checkpoints/{match[1]}.txt")
                elif name in self._fitting:
                    self._judge_cosigned(name, self._points[name])
        if KEPT in self._zip.members:
            with self._report.about(KEPT):
                self._judge_kept(load_json(self._zip.read(KEPT, MOST_JSON)))
        if self._given.policy and self._given.policy.quorum != "none":
            self._judge_quorum(self._given.policy)

    def _judge_quorum(self, policy: Policy) -> None:
        """Say how far enough witnesses saw the log: to the end of the period, but for a day."""
        who = "as many witnesses as your policy asks for"
        best = max((size for size, keys in self._cosigned.items() if policy.met(keys)), default=0)
        if not best:
            self._report.doubt(f"that {who} saw this log: {policy.quorum}")
            return
        first, last = (self._about.first, self._about.last) if self._about else (0, self._tree.size - 1)
        end = min(last + 1, self._tree.size)
        at, until = self._times.get(best), self._times.get(end)
        when = f", the last of {written(at)}" if at else ""
        self._report.say("proven", f"{who} had seen the first {best} entries{when}")
        if best < end and not (at and until and until - at <= SLACK):
            unseen = f"entries {max(best, first)} to {end - 1} of the period"
            self._report.doubt(f"that {who} saw {unseen}")

    def _judge_kept(self, listed: Any) -> None:
        """Hold the list of who was given which checkpoint against the checkpoints and the answers."""
        items: list[Any] = listed if isinstance(listed, list) else [listed]
        for item in items:
            size, root, file = (
                map(item.get, ("size", "root", "file")) if isinstance(item, dict) else [None] * 3
            )
            if type(size) is not int or not isinstance(root, str) or not isinstance(file, str):
                raise Wrong("it is not a list of size, root and file")
            name = f"log/checkpoints/{size}.txt"
            point = self._points.get(name)
            if name in self._zip.members and (not point or point.root.hex() != root):
                raise Wrong(f"the root in it is not that of {name}")
            for needed in (name, file) if file else (name,):
                if needed not in self._zip.members:
                    self._report.blame(needed, f"it is missing, and {KEPT} names it")

    def _judge_cosigned(self, name: str, point: Point) -> None:
        """Verify the cosignatures of known witnesses: eight bytes of time, then the signature."""
        witnesses = self._policy.witnesses.values() if self._policy else ()
        known, found = {(key.name, key.number): key for key in witnesses}, 0
        for who, number, signature in point.note.signatures:
            if key := known.get((who, number)):
                at = int.from_bytes(signature[:8], "big")
                text = f"cosignature/v1\ntime {at}\n{point.note.text}"
                if len(signature) != 72 or at > MOST_NUMBER or not key.fits(text, signature[8:]):
                    raise Wrong(f"the cosignature of {key} does not fit")
                when = written(datetime.fromtimestamp(min(at, LAST_SECOND), timezone.utc))
                self._report.say("proven", f"{name}: {key} had seen these {point.size} entries at {when}")
                self._cosigned.setdefault(point.size, set()).add(key)
                found += 1
        if not found:
            self._report.say("unproven", f"{name}: who cosigned it: no key of a known witness fits")

    def _judge_stamp(self, name: str, checkpoint: str) -> None:
        """Verify a time-stamp: over the SHA-256 of the checkpoint beside it, and openssl accepts it."""
        token = self._zip.read(name)
        digest, at = read_stamp(token)
        try:
            data = self._zip.read(checkpoint)
        except Wrong:
            raise Wrong(f"{checkpoint}, which it should be over, cannot be read") from None
        if digest != hashlib.sha256(data).digest():
            raise Wrong(f"it is not over {checkpoint} as it stands in the binder")
        pems = sorted(file for file in self._zip.members if file.startswith(PEMS))
        authorities = b""
        for file in pems:
            with suppress(Wrong):  # is said where all files are hashed
                authorities += self._zip.read(file) + b"\n"
        seconds = int(at.timestamp())
        verdict = ask_openssl(token, data, authorities, seconds)
        if verdict is False:
            raise Wrong("openssl says that its signature does not fit")
        if verdict:
            text = f"{name}: {checkpoint} was there at {written(at)}, by an authority in {PEMS}"
            self._report.say("proven", text)
            return
        asked = f"-data {checkpoint} -in {name} -CAfile {pems[0] if pems else 'AUTHORITY.pem'}"
        text = f"{name}: it is over {checkpoint} and says {written(at)}; its signature was not checked: "
        self._report.say("unproven", f"{text}openssl ts -verify {asked} -attime {seconds}")

    def _hash_files(self) -> None:
        """Read every file once; of objects that are JSON, keep which objects they name."""
        total, done = sum(member.size for member in self._zip.members.values()), 0
        for name, member in self._zip.members.items():
            kept: list[bytes] = []
            wanted = name.startswith("objects/") and member.size <= MOST_JSON
            with self._report.about(name):
                done += member.size if name in self._zip.digests else 0
                for chunk in () if name in self._zip.digests else self._zip.chunks(name):
                    if wanted and (kept or chunk[:1] in (b"{", b"[")):
                        kept.append(chunk)
                    done += len(chunk)
                    self._tell(done, total)
                if name.startswith("objects/") and name != object_path(self._zip.digests[name].hex()):
                    raise Wrong("its bytes are not those that its name promises")
                self._keep_links(name, b"".join(kept))
        self._tell(total, total)

    def _keep_links(self, name: str, data: bytes) -> None:
        try:
            # A bare list of digests is what a field too long for its entry was moved to.
            found = list(named_objects(load_json(data), "object")) if data else []
        except Deep as problem:
            self._report.doubt(f"which objects {name} names: {problem}")
        except Wrong:
            return  # it is no JSON
        else:
            self._links.update({name: found} if found else {})

    def _judge_list(self) -> None:
        """Hold every file against SHA256SUMS: a SHA-256, two spaces and a name in a line, sorted by name."""
        left, last, faults = dict.fromkeys(self._zip.members), b"", self._report.faults
        with self._report.about(SUMS):
            lines = io.BytesIO(self._zip.read(SUMS, MOST_LIST))
            for number, line in enumerate(lines, start=1):
                match = re.fullmatch(rb"([0-9a-f]{64})  ([^\n]+)\n", line)
                if not match or match[2] <= last:
                    raise Wrong(f"line {number} is not a SHA-256 and a name, or it is not sorted")
                last, name = match[2], match[2].decode("utf-8", "replace")
                found = self._zip.digests.get(name)
                if name not in left:
                    self._report.blame(name, f"it is missing, and {SUMS} lists it")
                elif found and found.hex() != match[1].decode():
                    self._report.blame(name, f"it was changed: {SUMS} lists other bytes")
                left.pop(name, None)
            if not last:
                raise Wrong("it lists nothing")
            for name in left:
                if name not in (SUMS, SIGNED):
                    self._report.blame(name, f"it is not listed in {SUMS}")
        if self._report.faults == faults and len(self._zip.digests) == len(self._zip.members):
            text = f"files that are as {SUMS} lists them, none more, none less: {len(self._zip.members) - 2}"
            self._report.say("proven", text)

    def _judge_signature(self) -> None:
        """Verify the signature over SHA256SUMS and the log."""
        head, faults = self._points.get(HEAD), self._report.faults
        with self._report.about(SIGNED):
            note = read_note(self._zip.read(SIGNED))
            lines, signers = note.text.split("\n"), note.signers(self._keys)
            if len(lines) != 5 or lines[0] != FORMAT:
                raise Wrong("it is not the four lines of a binder's signature")
            if self._keys and can_sign and not signers:
                raise Wrong("no known key has signed it")
            if lines[1] != self._zip.digests.get(SUMS, b"").hex():
                self._report.blame(SUMS, f"it is not the list that was signed in {SIGNED}")
            if head and lines[2:4] != [str(head.size), base64.b64encode(head.root).decode()]:
                self._report.blame(HEAD, f"it is not the one that was signed in {SIGNED}")
            for key in sorted(signers) if self._report.faults == faults else ():
                self._report.say("proven", f"{key} signed {SUMS} together with size and root of the log")

    def _judge_objects(self) -> None:
        """Follow the objects that the period's entries name, and those that they name in turn."""
        todo, right = list(self._needed), 0
        while todo:
            name = todo.pop()
            if name not in self._zip.members:
                self._report.blame(name, f"it is missing, and entry {self._needed[name]} leads to it")
            right += object_path(self._zip.digests.get(name, b"").hex()) == name
            for other in self._links.get(name, ()):
                if other not in self._needed:
                    self._needed[other] = self._needed[name]
                    todo.append(other)
        if right == len(self._needed) and self._about:
            which = f"the entries from {self._about.first} to {self._about.last} lead to"
            self._report.say("proven", f"objects that {which}, there and unchanged: {right}")
        todo = list(self._also)
        while todo:
            further = set(self._links.get(todo.pop(), ())) - self._also
            self._also |= further
            todo += further
        for name in self._zip.members:
            if name.startswith("objects/") and name not in self._needed and name not in self._also:
                self._report.say("remarks", f"{name}: no entry of the log leads to it")

    def _judge_about(self) -> None:
        """Hold binder.json against the log."""
        about, head = self._about, self._points.get(HEAD)
        if not about or not head:
            return
        with self._report.about(ABOUT):
            if (about.origin, about.size) != (head.origin, head.size):
                raise Wrong(f"the log that it names is not that of {HEAD}")
            if about.root not in (head.root.hex(), base64.b64encode(head.root).decode()):
                raise Wrong(f"the root in it is not that of {HEAD}")
            first, last = self._period or (about.first, about.last)
            if not about.first <= first <= last <= about.last < head.size and self._period:
                said = f"{about.first} to {about.last}"
                raise Wrong(f"entries {first} to {last} are dated within its period, and it says {said}")
            self._report.say(
                "proven", f"{ABOUT} agrees with the log on its size, root and the period's entries"
            )

    def _say_what_is_left(self) -> None:
        """Say what nothing in the binder proves, and what would."""
        report, given = self._report, self._given
        if not can_sign:
            report.doubt("any signature: install the package cryptography and run this again")
        elif not self._keys:
            report.doubt(f"who signed anything: {VKEYS} has no key; give the one that you know with --vkey")
        elif not given.keys:
            text = (
                f"whose key {' and '.join(map(str, sorted(self._keys)))} is: it came with the binder itself"
            )
            report.say(
                "unproven", f"{text}; give the one that you received another way with --vkey or --policy"
            )
        if not given.kept:
            text = (
                "that the log was not rewritten before the binder was made, beyond what is proven of others"
            )
            report.say("unproven", f"{text}: a checkpoint that you kept shows it, with --checkpoint")
        if self._policy and self._policy.witnesses and not given.policy:
            text = f"whose the keys of the witnesses are: they came with the binder, in {POLICY}"
            report.say("unproven", f"{text}; give those that you know with --policy")
        if any(name.startswith(PEMS) for name in self._zip.members):
            report.say(
                "unproven", f"whose the certificates in {PEMS} are: compare them with the authority's own"
            )
        text = "that tables and pages follow from the evidence: `proofwatch reperform` judges it again"
        report.say("unproven", text)


# --- The command line --------------------------------------------------------------------------------------


def verify(path: Path, given: Given, tell: Callable[[int, int], None] = lambda done, total: None) -> Report:
    """Verify the binder at `path`. Raises OSError if it cannot be read."""
    report = Report()
    with path.open("rb") as file, report.about(path.name):
        binder = Zip(file, report)
        if not report.faults:
            text = f"files of the ZIP, which can be read in one way only: {len(binder.members)}"
            report.say("proven", text)
        Verification(binder, report, given, tell).run()
    return report


def show(report: Report, name: str) -> str:
    """Return the report for people."""
    verdict = {0: "nothing is wrong", 1: "SOMETHING IS WRONG", 3: "it cannot be told whether all is right"}
    text = f"{name}: {verdict[report.exit_code]}\n"
    titles = {"wrong": "Wrong", "proven": "Proven", "unproven": "Not proven", "remarks": "Remarks"}
    for key, title in titles.items():
        if lines := report.lists[key]:
            text += f"\n{title}\n" + "".join(f"  - {line}\n" for line in lines)
    return text + (f"\nFurther ones that are not listed: {report.hidden}\n" if report.hidden else "")


class Progress:
    """Tells on stderr how far it is, at most a hundred times."""

    last = -1

    def tell(self, done: int, total: int) -> None:
        """Take how many bytes of how many are read."""
        percent = 100 * done // max(total, 1) if done < total else 100
        if percent != self.last:
            self.last, end = percent, "\n" if percent == 100 else ""
            print(f"\r{percent} % of {total >> 20} MiB read", end=end, file=sys.stderr, flush=True)


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Verify a Proofwatch binder.")
    parser.add_argument("binder", type=Path, help="the ZIP")
    parser.add_argument("--checkpoint", type=Path, help="a checkpoint of this log that you kept")
    parser.add_argument(
        "--vkey", action="append", default=[], help="a key of the log that you know; also several"
    )
    parser.add_argument(
        "--policy", type=Path, help="a tlog-policy with the log and the witnesses that you know"
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    asked = parser.parse_args()
    try:
        policy = Policy(asked.policy.read_text("utf-8")) if asked.policy else None
        keys = [read_key(text, LOG_KEY) for text in asked.vkey] + (policy.logs if policy else [])
        kept = asked.checkpoint and (
            f"{asked.checkpoint.name}, which you kept",
            asked.checkpoint.read_bytes(),
        )
        report = verify(asked.binder, Given(keys, policy, kept), Progress().tell)
    except (OSError, Wrong, UnicodeDecodeError) as problem:
        parser.error(str(problem))
    body = {"exit_code": report.exit_code, **report.lists, "hidden": report.hidden}
    text = json.dumps(body, indent=1) if asked.json else show(report, asked.binder.name)
    sys.stdout.buffer.write(text.encode("utf-8") + b"\n")
    return report.exit_code


if __name__ == "__main__":
    sys.exit(main())
