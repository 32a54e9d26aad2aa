"""A binder's ZIP as somebody receives it: opened with suspicion, read with bounded memory.

Its form is in docs/binder.md; the rules for the ZIP itself are in `zip_shape`.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType

from proofwatch.evidence.base import EvidenceError
from proofwatch.evidence.tiles import READING as READING_LOG
from proofwatch.evidence.tiles import TileLog
from proofwatch.evidence.zip_shape import StrictZip

MOST_TEXT = 64 << 20
"""Bytes of a member that is read whole: SHA256SUMS of a million files, a tile, a note."""
OBJECTS = "objects/"
LOG = "log/"


class Bundle:
    """A ZIP, opened for reading. Nothing in it is trusted.

    Raises:
        EvidenceError: it cannot be opened, or is not of the one form that a binder has.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._zip = StrictZip(path)

    def __enter__(self) -> Bundle:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self._zip.close()

    @property
    def names(self) -> list[str]:
        """Return the names of all files, in the order of the ZIP."""
        return list(self._zip.members)

    def size(self, name: str) -> int:
        """Return the bytes that a file says it has; 0 where there is none."""
        member = self._zip.members.get(name)
        return member.size if member else 0

    def __contains__(self, name: str) -> bool:
        """Tell whether there is a file of that name."""
        return name in self._zip.members

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yield the bytes of a file.

        Raises:
            FileNotFoundError: there is none.
            EvidenceError: it is damaged, or longer or shorter than it says.
        """
        if name not in self._zip.members:
            raise FileNotFoundError(name)
        yield from self._zip.chunks(name)

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
