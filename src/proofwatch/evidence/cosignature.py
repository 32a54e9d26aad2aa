"""Cosignatures of witnesses as in C2SP tlog-cosignature 1.0.1, with Ed25519 keys (type 0x04, cosignature/v1).

A cosignature says: at this time this was the largest consistent tree that I had seen of that log. It stands
as one more signature line in the checkpoint's note: eight bytes of time, then the signature.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from proofwatch.evidence.base import EvidenceError
from proofwatch.evidence.checkpoint import MOST, parse_checkpoint
from proofwatch.evidence.note import (
    DASH,
    READING_KEY,
    check_name,
    check_text,
    encode64,
    key_id,
    parse_signature,
    split_note,
    split_skey,
    split_vkey,
)

COSIGNATURE = b"\x04"
LENGTH = 8 + 64
READING = "reading a cosignature"
SIGNING = "cosigning a checkpoint"


@dataclass(frozen=True, slots=True)
class CosignerVerifier:
    """The public key of a witness, with its name; `text` is its vkey form."""

    name: str
    key_id: bytes
    public: bytes

    @property
    def text(self) -> str:
        """Return the vkey: name+id+key."""
        return f"{self.name}+{self.key_id.hex()}+{encode64(COSIGNATURE + self.public)}"

    def verify(self, text: str, signature: bytes) -> int:
        """Verify a cosignature over the text of a checkpoint.

        Args:
            text: the body of the checkpoint's note, with its last newline.
            signature: time and signature, without the key's id.

        Returns:
            the time that it states, in seconds since 1970.

        Raises:
            EvidenceError: it is not this key's over that text, or its time is none.
        """
        if len(signature) != LENGTH:
            raise EvidenceError(READING, f"that of {self.name} has {len(signature)} bytes, not {LENGTH}")
        at = int.from_bytes(signature[:8], "big")
        if at > MOST:
            raise EvidenceError(READING, f"the time of {self.name} is not below 2**63 seconds")
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature[8:], _message(text, at))
        except InvalidSignature:
            problem = f"the signature of {self.name} does not fit the text and the time"
            raise EvidenceError(READING, problem) from None
        return at


class Cosigner:
    """The private key of a witness, with its name. Its repr and its errors never show the key."""

    def __init__(self, name: str, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        public = self._key.public_key().public_bytes_raw()
        self.verifier = CosignerVerifier(check_name(name), key_id(name, public, COSIGNATURE), public)

    @property
    def name(self) -> str:
        """Return the witness's name."""
        return self.verifier.name

    @property
    def vkey(self) -> str:
        """Return the public key as text, to be given to anyone who verifies."""
        return self.verifier.text

    def skey(self) -> str:
        """Return the private key as text: keep it secret."""
        secret = encode64(COSIGNATURE + self._key.private_bytes_raw())
        return f"PRIVATE+KEY+{self.name}+{self.verifier.key_id.hex()}+{secret}"

    def cosign(self, text: str, at: int) -> str:
        """Return the signature line over the text of a checkpoint.

        Args:
            text: the body of the checkpoint's note, with its last newline.
            at: the time, in seconds since 1970.

        Raises:
            EvidenceError: the text is no checkpoint, or the time is out of range.
        """
        check_text(text)
        parse_checkpoint(text)
        if not 0 <= at <= MOST:
            raise EvidenceError(SIGNING, f"{at} is no time: it is not from 0 to below 2**63 seconds")
        stamped = at.to_bytes(8, "big") + self._key.sign(_message(text, at))
        return f"{DASH}{self.name} {encode64(self.verifier.key_id + stamped)}\n"

    def __repr__(self) -> str:
        """Name the key without showing it."""
        return f"Cosigner({self.verifier.text!r})"


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A cosignature that was verified: the witness, the time that it states, and its line in the note."""

    name: str
    vkey: str
    at: int
    line: str

    @property
    def moment(self) -> datetime:
        """Return the time in UTC; the last moment that there is, for one that lies beyond it."""
        return datetime.fromtimestamp(min(self.at, 253_402_300_799), UTC)


def parse_cosigner(vkey: str) -> CosignerVerifier:
    """Read the public key of a witness. Raises EvidenceError, saying whose key it is if not a witness's."""
    return CosignerVerifier(*split_vkey(vkey, COSIGNATURE))


def parse_cosigner_skey(text: str) -> Cosigner:
    """Read the private key of a witness. Raises EvidenceError, never showing it."""
    name, found_id, seed = split_skey(text, COSIGNATURE)
    cosigner = Cosigner(name, seed)
    if cosigner.verifier.key_id.hex() != found_id:
        raise EvidenceError(READING_KEY, "its id does not belong to its name and key")
    return cosigner


def add_lines(note: str, lines: Iterable[str]) -> str:
    """Return the note with further signature lines (each with its newline); one that is there stays single.

    Raises:
        EvidenceError: the note or a line is malformed, or there would be too many.
    """
    text, present = split_note(note)
    added = [line.removesuffix("\n") for line in lines]
    for line in added:
        parse_signature(line)
    whole = text + "\n" + "".join(f"{line}\n" for line in dict.fromkeys([*present, *added]))
    split_note(whole)
    return whole


def cosignatures(note: str | bytes, verifiers: Iterable[CosignerVerifier]) -> list[Cosignature]:
    """Return the verified cosignatures of known witnesses in a note, in its order; of one witness the newest.

    Signatures of others, the log's among them, are passed over: who signed the note as its log is
    `open_checkpoint`'s to tell.

    Raises:
        EvidenceError: the note is malformed, or the cosignature of a known witness does not fit.
    """
    known = {(item.name, item.key_id): item for item in verifiers}
    text, lines = split_note(note)
    found: dict[tuple[str, bytes], Cosignature] = {}
    for line in lines:
        name, number, signature = parse_signature(line)
        verifier = known.get((name, number))
        if verifier is None:
            continue
        at = verifier.verify(text, signature)
        if (name, number) not in found or found[name, number].at < at:
            found[name, number] = Cosignature(name, verifier.text, at, line + "\n")
    return list(found.values())


def _message(text: str, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{text}".encode()
