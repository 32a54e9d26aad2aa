"""A binder's ZIP as somebody receives it: opened with suspicion, read with bounded memory.

Its form is in docs/binder.md. Names may not leave the folder that they would be unpacked into, stand twice,
or hide; a member inflates to exactly the size that it declares, or is refused.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType

from proofwatch.evidence.base import EvidenceError
from proofwatch.evidence.tiles import READING as READING_LOG
from proofwatch.evidence.tiles import TileLog

OPENING = "opening the binder"
CHUNK = 1 << 20
MOST_TEXT = 64 << 20
"""Bytes of a member that is read whole: SHA256SUMS of a million files, a tile, a note."""
OBJECTS = "objects/"
LOG = "log/"
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError)


class Bundle:
    """A ZIP, opened for reading. Nothing in it is trusted.

    Raises:
        EvidenceError: it cannot be opened, or its names are not those of a binder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._zip = zipfile.ZipFile(path)
        except _BROKEN as error:
            problem = str(getattr(error, "strerror", "") or error)
            raise EvidenceError(OPENING, f"{path}: {problem}", "Get it again, whole.") from None
        self._infos = self._named()

    def __enter__(self) -> Bundle:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self._zip.close()

    def _named(self) -> dict[str, zipfile.ZipInfo]:
        found: dict[str, zipfile.ZipInfo] = {}
        for info in self._zip.infolist():
            if why := _refused(info):
                raise EvidenceError(OPENING, f"{info.filename[:200]!r}: {why}", "Do not unpack it.")
            if info.filename in found:
                raise EvidenceError(
                    OPENING, f"{info.filename} stands twice in it", "Readers would not see the same file."
                )
            found[info.filename] = info
        return found

    @property
    def names(self) -> list[str]:
        """Return the names of all files, in the order of the ZIP."""
        return list(self._infos)

    def size(self, name: str) -> int:
        """Return the bytes that a file says it has; 0 where there is none."""
        info = self._infos.get(name)
        return info.file_size if info else 0

    def __contains__(self, name: str) -> bool:
        """Tell whether there is a file of that name."""
        return name in self._infos

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yield the bytes of a file.

        Raises:
            FileNotFoundError: there is none.
            EvidenceError: it is damaged, or longer than it says.
        """
        if name not in self._infos:
            raise FileNotFoundError(name)
        left = self._infos[name].file_size
        try:
            with self._zip.open(self._infos[name]) as file:
                while chunk := file.read(CHUNK):
                    left -= len(chunk)
                    if left < 0:
                        raise EvidenceError(f"reading {name}", "it is longer than it says")
                    yield chunk
        except _BROKEN as error:
            raise EvidenceError(f"reading {name}", f"it is damaged: {error}") from None
        if left:
            raise EvidenceError(f"reading {name}", "it is shorter than it says")

    def read(self, name: str, most: int = MOST_TEXT) -> bytes:
        """Return the bytes of a file. Raises as `chunks` does, and EvidenceError above `most` bytes."""
        if self.size(name) > most:
            raise EvidenceError(f"reading {name}", f"it has more than {most} bytes")
        return b"".join(self.chunks(name))

    def text(self, name: str) -> str:
        """Return a file as text. Raises as `read` does, and EvidenceError if it is not UTF-8."""
        try:
            return self.read(name).decode("utf-8")
        except UnicodeDecodeError:
            raise EvidenceError(f"reading {name}", "it is not UTF-8") from None


def _refused(info: zipfile.ZipInfo) -> str:
    """Return why a member has no place in a binder; "" if it has."""
    name, kind = info.filename, stat.S_IFMT(info.external_attr >> 16)
    parts = name.split("/")
    if info.orig_filename != name or "\\" in name or any(ord(char) < 0x20 for char in name):
        return "its name holds a backslash or a control character"
    if name.startswith("/") or ":" in parts[0] or "" in parts or ".." in parts or "." in parts:
        return "its name does not lie in the folder of the binder"
    if kind not in (0, stat.S_IFREG):
        return "it is no plain file"
    if info.flag_bits & 0x1:
        return "it is encrypted"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "it is compressed in a way that a binder does not use"
    return ""


class BundleLog(TileLog):
    """The log in a binder."""

    where = "the binder"

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle

    def file(self, name: str) -> bytes:
        """Return the bytes of a file of the log."""
        try:
            return self._bundle.read(LOG + name)
        except FileNotFoundError:
            raise
        except EvidenceError as error:
            raise EvidenceError(READING_LOG, f"{LOG}{name}: {error.problem}") from None


class BundleObjects:
    """The objects in a binder; satisfies `evidence.objects.ObjectStore`, and takes none.

    Args:
        bundle: the binder.
        work: folder for copies that an engine can open; they are as short-lived as it.
        proven: digests that were hashed already while the whole binder was read.
    """

    def __init__(self, bundle: Bundle, work: Path, proven: Iterable[str] = ()) -> None:
        self._bundle, self._work, self._proven = bundle, work, frozenset(proven)

    def put(self, data: bytes) -> str:
        """Refuse: a binder is only read."""
        raise EvidenceError("writing into a binder", "it is only read")

    def put_file(self, path: Path) -> str:
        """Refuse: a binder is only read."""
        raise EvidenceError("writing into a binder", "it is only read")

    def get(self, digest: str) -> bytes:
        """Return the bytes, proven against `digest`."""
        data = b"".join(self._read(digest))
        if hashlib.sha256(data).hexdigest() != digest:
            raise _changed(digest)
        return data

    def path(self, digest: str) -> Path:
        """Return a local copy, proven against `digest`."""
        target = self._work / digest
        if target.exists():
            return target
        hasher = hashlib.sha256()
        descriptor, temporary = tempfile.mkstemp(dir=self._work)
        try:
            with os.fdopen(descriptor, "wb") as file:
                for chunk in self._read(digest):
                    hasher.update(chunk)
                    file.write(chunk)
            if hasher.hexdigest() != digest:
                raise _changed(digest)
            Path(temporary).rename(target)
        finally:
            Path(temporary).unlink(missing_ok=True)
        return target

    def prove(self, digest: str, most: int = 0) -> bytes:
        """Prove an object; return its bytes if it is JSON of at most `most` bytes, else b""."""
        chunks = self._read(digest)
        first = next(chunks, b"")
        wanted = first[:1] in (b"{", b"[") and self._bundle.size(object_name(digest)) <= most
        if digest in self._proven and not wanted:
            return b""
        hasher, kept = hashlib.sha256(first), [first]
        for chunk in chunks:
            hasher.update(chunk)
            if wanted:
                kept.append(chunk)
        if hasher.hexdigest() != digest:
            raise _changed(digest)
        return b"".join(kept) if wanted else b""

    def digests(self) -> Iterator[str]:
        """Yield the name of every object."""
        for name in self._bundle.names:
            if name.startswith(OBJECTS):
                yield name.removeprefix(OBJECTS).replace("/", "")

    def _read(self, digest: str) -> Iterator[bytes]:
        try:
            yield from self._bundle.chunks(object_name(digest))
        except FileNotFoundError:
            problem = f"{object_name(digest)} is not in the binder"
            raise EvidenceError(f"reading object {digest}", problem, "Ask for a whole binder.") from None


def object_name(digest: str) -> str:
    """Return where an object is in a binder."""
    return f"{OBJECTS}{digest[:2]}/{digest[2:]}"


def _changed(digest: str) -> EvidenceError:
    problem = f"the bytes of {object_name(digest)} are not those that its name promises"
    return EvidenceError(f"reading object {digest}", problem, "Ask for the binder again.")
