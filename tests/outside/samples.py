"""A small signed log, and checkpoints of it as keepers are given them."""

from __future__ import annotations

from datetime import UTC, datetime

from proofwatch.evidence import merkle
from proofwatch.evidence.checkpoint import sign_checkpoint
from proofwatch.outbound.guard import Allowed
from proofwatch.outbound.http import Client
from proofwatch.outside.base import Given
from tests.evidence.logs import SIGNER, make_entry

ENTRIES = [make_entry(number) for number in range(40)]
REWRITTEN = [make_entry(number, **({"changed": True} if number == 3 else {})) for number in range(40)]
LOCAL = Client(Allowed.of(["127.0.0.1", "localhost"]))


def given(size: int, entries: list[bytes] = ENTRIES) -> Given:
    """Return the checkpoint over the first entries."""
    root = merkle.root(map(merkle.leaf_hash, entries[:size]))
    note = sign_checkpoint(SIGNER, size, root)
    return Given(note, size, root, SIGNER.vkey, "Acme Ltd", datetime.now(UTC))
