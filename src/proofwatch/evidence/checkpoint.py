"""Checkpoints as in C2SP tlog-checkpoint 1.0.0: origin, size and root of a log, as a signed note."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from proofwatch.evidence.base import EvidenceError
from proofwatch.evidence.merkle import SIZE
from proofwatch.evidence.note import Note, Signer, Verifier, decode64, encode64, open_note

READING = "reading a checkpoint"
MOST = 2**63 - 1
"""No tree is larger: sizes and indexes are signed 64-bit numbers in every implementation."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a log that somebody vouches for. `root` is 32 bytes."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def text(self) -> str:
        """Return the body: the text that is signed."""
        root = encode64(self.root)
        return "".join(f"{line}\n" for line in (self.origin, str(self.size), root, *self.extensions))


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the body of a checkpoint. Raises EvidenceError."""
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1]:
        raise EvidenceError(READING, "it does not have the three lines origin, size and root")
    origin, size, root, *extensions = lines[:-1]
    if not origin:
        raise EvidenceError(READING, "its origin is empty")
    digest = decode64(READING, root)
    if len(digest) != SIZE:
        raise EvidenceError(READING, f"its root is not the base64 of {SIZE} bytes")
    if any(not line for line in extensions):
        raise EvidenceError(READING, "an extension line is empty")
    return Checkpoint(origin, decimal(READING, "size", size), digest, tuple(extensions))


def decimal(doing: str, what: str, text: str) -> int:
    """Read a decimal number with no sign and no leading zero, below 2**63. Raises EvidenceError."""
    plain = text.isascii() and text.isdigit() and len(text) <= len(str(MOST))
    if not plain or str(int(text)) != text or int(text) > MOST:
        raise EvidenceError(doing, f"its {what} {text[:40]!r} is not a plain decimal number below 2**63")
    return int(text)


def sign_checkpoint(signer: Signer, size: int, root: bytes) -> str:
    """Return the signed note of a checkpoint whose origin is the key's name."""
    return signer.sign(Checkpoint(signer.name, size, root).text())


def open_checkpoint(
    data: str | bytes, verifiers: Iterable[Verifier], origin: str = ""
) -> tuple[Checkpoint, Note]:
    """Verify a signed checkpoint; `origin`, if given, must be its own. Raises EvidenceError."""
    note = open_note(data, verifiers)
    found = parse_checkpoint(note.text)
    if origin and found.origin != origin:
        raise EvidenceError(READING, f"it is of the log {found.origin!r}, not {origin!r}")
    return found, note
