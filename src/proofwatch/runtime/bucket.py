"""What the workers of one sweep leave for each other in a bucket, where they have no folder in common.

It is no evidence: the parts are read into snapshots and are not needed afterwards. So it wants a bucket
without Object Lock, with a rule that removes what is older than some days.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import shutil
import tempfile
import uuid
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from proofwatch.evidence.base import EvidenceError
from proofwatch.evidence.bucket import s3_store
from proofwatch.snapshots.base import Part, SnapshotError
from proofwatch.snapshots.exchange import NOTHING, nothing
from proofwatch.snapshots.tasks import own_folder

CHUNK = 1 << 20
DOING = "exchanging what was read"
_PART = re.compile(r"[0-9a-f]{32}-([0-9a-f]{64})\.ndjson")


@dataclass(frozen=True, slots=True)
class Bucket:
    """Parts and records of one sweep in a bucket. Records are created conditionally: the first one counts.

    Attributes:
        where: `s3://bucket/prefix`.
        sweep: whose they are.
        options: obstore's settings beyond the environment: `endpoint`.
        own: folder of the process that leads the sweep; workers have one of their own.
    """

    where: str
    sweep: str
    options: Mapping[str, str] = field(default_factory=dict)
    own: Path | None = None

    def __reduce__(self) -> tuple[object, ...]:
        """Leave the leader's folder behind on the way to a worker."""
        return (Bucket, (self.where, self.sweep, dict(self.options)))

    def folder(self) -> Path:
        """Return this machine's own folder for the sweep; it exists."""
        path = self.own or own_folder() / self.sweep
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path

    def record(self, name: str) -> bytes | None:
        """Return the record of that name, or None."""
        return self._get(f"records/{name}")

    def send(self, part: Part) -> str:
        """Send a part under a name of its own, and drop the file.

        Raises:
            SnapshotError: the bucket does not take it.
        """
        import obstore
        from obstore.exceptions import BaseError

        try:
            with tempfile.TemporaryFile(dir=self.folder()) as packed:
                name = f"{uuid.uuid4().hex}-{_pack(part.path, packed)}.ndjson"
                size = packed.tell()
                packed.seek(0)
                obstore.put(self._store, self._key(f"parts/{name}"), packed, use_multipart=size > CHUNK)
        except (BaseError, OSError) as error:
            raise _unusable(error) from None
        finally:
            part.path.unlink(missing_ok=True)
        return name

    def leave(self, name: str, record: bytes) -> bytes:
        """Leave a record where there is none; return the one that counts.

        Raises:
            SnapshotError: the bucket does not take it.
        """
        import obstore
        from obstore.exceptions import AlreadyExistsError, BaseError

        try:
            obstore.put(self._store, self._key(f"records/{name}"), record, mode="create")
        except (AlreadyExistsError, FileExistsError):
            return self._first(name)
        except (BaseError, OSError) as error:
            raise _unusable(error) from None
        return record

    def fetch(self, part: str) -> Path:
        """Return a copy of a part on this machine, proven by the digest in its name.

        Raises:
            SnapshotError: it is not there, or its bytes are others.
        """
        folder = self.folder()
        if part == NOTHING:
            return nothing(folder)
        path = folder / part
        if path.resolve().is_relative_to(folder.resolve()) and path.exists():
            return path
        digest = _PART.fullmatch(part)
        if digest is None:
            raise SnapshotError(DOING, f"a record of sweep {self.sweep} names no part", permanent=False)
        temporary = folder / f"{part}.{uuid.uuid4().hex}.tmp"
        try:
            with temporary.open("wb") as file:
                if self._unpack(part, file) != digest[1]:
                    raise SnapshotError(DOING, f"a part of sweep {self.sweep} is damaged", permanent=False)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        return path

    def release(self, fetched: Path) -> None:
        """Remove a worker's copy; whoever leads the sweep clears its folder at the end."""
        if self.own is None and _PART.fullmatch(fetched.name):
            fetched.unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove what lies on this machine. The bucket's own rule removes the rest: we never delete there."""
        shutil.rmtree(self.folder(), ignore_errors=True)

    def _first(self, name: str) -> bytes:
        found = self.record(name)
        if found is None:
            raise SnapshotError(DOING, f"the record of {name} is gone", permanent=False)
        return found

    def _get(self, name: str) -> bytes | None:
        import obstore
        from obstore.exceptions import BaseError, NotFoundError

        try:
            return bytes(obstore.get(self._store, self._key(name)).bytes())
        except (NotFoundError, FileNotFoundError):
            return None
        except (BaseError, OSError) as error:
            raise _unusable(error) from None

    def _unpack(self, part: str, target: Any) -> str:
        """Write a part's bytes as they come; return their SHA-256, "" if they are not packed as ours are."""
        import obstore
        from obstore.exceptions import BaseError

        hasher, packed = hashlib.sha256(), zlib.decompressobj(31)
        try:
            for chunk in obstore.get(self._store, self._key(f"parts/{part}")).stream(min_chunk_size=CHUNK):
                data = packed.decompress(bytes(chunk))
                hasher.update(data)
                target.write(data)
        except (BaseError, FileNotFoundError) as error:
            raise _unusable(error) from None
        except zlib.error:
            return ""
        return hasher.hexdigest() if packed.eof else ""

    def _key(self, name: str) -> str:
        return f"{self.sweep}/{name}".rstrip("/")

    @property
    def _store(self) -> Any:
        return _store(self.where, tuple(sorted(self.options.items())))


@lru_cache(maxsize=4)
def _store(where: str, options: tuple[tuple[str, str], ...]) -> Any:
    bucket, _, prefix = where.removeprefix("s3://").partition("/")
    try:
        return s3_store(bucket, prefix.strip("/"), dict(options))
    except EvidenceError as error:
        raise SnapshotError(DOING, error.problem, error.remedy) from None


def _pack(path: Path, target: Any) -> str:
    """Write a file's bytes packed; return the SHA-256 of the bytes themselves."""
    hasher = hashlib.sha256()
    packed = gzip.GzipFile(fileobj=target, mode="wb", compresslevel=1, mtime=0)
    with path.open("rb") as source, packed:
        for chunk in iter(lambda: source.read(CHUNK), b""):
            hasher.update(chunk)
            packed.write(chunk)
    return hasher.hexdigest()


def _unusable(error: Exception) -> SnapshotError:
    problem = f"the bucket cannot be used: {' '.join(str(error).split())[:300]}"
    return SnapshotError(DOING, problem, "Check PROOFWATCH_EXCHANGE and its rights.", permanent=False)
