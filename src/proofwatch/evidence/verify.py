"""Recompute everything that the log claims: what is proven, what is not, and what is wrong."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from proofwatch.errors import ProofwatchError
from proofwatch.evidence import merkle
from proofwatch.evidence.base import EvidenceError, LogReader
from proofwatch.evidence.checkpoint import Checkpoint, open_checkpoint
from proofwatch.evidence.entry import parse
from proofwatch.evidence.named import MOST_JSON, Named, named_in
from proofwatch.evidence.note import Verifier, parse_vkey
from proofwatch.evidence.objects import ObjectStore
from proofwatch.evidence.occurrences import Occurrences

MOST_FINDINGS = 200
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
    signed: bool = False
    """Whether entries stand, proven, under a checkpoint that a known key signed (or there are none)."""
    gaps: int = 0
    """How many sweeps and occurrences the log says too little about; each stands in `unproven`."""
    hidden: int = 0
    """Wrong things and gaps beyond the first 200 of each, counted and not listed."""
    roots: dict[int, bytes] = field(default_factory=dict)
    """The roots that the entries give at every size that a checkpoint was signed over."""
    times: dict[int, datetime] = field(default_factory=dict)
    """The time of the last entry at each of these sizes, and at the end of the period and of the log."""

    @property
    def exit_code(self) -> int:
        """Return 1 if something is wrong; else 3 if nothing is signed or the log has gaps; else 0."""
        if self.wrong:
            return 1
        return 0 if self.signed and not self.gaps else 3

    def body(self) -> dict[str, Any]:
        """Return the report as plain data."""
        found = {**asdict(self), "roots": len(self.roots), "exit_code": self.exit_code}
        del found["times"]
        return found

    def blame(self, text: str) -> None:
        """Record something wrong; beyond 200 they are only counted."""
        if len(self.wrong) < MOST_FINDINGS:
            self.wrong.append(text)
        else:
            self.hidden += 1

    def doubt(self, text: str) -> None:
        """Record a gap in what the log says; beyond 200 they are only counted."""
        self.gaps += 1
        if self.gaps <= MOST_FINDINGS:
            self.unproven.append(text)
        else:
            self.hidden += 1


def verify_log(
    reader: LogReader,
    vkeys: Iterable[str],
    objects: ObjectStore | None = None,
    earlier: str | None = None,
    progress: Progress | None = None,
    *,
    also: Mapping[str, str] | None = None,
    within: tuple[int, int] | None = None,
    report: Report | None = None,
) -> Report:
    """Verify a whole log, reading every entry and every object once with bounded memory.

    Args:
        reader: where the log is stored; nothing that it says is believed.
        vkeys: public keys whose signature counts; without any, nothing is signed.
        objects: where the objects are that entries name; None leaves them unproven.
        earlier: a signed checkpoint that was kept elsewhere.
        progress: called with (done, in all), entries first and then objects.
        also: further signed checkpoints of this log, by a name for each: the entries must give their roots.
        within: first and last index of the entries whose objects must be there; None: of all.
        report: where to go on; a new one if not given.

    Returns:
        a report; what is wrong with the log or the objects is recorded in it, not raised.

    Raises:
        EvidenceError: a public key is malformed.
    """
    report = report or Report()
    told = progress or (lambda done, total: None)
    verifiers = [parse_vkey(text) for text in vkeys]
    signed = _open(report, "the newest checkpoint", _checkpoint(report, reader), verifiers)
    kept = _open(report, "the earlier checkpoint", earlier, verifiers)
    others = {name: _open(report, name, text, verifiers) for name, text in (also or {}).items()}
    # An empty file name is SQLite's private temporary database: it moves to disk as it grows.
    with closing(sqlite3.connect("", isolation_level=None)) as scratch:
        named = Named(scratch, within)
        walk = _Walk(report, reader, named, {item.size for item in (signed, kept, *others.values()) if item})
        walk.run(told, within[1] + 1 if within else 0)
        report.roots, report.times = walk.roots, walk.times
        _judge_head(report, signed, walk.roots)
        _judge_earlier(report, kept, signed, walk.roots, given=bool(earlier))
        _judge_others(report, others, signed, walk.roots)
        _judge_objects(report, objects, named, told)
    return report


class _Walk:
    """One pass over the entries: leaves, tiles, canonical form, order of time, sweeps, objects named."""

    def __init__(self, report: Report, reader: LogReader, named: Named, wanted: set[int]) -> None:
        self.roots: dict[int, bytes] = {0: merkle.EMPTY_ROOT}
        self.times: dict[int, datetime] = {}
        self._report, self._reader, self._named, self._wanted = report, reader, named, wanted
        self._frontier = merkle.Frontier()
        self._tiles = _Tiles(report, reader)
        self._occurrences = Occurrences(report.doubt)
        self._last_at: datetime | None = None

    def run(self, progress: Progress, dated: int = 0) -> None:
        """Read all entries; what is wrong goes to the report. The time is also kept at the size `dated`."""
        size = 0
        try:
            size = self._reader.size()
            for index, data in enumerate(self._reader.entries(0, size)):
                self._entry(index, data)
                if self._frontier.size in self._wanted or self._frontier.size == dated:
                    self._keep_time()
                if index % 256 == 255:
                    progress(index + 1, size)
        except ProofwatchError as error:
            self._report.blame(f"entries from {self._frontier.size} on cannot be read: {error.problem}")
        if self._frontier.size != size:
            there = f"{self._frontier.size} are there"
            self._report.blame(f"the log says that it has {size} entries, and {there}")
        self._keep_time()
        self._tiles.finish()
        self._occurrences.finish()
        self._report.entries = self._frontier.size
        self._report.root = self._frontier.root().hex()
        progress(size, size)

    def _keep_time(self) -> None:
        if self._last_at is not None:
            self.times[self._frontier.size] = self._last_at

    def _entry(self, index: int, data: bytes) -> None:
        leaf = merkle.leaf_hash(data)
        self._frontier.append(leaf)
        self._tiles.add(leaf)
        if self._frontier.size in self._wanted:
            self.roots[self._frontier.size] = self._frontier.root()
        try:
            entry = parse(data)
        except EvidenceError as error:
            self._report.blame(f"entry {index}: {error.problem}")
            return
        if self._last_at is not None and entry.at < self._last_at:
            self._report.blame(f"entry {index}: it is dated before the entry in front of it")
        self._last_at = entry.at
        self._occurrences.take(index, entry)
        self._named.add(entry.objects(), index)


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

    def finish(self) -> None:
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


def _checkpoint(report: Report, reader: LogReader) -> str:
    try:
        return reader.checkpoint()
    except ProofwatchError as error:
        report.blame(f"the newest checkpoint: {error.problem}")
        return ""


def _open(report: Report, what: str, text: str | None, verifiers: list[Verifier]) -> Checkpoint | None:
    if not text or not verifiers:
        return None
    try:
        found, _ = open_checkpoint(text, verifiers)
    except EvidenceError as error:
        report.blame(f"{what}: {error.problem}")
        return None
    return found


def _judge_head(report: Report, signed: Checkpoint | None, roots: dict[int, bytes]) -> None:
    if signed is None:
        if not report.wrong:
            report.unproven.append("anything at all: no checkpoint is signed by a known key")
        return
    if signed.size > report.entries:
        there = f"{report.entries} are there: the log was cut"
        report.blame(f"the newest checkpoint is over {signed.size} entries, and {there}")
    elif roots.get(signed.size) != signed.root:
        report.blame(f"the first {signed.size} entries do not have the root that {signed.origin} signed")
    else:
        report.signed = signed.size > 0 or report.entries == 0
        which = f"the first {signed.size} of {report.entries} entries"
        report.proven.append(f"{which} are exactly those that {signed.origin} signed")
        if signed.size < report.entries:
            report.unproven.append(f"the last {report.entries - signed.size} entries: not signed yet")


def _judge_earlier(
    report: Report,
    kept: Checkpoint | None,
    signed: Checkpoint | None,
    roots: dict[int, bytes],
    *,
    given: bool,
) -> None:
    if kept is None:
        if not given:
            missing = "only a checkpoint kept elsewhere can show that"
            report.unproven.append(f"that nothing was rewritten before you looked: {missing}")
    elif signed and signed.origin != kept.origin:
        report.blame(f"the checkpoint that was kept is of {kept.origin}, and the log is {signed.origin}")
    elif kept.size > report.entries:
        there = f"and {report.entries} are there"
        report.blame(f"the checkpoint that was kept is over {kept.size} entries, {there}")
    elif kept.size == 0:
        report.unproven.append("anything from the checkpoint that was kept: it is over an empty log")
    elif roots.get(kept.size) != kept.root:
        text = f"its first {kept.size} entries are not those of the checkpoint kept"
        report.blame(f"the log was rewritten: {text}")
    else:
        text = f"nothing before entry {kept.size} was changed since the checkpoint that was kept"
        report.proven.append(text)


def _judge_others(
    report: Report,
    others: Mapping[str, Checkpoint | None],
    signed: Checkpoint | None,
    roots: dict[int, bytes],
) -> None:
    """Hold every further checkpoint against the entries: each names its file where it does not fit."""
    fitting = 0
    for name, found in others.items():
        if found is None:
            continue
        if signed and signed.origin != found.origin:
            report.blame(f"{name}: it is of {found.origin}, and the log is {signed.origin}")
        elif found.size > report.entries:
            report.blame(f"{name}: it is over {found.size} entries, and {report.entries} are there")
        elif roots.get(found.size) != found.root:
            report.blame(f"{name}: the first {found.size} entries do not have the root that it signed")
        else:
            fitting += 1
    if fitting and fitting == len(others):
        report.proven.append(f"{fitting} checkpoints that were signed on the way fit the entries")


def _judge_objects(report: Report, objects: ObjectStore | None, named: Named, progress: Progress) -> None:
    """Prove each object that is named, and those that it names: a sweep's manifest names its tables'."""
    if objects is None:
        unread = "are there and unchanged (not looked at)"
        report.unproven.append(f"that the objects named by the entries {unread}")
        return
    bad = 0
    for digest, entry in named.walk():
        try:
            named.add(named_in(objects.prove(digest, MOST_JSON)), entry)
            report.objects += 1
        except ProofwatchError as error:
            bad += 1
            report.blame(f"entry {entry}: object {digest}: {error.problem}")
        progress(report.entries + report.objects + bad, report.entries + named.count())
    if not bad and not report.wrong:
        there = "are there, each with the bytes it promises"
        report.proven.append(f"{report.objects} objects named by entries {there}")
