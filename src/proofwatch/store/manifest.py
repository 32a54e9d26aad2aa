"""What a backup says of itself, and whether its files are those that it says. Needs no database.

manifest.json   tables with rows and digests, files, the head of the log, who made it and with what
manifest.note   the SHA-256 of manifest.json, signed by the key of the log
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, BinaryIO

from proofwatch.errors import ProofwatchError
from proofwatch.evidence.note import Signer, Verifier, open_note, parse_vkey
from proofwatch.store.archive import READING, BackupError, Member, Reader, Writer

FORMAT = "proofwatch backup 1"
MANIFEST, NOTE = "manifest.json", "manifest.note"
LARGEST = 64 << 20
MOST_FILES = 100_000
"""Files in a backup, at most, besides the objects, of which there may be any number."""
UNDERSTOOD = "use the version of Proofwatch that made it"

Progress = Callable[[str, int, int], None]
"""Called with a stage, how much of it is done and how much there is."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself.

    Attributes:
        backup: its id, which the log's entry `backup.made` names, too.
        made_at: RFC 3339.
        by: who made it.
        version: of Proofwatch.
        database: sqlite or postgresql.
        vkey: public key of the log.
        migrations: steps of the schema, as app.name.
        tables: name → columns, rows, sha256 of all rows, parts (how many files).
        files: name in the tar → bytes, sha256; all but the objects and the two of the manifest.
        objects: included, count, bytes; damaged and missing: those that could not be copied.
        log: size, root, checkpoint as they are in it.
        left_out: tables whose rows are not in it.
        keys: whether the private keys are in it.
        not_copied: files of ours whose names no backup takes.
    """

    backup: str
    made_at: str
    by: str
    version: str
    database: str
    vkey: str
    migrations: list[str]
    tables: dict[str, dict[str, Any]]
    files: dict[str, dict[str, Any]]
    objects: dict[str, Any]
    log: dict[str, Any]
    left_out: list[str]
    keys: bool
    not_copied: list[str] = field(default_factory=list)
    format: str = FORMAT


@dataclass(frozen=True, slots=True)
class Inspected:
    """A backup whose every file has the digest that its manifest promises.

    Attributes:
        manifest: what it says of itself.
        sha256: of manifest.json.
        members: the files besides the objects, by name.
        signed_by: the keys that signed it.
    """

    manifest: Manifest
    sha256: str
    members: Mapping[str, Member]
    signed_by: tuple[str, ...]


def write(writer: Writer, manifest: Manifest, signer: Signer) -> str:
    """Write the manifest and its signature as the last files of a backup; return the manifest's SHA-256."""
    body = json.dumps(asdict(manifest), indent=1, sort_keys=True, ensure_ascii=False).encode("utf-8")
    _, digest = writer.add(MANIFEST, (body,))
    writer.add(NOTE, (signer.sign(f"{FORMAT}\n{digest}\n").encode("utf-8"),))
    return digest


def inspect(file: BinaryIO, known: Iterable[Verifier], progress: Progress) -> Inspected:
    """Read a whole backup and compare every file with what its name or the manifest promises.

    Args:
        file: the backup.
        known: public keys of the log, one of which must have signed; without any, the key that the backup
            itself names, which shows damage and no more.
        progress: called with ("check", bytes done, bytes in all).

    Raises:
        BackupError: it is no whole, unchanged backup; the message names the file.
    """
    reader = Reader(file)
    members: dict[str, Member] = {}
    found: dict[str, str] = {}
    objects = _Objects()
    for member in reader.members():
        digest = hashlib.sha256()
        for chunk in reader.chunks(member):
            digest.update(chunk)
        progress("check", member.offset + member.size, reader.length)
        if member.name.startswith("objects/"):
            objects.add(member, digest.hexdigest())
            continue
        if member.name in members or len(members) >= MOST_FILES:
            raise BackupError(READING, f"{member.name} is in it twice, or it has over {MOST_FILES} files")
        members[member.name], found[member.name] = member, digest.hexdigest()
    manifest, sha256, signed_by = _manifest(reader, members, known)
    _compare(manifest, members, found, objects)
    return Inspected(manifest, sha256, members, signed_by)


class _Objects:
    """The objects of a backup, as they come: each named by its digest, in order, none twice."""

    def __init__(self) -> None:
        self.count, self.bytes, self._last = 0, 0, ""

    def add(self, member: Member, digest: str) -> None:
        name = member.name.removeprefix("objects/").replace("/", "")
        if name != digest:
            raise BackupError(READING, f"the bytes of {member.name} are not those that its name promises")
        if name <= self._last:
            raise BackupError(READING, f"{member.name} is in it twice, or out of order")
        self._last = name
        self.count += 1
        self.bytes += member.size


def _manifest(
    reader: Reader, members: Mapping[str, Member], known: Iterable[Verifier]
) -> tuple[Manifest, str, tuple[str, ...]]:
    if list(members)[-2:] != [MANIFEST, NOTE]:
        raise BackupError(READING, f"it does not end with {MANIFEST} and {NOTE}", "use a whole copy of it")
    if members[MANIFEST].size > LARGEST or members[NOTE].size > LARGEST:
        raise BackupError(READING, f"its manifest is longer than {LARGEST} bytes")
    body = b"".join(reader.chunks(members[MANIFEST]))
    sha256 = hashlib.sha256(body).hexdigest()
    manifest = _parse(body)
    try:
        note = open_note(b"".join(reader.chunks(members[NOTE])), list(known) or [parse_vkey(manifest.vkey)])
    except ProofwatchError as error:
        problem = f"its manifest is not signed by the key of the log: {error.problem}"
        raise BackupError(READING, problem, "put the log's own key in place, or do not use it") from None
    if note.text != f"{FORMAT}\n{sha256}\n":
        raise BackupError(READING, "its manifest is not the one that was signed", "do not use it")
    return manifest, sha256, note.signed_by


def _parse(body: bytes) -> Manifest:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        raise BackupError(READING, f"{MANIFEST} is not JSON") from None
    if not isinstance(said, dict) or said.get("format") != FORMAT:
        raise BackupError(READING, f"its manifest is not of the format {FORMAT!r}", UNDERSTOOD)
    types = {"tables": dict, "files": dict, "objects": dict, "log": dict, "keys": bool}
    types |= dict.fromkeys(("migrations", "left_out", "not_copied"), list)
    for item in fields(Manifest):
        if not isinstance(said.get(item.name), types.get(item.name, str)):
            raise BackupError(READING, f"its manifest has no fit field {item.name!r}")
    whole = {"objects": ("count", "bytes"), "log": ("size",)}
    numbers = [said[name].get(key) for name, keys in whole.items() for key in keys]
    numbers += [row.get("rows") if isinstance(row, dict) else None for row in said["tables"].values()]
    numbers += [row.get("parts") if isinstance(row, dict) else None for row in said["tables"].values()]
    if not all(isinstance(number, int) and number >= 0 for number in numbers):
        raise BackupError(READING, "a number in its manifest is none")
    return Manifest(**{item.name: said[item.name] for item in fields(Manifest)})


def _compare(
    manifest: Manifest, members: Mapping[str, Member], found: Mapping[str, str], objects: _Objects
) -> None:
    names = set(members) - {MANIFEST, NOTE}
    for name in sorted(names ^ set(manifest.files)):
        there = "is not in it" if name in manifest.files else "is in it, and its manifest does not name it"
        raise BackupError(READING, f"{name} {there}")
    for name, said in manifest.files.items():
        if said != {"bytes": members[name].size, "sha256": found[name]}:
            raise BackupError(READING, f"{name} was changed after the backup was made", "do not use it")
    parts = {part(table, place) for table, row in manifest.tables.items() for place in range(row["parts"])}
    if parts != {name for name in names if name.startswith("state/")}:
        raise BackupError(READING, "its files of rows are not those of its tables")
    if (objects.count, objects.bytes) != (manifest.objects["count"], manifest.objects["bytes"]):
        promised = f"{manifest.objects['count']} objects of {manifest.objects['bytes']} bytes"
        raise BackupError(
            READING, f"it has {objects.count} of {objects.bytes} bytes, and promises {promised}"
        )


def part(table: str, place: int) -> str:
    """Return the name of the file with a table's rows, or a part of them."""
    return f"state/{table}/{place:04}.jsonl"


def put_file(path: Path, chunks: Iterable[bytes], sha256: str) -> bool:
    """Write a file for its owner only, once; return False if it is there already with these bytes.

    Raises:
        BackupError: it is there with other bytes, or the bytes given are not those promised.
    """
    from proofwatch.store.archive import new_file

    if path.exists():
        with path.open("rb") as there:
            if hashlib.file_digest(there, "sha256").hexdigest() == sha256:
                return False
        raise BackupError("restoring", f"{path} is there, and is not the one in the backup", "move it away")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    digest = hashlib.sha256()
    with new_file(path) as file:
        for chunk in chunks:
            digest.update(chunk)
            file.write(chunk)
        if digest.hexdigest() != sha256:
            raise BackupError(READING, f"it changed while {path.name} was read")
    return True
