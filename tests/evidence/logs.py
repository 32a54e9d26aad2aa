"""A log in memory that hands out what it is told to, so that tests can tamper with every part of it."""

from datetime import UTC, datetime, timedelta

from proofwatch.evidence import merkle
from proofwatch.evidence.checkpoint import sign_checkpoint
from proofwatch.evidence.entry import encode
from proofwatch.evidence.note import Signer

SIGNER = Signer("example.org/log", b"\x07" * 32)
START = datetime(2026, 1, 1, tzinfo=UTC)


def make_entry(number, **data):
    at = START + timedelta(seconds=number)
    return encode(kind="log.noted", actor="test", at=at, data={"number": number, **data})


class MemoryLog:
    def __init__(self, entries, signed=None):
        self.stored = list(entries)
        self.levels = levels([merkle.leaf_hash(entry) for entry in self.stored])
        size = len(self.stored) if signed is None else signed
        root = merkle.root(merkle.leaf_hash(entry) for entry in self.stored[:size])
        self.note = sign_checkpoint(SIGNER, size, root)

    def size(self):
        return len(self.stored)

    def entries(self, start, end):
        yield from self.stored[start:end]

    def tile(self, level, index, width):
        return b"".join(self.levels[level][index * 256 : index * 256 + width])

    def checkpoint(self):
        return self.note


def levels(leaves):
    found = [list(leaves)]
    while len(found[-1]) >= 256:
        below = found[-1]
        found.append([merkle.root(below[at : at + 256]) for at in range(0, len(below) - 255, 256)])
    return found
