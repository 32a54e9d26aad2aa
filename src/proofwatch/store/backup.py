"""Make a backup: the state as rows, the objects, what lies beside them, in one file.

The log's entry `backup.made` comes before the copy, and is signed before it, so that the copy has both. Were
it written afterwards, every restore would begin with a log that lacks an entry which was signed, and whoever
keeps checkpoints outside would have to refuse all that follows. That the copy was finished is what its own
signed manifest says; that it was not, a later entry of the log.
"""

from __future__ import annotations

import base64
import json
import re
import sqlite3
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from django.db import connection

from proofwatch import __version__
from proofwatch.errors import ProofwatchError
from proofwatch.evidence.base import EvidenceError
from proofwatch.evidence.entry import named_objects
from proofwatch.evidence.merkle import Frontier
from proofwatch.evidence.named import MOST_JSON, Named, named_in
from proofwatch.evidence.note import Signer
from proofwatch.evidence.objects import OwnStore
from proofwatch.store import copying, django, log
from proofwatch.store import manifest as manifests
from proofwatch.store.archive import Writer, is_name, new_file
from proofwatch.store.manifest import Manifest, Progress
from proofwatch.store.models import Checkpoint, LogHead

LEFT_OUT = ("django_session", "usersessions_usersession")
"""Who has the name of a session is signed in; after a restore everybody signs in again."""
PART = 4 << 30
"""Bytes of rows in one file, about."""
MOST_NAMED = 200
_DIGEST = re.compile(rb"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Files:
    """Where the files beside the state are: folders of own checks and of exports, and the two keys."""

    checks: Path
    exports: Path
    log_key: Path
    web_key: Path

    @property
    def folders(self) -> dict[str, Path]:
        """Return first part of a name in a backup → folder."""
        return {"checks": self.checks, "exports": self.exports}

    @property
    def keys(self) -> dict[str, Path]:
        """Return name in a backup → file."""
        return {"keys/log.skey": self.log_key, "keys/web.secret": self.web_key}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a backup is to hold, and who makes it.

    Attributes:
        url: of the database; it is in use already.
        objects: the store to be copied; None leaves the objects (and exports) out.
        files: the files beside the state.
        keys: whether the private keys are copied, too.
        actor: who asked for it.
        now: when.
    """

    url: str
    objects: OwnStore | None
    files: Files
    keys: bool
    actor: str
    now: datetime


def make(path: Path, wanted: Wanted, signer: Signer, progress: Progress) -> tuple[Manifest, str]:
    """Write a backup; return its manifest and the manifest's SHA-256. The state goes on meanwhile.

    Args:
        path: of the new file; it gets its name only once it is whole and on disk.
        wanted: what is to be in it.
        signer: the log's key.
        progress: called with (stage, done, total).

    Raises:
        StoreError: the file is there already, or the state cannot be read.
        EvidenceError: the objects cannot be read at all; single damaged ones stand in the manifest instead.
    """
    backup = str(uuid.uuid4())
    data = {
        "backup": backup, "file": path.name, "objects": wanted.objects is not None, "keys": wanted.keys,
        "version": __version__,
    }  # fmt: skip
    begun = done = False
    try:
        with new_file(path) as file:
            with django.write("noting the backup"):
                log.append("backup.made", wanted.actor, data, wanted.now)
            begun = True
            log.sign_checkpoint(signer)
            made = _fill(file, backup, wanted, signer, progress)
        done = True
    finally:
        if begun and not done:
            # That its failure could not be noted either must not hide why it failed.
            with suppress(ProofwatchError), django.write("noting that the backup failed"):
                note = "the backup was not finished"
                log.append("log.noted", wanted.actor, {"backup": backup, "note": note})
    return made


def _fill(
    file: BinaryIO, backup: str, wanted: Wanted, signer: Signer, progress: Progress
) -> tuple[Manifest, str]:
    writer = Writer(file, int(wanted.now.timestamp()))
    files: dict[str, dict[str, Any]] = {}
    with closing(sqlite3.connect("", isolation_level=None)) as scratch:  # "": private, on disk as it grows.
        named = _Named(scratch)
        with copying.reading(wanted.url) as source:
            copying.refuse_strangers(source)
            tables = _tables(writer, source, files, named, progress)
            head = _head(source)
        left = _folders(writer, wanted, files)
        objects = _objects(writer, wanted.objects, named, progress)
    if wanted.keys:
        for name, key in wanted.files.keys.items():
            if key.exists():
                _file(writer, name, key, files)
    manifest = Manifest(
        backup=backup,
        made_at=log.text(wanted.now),
        by=wanted.actor,
        version=__version__,
        database=connection.vendor,
        vkey=signer.vkey,
        migrations=django.migrations(),
        tables=tables,
        files=files,
        objects=objects,
        log=head,
        left_out=sorted(LEFT_OUT),
        keys=wanted.keys,
        not_copied=left,
    )
    sha256 = manifests.write(writer, manifest, signer)
    writer.close()
    return manifest, sha256


def _tables(
    writer: Writer, source: str, files: dict[str, dict[str, Any]], named: _Named, progress: Progress
) -> dict[str, dict[str, Any]]:
    known = copying.tables(LEFT_OUT)
    total = sum(table.model._base_manager.using(source).count() for table in known)
    done = 0
    found: dict[str, dict[str, Any]] = {}
    for table in known:
        lines: Iterable[bytes] = copying.lines(source, table)
        if table.name == "store_logentry":
            lines = named.seen_in(lines, table.names.index("entry"))
        counted = copying.Counted(lines, _after(done, total, progress))
        rows = iter(counted)
        place = 0
        for first in rows:
            name = manifests.part(table.name, place)
            size, digest = writer.add(name, _until(first, rows))
            files[name] = {"bytes": size, "sha256": digest}
            place += 1
        content = counted.content
        done += content.rows
        found[table.name] = {
            "columns": table.names, "rows": content.rows, "sha256": content.sha256, "parts": place,
        }  # fmt: skip
    return found


def _after(done: int, total: int, progress: Progress) -> Callable[[int], None]:
    return lambda rows: progress("state", done + rows, total)


def _until(first: bytes, rows: Iterator[bytes]) -> Iterator[bytes]:
    """Yield lines as long as they fit into one file."""
    size = len(first)
    yield first
    while size < PART:
        line = next(rows, None)
        if line is None:
            return
        size += len(line)
        yield line


def _head(source: str) -> dict[str, Any]:
    head = LogHead.objects.using(source).get(pk=1)
    signed = Checkpoint.objects.using(source).order_by("size", "pk").last()
    root = Frontier.from_bytes(head.size, bytes(head.frontier)).root()
    return {"size": head.size, "root": root.hex(), "checkpoint": signed.note if signed else ""}


def _folders(writer: Writer, wanted: Wanted, files: dict[str, dict[str, Any]]) -> list[str]:
    """Copy own checks, and exports where the objects are wanted; return what has a name that cannot be."""
    left: list[str] = []
    for first, folder in wanted.files.folders.items():
        if first == "exports" and wanted.objects is None:
            continue
        for path in sorted(folder.rglob("*")):
            name = f"{first}/{path.relative_to(folder).as_posix()}"
            if path.is_symlink() or not path.is_file():
                continue
            if is_name(name):
                _file(writer, name, path, files)
            else:
                left.append(name)
    return left[:MOST_NAMED]


def _file(writer: Writer, name: str, path: Path, files: dict[str, dict[str, Any]]) -> None:
    with path.open("rb") as file:
        size, digest = writer.add(name, iter(lambda: file.read(1 << 20), b""))
    files[name] = {"bytes": size, "sha256": digest}


class _Named:
    """The objects that entries name, themselves or through other objects, and those in the store."""

    def __init__(self, scratch: sqlite3.Connection) -> None:
        self._scratch = scratch
        scratch.execute("CREATE TABLE kept (digest BLOB PRIMARY KEY, names BLOB) WITHOUT ROWID")
        self._named = Named(scratch)

    def seen_in(self, lines: Iterable[bytes], column: int) -> Iterator[bytes]:
        """Pass lines of the log's entries on, and note the objects that they name."""
        for line in lines:
            entry = base64.b64decode(json.loads(line)[column])
            if _DIGEST.search(entry):
                self._named.add(named_objects(json.loads(entry)["data"]), 0)
            yield line

    def keep(self, digests: Iterable[str]) -> int:
        """Note what is in the store; return how many objects that is."""
        rows = ((bytes.fromhex(digest),) for digest in digests)
        self._scratch.executemany("INSERT OR IGNORE INTO kept (digest) VALUES (?)", rows)
        found: int = self._scratch.execute("SELECT count(*) FROM kept").fetchone()[0]
        return found

    def kept(self) -> Iterator[str]:
        """Yield what is in the store, in order."""
        last = b""
        query = "SELECT digest FROM kept WHERE digest > ? ORDER BY digest LIMIT 1"
        while row := self._scratch.execute(query, (last,)).fetchone():
            last = row[0]
            yield last.hex()

    def link(self, digest: str, data: bytes) -> None:
        """Note the objects that an object names, if it is JSON."""
        if names := named_in(data):
            row = (bytes.fromhex("".join(names)), bytes.fromhex(digest))
            self._scratch.execute("UPDATE kept SET names = ? WHERE digest = ?", row)

    def missing(self) -> list[str]:
        """Return what is named and the store lacks, the first 200."""
        follow = "SELECT names FROM kept WHERE digest = ? AND names NOTNULL"
        for digest, _ in self._named.walk():
            for (names,) in self._scratch.execute(follow, (bytes.fromhex(digest),)).fetchall():
                self._named.add((names[at : at + 32].hex() for at in range(0, len(names), 32)), 0)
        query = "SELECT digest FROM named EXCEPT SELECT digest FROM kept ORDER BY digest LIMIT ?"
        return [row[0].hex() for row in self._scratch.execute(query, (MOST_NAMED,))]


def _keeping(chunks: Iterable[bytes], body: bytearray) -> Iterator[bytes]:
    """Pass an object on; afterwards `body` holds it, if it is JSON that is read for what it names."""
    size = 0
    for chunk in chunks:
        may_be = size == len(body) and (body or chunk)[:1] in (b"{", b"[")
        size += len(chunk)
        if may_be and size <= MOST_JSON:
            body += chunk
        else:
            body.clear()
        yield chunk


def _objects(writer: Writer, store: OwnStore | None, named: _Named, progress: Progress) -> dict[str, Any]:
    """Copy every object, each proven; one that is damaged is left out and named."""
    found: dict[str, Any] = {"included": store is not None, "count": 0, "bytes": 0}
    found |= {"damaged": [], "missing": []}
    if store is None:
        return found
    total = named.keep(store.digests())
    for place, digest in enumerate(named.kept()):
        body = bytearray()
        try:
            chunks = _keeping(store.chunks(digest), body)
            size, _ = writer.add(f"objects/{digest[:2]}/{digest[2:]}", chunks)
        except EvidenceError as error:
            if not error.permanent:
                raise
            if len(found["damaged"]) < MOST_NAMED:
                found["damaged"].append(digest)
            continue
        named.link(digest, bytes(body))
        found["count"] += 1
        found["bytes"] += size
        progress("objects", place + 1, total)
    found["missing"] = named.missing()
    return found
