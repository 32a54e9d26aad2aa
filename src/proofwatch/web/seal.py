"""Secrets that have to be stored, as the seeds of one-time codes, are sealed, each to the row it belongs to.

AES-256-GCM under a key derived (HKDF-SHA-256) from a line of the installation's key file, with the row's
owner and kind as associated data: a value that is copied to another row, or changed, does not open.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from proofwatch.errors import ProofwatchError

MARK = "sealed:1:"
NONCE = 12
DOING = "opening a stored secret"


class SealError(ProofwatchError):
    """A stored secret cannot be opened."""


class Sealer:
    """Seals under the newest key, and opens under any.

    Args:
        lines: of the key file, the newest first.
    """

    def __init__(self, lines: Sequence[str]) -> None:
        self._keys = {_name(key): key for key in map(_derived, lines)}
        self.newest = next(iter(self._keys))

    @property
    def names(self) -> list[str]:
        """Return the names of the keys, the newest first. A name tells nothing about its key."""
        return list(self._keys)

    def seal(self, text: str, place: str) -> str:
        """Return a secret sealed to the place where it is stored."""
        nonce = os.urandom(NONCE)
        sealed = AESGCM(self._keys[self.newest]).encrypt(nonce, text.encode(), place.encode())
        return f"{MARK}{self.newest}:{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def open(self, text: str, place: str) -> str:
        """Return the secret. Raises SealError if it was sealed elsewhere or changed, or its key is gone."""
        name = key_of(text)
        key = self._keys.get(name)
        if key is None:
            remedy = "Put the key back: it is a line of keys/web.secret in a backup of the home folder."
            raise SealError(DOING, f"its key {name} is not in the key file", remedy)
        try:
            data = base64.urlsafe_b64decode(text.removeprefix(MARK).partition(":")[2])
            return AESGCM(key).decrypt(data[:NONCE], data[NONCE:], place.encode()).decode()
        except (InvalidTag, ValueError):
            remedy = "Somebody wrote into the database; set the second factor of this person anew."
            raise SealError(DOING, "it was changed, or belongs to another row", remedy) from None


def is_sealed(text: str) -> bool:
    """Tell whether a stored value is sealed."""
    return text.startswith(MARK)


def key_of(text: str) -> str:
    """Return the name of the key that a value was sealed with; "" if it is not sealed."""
    return text.removeprefix(MARK).partition(":")[0] if is_sealed(text) else ""


def add_key(path: Path, line: str) -> None:
    """Put a new key before the others, all at once, and on disk before anything is sealed with it."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    new.touch(0o600)
    with new.open("w", encoding="ascii") as file:
        file.write(f"{line}\n{path.read_text('ascii')}")
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _derived(line: str) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=b"proofwatch stored secrets 1").derive(line.encode())


def _name(key: bytes) -> str:
    return hashlib.sha256(b"name" + key).hexdigest()[:8]
