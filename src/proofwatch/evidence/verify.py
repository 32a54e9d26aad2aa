"""Recompute everything that the log claims: what is proven, what is not, and what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from proofwatch.errors import ProofwatchError
from proofwatch.evidence import merkle
from proofwatch.evidence.base import EvidenceError, LogReader
from proofwatch.evidence.checkpoint import Checkpoint, open_checkpoint
from proofwatch.evidence.entry import Entry, named_objects, parse
from proofwatch.evidence.kinds import BEGINS, ENDS
from proofwatch.evidence.note import Verifier, parse_vkey
from proofwatch.snapshots.base import Objects

MOST_FINDINGS = 200
MOST_JSON = 16 << 20
"""Objects that are JSON up to this size are read for the objects that they name in turn."""

Progress = Callable[[int, int], None]


@dataclass(slots=True)
class Report:
    """What verifying found. Nothing is proven that does not stand in `proven`."""

    proven: list[str] = field(default_factory=list)
    unproven: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    entries: int = 0
    objects: int = 0
    root: str = ""
    hidden: int = 0
    """Wrong things beyond the first 200, counted and not listed."""

    @property
    def exit_code(self) -> int:
        """Return 1 if something is wrong, 3 if nothing is but nothing is signed either, else 0."""
        if self.wrong:
            return 1
        return 0 if self.proven else 3

    def body(self) -> dict[str, Any]:
        """Return the report as plain data."""
        return asdict(self)

    def blame(self, text: str) -> None:
        """Record something wrong; beyond 200 they are only counted."""
        if len(self.wrong) < MOST_FINDINGS:
            self.wrong.append(text)
        else:
            self.hidden += 1


def verify_log(
    reader: LogReader,
    vkeys: Iterable[str],
    objects: Objects | None = None,
    earlier: str | None = None,
    progress: Progress | None = None,
) -> Report:
    """Verify a whole log, reading every entry once with bounded memory.

    Args:
        reader: where the log is stored; nothing that it says is believed.
        vkeys: public keys whose signature counts.
        objects: where the objects are that entries name; None leaves them unproven.
        earlier: a signed checkpoint that was kept elsewhere.
        progress: called with (entries done, entries in all).

    Returns:
        a report; problems are recorded in it, not raised.
    """
    report = Report()
    verifiers = [parse_vkey(text) for text in vkeys]
    signed = _open(report, "the newest checkpoint", reader.checkpoint(), verifiers)
    kept = _open(report, "the earlier checkpoint", earlier, verifiers) if earlier else None
    walk = _Walk(report, reader, objects, {item.size: item for item in (signed, kept) if item})
    walk.run(progress or (lambda done, total: None))
    _judge_head(report, signed, walk)
    if kept:
        _judge_earlier(report, kept, walk)
    else:
        report.unproven.append(
            "that nothing was rewritten before you looked: only a checkpoint kept elsewhere can show that"
        )
    if objects is None:
        report.unproven.append(
            "that the objects named by the entries are there and unchanged (not looked at)"
        )
    elif not walk.bad_objects:
        report.proven.append(
            f"{report.objects} objects named by entries are there, each with the bytes it promises"
        )
    return report


class _Walk:
    """One pass over the entries: leaves, tiles, canonical form, order of time, objects, sweeps."""

    def __init__(
        self, report: Report, reader: LogReader, objects: Objects | None, heads: dict[int, Checkpoint]
    ) -> None:
        self.report, self.reader, self.objects = report, reader, objects
        self.wanted = set(heads)
        self.roots: dict[int, bytes] = {0: merkle.EMPTY_ROOT}
        self.bad_objects = 0
        self._frontier = merkle.Frontier()
        self._tiles = _Tiles(report, reader)
        self._seen: set[str] = set()
        self._last_at: datetime | None = None
        self._open_sweeps: dict[str, int] = {}

    def run(self, progress: Progress) -> None:
        size = self.reader.size()
        try:
            for index, data in enumerate(self.reader.entries(0, size)):
                self._entry(index, data)
                if index % 256 == 255:
                    progress(index + 1, size)
        except ProofwatchError as error:
            self.report.blame(f"entries cannot be read: {error.problem}")
        if self._frontier.size != size:
            self.report.blame(f"the log says that it has {size} entries, and {self._frontier.size} are there")
        self._tiles.finish(self._frontier.size)
        self.report.entries = self._frontier.size
        self.report.root = self._frontier.root().hex()
        for sweep, index in sorted(self._open_sweeps.items(), key=lambda item: item[1])[:-1]:
            self.report.unproven.append(
                f"how sweep {sweep} ended: it was planned in entry {index} and has no end"
            )
        progress(size, size)

    def _entry(self, index: int, data: bytes) -> None:
        leaf = merkle.leaf_hash(data)
        self._frontier.append(leaf)
        self._tiles.add(leaf)
        if self._frontier.size in self.wanted:
            self.roots[self._frontier.size] = self._frontier.root()
        try:
            entry = parse(data)
        except EvidenceError as error:
            self.report.blame(f"entry {index}: {error.problem}")
            return
        if self._last_at is not None and entry.at < self._last_at:
            self.report.blame(f"entry {index}: it is dated before the entry in front of it")
        self._last_at = entry.at
        self._sweep(index, entry)
        if self.objects is not None:
            for digest in entry.objects():
                self._object(index, digest, self.objects)

    def _sweep(self, index: int, entry: Entry) -> None:
        sweep = str(entry.data.get("sweep", ""))
        if not sweep:
            return
        if entry.kind in BEGINS:
            self._open_sweeps[sweep] = index
        elif entry.kind in ENDS:
            self._open_sweeps.pop(sweep, None)

    def _object(self, index: int, first: str, objects: Objects) -> None:
        """Prove an object, and those that it names in turn: a sweep's manifest names its tables'."""
        todo = [first]
        while todo:
            digest = todo.pop()
            if digest in self._seen:
                continue
            self._seen.add(digest)
            try:
                path = objects.path(digest)
            except ProofwatchError as error:
                self.bad_objects += 1
                self.report.blame(f"entry {index}: object {digest}: {error.problem}")
                continue
            self.report.objects += 1
            todo += _named_in(path)


class _Tiles:
    """Compares the stored tiles with the hashes that the entries give."""

    def __init__(self, report: Report, reader: LogReader) -> None:
        self._report, self._reader = report, reader
        self._levels: list[list[bytes]] = [[]]
        self._counts = [0]

    def add(self, value: bytes, level: int = 0) -> None:
        """Take the next hash of a level; a full tile is compared and becomes a hash of the level above."""
        if level == len(self._levels):
            self._levels.append([])
            self._counts.append(0)
        self._levels[level].append(value)
        if len(self._levels[level]) == merkle.WIDTH:
            hashes, self._levels[level] = self._levels[level], []
            self._compare(level, self._counts[level], hashes)
            self._counts[level] += 1
            self.add(merkle.root(hashes), level + 1)

    def finish(self, size: int) -> None:
        """Compare the tiles at the right edge, which are not full."""
        for level, hashes in enumerate(self._levels):
            if hashes:
                self._compare(level, self._counts[level], hashes)

    def _compare(self, level: int, index: int, hashes: list[bytes]) -> None:
        try:
            stored = self._reader.tile(level, index, len(hashes))
        except ProofwatchError as error:
            self._report.blame(f"tile {level}/{index}: {error.problem}")
            return
        if stored != b"".join(hashes):
            self._report.blame(f"tile {level}/{index}: its hashes are not those of the entries")


def _named_in(path: Path) -> list[str]:
    """Return the digests that a JSON object names; nothing for other objects."""
    with path.open("rb") as file:
        if file.read(1) != b"{" or path.stat().st_size > MOST_JSON:
            return []
        file.seek(0)
        try:
            body = json.load(file)
        except (ValueError, RecursionError):
            return []
    return list(named_objects(body))


def _open(report: Report, what: str, text: str | None, verifiers: list[Verifier]) -> Checkpoint | None:
    if not text:
        return None
    try:
        found, _ = open_checkpoint(text, verifiers)
    except EvidenceError as error:
        report.blame(f"{what}: {error.problem}")
        return None
    return found


def _judge_head(report: Report, signed: Checkpoint | None, walk: _Walk) -> None:
    if signed is None:
        if not report.wrong:
            report.unproven.append("anything at all: no checkpoint is signed by a known key")
        return
    if signed.size > report.entries:
        there = f"{report.entries} are there: the log was cut"
        report.blame(f"the newest checkpoint is over {signed.size} entries, and {there}")
    elif walk.roots.get(signed.size) != signed.root:
        report.blame(f"the first {signed.size} entries do not have the root that {signed.origin} signed")
    else:
        which = f"the first {signed.size} of {report.entries} entries"
        report.proven.append(f"{which} are exactly those that {signed.origin} signed")
        if signed.size < report.entries:
            report.unproven.append(f"the last {report.entries - signed.size} entries: not signed yet")


def _judge_earlier(report: Report, kept: Checkpoint, walk: _Walk) -> None:
    if kept.size > report.entries:
        report.blame(
            f"the checkpoint that was kept is over {kept.size} entries, and {report.entries} are there"
        )
    elif kept.size == 0:
        report.unproven.append("anything from the checkpoint that was kept: it is over an empty log")
    elif walk.roots.get(kept.size) != kept.root:
        report.blame(
            f"the log was rewritten: its first {kept.size} entries are not those of the checkpoint kept"
        )
    else:
        report.proven.append(
            f"nothing before entry {kept.size} was changed since the checkpoint that was kept"
        )
