"""The error of the store, and the words its states are written in."""

from __future__ import annotations

from proofwatch.errors import ProofwatchError


class StoreError(ProofwatchError):
    """The state could not be read or written, or what was asked contradicts what is recorded."""


class Missing(StoreError):
    """What was asked for by its own name or id is not there; a page of it does not exist."""
