"""The drill: rewrite a copy of the log with its own key, and see whether what others keep reveals it.

Everything happens in a folder that is thrown away, and in memory. The real log is only read; the signature
under the rewritten copy is never written anywhere, for it would be a good one under a log that never was.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from proofwatch.evidence import merkle
from proofwatch.evidence.base import EvidenceError, LogReader
from proofwatch.evidence.checkpoint import parse_checkpoint, sign_checkpoint
from proofwatch.evidence.entry import encode, parse
from proofwatch.evidence.kept import Kept
from proofwatch.evidence.note import Signer, split_note
from proofwatch.evidence.tiles import DirectoryLog, write_log
from proofwatch.evidence.verify import Report, verify_log
from proofwatch.outbound.http import Client
from proofwatch.outside.base import Given, OutsideError
from proofwatch.outside.comparing import Outside, compare
from proofwatch.outside.git import Git, Settings, make_bare

DOING = "drilling"
NOBODY = "nobody, says a drill"
STAND_IN = "stand-in"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a drill went.

    Attributes:
        entries: of the log.
        index: of the entry that was changed in the copy.
        kind: of that entry, and when it was.
        at: of that entry.
        before: whether the log itself, as it is, fits what others keep; a drill means nothing otherwise.
        alone: the report of verifying the rewritten copy by itself.
        held: the report of holding it against what others keep.
        revealed: whether that showed it.
        stand_in: whether a repository made for the drill stood in, because nobody outside keeps anything.
    """

    entries: int
    index: int
    kind: str
    at: datetime
    before: Report
    alone: Report
    held: Report
    revealed: bool
    stand_in: bool


def run(reader: LogReader, signer: Signer, vkeys: list[str], outside: Outside) -> Outcome:
    """Do the drill.

    Args:
        reader: the real log; only read.
        signer: its key: whoever holds it can rewrite the log.
        vkeys: its public keys.
        outside: what others keep, see `comparing.gather`. Where that is nothing, a git repository beside the
            copy stands in, which is given the newest checkpoint first.

    Raises:
        OutsideError: there is nothing signed to drill with, or no way to stand in.
        EvidenceError: the log cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="proofwatch-drill-") as folder:
        copied = Path(folder) / "log"
        size = write_log(reader, copied)
        original = DirectoryLog(copied)
        stand_in = not _usable(outside.items, size)
        if stand_in:
            outside = _stand_in(original, signer.vkey, Path(folder))
        before, wrong = compare(original, vkeys, outside)
        index = _to_change(outside.items, size)
        rewritten = Rewritten(original, index, signer)
        alone = verify_log(rewritten, vkeys)
        held, revealed = compare(rewritten, vkeys, outside)
    changed = parse(rewritten.changed)
    return Outcome(
        size, index, changed.kind, changed.at, before, alone, held, revealed and not wrong, stand_in
    )


class Rewritten:
    """A log in which one entry says something else, with every hash and the signature made anew."""

    def __init__(self, original: LogReader, index: int, signer: Signer) -> None:
        self._original, self.index = original, index
        self._size = original.size()
        (entry,) = original.entries(index, index + 1)
        self.changed = _changed(entry)
        self._levels: list[bytearray] = [bytearray()]
        frontier = merkle.Frontier()
        for data in self.entries(0, self._size):
            leaf = merkle.leaf_hash(data)
            self._levels[0] += leaf
            for level, _, value in frontier.append(leaf):
                while len(self._levels) <= level:
                    self._levels.append(bytearray())
                self._levels[level] += value
        self._note = sign_checkpoint(signer, self._size, frontier.root())

    def size(self) -> int:
        """Return the number of entries."""
        return self._size

    def entries(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes of entries start ≤ i < end: all as they were, but one."""
        for place, data in enumerate(self._original.entries(start, end), start):
            yield self.changed if place == self.index else data

    def tile(self, level: int, index: int, width: int) -> bytes:
        """Return `width` consecutive hashes of tile (level, index)."""
        start = index * merkle.WIDTH * merkle.SIZE
        hashes = self._levels[level] if level < len(self._levels) else bytearray()
        return bytes(hashes[start : start + width * merkle.SIZE])

    def checkpoint(self) -> str:
        """Return the checkpoint that was signed anew; it stays in memory."""
        return self._note


def _changed(entry: bytes) -> bytes:
    """Return an entry that says of the same thing that somebody else did it."""
    found = parse(entry)
    return encode(kind=found.kind, actor=NOBODY, at=found.at, data=found.data)


def _usable(items: list[Kept], size: int) -> bool:
    """Tell whether something is kept that could reveal a change: over at least one entry of the copy."""
    return any(0 < over <= size for over in map(_size, items))


def _to_change(items: list[Kept], size: int) -> int:
    """Return which entry to change: an old one, in the middle of what is kept outside."""
    return max(over for over in map(_size, items) if over <= size) // 2


def _size(item: Kept) -> int:
    # Only what somebody else holds, or proves, counts: our own record of an e-mail is ours to rewrite.
    if not (item.where or item.proof):
        return 0
    try:
        return parse_checkpoint(split_note(item.note)[0]).size
    except EvidenceError:
        return 0


def _stand_in(log: DirectoryLog, vkey: str, folder: Path) -> Outside:
    """Have a git repository beside the copy keep the checkpoint, as one of somebody else would."""
    note = log.checkpoint()
    found = parse_checkpoint(split_note(note)[0])
    if not found.size:
        raise OutsideError(DOING, "the log is empty", "Run `proofwatch init`.")
    remote, keeper, nobody = folder / "elsewhere.git", Git(), Client()
    make_bare(remote)
    settings = Settings(remote=str(remote), folder=str(folder / "clone"))
    keeper.keep(settings, Given(note, found.size, found.root, vkey, "", datetime.now(UTC)), nobody)
    shown = keeper.show(settings, nobody)
    where = "the repository made for this drill"
    return Outside([Kept(STAND_IN, keeper.kind, copy.note, where=where) for copy in shown.copies])
