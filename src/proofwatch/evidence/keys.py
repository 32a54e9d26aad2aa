"""A signing key, of the log or of a witness, in a file that only its owner can read."""

from __future__ import annotations

import os
import secrets
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from proofwatch.evidence.base import EvidenceError
from proofwatch.evidence.note import Signer, parse_skey

MOST_BYTES = 4096


class Secret(Protocol):
    """A private key that can be written as text."""

    def skey(self) -> str:
        """Return the private key as text: keep it secret."""
        ...


Kind = TypeVar("Kind", bound=Secret)


def create_key(path: Path, name: str) -> Signer:
    """Make a new key of a log and store it. Raises EvidenceError if there is one: keys are not replaced."""
    return create(path, name, Signer)


def create(path: Path, name: str, kind: Callable[[str, bytes], Kind]) -> Kind:
    """Make a new Ed25519 key of a kind (from a name and 32 secret bytes) and store it.

    Raises:
        EvidenceError: there is a key already (keys are not replaced), or it cannot be written.
    """
    signer = kind(name, secrets.token_bytes(32))
    doing = f"writing the signing key {path}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_once(path, signer.skey() + "\n")
    except FileExistsError:
        raise EvidenceError(doing, "there is a key already", "Keep it; rotate keys instead.") from None
    except OSError as error:
        raise EvidenceError(doing, error.strerror or str(error), "Make its folder writable.") from None
    return signer


def _write_once(path: Path, text: str) -> None:
    """Write a private file that is there whole and on disk, or not at all."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fchmod(file.fileno(), 0o600)
            os.fsync(file.fileno())
        os.link(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def load_key(path: Path) -> Signer:
    """Read a log's key. Raises EvidenceError if it is not there, malformed, or readable by others."""
    return load(path, parse_skey, "Run `proofwatch init`.")


def load(path: Path, parse: Callable[[str], Kind], remedy: str) -> Kind:
    """Read a key of a kind; `remedy` is what helps where there is no file.

    Raises:
        EvidenceError: it is not there, malformed, or readable by others; it is never shown.
    """
    doing = f"reading the signing key {path}"
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            text = file.read(MOST_BYTES).decode("utf-8")
    except OSError as error:
        raise EvidenceError(doing, error.strerror or str(error), remedy) from None
    except UnicodeDecodeError:
        raise EvidenceError(doing, "it is not text") from None
    if mode & 0o077:
        raise EvidenceError(doing, f"others may read it (mode {mode:o})", f"chmod 600 {path}")
    try:
        return parse(text)
    except EvidenceError as error:
        raise EvidenceError(doing, error.problem, "Restore the key from its backup.") from None
