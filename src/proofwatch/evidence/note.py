"""Signed notes as in C2SP signed-note 1.0.0, with Ed25519 keys (type 0x01)."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from proofwatch.evidence.base import EvidenceError

ED25519 = b"\x01"
KINDS = {
    1: "of a log (Ed25519)",
    2: "of an ECDSA signer",
    4: "of a witness (Ed25519 cosignatures)",
    5: "of an RFC 6962 log",
    6: "of an ML-DSA-44 cosigner",
}
"""Key types that C2SP signed-note assigns, as an error names them."""
DASH = "— "
MOST_SIGNATURES = 100
MOST_BYTES = 1_000_000
READING = "reading a signed note"
READING_KEY = "reading a log key"
SIGNING = "signing a note"


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key with a name; `text` is its vkey form."""

    name: str
    key_id: bytes
    public: bytes

    @property
    def text(self) -> str:
        """Return the vkey: name+id+key."""
        return f"{self.name}+{self.key_id.hex()}+{encode64(ED25519 + self.public)}"

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Tell whether the signature is this key's over `message`."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature:
            return False
        return True


class Signer:
    """A private key with a name. Its repr and its errors never show the key."""

    def __init__(self, name: str, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        public = self._key.public_key().public_bytes_raw()
        self.verifier = Verifier(check_name(name), key_id(name, public), public)

    @property
    def name(self) -> str:
        """Return the key's name."""
        return self.verifier.name

    @property
    def vkey(self) -> str:
        """Return the public key as text, to be given to anyone who verifies."""
        return self.verifier.text

    def skey(self) -> str:
        """Return the private key as text: keep it secret."""
        secret = encode64(ED25519 + self._key.private_bytes_raw())
        return f"PRIVATE+KEY+{self.name}+{self.verifier.key_id.hex()}+{secret}"

    def sign(self, text: str) -> str:
        """Return `text` as a signed note. Raises EvidenceError if it cannot be the text of a note."""
        return text + "\n" + self.signature_line(text)

    def signature_line(self, text: str) -> str:
        """Return only the signature line for `text`."""
        check_text(text)
        signature = self._key.sign(text.encode("utf-8"))
        return f"{DASH}{self.name} {encode64(self.verifier.key_id + signature)}\n"

    def __repr__(self) -> str:
        """Name the key without showing it."""
        return f"Signer({self.verifier.text!r})"


@dataclass(frozen=True, slots=True)
class Note:
    """An opened note: its text, who of the known keys signed it, and who else says they did."""

    text: str
    signed_by: tuple[str, ...]
    unknown: tuple[str, ...]


def key_id(name: str, public: bytes, kind: bytes = ED25519) -> bytes:
    """Return the four bytes that name a key in a signature line; `kind` is the byte of its type."""
    return hashlib.sha256(name.encode("utf-8") + b"\n" + kind + public).digest()[:4]


def parse_vkey(text: str) -> Verifier:
    """Read the public key of a log. Raises EvidenceError, saying whose key it is if not a log's."""
    return Verifier(*split_vkey(text, ED25519))


def parse_skey(text: str) -> Signer:
    """Read a private key. Raises EvidenceError, never showing it."""
    name, found_id, seed = split_skey(text, ED25519)
    signer = Signer(name, seed)
    if signer.verifier.key_id.hex() != found_id:
        raise EvidenceError(READING_KEY, "its id does not belong to its name and key")
    return signer


def split_vkey(text: str, kind: bytes) -> tuple[str, bytes, bytes]:
    """Return (name, id, 32-byte key) of a public key of type `kind`, its id proven. Raises EvidenceError."""
    parts = text.strip().split("+", 2)
    if len(parts) != 3:
        raise EvidenceError(READING_KEY, "it is not of the form name+id+key")
    name, public = check_name(parts[0]), _key_of(parts[2], kind)
    found = key_id(name, public, kind)
    if found.hex() != parts[1]:
        raise EvidenceError(READING_KEY, "its id does not belong to its name and key")
    return name, found, public


def split_skey(text: str, kind: bytes) -> tuple[str, str, bytes]:
    """Return (name, id as it stands there, 32-byte seed) of a private key. Raises EvidenceError."""
    parts = text.strip().split("+", 4)
    if len(parts) != 5 or parts[:2] != ["PRIVATE", "KEY"]:
        raise EvidenceError(READING_KEY, "it is not of the form PRIVATE+KEY+name+id+key")
    return check_name(parts[2]), parts[3], _key_of(parts[4], kind)


def _key_of(text: str, kind: bytes) -> bytes:
    """Return the 32 bytes behind the byte of the type, which must be `kind`."""
    body = decode64(READING_KEY, text)
    if body[:1] != kind:
        found = f"of type 0x{body[0]:02x}, {KINDS.get(body[0], 'which is not known')}" if body else "empty"
        raise EvidenceError(READING_KEY, f"it is not a key {KINDS[kind[0]]}: it is {found}")
    if len(body) != 33:
        raise EvidenceError(READING_KEY, "it is not an Ed25519 key: those have 32 bytes")
    return body[1:]


def open_note(data: str | bytes, verifiers: Iterable[Verifier]) -> Note:
    """Open a signed note: at least one known key signed it, and no known key's signature is wrong.

    Pass the bytes of a file, not its decoded text: reading text may change line ends unseen.

    Raises:
        EvidenceError: the note is malformed, a known key's signature does not fit, or none is there.
    """
    known = {(item.name, item.key_id): item for item in verifiers}
    text, lines = split_note(data)
    message = text.encode("utf-8")
    signed: list[str] = []
    unknown: list[str] = []
    for line in lines:
        name, found_id, signature = parse_signature(line)
        verifier = known.get((name, found_id))
        if verifier is None:
            unknown.append(f"{name}+{found_id.hex()}")
        elif not verifier.verify(message, signature):
            raise EvidenceError(READING, f"the signature of {name} does not fit the text")
        elif name not in signed:
            signed.append(name)
    if not signed:
        raise EvidenceError(READING, "no known key has signed it", "Give the log's public key.")
    return Note(text, tuple(signed), tuple(unknown))


def split_note(data: str | bytes) -> tuple[str, list[str]]:
    """Return the text (with its last newline) and the signature lines. Raises EvidenceError."""
    if len(data) > MOST_BYTES:
        raise EvidenceError(READING, f"it is longer than {MOST_BYTES} bytes")
    try:
        whole = data.decode("utf-8") if isinstance(data, bytes) else data
        whole.encode("utf-8")
    except UnicodeError:
        raise EvidenceError(READING, "it is not UTF-8") from None
    _check_characters(READING, whole)
    text, gap, signatures = whole.rpartition("\n\n")
    if not gap or not signatures.endswith("\n"):
        raise EvidenceError(READING, "it has no signatures")
    lines = signatures[:-1].split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise EvidenceError(READING, f"it has more than {MOST_SIGNATURES} signatures")
    return text + "\n", lines


def parse_signature(line: str) -> tuple[str, bytes, bytes]:
    """Return (name, id, signature) of a signature line without its newline. Raises EvidenceError."""
    if not line.startswith(DASH):
        raise EvidenceError(READING, "a signature line does not begin with an em dash")
    name, space, body = line[len(DASH) :].partition(" ")
    if not space:
        raise EvidenceError(READING, "a signature line has no signature")
    raw = decode64(READING, body)
    if len(raw) < 5:
        raise EvidenceError(READING, "a signature is too short")
    return check_name(name, READING), raw[:4], raw[4:]


def check_name(name: str, doing: str = READING_KEY) -> str:
    """Return `name` if a key may be called so. Raises EvidenceError."""
    if not name or "+" in name or any(char.isspace() for char in name):
        raise EvidenceError(doing, f"{name!r} is no key name: no spaces, no plus sign, not empty")
    return name


def check_text(text: str) -> None:
    """Return if `text` may be signed. Raises EvidenceError."""
    if not text.endswith("\n"):
        raise EvidenceError(SIGNING, "its text does not end with a newline")
    _check_characters(SIGNING, text)


def _check_characters(doing: str, text: str) -> None:
    if any(ord(char) < 0x20 and char != "\n" for char in text):
        raise EvidenceError(doing, "it has a control character")


def encode64(data: bytes) -> str:
    """Return standard base64 (RFC 4648 §4)."""
    return base64.b64encode(data).decode("ascii")


def decode64(doing: str, text: str) -> bytes:
    """Read standard base64 in its one canonical form. Raises EvidenceError."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise EvidenceError(doing, "its base64 is malformed") from None
    if encode64(data) != text:
        raise EvidenceError(doing, "its base64 is not in canonical form")
    return data
