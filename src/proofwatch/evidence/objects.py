"""Write-once objects named by the SHA-256 of their bytes, in a local folder or in S3.

Durable once `put` returns. The same bytes again is success. Whoever can write to the folder or the bucket can
add objects and destroy objects, but cannot make a name mean other bytes: every reading hashes again.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from proofwatch.evidence.base import EvidenceError

if TYPE_CHECKING:
    from obstore.store import ClientConfig, S3Config

CHUNK = 1 << 20


class ObjectStore(Protocol):
    """What both stores offer; satisfies `snapshots.base.Objects`."""

    def put(self, data: bytes) -> str:
        """Store bytes; return their SHA-256 in hex."""
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

    def digests(self) -> Iterator[str]:
        """Yield the name of every object, in no particular order."""
        ...


def open_objects(where: str, *, cache: Path, options: Mapping[str, str] | None = None) -> ObjectStore:
    """Open `s3://bucket/prefix` or a folder.

    Args:
        where: the place.
        cache: local folder for what S3 hands out; may be emptied at any time.
        options: for S3: `endpoint` of a server that is not AWS's.
    """
    if where.startswith("s3://"):
        return S3Objects(where, cache, options or {})
    if "://" in where and not where.startswith("file://"):
        scheme = where.partition("://")[0]
        raise EvidenceError(
            "opening the object store",
            f"{scheme}:// is not supported",
            "Name a folder or s3://bucket/prefix.",
        )
    return LocalObjects(Path(where.removeprefix("file://")))


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
        if not self._present(digest, len(data)):
            self._write(digest, iter((data,)))
        return digest

    def put_file(self, path: Path) -> str:
        """Store a file's bytes without holding them in memory; return their SHA-256 in hex."""
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                if not self._present(digest, path.stat().st_size):
                    file.seek(0)
                    self._write(digest, iter(lambda: file.read(CHUNK), b""))
        except OSError as error:
            raise EvidenceError(f"storing {path.name}", error.strerror or str(error)) from None
        return digest

    def get(self, digest: str) -> bytes:
        """Return the bytes, proven against `digest`."""
        try:
            data = self._name(digest).read_bytes()
        except OSError as error:
            raise _absent(digest, error) from None
        return _proven(digest, data)

    def path(self, digest: str) -> Path:
        """Return the file itself, proven against `digest`."""
        name = self._name(digest)
        try:
            with name.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise _absent(digest, error) from None
        if found != digest:
            raise _changed(digest)
        return name

    def digests(self) -> Iterator[str]:
        """Yield the name of every object."""
        for folder in sorted(self.folder.glob("[0-9a-f][0-9a-f]")):
            yield from (folder.name + file.name for file in sorted(folder.iterdir()) if len(file.name) == 62)

    def _name(self, digest: str) -> Path:
        return self.folder / _checked(digest)[:2] / digest[2:]

    def _present(self, digest: str, length: int) -> bool:
        """Tell whether the object is there whole; other bytes under its name are an error, never replaced."""
        name = self._name(digest)
        if not name.exists():
            return False
        with name.open("rb") as file:
            whole = hashlib.file_digest(file, "sha256").hexdigest() == digest
        if not whole or name.stat().st_size != length:
            raise _changed(digest)
        return True

    def _write(self, digest: str, chunks: Iterator[bytes]) -> None:
        name = self._name(digest)
        try:
            self._make_folder(name.parent)
            descriptor, temporary = tempfile.mkstemp(dir=name.parent, prefix=".new-")
            try:
                with os.fdopen(descriptor, "wb") as file:
                    for chunk in chunks:
                        file.write(chunk)
                    file.flush()
                    os.fchmod(file.fileno(), 0o444)
                    os.fsync(file.fileno())
                try:
                    os.link(temporary, name)
                except FileExistsError:
                    self._present(digest, Path(temporary).stat().st_size)
            finally:
                Path(temporary).unlink(missing_ok=True)
            _sync_folder(name.parent)
        except OSError as error:
            raise EvidenceError(
                f"storing object {digest}",
                error.strerror or str(error),
                f"Make {self.folder} writable, with room.",
            ) from None

    def _make_folder(self, folder: Path) -> None:
        if not folder.exists():
            folder.mkdir(parents=True, exist_ok=True)
            _sync_folder(folder.parent)


class S3Objects:
    """Objects in a bucket, created conditionally (`If-None-Match`), so that nothing is ever overwritten."""

    def __init__(self, where: str, cache: Path, options: Mapping[str, str]) -> None:
        bucket, _, prefix = where.removeprefix("s3://").partition("/")
        if not bucket:
            raise EvidenceError(
                "opening the object store", f"{where} names no bucket", "Write s3://bucket/prefix."
            )
        self._where = where
        self._store = _s3_store(bucket, prefix.strip("/"), options)
        self._cache = LocalObjects(cache)

    def put(self, data: bytes) -> str:
        """Store bytes; return their SHA-256 in hex."""
        digest = hashlib.sha256(data).hexdigest()
        self._create(digest, data)
        return digest

    def put_file(self, path: Path) -> str:
        """Store a file. It is read whole: one conditional request has no multipart form."""
        return self.put(path.read_bytes())

    def get(self, digest: str) -> bytes:
        """Return the bytes, proven against `digest`."""
        import obstore
        from obstore.exceptions import BaseError

        try:
            data = bytes(obstore.get(self._store, _key(digest)).bytes())
        except (BaseError, FileNotFoundError, OSError) as error:
            raise _absent(digest, error) from None
        return _proven(digest, data)

    def path(self, digest: str) -> Path:
        """Return a cached copy, proven against `digest`."""
        try:
            return self._cache.path(digest)
        except EvidenceError:
            damaged = self._cache.folder / digest[:2] / digest[2:]
            damaged.unlink(missing_ok=True)
        self._cache.put(self.get(digest))
        return self._cache.path(digest)

    def digests(self) -> Iterator[str]:
        """Yield the name of every object."""
        import obstore

        for page in obstore.list(self._store):
            for item in page:
                yield str(item["path"]).replace("/", "")

    def _create(self, digest: str, data: bytes) -> None:
        import obstore
        from obstore.exceptions import AlreadyExistsError, BaseError

        try:
            obstore.put(self._store, _key(digest), data, mode="create", use_multipart=False)
        except (AlreadyExistsError, FileExistsError):
            if self.get(digest) != data:
                raise _changed(digest) from None
        except (BaseError, OSError) as error:
            problem = " ".join(str(error).split())[:300]
            raise EvidenceError(
                f"storing object {digest} in {self._where}",
                problem,
                "Check the bucket and its rights.",
                permanent=False,
            ) from None


def _s3_store(bucket: str, prefix: str, options: Mapping[str, str]) -> Any:
    from obstore.store import S3Store

    config: dict[str, Any] = {"checksum_algorithm": "SHA256", "conditional_put": "etag"}
    for name, variable in (
        ("access_key_id", "AWS_ACCESS_KEY_ID"),
        ("secret_access_key", "AWS_SECRET_ACCESS_KEY"),
        ("session_token", "AWS_SESSION_TOKEN"),
        ("region", "AWS_REGION"),
    ):
        if os.environ.get(variable):
            config[name] = os.environ[variable]
    config.setdefault("region", os.environ.get("AWS_DEFAULT_REGION", "us-east-1"))
    client: dict[str, Any] = {}
    if options.get("endpoint"):
        config["endpoint"] = options["endpoint"]
        client["allow_http"] = options["endpoint"].startswith("http://")
    return S3Store(
        bucket,
        prefix=prefix or None,
        config=cast("S3Config", config),
        client_options=cast("ClientConfig", client),
    )


def _key(digest: str) -> str:
    return f"{_checked(digest)[:2]}/{digest[2:]}"


def _checked(digest: str) -> str:
    if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
        raise EvidenceError("looking for an object", f"{digest!r} is not a SHA-256 in lower-case hex")
    return digest


def _proven(digest: str, data: bytes) -> bytes:
    if hashlib.sha256(data).hexdigest() != digest:
        raise _changed(digest)
    return data


def _absent(digest: str, error: Exception) -> EvidenceError:
    missing = isinstance(error, FileNotFoundError)
    problem = "it is not in the store" if missing else " ".join(str(error).split())[:300]
    return EvidenceError(f"reading object {digest}", problem, "Restore it from a copy." if missing else "")


def _changed(digest: str) -> EvidenceError:
    return EvidenceError(
        f"reading object {digest}",
        "its bytes are not those that its name promises",
        "Restore it from a copy.",
    )


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
