"""A proof that one entry is in the log, in one small file (C2SP tlog-proof)."""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from proofwatch.evidence.base import EvidenceError
from proofwatch.evidence.checkpoint import Checkpoint, decimal, open_checkpoint
from proofwatch.evidence.merkle import SIZE, check_path, climb, verify_inclusion
from proofwatch.evidence.note import Verifier, decode64, encode64

HEADER = "c2sp.org/tlog-proof@v1"
READING = "reading a proof"
LONGEST = 63
"""Hashes of the longest path, in a tree of fewer than 2**63 leaves."""
SHARED = 12
"""Upper steps of a path that are remembered once proven: at most 4,096 of them, a few megabytes."""
MOST_OPENED = 64
"""Checkpoints that are kept open while many proofs are verified."""


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
    index, extra, lines, checkpoint = _split(text)
    return Proof(index, _hashes(lines), checkpoint, extra)


def verify_proof(text: str, leaf: bytes, verifiers: Iterable[Verifier], origin: str = "") -> Checkpoint:
    """Return the checkpoint under which `leaf` (a leaf hash) is proven. Raises EvidenceError."""
    proof = parse_proof(text)
    found, _ = open_checkpoint(proof.checkpoint, verifiers, origin)
    verify_inclusion(leaf, proof.index, found.size, proof.path, found.root)
    return found


def verify_proofs(
    proofs: Iterable[tuple[str, bytes]], verifiers: Iterable[Verifier], origin: str = ""
) -> Iterator[Checkpoint]:
    """Verify many proofs as `verify_proof` does, several times faster where they share a checkpoint.

    The signature of a checkpoint is verified once, and the upper part of a path once for all entries below.

    Args:
        proofs: (text of the proof, leaf hash) of each; read one at a time.
        verifiers: the public keys whose signature counts.
        origin: the log that the checkpoints must be of; "" for any.

    Yields:
        the checkpoint under which each is proven, in their order.

    Raises:
        EvidenceError: one proves nothing; it is named by its number, from 0. Those before it are proven.
    """
    keys = tuple(verifiers)
    opened: dict[str, _Under] = {}
    for number, (text, leaf) in enumerate(proofs):
        try:
            index, _, lines, note = _split(text)
            under = opened.get(note)
            if under is None:
                if len(opened) == MOST_OPENED:
                    opened.clear()
                under = opened[note] = _Under(open_checkpoint(note, keys, origin)[0])
            under.verify(leaf, index, lines)
        except EvidenceError as error:
            problem = f"{error.doing}: {error.problem}"
            raise EvidenceError(f"verifying proof {number}", problem, error.remedy) from None
        yield under.checkpoint


@dataclass(slots=True)
class _Under:
    """A checkpoint whose signature was verified, and upper parts of paths that were proven under it."""

    checkpoint: Checkpoint
    _proven: set[tuple[int, int, int, bytes, str]] = field(default_factory=set)

    def verify(self, leaf: bytes, index: int, lines: list[str]) -> None:
        """Return if the leaf is proven by the lines of a path. Raises EvidenceError otherwise."""
        doing = f"verifying that entry {index} is in the log of size {self.checkpoint.size}"
        if len(leaf) != SIZE:
            raise EvidenceError(doing, f"a hash is not {SIZE} bytes long")
        inner = check_path(doing, index, self.checkpoint.size, len(lines))
        low = max(0, len(lines) - SHARED)
        node = climb(leaf, index, inner, _hashes(lines[:low]))
        # All that the rest of the way depends on: where it begins, how it turns, and every hash along it.
        rest = (low, inner, index >> low, node, "\n".join(lines[low:]))
        if rest in self._proven:
            return
        if climb(node, index, inner, _hashes(lines[low:]), low) != self.checkpoint.root:
            raise EvidenceError(doing, "the proof leads to another root")
        self._proven.add(rest)


def _split(text: str) -> tuple[int, bytes, list[str], str]:
    """Return (index, extra data, lines of the path, checkpoint). Raises EvidenceError."""
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
    return index, extra, lines, checkpoint


def _hashes(lines: Sequence[str]) -> tuple[bytes, ...]:
    """Read the lines of a path, each the canonical base64 of 32 bytes. Raises EvidenceError."""
    try:
        path = tuple(map(a2b_base64, lines))
    except ValueError:
        raise EvidenceError(READING, "its base64 is malformed") from None
    # Decoding is lenient, so what was read is written again: only the one canonical form comes out the same.
    if b"".join(map(b2a_base64, path)).decode("ascii") != "".join(f"{line}\n" for line in lines):
        raise EvidenceError(READING, "its base64 is not in canonical form")
    if any(len(item) != SIZE for item in path):
        raise EvidenceError(READING, "a hash of its path is not 32 bytes long")
    return path
