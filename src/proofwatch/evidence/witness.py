"""A witness as in C2SP tlog-witness 1.0.0, without the network.

It remembers how far each log was, and cosigns a checkpoint only if it continues what was there.

What it remembers is one SQLite file. A checkpoint is on disk before its cosignature is given out, and
comparing and remembering are one transaction: of two requests at once, one wins and the other is told.
Who can write that file, or replace it by an older copy, makes the witness forget; so it must lie where
nobody who can write the logs can reach it. A witness without its memory does not start.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from proofwatch.evidence import keys
from proofwatch.evidence.base import EvidenceError
from proofwatch.evidence.checkpoint import Checkpoint, decimal, parse_checkpoint
from proofwatch.evidence.cosignature import Cosigner, add_lines, parse_cosigner_skey
from proofwatch.evidence.merkle import EMPTY_ROOT, SIZE, verify_consistency
from proofwatch.evidence.note import (
    check_name,
    decode64,
    encode64,
    open_note,
    parse_signature,
    parse_vkey,
    split_note,
)

KEY = "witness.skey"
STATE = "witness.sqlite3"
MOST_REQUEST = 256 * 1024
"""Bytes of a request: sixteen signatures of 5 kB and 63 lines of proof are a third of it."""
MOST_LINES = 63
MOST_REFUSED = 100
"""Refused checkpoints that are kept of a log: so many that convict it by themselves, so many others."""
PATIENCE = 20.0
"""Seconds to wait for another request's transaction."""
READING = "reading a request to a witness"
OPENING = "opening the witness"
TEXT = "text/plain; charset=utf-8"
SIZE_TYPE = "text/x.tlog.size"
SCHEMA = """
CREATE TABLE IF NOT EXISTS log (
    origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, note TEXT NOT NULL, at INTEGER);
CREATE TABLE IF NOT EXISTS key (
    vkey TEXT PRIMARY KEY, origin TEXT NOT NULL REFERENCES log (origin), since INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS refused (
    number INTEGER PRIMARY KEY, origin TEXT NOT NULL, digest BLOB NOT NULL, convicts INTEGER NOT NULL,
    at INTEGER NOT NULL, why TEXT NOT NULL, note TEXT NOT NULL, UNIQUE (origin, digest, convicts));
"""


class Reply(NamedTuple):
    """What a witness answers over HTTP."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Request:
    """A request to cosign: the size that the sender takes the witness to know, the proof, the signed note."""

    old: int
    proof: tuple[bytes, ...]
    note: str
    text: str
    checkpoint: Checkpoint


class Refusal(EvidenceError):
    """A checkpoint is not cosigned; `status` is HTTP's, `size` what the witness knows where that matters."""

    def __init__(self, status: int, problem: str, size: int | None = None) -> None:
        super().__init__("cosigning a checkpoint", problem)
        self.status = status
        self.size = size


def format_request(old: int, proof: list[bytes], note: str) -> bytes:
    """Return the body of a request: `old` is the size that the proof leads from, 0 without any."""
    lines = [f"old {old}", *(encode64(item) for item in proof)]
    return "".join(f"{line}\n" for line in [*lines, ""]).encode("ascii") + note.encode("utf-8")


def parse_request(body: bytes) -> Request:
    """Read the body of a request. Nothing in it is verified. Raises EvidenceError."""
    if len(body) > MOST_REQUEST:
        raise EvidenceError(READING, f"it is longer than {MOST_REQUEST} bytes")
    head, gap, note = body.partition(b"\n\n")
    lines = head.decode("ascii", "replace").split("\n")
    word, _, number = lines[0].partition(" ")
    if not gap or word != "old":
        raise EvidenceError(
            READING, "it does not begin with a line `old <size>`, proof lines and an empty line"
        )
    if len(lines) > 1 + MOST_LINES:
        raise EvidenceError(READING, f"it has more than {MOST_LINES} lines of proof")
    old = decimal(READING, "old size", number)
    proof = tuple(decode64(READING, line) for line in lines[1:])
    if any(len(item) != SIZE for item in proof):
        raise EvidenceError(READING, "a hash of the proof is not 32 bytes long")
    text, signatures = split_note(note)
    for line in signatures:
        parse_signature(line)
    return Request(old, proof, note.decode("utf-8"), text, parse_checkpoint(text))


def create_witness(home: Path, name: str) -> Witness:
    """Make a witness: its memory, then its key, readable by its owner only.

    Args:
        home: folder, made if it is not there.
        name: of its key; by convention an address without a scheme, e.g. `witness.example.org/w1`.

    Raises:
        EvidenceError: there is one already, or the folder cannot be written.
    """
    doing = f"making a witness in {home}"
    check_name(name, doing)
    if (home / KEY).exists():
        raise EvidenceError(doing, "there is one already", "Take another folder; a witness keeps its key.")
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        (home / STATE).touch(mode=0o600)
        with _Memory(home / STATE).change() as db:
            for statement in SCHEMA.split(";"):
                db.execute(statement)
    except OSError as error:
        raise EvidenceError(doing, error.strerror or str(error), "Make the folder writable.") from None
    # The key comes last: a key without its memory would be a witness that has forgotten.
    return Witness(home / STATE, keys.create(home / KEY, name, Cosigner))


def open_witness(home: Path) -> Witness:
    """Open a witness. Raises EvidenceError if its key or its memory is not there."""
    key = keys.load(home / KEY, parse_cosigner_skey, "Run `proofwatch witness init`.")
    if not (home / STATE).is_file():
        remedy = "A witness that has forgotten must not sign on: make a new one, with a new key."
        raise EvidenceError(OPENING, f"what it remembered is gone: {home / STATE}", remedy)
    return Witness(home / STATE, key)


class Witness:
    """A witness with its key and its memory. Safe to use from many threads and processes at once."""

    def __init__(self, state: Path, key: Cosigner, clock: Callable[[], float] = time.time) -> None:
        self._memory = _Memory(state)
        self._key = key
        self._clock = clock

    @property
    def name(self) -> str:
        """Return its name."""
        return self._key.name

    @property
    def vkey(self) -> str:
        """Return its public key, to be given to the logs and to those who verify."""
        return self._key.vkey

    def trust(self, vkey: str) -> str:
        """Cosign for a log from now on; its origin is the key's name. Safe to repeat.

        A further key of the same name is a further key of the same log, as after a change of keys.

        Returns:
            the origin.

        Raises:
            EvidenceError: the key is malformed, or no log's.
        """
        verifier = parse_vkey(vkey)
        with self._memory.change() as db:
            db.execute("INSERT OR IGNORE INTO log VALUES (?, 0, ?, '', NULL)", (verifier.name, EMPTY_ROOT))
            row = (verifier.text, verifier.name, int(self._clock()))
            db.execute("INSERT OR IGNORE INTO key VALUES (?, ?, ?)", row)
        return verifier.name

    def distrust(self, vkey: str) -> bool:
        """Accept a log's key no longer; how far the log was stays known. Return whether it was accepted."""
        verifier = parse_vkey(vkey)
        with self._memory.change() as db:
            return db.execute("DELETE FROM key WHERE vkey = ?", (verifier.text,)).rowcount > 0

    def add_checkpoint(self, body: bytes) -> Reply:
        """Answer a request: 200 with our signature line, or 400, 403, 404, 409 or 422 with the reason.

        Safe to repeat: the same checkpoint again is cosigned again, with the time of then.

        Raises:
            EvidenceError: our memory cannot be read or written; nothing was cosigned.
        """
        try:
            return Reply(200, {"Content-Type": TEXT}, self._cosign(parse_request(body)).encode("utf-8"))
        except Refusal as error:
            if error.size is not None:
                return Reply(error.status, {"Content-Type": SIZE_TYPE}, f"{error.size}\n".encode("ascii"))
            return Reply(error.status, {"Content-Type": TEXT}, f"{error.problem}\n".encode())
        except _Lost:
            raise
        except EvidenceError as error:
            return Reply(400, {"Content-Type": TEXT}, f"{error.problem}\n".encode())

    def logs(self) -> list[dict[str, Any]]:
        """Return for each log how far it was, under which keys, the cosigned note, and what was refused."""
        with self._memory.read() as db:
            found = db.execute("SELECT origin, size, root, note, at FROM log ORDER BY origin").fetchall()
            known = db.execute("SELECT origin, vkey FROM key ORDER BY since, vkey").fetchall()
            query = "SELECT origin, at, convicts, why, note FROM refused ORDER BY number"
            refused = db.execute(query).fetchall()
        names = ("at", "convicts", "why", "note")
        return [
            {
                "origin": origin,
                "vkeys": [vkey for of, vkey in known if of == origin],
                "size": size,
                "root": encode64(root),
                "at": at,
                "note": note,
                "refused": [dict(zip(names, row[1:], strict=True)) for row in refused if row[0] == origin],
            }
            for origin, size, root, note, at in found
        ]

    def _cosign(self, request: Request) -> str:
        """Return our signature line. Raises Refusal."""
        asked = request.checkpoint
        note = self._signed_by_log(request)
        if request.old > asked.size:
            raise Refusal(400, f"the old size {request.old} is above the size {asked.size} of the checkpoint")
        at = int(self._clock())
        refusal: Refusal | None = None
        with self._memory.change() as db:
            query = "SELECT size, root FROM log WHERE origin = ?"
            known, root = db.execute(query, (asked.origin,)).fetchone()
            if known != request.old:
                raise Refusal(409, f"the newest checkpoint that was cosigned has {known} entries", known)
            try:
                _check_consistent(request, root)
            except Refusal as error:
                refusal = error
                _keep_refused(db, asked, note, at, error)
            else:
                line = self._key.cosign(request.text, at)
                row = (asked.size, asked.root, add_lines(note, [line]), at, asked.origin)
                db.execute("UPDATE log SET size = ?, root = ?, note = ?, at = ? WHERE origin = ?", row)
        if refusal:
            raise refusal
        return line

    def _signed_by_log(self, request: Request) -> str:
        """Return the note with the signatures of the log's keys alone. Raises Refusal if there is none."""
        origin = request.checkpoint.origin
        with self._memory.read() as db:
            if not db.execute("SELECT 1 FROM log WHERE origin = ?", (origin,)).fetchone():
                raise Refusal(404, "the log is not known here")
            rows = db.execute("SELECT vkey FROM key WHERE origin = ?", (origin,)).fetchall()
        verifiers = [parse_vkey(row[0]) for row in rows]
        try:
            open_note(request.note, verifiers)
        except EvidenceError as error:
            raise Refusal(403, error.problem) from None
        known = {(item.name, item.key_id) for item in verifiers}
        lines = split_note(request.note)[1]
        # Whoever sends a note may have added lines of no meaning: those are not kept.
        kept = [line for line in lines if parse_signature(line)[:2] in known]
        return request.text + "\n" + "".join(f"{line}\n" for line in dict.fromkeys(kept))


def _check_consistent(request: Request, root: bytes) -> None:
    """Return if the checkpoint continues the tree of size `request.old` with `root`. Raises Refusal."""
    asked, old = request.checkpoint, request.old
    if asked.size == 0 and asked.root != EMPTY_ROOT:
        raise Refusal(422, "the root is not that of an empty log")
    if old in (0, asked.size) and request.proof:
        raise Refusal(422, "from an empty log, or to the same size, there is no proof, and one was sent")
    if old == asked.size and asked.root != root:
        raise Refusal(409, f"another root was cosigned for {old} entries: the log was rewritten", old)
    if 0 < old < asked.size:
        try:
            verify_consistency(old, asked.size, root, asked.root, request.proof)
        except EvidenceError as error:
            raise Refusal(422, f"{error.doing}: {error.problem}") from None


def _keep_refused(db: sqlite3.Connection, asked: Checkpoint, note: str, at: int, error: Refusal) -> None:
    """Keep a signed checkpoint that does not fit.

    Two signed roots of one size convict the log by themselves. A proof that does not fit may also have been
    spoiled by whoever sent it, so those are counted apart and cannot displace the others.
    """
    convicts = error.size is not None
    digest = hashlib.sha256(asked.text().encode("utf-8")).digest()
    db.execute(
        "INSERT OR IGNORE INTO refused (origin, digest, convicts, at, why, note) VALUES (?, ?, ?, ?, ?, ?)",
        (asked.origin, digest, convicts, at, error.problem, note),
    )
    # The first ones stay: they tell when it began.
    db.execute(
        "DELETE FROM refused WHERE origin = ?1 AND convicts = ?2 AND number NOT IN "
        "(SELECT number FROM refused WHERE origin = ?1 AND convicts = ?2 ORDER BY number LIMIT ?3)",
        (asked.origin, convicts, MOST_REFUSED),
    )


class _Lost(EvidenceError):
    """The memory cannot be read or written."""


class _Memory:
    """The SQLite file; each use has a connection of its own, so any thread may use it."""

    def __init__(self, path: Path) -> None:
        self._address = f"{path.absolute().as_uri()}?mode=rw"

    @contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """Give one transaction that excludes every other; it is on disk at its end."""
        with self.read() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            finally:
                if db.in_transaction:
                    db.execute("ROLLBACK")

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Give a connection. What SQLite raises within becomes an error of ours."""
        try:
            with closing(
                sqlite3.connect(self._address, uri=True, isolation_level=None, timeout=PATIENCE)
            ) as db:
                # Without EXTRA the newest commit may be undone by a power cut, after it was answered for.
                db.execute("PRAGMA synchronous=EXTRA")
                db.execute("PRAGMA foreign_keys=ON")
                yield db
        except sqlite3.Error as error:
            remedy = "Look at the disk and at who may write the folder; the witness cosigned nothing."
            raise _Lost("using what the witness remembers", str(error), remedy, permanent=False) from None
