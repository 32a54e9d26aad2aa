"""Write-once objects named by the SHA-256 of their bytes, in a local folder or in S3.

Durable once `put` returns. The same bytes again is success. Whoever can write to the folder or the bucket can
add objects and destroy objects, but cannot make a name mean other bytes: every reading hashes again.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from proofwatch.evidence.base import Absent, EvidenceError
from proofwatch.evidence.bucket import s3_store, short
from proofwatch.evidence.creating import create
from proofwatch.evidence.durable import link, make_folder, sync

CHUNK = 1 << 20
_DIGEST = re.compile(r"[0-9a-f]{64}")
_TRAVELS = frozenset({"endpoint", "endpoint_url", "region"})
"""The options of a bucket that a worker is told."""

History = Callable[[str], str]
"""Says in half a sentence what a bucket knows of a key that is missing or changed; "" for nothing."""


class ObjectStore(Protocol):
    """What every store offers; satisfies `snapshots.base.Objects`."""

    def put(self, data: bytes) -> str:
        """Store bytes; return their SHA-256 in hex. Raises EvidenceError if they could not be stored."""
        ...

    def put_file(self, path: Path) -> str:
        """Store a file's bytes without holding them in memory; return their SHA-256 in hex."""
        ...

    def get(self, digest: str) -> bytes:
        """Return the bytes, proven against `digest`. Raises EvidenceError if absent or changed."""
        ...

    def path(self, digest: str) -> Path:
        """Return a local read-only path to the bytes, proven against `digest`."""
        ...

    def prove(self, digest: str, most: int = 0) -> bytes:
        """Prove the stored bytes themselves, never a cached copy, with bounded memory.

        Returns:
            the bytes if there are at most `most` of them, else b"".

        Raises:
            EvidenceError: they are absent, changed or cannot be read.
        """
        ...

    def digests(self) -> Iterator[str]:
        """Yield the name of every object, in no particular order."""
        ...


class OwnStore(ObjectStore, Protocol):
    """What our own folder or bucket offers beyond that. Neither has a way to delete."""

    def chunks(self, digest: str) -> Iterator[bytes]:
        """Yield the bytes piece by piece. Raises EvidenceError if absent, or at their end if changed."""
        ...

    def sizes(self) -> Iterator[tuple[str, int]]:
        """Yield the name of every object with its length in bytes, in no particular order."""
        ...


def open_objects(
    where: str, *, cache: Path, options: Mapping[str, str] | None = None, history: History | None = None
) -> OwnStore:
    """Open `s3://bucket/prefix` or a folder (a path, or `file:///path`).

    Args:
        where: the place.
        cache: local folder for what S3 hands out; may be emptied at any time.
        options: for S3: obstore's settings (`endpoint`, `region`, `access_key_id` …), or the same under
            AWS's names (`AWS_ENDPOINT_URL`, `AWS_REGION` …). What is not given comes from the environment.
        history: for S3: asked about an object that is missing or changed, for what its error says.

    Raises:
        EvidenceError: the place is of another kind, or the options are not understood.
    """
    scheme, separator, _ = where.partition("://")
    if not separator:
        return LocalObjects(Path(where))
    if scheme == "s3":
        return S3Objects(where, cache, options or {}, history)
    parts = urlsplit(where)
    if scheme == "file" and parts.netloc in ("", "localhost") and parts.path:
        return LocalObjects(Path(unquote(parts.path)))
    problem = f"{where} is not supported" if scheme == "file" else f"{scheme}:// is not supported"
    raise EvidenceError("opening the object store", problem, "Name a folder or s3://bucket/prefix.")


class LocalObjects:
    """Objects in a folder: `ab/cdef…`, read-only files.

    Plain system calls, because durability needs what object-store libraries leave out: the bytes and then
    the directory are flushed to disk before `put` returns, and `link` never replaces what is there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, data: bytes) -> str:
        """Store bytes; return their SHA-256 in hex."""
        digest = hashlib.sha256(data).hexdigest()
        with self._storing(digest):
            if not self._present(digest):
                self._write(digest, (data,))
        return digest

    def put_file(self, path: Path) -> str:
        """Store a file's bytes without holding them in memory; return their SHA-256 in hex."""
        with _source(path) as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            with self._storing(digest):
                if not self._present(digest):
                    file.seek(0)
                    self._write(digest, iter(lambda: file.read(CHUNK), b""))
        return digest

    def get(self, digest: str) -> bytes:
        """Return the bytes, proven against `digest`."""
        return b"".join(self.chunks(digest))

    def chunks(self, digest: str) -> Iterator[bytes]:
        """Yield the bytes piece by piece, proven at their end."""
        return _proven(digest, self._read(digest))

    def path(self, digest: str) -> Path:
        """Return the file itself, proven against `digest`."""
        self.prove(digest)
        return self.name(digest)

    def prove(self, digest: str, most: int = 0) -> bytes:
        """Prove the file; return its bytes if there are at most `most`. See `ObjectStore.prove`."""
        return _prove(self.chunks(digest), most)

    def digests(self) -> Iterator[str]:
        """Yield the name of every object."""
        return (digest for digest, _ in self.sizes())

    def sizes(self) -> Iterator[tuple[str, int]]:
        """Yield the name of every object with its length."""
        for folder in sorted(self.folder.glob("[0-9a-f][0-9a-f]")):
            for file in sorted(folder.iterdir()):
                if _DIGEST.fullmatch(folder.name + file.name):
                    yield folder.name + file.name, file.stat().st_size

    def name(self, digest: str) -> Path:
        """Return where an object is, or would be. Raises EvidenceError if `digest` is no SHA-256."""
        return self.folder / _checked(digest)[:2] / digest[2:]

    def keep(self, digest: str, chunks: Iterable[bytes]) -> Path:
        """Store the bytes that `digest` promises, in chunks. Raises EvidenceError if they are others."""
        with self._storing(digest):
            self._write(digest, chunks)
        return self.name(digest)

    def _read(self, digest: str) -> Iterator[bytes]:
        try:
            with self.name(digest).open("rb") as file:
                yield from iter(lambda: file.read(CHUNK), b"")
        except OSError as error:
            raise _unread(digest, error) from None

    def _present(self, digest: str) -> bool:
        """Tell whether the object is there whole; other bytes under its name are an error, never replaced."""
        name = self.name(digest)
        if not name.exists():
            return False
        self.prove(digest)
        sync(name.parent)  # another process may have linked it and not come so far
        return True

    def _write(self, digest: str, chunks: Iterable[bytes]) -> None:
        name = self.name(digest)
        make_folder(name.parent)
        descriptor, temporary = tempfile.mkstemp(dir=name.parent, prefix=".new-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                for chunk in _proven(digest, chunks):
                    file.write(chunk)
                file.flush()
                os.fchmod(file.fileno(), 0o444)
                os.fsync(file.fileno())
            if not link(temporary, name):
                self.prove(digest)
        finally:
            Path(temporary).unlink(missing_ok=True)
        sync(name.parent)

    @contextmanager
    def _storing(self, digest: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            remedy = f"Make {self.folder} writable, with room."
            raise EvidenceError(f"storing object {digest}", error.strerror or str(error), remedy) from None


class S3Objects:
    """Objects in a bucket, created conditionally (`If-None-Match`), so that nothing is ever overwritten.

    A server that ignores the condition may keep the same object twice; see `evidence.creating`.

    Each is one PUT with its SHA-256 as checksum, as buckets with Object Lock demand: 5 GB at most.
    """

    def __init__(
        self, where: str, cache: Path, options: Mapping[str, str], history: History | None = None
    ) -> None:
        bucket, _, prefix = where.removeprefix("s3://").partition("/")
        if not bucket:
            problem = f"{where} names no bucket"
            raise EvidenceError("opening the object store", problem, "Write s3://bucket/prefix.")
        self._where, self._options = where, dict(options)
        self._store = s3_store(bucket, prefix.strip("/"), options)
        self._writing = s3_store(bucket, prefix.strip("/"), options, patient=False)
        self._cache = LocalObjects(cache)
        self._history = history

    def __reduce__(self) -> tuple[object, ...]:
        """Leave keys behind on the way to a worker: it has its own, from its environment."""
        told = {
            name: value
            for name, value in self._options.items()
            if name.lower().removeprefix("aws_") in _TRAVELS
        }
        return (S3Objects, (self._where, self._cache.folder, told))

    def fetching_to(self, folder: Path) -> S3Objects:
        """Return the same objects, handed out from another folder."""
        return S3Objects(self._where, folder, self._options, self._history)

    def put(self, data: bytes) -> str:
        """Store bytes; return their SHA-256 in hex."""
        digest = hashlib.sha256(data).hexdigest()
        self._create(digest, data)
        return digest

    def put_file(self, path: Path) -> str:
        """Store a file, mapped into memory and not read into it; return its SHA-256 in hex."""
        with _source(path) as file:
            if not os.fstat(file.fileno()).st_size:
                return self.put(b"")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
                digest = hashlib.sha256(mapped).hexdigest()
                self._create(digest, mapped)
        return digest

    def get(self, digest: str) -> bytes:
        """Return the bytes, proven against `digest`."""
        return b"".join(self.chunks(digest))

    def chunks(self, digest: str) -> Iterator[bytes]:
        """Yield the bytes piece by piece, proven at their end."""
        try:
            yield from _proven(digest, self._read(digest))
        except EvidenceError as error:
            known = self._history(digest) if self._history and error.permanent else ""
            if not known:
                raise
            raise type(error)(error.doing, f"{error.problem}; {known}", error.remedy) from None

    def path(self, digest: str) -> Path:
        """Return a cached copy, proven against `digest`."""
        copy = self._cache.name(digest)
        if copy.exists():
            try:
                return self._cache.path(digest)
            except EvidenceError:
                copy.unlink(missing_ok=True)
        return self._cache.keep(digest, self.chunks(digest))

    def prove(self, digest: str, most: int = 0) -> bytes:
        """Prove the object in the bucket; see `ObjectStore.prove`."""
        return _prove(self.chunks(digest), most)

    def digests(self) -> Iterator[str]:
        """Yield the name of every object."""
        return (digest for digest, _ in self.sizes())

    def sizes(self) -> Iterator[tuple[str, int]]:
        """Yield the name of every object with its length."""
        import obstore
        from obstore.exceptions import BaseError

        try:
            for page in obstore.list(self._store):
                names = ((str(item["path"]).replace("/", ""), item["size"]) for item in page)
                yield from (found for found in names if _DIGEST.fullmatch(found[0]))
        except (BaseError, OSError) as error:
            raise EvidenceError(f"listing {self._where}", short(error), permanent=False) from None

    def _read(self, digest: str) -> Iterator[bytes]:
        import obstore
        from obstore.exceptions import BaseError

        try:
            found = obstore.get(self._store, _key(digest))
            yield from (bytes(chunk) for chunk in found.stream(min_chunk_size=CHUNK))
        except (BaseError, OSError) as error:
            raise _unread(digest, error) from None

    def _create(self, digest: str, data: Any) -> None:
        from obstore.exceptions import BaseError

        try:
            create(self._writing, _key(digest), data, lambda: self.prove(digest))
        except (BaseError, OSError) as error:
            doing, remedy = f"storing object {digest} in {self._where}", "Check the bucket and its rights."
            raise EvidenceError(doing, short(error), remedy, permanent=False) from None


def _key(digest: str) -> str:
    return f"{_checked(digest)[:2]}/{digest[2:]}"


def _checked(digest: str) -> str:
    if not _DIGEST.fullmatch(digest):
        raise EvidenceError("looking for an object", f"{digest!r} is not a SHA-256 in lower-case hex")
    return digest


def _proven(digest: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Pass the bytes on; raise EvidenceError at their end if they are not those that `digest` promises."""
    hasher = hashlib.sha256()
    for chunk in chunks:
        hasher.update(chunk)
        yield chunk
    if hasher.hexdigest() != digest:
        problem = "its bytes are not those that its name promises"
        raise EvidenceError(f"reading object {digest}", problem, "Restore it from a copy.")


def _prove(chunks: Iterable[bytes], most: int) -> bytes:
    kept, size = [], 0
    for chunk in chunks:
        size += len(chunk)
        if size <= most:
            kept.append(chunk)
        else:
            kept.clear()
    return b"".join(kept)


def _unread(digest: str, error: Exception) -> EvidenceError:
    from obstore.exceptions import NotFoundError

    doing = f"reading object {digest}"
    if isinstance(error, FileNotFoundError | NotFoundError):
        return Absent(doing, "it is not in the store", "Restore it from a copy.")
    return EvidenceError(doing, short(error), permanent=False)


@contextmanager
def _source(path: Path) -> Iterator[Any]:
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise EvidenceError(f"storing {path.name}", error.strerror or str(error)) from None
