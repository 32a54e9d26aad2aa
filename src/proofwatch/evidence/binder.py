"""Verify a binder: every file, the signature over them, the log, what others kept, and the objects.

The form is docs/binder.md. What is wrong names its file; what cannot be shown says what would show it.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from proofwatch.evidence.base import EvidenceError
from proofwatch.evidence.binder_kept import CHECKPOINTS, judge_outside
from proofwatch.evidence.binder_rows import Tables
from proofwatch.evidence.binder_tables import judge_tables
from proofwatch.evidence.bundle import LOG, OBJECTS, Bundle, BundleLog, BundleObjects
from proofwatch.evidence.checkpoint import Checkpoint, parse_checkpoint
from proofwatch.evidence.note import Verifier, encode64, open_note, parse_vkey, split_note
from proofwatch.evidence.policy import Policy
from proofwatch.evidence.verify import Progress, Report, verify_log

FORMAT = "proofwatch-binder/1"
SUMS = "SHA256SUMS"
SIGNED = "SHA256SUMS.note"
ABOUT = "binder.json"
VKEYS = f"{LOG}vkeys.txt"
THREADS = 2
MOST_NUMBER = 2**53 - 1
"""The largest whole number that every reader of JSON reads alike."""
_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


@dataclass(slots=True)
class Opened:
    """What verifying found out about a binder's frame, for what follows.

    Attributes:
        about: binder.json, {} if it cannot be read.
        vkeys: the keys that count.
        proven: digests of the objects whose bytes were hashed and are those of their names.
    """

    about: dict[str, Any] = field(default_factory=dict)
    vkeys: list[str] = field(default_factory=list)
    proven: set[str] = field(default_factory=set)


def verify_binder(
    bundle: Bundle,
    *,
    vkeys: Sequence[str] = (),
    earlier: str | None = None,
    policy: Policy | None = None,
    authorities: Sequence[bytes] = (),
    progress: Progress | None = None,
) -> Report:
    """Verify a whole binder, reading every file once and every object that is JSON twice.

    Args:
        bundle: the opened ZIP.
        vkeys: the log's public keys as the auditor knows them; without any, the binder's own are taken, and
            the report says so.
        earlier: a signed checkpoint that was kept elsewhere, older or newer than the binder.
        policy: logs and witnesses that the auditor knows, and how many witnesses are enough.
        authorities: certificates of time-stamp authorities that the auditor trusts, as PEM; without any,
            those in the binder are taken, and the report says so.
        progress: called with (done, in all): first bytes, then entries and objects.

    Returns:
        a report; what is wrong is recorded in it, not raised.

    Raises:
        EvidenceError: a public key given is malformed.
    """
    report, found = Report(), Opened()
    told = progress or (lambda done, total: None)
    digests = _hash_files(report, bundle, found, told)
    _judge_sums(report, bundle, digests)
    found.about = _about(report, bundle)
    given = [*vkeys, *(item.verifier.text for item in (policy.logs if policy else ()))]
    found.vkeys = list(given) or _own_keys(report, bundle)
    head = _judge_signature(report, bundle, found, digests)
    also = _checkpoints(report, bundle)
    first, last = _period(found.about)
    with tempfile.TemporaryDirectory(prefix="binder-") as work:
        objects = BundleObjects(bundle, Path(work), found.proven)
        log = BundleLog(bundle)
        verify_log(
            log, found.vkeys, objects, _older(report, earlier, head), told, also=also,
            within=(first, last) if found.about else None, report=report,
        )  # fmt: skip
        if found.about and head:
            _judge_about(report, found.about, head)
        if found.about and report.signed:
            judge_tables(report, Tables(report, bundle, digests), found.about, log, objects)
        period = (first, last) if found.about else (0, report.entries - 1)
        judge_outside(report, bundle, found.vkeys, policy, authorities, period)
    if first > 0:
        report.unproven.append(
            f"the objects that entries before {first} name: they lie before the period and are not in it"
        )
    if not given and found.vkeys:
        report.unproven.append(
            f"that {found.vkeys[-1]} is the key of this organisation: it stands in the binder itself; "
            "compare it with the one that you received another way, or give it with --vkey or --policy"
        )
    return report


def _hash_files(report: Report, bundle: Bundle, found: Opened, told: Progress) -> dict[str, str]:
    """Return the SHA-256 of every file but the list and its signature; "" where a file is damaged."""
    names = [name for name in bundle.names if name not in (SUMS, SIGNED)]
    total, done, digests = sum(map(bundle.size, names)), 0, {}

    def digest(name: str) -> str:
        hasher = hashlib.sha256()
        for chunk in bundle.chunks(name):
            hasher.update(chunk)
        return hasher.hexdigest()

    with ThreadPoolExecutor(THREADS) as pool:
        for name, future in [(name, pool.submit(digest, name)) for name in names]:
            try:
                digests[name] = future.result()
            except EvidenceError as error:
                report.blame(f"{name}: {error.problem}")
                digests[name] = ""
            done += bundle.size(name)
            told(done, total)
    for name, value in digests.items():
        if name.startswith(OBJECTS):
            if name.removeprefix(OBJECTS).replace("/", "") == value:
                found.proven.add(value)
            elif value:
                report.blame(f"{name}: its bytes are not those that its name promises")
    return digests


def _judge_sums(report: Report, bundle: Bundle, digests: dict[str, str]) -> None:
    listed = _listed(report, bundle)
    if listed is None:
        return
    wrong = len(report.wrong)
    for name, value in listed.items():
        if name not in digests:
            report.blame(f"{name}: it is missing; {SUMS} lists it")
        elif digests[name] and digests[name] != value:
            report.blame(f"{name}: it was changed; {SUMS} lists other bytes")
    for name in digests:
        if name not in listed:
            report.blame(f"{name}: it is not listed in {SUMS}")
    if len(report.wrong) == wrong and all(digests.values()):
        report.proven.append(f"{len(listed)} files are those that {SUMS} lists, none more, none less")


def _listed(report: Report, bundle: Bundle) -> dict[str, str] | None:
    try:
        lines = bundle.text(SUMS).split("\n")
    except FileNotFoundError:
        report.blame(f"{SUMS}: it is missing")
        return None
    except EvidenceError as error:
        report.blame(f"{SUMS}: {error.problem}")
        return None
    found: dict[str, str] = {}
    for number, line in enumerate(lines[:-1], start=1):
        match = _LINE.fullmatch(line)
        if match is None or match[2] in found or match[2] in (SUMS, SIGNED):
            report.blame(f"{SUMS}: line {number} is not a digest and the name of one file")
            return None
        found[match[2]] = match[1]
    if lines[-1] or list(found) != sorted(found, key=lambda name: name.encode()):
        report.blame(f"{SUMS}: it does not end with a line end, or is not sorted")
        return None
    return found


def _about(report: Report, bundle: Bundle) -> dict[str, Any]:
    """Return binder.json if it has the form that is known."""
    try:
        body = json.loads(bundle.text(ABOUT))
        said = str(body["format"])
        numbers = body["log"]["size"], body["entries"]["first"], body["entries"]["last"]
        if any(type(number) is not int or abs(number) > MOST_NUMBER for number in numbers):
            raise ValueError("no number of entries")
        _ = body["log"]["root"], body["log"]["origin"], body["period"]["first"], body["period"]["last"]
    except FileNotFoundError:
        report.blame(f"{ABOUT}: it is missing")
        return {}
    except EvidenceError as error:
        report.blame(f"{ABOUT}: {error.problem}")
        return {}
    except (ValueError, OverflowError, KeyError, TypeError, RecursionError):
        report.blame(f"{ABOUT}: it is not what a binder says of itself")
        return {}
    if said != FORMAT:
        report.blame(f"{ABOUT}: its format is {said[:60]!r}, not {FORMAT}")
        return {}
    found: dict[str, Any] = body
    return found


def _own_keys(report: Report, bundle: Bundle) -> list[str]:
    """Return the keys in the binder itself; malformed ones are named and left out."""
    try:
        lines = bundle.text(VKEYS).splitlines()
    except (FileNotFoundError, EvidenceError):
        report.blame(f"{VKEYS}: it is missing or cannot be read")
        return []
    found = []
    for line in filter(None, map(str.strip, lines)):
        if line.startswith("#"):
            continue
        try:
            found.append(parse_vkey(line).text)
        except EvidenceError as error:
            report.blame(f"{VKEYS}: {error.problem}")
    return found


def _judge_signature(
    report: Report, bundle: Bundle, found: Opened, digests: dict[str, str]
) -> Checkpoint | None:
    """Hold the signed digest against the list of files and the log; return the log's checkpoint."""
    verifiers: list[Verifier] = [parse_vkey(text) for text in found.vkeys]
    head = _head(report, bundle)
    try:
        note = open_note(bundle.read(SIGNED), verifiers)
        sums = hashlib.sha256(bundle.read(SUMS)).hexdigest() if SUMS in bundle else ""
    except FileNotFoundError:
        report.blame(f"{SIGNED}: it is missing: nobody signed the files")
        return head
    except EvidenceError as error:
        report.blame(f"{SIGNED}: {error.problem}")
        return head
    size, root = (str(head.size), encode64(head.root)) if head else ("", "")
    lines = note.text.split("\n")
    if len(lines) != 5 or lines[0] != FORMAT:
        report.blame(f"{SIGNED}: it is not the four lines of a binder's signature")
    elif lines[1] != sums:
        report.blame(f"{SUMS}: it is not the list that was signed in {SIGNED}")
    elif head and lines[2:4] != [size, root]:
        report.blame(f"{LOG}checkpoint: it is not the one that was signed with the files in {SIGNED}")
    elif not report.wrong:
        report.proven.append(f"the list of files is signed by {note.signed_by[0]}")
    return head


def _head(report: Report, bundle: Bundle) -> Checkpoint | None:
    """Return what the log's checkpoint says; its signature is judged with the log."""
    try:
        return parse_checkpoint(split_note(bundle.read(f"{LOG}checkpoint"))[0])
    except FileNotFoundError:
        report.blame(f"{LOG}checkpoint: it is missing")
    except EvidenceError as error:
        report.blame(f"{LOG}checkpoint: {error.problem}")
    return None


def _checkpoints(report: Report, bundle: Bundle) -> dict[str, str]:
    """Return the checkpoints that were signed on the way, by file."""
    found = {}
    for name in bundle.names:
        if name.startswith(CHECKPOINTS):
            try:
                found[name] = bundle.text(name)
            except EvidenceError as error:
                report.blame(f"{name}: {error.problem}")
    return found


def _older(report: Report, earlier: str | None, head: Checkpoint | None) -> str | None:
    """Return the auditor's checkpoint, having said so in plain words where the binder is the older one."""
    if not earlier or head is None:
        return earlier
    try:
        kept = parse_checkpoint(split_note(earlier)[0])
    except EvidenceError:
        return earlier
    if kept.origin == head.origin and kept.size > head.size:
        report.blame(
            f"{LOG}checkpoint: this binder is older than the checkpoint that you kept "
            f"({head.size} entries, and you saw {kept.size})"
        )
    return earlier


def period_of(bundle: Bundle) -> tuple[int, int]:
    """Return the first and the last index of the period's entries. Raises EvidenceError if it has none."""
    report = Report()
    found = _about(report, bundle)
    if not found:
        raise EvidenceError("reading a binder", report.wrong[0], "Verify it first.")
    return _period(found)


def _period(about: dict[str, Any]) -> tuple[int, int]:
    entries = about.get("entries", {})
    return int(entries.get("first", 0)), int(entries.get("last", -1))


def _judge_about(report: Report, about: dict[str, Any], head: Checkpoint) -> None:
    said = about["log"]
    if (said["origin"], said["size"], said["root"]) != (head.origin, head.size, head.root.hex()):
        report.blame(f"{ABOUT}: the log that it names is not the one in {LOG}")
