"""Trust policies as in C2SP tlog-policy: which logs, which witnesses, and how many of them are enough."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from proofwatch.evidence.base import EvidenceError
from proofwatch.evidence.checkpoint import Checkpoint, decimal, open_checkpoint
from proofwatch.evidence.cosignature import Cosignature, CosignerVerifier, cosignatures, parse_cosigner
from proofwatch.evidence.note import Verifier, parse_vkey

READING = "reading a policy"
JUDGING = "judging a checkpoint by a policy"
NONE = "none"
MOST_BYTES = 1_000_000
BLANKS = re.compile("[ \t]+")
ODD = re.compile(rb"[^\t\n\x20-\x7e\x80-\xff]")


@dataclass(frozen=True, slots=True)
class KnownLog:
    """A log that is accepted; the name of its key is its origin."""

    verifier: Verifier
    url: str = ""


@dataclass(frozen=True, slots=True)
class KnownWitness:
    """A witness, by its name within the policy."""

    name: str
    verifier: CosignerVerifier
    url: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """A group: it has witnessed a checkpoint once `threshold` of its members have."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """What a checkpoint needs to be believed: one of the logs' signatures, and the quorum of witnesses.

    Attributes:
        logs: accepted logs, in the order of the file.
        witnesses: known witnesses, in the order of the file.
        groups: groups, each after its members.
        quorum: the witness or group that is needed; "none" for no cosignature at all.
    """

    logs: tuple[KnownLog, ...] = ()
    witnesses: tuple[KnownWitness, ...] = ()
    groups: tuple[Group, ...] = ()
    quorum: str = NONE


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a checkpoint fulfils of a policy.

    Attributes:
        checkpoint: what was signed.
        log: origin of the log that signed it.
        cosigned: the witnesses of the policy that cosigned it, by their names there.
        missing: the witnesses that did not.
        met: whether the quorum is met.
    """

    checkpoint: Checkpoint
    log: str
    cosigned: dict[str, Cosignature]
    missing: tuple[str, ...]
    met: bool


def parse_policy(data: str | bytes) -> Policy:
    """Read a policy. Raises EvidenceError, naming the line."""
    try:
        raw = data if isinstance(data, bytes) else data.encode("utf-8", "surrogateescape")
    except UnicodeError:
        raise EvidenceError(READING, "it is no text that a file could hold") from None
    if len(raw) > MOST_BYTES:
        raise EvidenceError(READING, f"it is longer than {MOST_BYTES} bytes")
    reader = _Reader()
    for number, line in enumerate(raw.split(b"\n"), start=1):
        odd = ODD.search(line)
        if odd:
            raise EvidenceError(READING, f"line {number}: the byte 0x{odd[0][0]:02x} may not stand in it")
        # Names are bytes with no meaning of their own: what is not UTF-8 is carried along as it is.
        words = BLANKS.split(line.decode("utf-8", "surrogateescape").strip(" \t"))
        if not words[0] or words[0].startswith("#"):
            continue
        try:
            reader.take(words)
        except EvidenceError as error:
            shown = error.problem.encode("utf-8", "backslashreplace").decode("utf-8")
            raise EvidenceError(READING, f"line {number}: {shown}") from None
    return reader.policy()


def format_policy(policy: Policy) -> str:
    """Return a policy as text; reading it gives an equal one.

    Raises:
        EvidenceError: what it says cannot be written, e.g. a name that is not defined before its use.
    """
    lines = [f"log {item.verifier.text} {item.url}" for item in policy.logs]
    lines += [f"witness {item.name} {item.verifier.text} {item.url}" for item in policy.witnesses]
    lines += [f"group {item.name} {item.threshold} {' '.join(item.members)}" for item in policy.groups]
    text = "".join(f"{line.rstrip(' ')}\n" for line in [*lines, f"quorum {policy.quorum}"])
    if parse_policy(text) != policy:
        raise EvidenceError("writing a policy", "a name or an address in it holds blanks or line ends")
    return text


def simple_policy(vkeys: list[str], witnesses: list[tuple[str, str]], threshold: int = 0) -> Policy:
    """Return a policy of some logs and witnesses.

    Args:
        vkeys: public keys of the logs; of one log several, after a change of its key.
        witnesses: (public key, address or "") of each witness.
        threshold: how many of them are needed; 0 for none.

    Raises:
        EvidenceError: a key is malformed or there twice, or fewer witnesses are there than needed.
    """
    known = tuple(
        KnownWitness(f"w{number}", parse_cosigner(vkey), url)
        for number, (vkey, url) in enumerate(witnesses, start=1)
    )
    groups = (Group("quorum", threshold, tuple(item.name for item in known)),) if threshold else ()
    policy = Policy(
        tuple(KnownLog(parse_vkey(vkey)) for vkey in vkeys), known, groups, "quorum" if groups else NONE
    )
    return parse_policy(format_policy(policy))


def evaluate(policy: Policy, note: str | bytes) -> Judgement:
    """Judge a signed checkpoint, as it stands with its cosignatures.

    Returns:
        what it fulfils; `met` tells whether the quorum is met.

    Raises:
        EvidenceError: it is malformed, none of the policy's logs signed it, the one that did is not the log
            that it is of, or the signature of a known log or witness does not fit.
    """
    if not policy.logs:
        raise EvidenceError(JUDGING, "the policy names no log", "Add a line: log <vkey>")
    checkpoint, opened = open_checkpoint(note, [item.verifier for item in policy.logs])
    if checkpoint.origin not in opened.signed_by:
        signed = ", ".join(opened.signed_by)
        raise EvidenceError(JUDGING, f"it is of the log {checkpoint.origin!r}, and {signed} signed it")
    by_key = {item.verifier.text: item.name for item in policy.witnesses}
    found = cosignatures(note, [item.verifier for item in policy.witnesses])
    cosigned = {by_key[item.vkey]: item for item in found}
    done = set(cosigned) | {NONE}
    for group in policy.groups:
        if sum(member in done for member in group.members) >= group.threshold:
            done.add(group.name)
    missing = tuple(item.name for item in policy.witnesses if item.name not in cosigned)
    return Judgement(checkpoint, checkpoint.origin, cosigned, missing, policy.quorum in done)


@dataclass(slots=True)
class _Reader:
    """Takes a policy line by line; what is wrong is raised without the line's number."""

    logs: list[KnownLog] = field(default_factory=list)
    witnesses: list[KnownWitness] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    defined: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    quorum: str = ""

    def take(self, words: list[str]) -> None:
        """Take the words of one line."""
        lines: dict[str, Callable[[list[str]], None]] = {
            "log": self._log,
            "witness": self._witness,
            "group": self._group,
            "quorum": self._quorum,
        }
        if words[0] not in lines:
            raise EvidenceError(READING, f"{words[0][:40]!r} is none of {', '.join(lines)}")
        lines[words[0]](words[1:])

    def policy(self) -> Policy:
        """Return all of it."""
        if not self.quorum:
            raise EvidenceError(
                READING, "it has no quorum line", "Add one; `quorum none` asks for no witness."
            )
        return Policy(tuple(self.logs), tuple(self.witnesses), tuple(self.groups), self.quorum)

    def _log(self, words: list[str]) -> None:
        if len(words) not in (1, 2):
            raise EvidenceError(READING, "a log has the form: log <vkey> [<url>]")
        item = KnownLog(parse_vkey(_utf8(words[0])), "".join(words[1:]))
        if any(known.verifier.public == item.verifier.public for known in self.logs):
            raise EvidenceError(READING, "a log with this public key is there already")
        self.logs.append(item)

    def _witness(self, words: list[str]) -> None:
        if len(words) not in (2, 3):
            raise EvidenceError(READING, "a witness has the form: witness <name> <vkey> [<url>]")
        self._define(words[0])
        item = KnownWitness(words[0], parse_cosigner(_utf8(words[1])), "".join(words[2:]))
        if any(known.verifier.public == item.verifier.public for known in self.witnesses):
            raise EvidenceError(READING, "a witness with this public key is there already")
        self.witnesses.append(item)

    def _group(self, words: list[str]) -> None:
        if len(words) < 3:
            raise EvidenceError(READING, "a group has the form: group <name> all|any|<number> <name>…")
        name, needed, *members = words
        for member in members:
            if member not in self.defined:
                raise EvidenceError(READING, f"{member!r} is not defined on a line before")
            if member in self.used:
                raise EvidenceError(READING, f"{member!r} is a member of a group already")
            self.used.add(member)
        self._define(name)
        short = {"any": 1, "all": len(members)}
        threshold = short[needed] if needed in short else decimal(READING, "number of members", needed)
        if not 1 <= threshold <= len(members):
            raise EvidenceError(READING, f"{threshold} of {len(members)} members cannot be asked for")
        self.groups.append(Group(name, threshold, tuple(members)))

    def _quorum(self, words: list[str]) -> None:
        if len(words) != 1:
            raise EvidenceError(READING, "a quorum has the form: quorum <name>")
        if self.quorum:
            raise EvidenceError(READING, "there is a quorum line already")
        if words[0] != NONE and words[0] not in self.defined:
            raise EvidenceError(READING, f"{words[0]!r} is not defined on a line before")
        self.quorum = words[0]

    def _define(self, name: str) -> None:
        if name == NONE:
            raise EvidenceError(READING, "the name 'none' has a meaning already: no witness")
        if name in self.defined:
            raise EvidenceError(READING, f"the name {name!r} is defined already")
        self.defined.add(name)


def _utf8(text: str) -> str:
    """Return `text` if it is UTF-8, as keys must be. Raises EvidenceError."""
    try:
        text.encode("utf-8")
    except UnicodeError:
        raise EvidenceError(READING, "the key is not UTF-8") from None
    return text
