"""The error of the store, and the words its states are written in."""

from __future__ import annotations

from proofwatch.errors import ProofwatchError


class StoreError(ProofwatchError):
    """The state could not be read or written, or what was asked contradicts what is recorded."""
