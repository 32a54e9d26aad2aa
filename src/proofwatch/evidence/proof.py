"""A proof that one entry is in the log, in one small file (C2SP tlog-proof)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from proofwatch.evidence.base import EvidenceError
from proofwatch.evidence.checkpoint import Checkpoint, decimal, open_checkpoint
from proofwatch.evidence.merkle import SIZE, verify_inclusion
from proofwatch.evidence.note import Verifier, decode64, encode64

HEADER = "c2sp.org/tlog-proof@v1"
READING = "reading a proof"
LONGEST = 63
"""Hashes of the longest path, in a tree of fewer than 2**63 leaves."""


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
        lines.append(f"extra {encode64(extra)}")
    lines.append(f"index {index}")
    lines += [encode64(item) for item in path]
    return "\n".join(lines) + "\n\n" + checkpoint


def parse_proof(text: str) -> Proof:
    """Read a proof. Raises EvidenceError."""
    head, gap, checkpoint = text.partition("\n\n")
    lines = head.split("\n")
    if not gap or lines.pop(0) != HEADER:
        raise EvidenceError(READING, f"it does not begin with {HEADER}")
    extra = b""
    if lines and lines[0].startswith("extra "):
        extra = decode64(READING, lines.pop(0).removeprefix("extra "))
        if not extra:
            raise EvidenceError(READING, "its extra data are empty")
    number = lines.pop(0).removeprefix("index ") if lines and lines[0].startswith("index ") else ""
    index = decimal(READING, "index", number)
    if len(lines) > LONGEST:
        raise EvidenceError(READING, f"its path has more than {LONGEST} hashes")
    path = tuple(decode64(READING, line) for line in lines)
    if any(len(item) != SIZE for item in path):
        raise EvidenceError(READING, "a hash of its path is not 32 bytes long")
    return Proof(index, path, checkpoint, extra)


def verify_proof(text: str, leaf: bytes, verifiers: Iterable[Verifier], origin: str = "") -> Checkpoint:
    """Return the checkpoint under which `leaf` (a leaf hash) is proven. Raises EvidenceError."""
    proof = parse_proof(text)
    found, _ = open_checkpoint(proof.checkpoint, verifiers, origin)
    verify_inclusion(leaf, proof.index, found.size, proof.path, found.root)
    return found
