"""The verifiers that go into every binder: one file each, and nothing of Proofwatch in them."""

from __future__ import annotations

from pathlib import Path

NAMES = ("verify.py", "verify.html")


def path(name: str) -> Path:
    """Return where a verifier lies, to be copied into a binder as it is.

    Args:
        name: one of `NAMES`.

    Raises:
        ValueError: there is no such verifier.
    """
    if name not in NAMES:
        raise ValueError(name)
    return Path(__file__).with_name(name)
