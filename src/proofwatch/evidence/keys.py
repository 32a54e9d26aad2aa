"""The log's signing key, in a file that only its owner can read."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from proofwatch.evidence.base import EvidenceError
from proofwatch.evidence.note import Signer, parse_skey


def create_key(path: Path, name: str) -> Signer:
    """Make a new Ed25519 key and store it. Raises EvidenceError if there is one: keys are not replaced."""
    signer = Signer(name, secrets.token_bytes(32))
    doing = f"writing the signing key {path}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise EvidenceError(doing, "there is a key already", "Keep it; rotate keys instead.") from None
    except OSError as error:
        raise EvidenceError(doing, error.strerror or str(error), "Make its folder writable.") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(signer.skey() + "\n")
        file.flush()
        os.fsync(file.fileno())
    return signer


def load_key(path: Path) -> Signer:
    """Read the key. Raises EvidenceError if it is not there, malformed, or readable by others."""
    doing = f"reading the signing key {path}"
    try:
        mode = path.stat().st_mode
        text = path.read_text("utf-8")
    except OSError as error:
        raise EvidenceError(doing, error.strerror or str(error), "Run `proofwatch init`.") from None
    except UnicodeDecodeError:
        raise EvidenceError(doing, "it is not text") from None
    if stat.S_IMODE(mode) & 0o077:
        raise EvidenceError(doing, f"others may read it (mode {stat.S_IMODE(mode):o})", f"chmod 600 {path}")
    return parse_skey(text)
