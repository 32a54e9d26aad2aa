"""What others keep, held against the log as it is: only that reveals a log that was rewritten as a whole.

A log that somebody rewrote, with its key in hand, fits itself. It does not fit a checkpoint that is out of
their reach: a copy in somebody else's hands, a time-stamp, a witness's cosignature.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from proofwatch.evidence import merkle
from proofwatch.evidence.base import EvidenceError
from proofwatch.evidence.checkpoint import Checkpoint, open_checkpoint
from proofwatch.evidence.cosignature import CosignerVerifier, cosignatures, parse_cosigner
from proofwatch.evidence.note import Verifier, parse_vkey
from proofwatch.evidence.timestamp import Untrusted, authority_of, read_roots, verify_token
from proofwatch.evidence.verify import Report

STAMP, WITNESS = "timestamp", "witness"
NOTHING = "that nothing was rewritten before you looked: nothing that others keep was compared"
UNDATED = "since when the log has had its entries: no time-stamp and no cosignature of a witness proves it"


@dataclass(frozen=True, slots=True)
class Kept:
    """One checkpoint as somebody outside took it.

    Attributes:
        keeper: who, by our name for them.
        kind: `timestamp` and `witness` prove by `proof`; every other kind by where the copy was read.
        note: the signed checkpoint: as it was given, or as it was read outside.
        proof: a time-stamp token, or a checkpoint with cosignatures.
        where: where the copy was read outside; "" for what only our own records say, which proves nothing
            by itself.
    """

    keeper: str
    kind: str
    note: bytes
    proof: bytes = b""
    where: str = ""


@dataclass(slots=True)
class _Fit:
    """The newest that fits of one keeper, and how many there are."""

    size: int
    text: str
    number: int = 1


def roots_at(entries: Iterable[bytes], sizes: Collection[int]) -> dict[int, bytes]:
    """Return size → root of the first entries, for every wanted size that there are entries for."""
    wanted = set(sizes)
    frontier = merkle.Frontier()
    found = {0: frontier.root()} if 0 in wanted else {}
    for entry in entries:
        frontier.append(merkle.leaf_hash(entry))
        if frontier.size in wanted:
            found[frontier.size] = frontier.root()
    return found


def judge_kept(
    report: Report,
    roots_by_size: Mapping[int, bytes],
    items: Iterable[Kept],
    authorities: Sequence[bytes] = (),
    *,
    vkeys: Iterable[str],
    witnesses: Iterable[str] = (),
) -> bool:
    """Compare what others keep with the log; add what follows to the report, in plain words.

    Args:
        report: of verifying the log's entries; `entries` says how many there are.
        roots_by_size: the roots that these entries give, at the sizes of the checkpoints; see `roots_at`.
        items: what others keep.
        authorities: certificates of time-stamp authorities that the reader trusts, as PEM files' bytes.
        vkeys: the log's public keys.
        witnesses: public keys of witnesses that the reader trusts.

    Returns:
        whether something that others keep says that the log was rewritten or cut.

    Raises:
        EvidenceError: a public key or a file of certificates is malformed.
    """
    judge = _Judge(report, roots_by_size, authorities, vkeys, witnesses)
    for item in items:
        judge.take(item)
    judge.finish()
    return judge.revealed


class _Judge:
    def __init__(
        self,
        report: Report,
        roots: Mapping[int, bytes],
        authorities: Sequence[bytes],
        vkeys: Iterable[str],
        witnesses: Iterable[str],
    ) -> None:
        self.report, self.roots, self.authorities = report, roots, authorities
        self.verifiers: list[Verifier] = [parse_vkey(text) for text in vkeys]
        self.witnesses: list[CosignerVerifier] = [parse_cosigner(text) for text in witnesses]
        read_roots(authorities)  # A file of the reader's that is none is their mistake, not the log's.
        self.revealed = False
        self._fits: dict[tuple[str, str], _Fit] = {}
        self._doubts: dict[tuple[str, str], _Fit] = {}
        self._dated = self._compared = False

    def take(self, item: Kept) -> None:
        """Judge one item."""
        what = item.where or f"what {item.keeper} was given"
        try:
            found, _ = open_checkpoint(item.note, self.verifiers)
        except EvidenceError as error:
            self.report.blame(f"{what} is no checkpoint of this log: {error.problem}")
            return
        if item.kind == STAMP:
            self._stamp(item, found)
        elif item.kind == WITNESS:
            self._cosigned(item, found)
        elif not item.where:
            self._matches(found, f"{item.keeper} was given", "")
        elif self._matches(found, f"{item.where} keeps", ""):
            self._compared = True
            since = f"was changed since {item.keeper} took it"
            text = f"nothing before entry {found.size} {since}: {item.where} fits"
            self._fit(item, found.size, text)

    def finish(self) -> None:
        """Say what fits, once for each keeper, and what nobody vouches for."""
        for (keeper, _), fit in self._fits.items():
            more = f" (the newest of {fit.number} that fit, by {keeper})" if fit.number > 1 else ""
            self.report.proven.append(fit.text + more)
        for fit in self._doubts.values():
            more = f" (and {fit.number - 1} before)" if fit.number > 1 else ""
            self.report.unproven.append(fit.text + more)
        if not (self._compared or self._dated or self.revealed):
            self.report.unproven.append(NOTHING)
        if not self._dated:
            self.report.unproven.append(UNDATED)

    def _stamp(self, item: Kept, found: Checkpoint) -> None:
        what = f"the time-stamp of {item.keeper} over the first {found.size} entries"
        try:
            stamp = verify_token(item.proof, item.note, self.authorities)
        except Untrusted:
            who, moment = authority_of(item.proof)
            text = (
                f"that the log had its first {found.size} entries at {_utc(moment)}: {who} says so, and no "
                "certificate of an authority that was given vouches for it"
            )
            if self._matches(found, f"{item.keeper} was given", ""):
                self._doubt(item, found.size, text)
            return
        except EvidenceError as error:
            self.report.blame(f"{what}: {error.problem}")
            return
        at = _utc(stamp.at)
        if self._matches(found, f"{stamp.authority} stamped at {at}", f" after {at}"):
            self._dated = True
            text = f"the log had its first {found.size} entries at {at}: stamped by {stamp.authority}"
            self._fit(item, found.size, text)

    def _cosigned(self, item: Kept, found: Checkpoint) -> None:
        what = f"the cosignature of {item.keeper} over the first {found.size} entries"
        try:
            cosigned, _ = open_checkpoint(item.proof, self.verifiers)
            lines = cosignatures(item.proof, self.witnesses)
        except EvidenceError as error:
            self.report.blame(f"{what}: {error.problem}")
            return
        if (cosigned.size, cosigned.root) != (found.size, found.root):
            self.report.blame(f"{what}: it is over another checkpoint")
            return
        if not lines:
            text = f"that {item.keeper} saw the first {found.size} entries: no public key of it was given"
            if self._matches(found, f"{item.keeper} was given", ""):
                self._doubt(item, found.size, text)
            return
        at = _utc(lines[0].moment)
        if self._matches(found, f"{lines[0].name} cosigned at {at}", f" after {at}"):
            self._dated = True
            text = f"the log had its first {found.size} entries at {at}: cosigned by {lines[0].name}"
            self._fit(item, found.size, f"{text}, to whom it never showed another history")

    def _matches(self, found: Checkpoint, who: str, since: str) -> bool:
        """Tell whether the entries give the root; if not, that is what everything here is for."""
        root = self.roots.get(found.size)
        if found.size > self.report.entries:
            text = f"the log was cut{since}: {who} {found.size} entries, and {self.report.entries} are there"
        elif root is None:
            self.report.unproven.append(f"that the first {found.size} entries are those that {who}: not read")
            return False
        elif root != found.root:
            text = f"the log was rewritten{since}: its first {found.size} entries are not those that {who}"
        else:
            return True
        self.revealed = True
        self.report.blame(text)
        return False

    def _fit(self, item: Kept, size: int, text: str) -> None:
        _newer(self._fits, item, size, text)

    def _doubt(self, item: Kept, size: int, text: str) -> None:
        _newer(self._doubts, item, size, text)


def _newer(known: dict[tuple[str, str], _Fit], item: Kept, size: int, text: str) -> None:
    key = (item.keeper, item.kind)
    fit = known.setdefault(key, _Fit(size, text, 0))
    fit.number += 1
    if size > fit.size:
        fit.size, fit.text = size, text


def _utc(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
