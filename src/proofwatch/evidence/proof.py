"""A proof that one entry is in the log, in one small file (C2SP tlog-proof)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from proofwatch.evidence.base import EvidenceError
from proofwatch.evidence.checkpoint import Checkpoint, open_checkpoint
from proofwatch.evidence.merkle import SIZE, verify_inclusion
from proofwatch.evidence.note import Verifier

HEADER = "c2sp.org/tlog-proof@v1"
READING = "reading a proof"


@dataclass(frozen=True, slots=True)
class Proof:
    """An inclusion proof: entry number, path (32-byte hashes), signed checkpoint, and extra data."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: str
    extra: bytes = b""


def format_proof(index: int, path: Sequence[bytes], checkpoint: str, extra: bytes = b"") -> str:
    """Return the proof as text."""
    lines = [HEADER]
    if extra:
        lines.append(f"extra {base64.b64encode(extra).decode('ascii')}")
    lines.append(f"index {index}")
    lines += [base64.b64encode(item).decode("ascii") for item in path]
    return "\n".join(lines) + "\n\n" + checkpoint


def parse_proof(text: str) -> Proof:
    """Read a proof. Raises EvidenceError."""
    head, gap, checkpoint = text.partition("\n\n")
    lines = head.split("\n")
    if not gap or lines.pop(0) != HEADER:
        raise EvidenceError(READING, f"it does not begin with {HEADER}")
    extra = b""
    if lines and lines[0].startswith("extra "):
        extra = _decode(lines.pop(0).removeprefix("extra "))
    number = lines.pop(0).removeprefix("index ") if lines and lines[0].startswith("index ") else ""
    if not (number.isascii() and number.isdigit()) or (number != "0" and number.startswith("0")):
        raise EvidenceError(READING, "its index is not a plain decimal number")
    path = tuple(_decode(line) for line in lines)
    if any(len(item) != SIZE for item in path):
        raise EvidenceError(READING, "a hash of its path is not 32 bytes long")
    return Proof(int(number), path, checkpoint, extra)


def verify_proof(text: str, leaf: bytes, verifiers: Iterable[Verifier], origin: str = "") -> Checkpoint:
    """Return the checkpoint under which `leaf` (a leaf hash) is proven. Raises EvidenceError."""
    proof = parse_proof(text)
    found, _ = open_checkpoint(proof.checkpoint, verifiers, origin)
    verify_inclusion(leaf, proof.index, found.size, proof.path, found.root)
    return found


def _decode(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise EvidenceError(READING, "its base64 is malformed") from None
    if base64.b64encode(data).decode("ascii") != text:
        raise EvidenceError(READING, "its base64 is not in canonical form")
    return data
