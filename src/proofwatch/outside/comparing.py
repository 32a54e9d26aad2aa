"""Comparing the log with what others keep, and saying whether anybody keeps anything at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from proofwatch.errors import ProofwatchError
from proofwatch.evidence import timestamp
from proofwatch.evidence.base import EvidenceError, LogReader
from proofwatch.evidence.checkpoint import parse_checkpoint
from proofwatch.evidence.entry import parse
from proofwatch.evidence.kept import Kept, judge_kept, roots_at
from proofwatch.evidence.note import split_note
from proofwatch.evidence.objects import ObjectStore
from proofwatch.evidence.verify import Report, verify_log
from proofwatch.outbound.http import Client
from proofwatch.outside.book import every, parsed
from proofwatch.outside.copies import Shows
from proofwatch.outside.giving import KEPT, history
from proofwatch.outside.registry import keeper
from proofwatch.outside.timestamp import read_roots
from proofwatch.store.django import guarded
from proofwatch.store.models import Keeper, LogEntry

Level = Literal["ok", "warning", "wrong"]
NEWEST = 100
"""Proofs of one keeper that are looked at, the newest first."""
STAMP, WITNESS = "timestamp", "witness"


@dataclass(slots=True)
class Outside:
    """What is kept outside, as far as it could be read.

    Attributes:
        items: checkpoints and their proofs.
        remarks: what is strange about how they are kept, and who could not be asked.
        authorities: certificates of time-stamp authorities as this installation knows them.
        witnesses: public keys of witnesses as it knows them.
    """

    items: list[Kept] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    authorities: list[bytes] = field(default_factory=list)
    witnesses: list[str] = field(default_factory=list)


def gather(client: Client, objects: ObjectStore, name: str = "") -> Outside:
    """Ask the keepers what they keep, and read the proofs that they gave; nothing is changed anywhere.

    Args:
        client: reaches the keepers.
        objects: where the proofs are.
        name: of one keeper; "" asks all.
    """
    found = Outside()
    for row in every():
        if name in ("", row.name):
            _ask(row, client, found)
    for entry in _entries(name):
        _proof(entry, objects, found)
    found.authorities = list(dict.fromkeys(found.authorities))
    found.witnesses = list(dict.fromkeys(found.witnesses))
    return found


def compare(
    reader: LogReader,
    vkeys: list[str],
    outside: Outside,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Report, bool]:
    """Verify the log's entries, and hold what others keep against them.

    Returns:
        the report, and whether something outside says that the log was rewritten or cut.
    """
    report = verify_log(reader, vkeys, progress=progress)
    # What stands for a missing earlier checkpoint there is what is proven here.
    report.unproven = [line for line in report.unproven if "a checkpoint kept elsewhere" not in line]
    sizes = {size for item in outside.items if (size := _size(item.note)) is not None}
    roots = roots_at(reader.entries(0, report.entries), sizes)
    revealed = judge_kept(
        report, roots, outside.items, outside.authorities, vkeys=vkeys, witnesses=outside.witnesses
    )
    report.unproven += outside.remarks
    return report, revealed


def problems() -> Iterator[tuple[Level, str, str]]:
    """Yield (level, what is wrong, what helps) about keeping checkpoints outside; `level` as in `health`."""
    rows = every()
    running = [row for row in rows if row.enabled]
    if not running:
        said = "nobody keeps checkpoints outside: a log that is rewritten as a whole would look whole"
        yield "warning", said, "proofwatch outside add --help"
        return
    stamping = sum(row.kind == STAMP for row in running)
    if stamping < 2:
        said = f"{stamping or 'no'} time-stamp authority: with two, none has to be believed alone"
        yield "warning", said, "proofwatch outside add NAME --kind timestamp --set url=… --set roots=…"
    for row in rows:
        last = next(iter(history(row.name, 1)), None)
        if not row.enabled:
            yield "warning", f"{row.name} is paused", f"proofwatch outside resume {row.name} --reason …"
        elif last is None:
            yield "warning", f"{row.name} was never given a checkpoint", f"proofwatch outside now {row.name}"
        elif last.state == "failed":
            level: Level = "wrong" if last.alarming else "warning"
            yield (
                level,
                f"{row.name} did not take the last: {last.error}",
                f"proofwatch outside test {row.name}",
            )


def _ask(row: Keeper, client: Client, found: Outside) -> None:
    try:
        settings = parsed(row.kind, row.settings, f"reading the settings of {row.name}")
        if row.kind == STAMP:
            pem = read_roots(settings.model_dump()["roots"])
            timestamp.read_roots([pem])
            found.authorities.append(pem)
        elif row.kind == WITNESS:
            found.witnesses.append(str(settings.model_dump()["vkey"]))
        kind = keeper(row.kind)
        if not isinstance(kind, Shows):
            return
        shown = kind.show(settings, client)
    except ProofwatchError as error:
        found.remarks.append(f"what {row.name} keeps: it could not be asked: {error.problem}")
        return
    found.items += [Kept(row.name, row.kind, copy.note, where=copy.where) for copy in shown.copies]
    found.remarks += [f"that nobody touched what {row.name} keeps: {text}" for text in shown.remarks]
    if shown.more:
        found.remarks.append(f"{shown.more} older copies of {row.name}: they were not read")


def _entries(name: str) -> Iterator[dict[str, Any]]:
    """Yield the data of the newest entries about what was kept, at most so many of one keeper."""
    seen: Counter[str] = Counter()
    with guarded("reading what was kept"):
        rows = list(
            LogEntry.objects.filter(kind=KEPT).order_by("-index").values_list("entry", flat=True)[:5000]
        )
    for row in rows:
        try:
            data = dict(parse(bytes(row)).data)
        except EvidenceError:
            continue  # Verifying the log says so.
        who = str(data.get("keeper"))
        seen[who] += 1
        if seen[who] <= NEWEST and name in ("", who):
            yield data


def _proof(data: dict[str, Any], objects: ObjectStore, found: Outside) -> None:
    """Take up one entry: the checkpoint that was given, the proof, and whose certificates it needs."""
    who = str(data["keeper"])
    try:
        note = objects.get(data["checkpoint"]["sha256"])
        proof = objects.get(data["proof"]["sha256"]) if "proof" in data else b""
        found.items.append(Kept(who, str(data["kind"]), note, proof))
        if data["kind"] == STAMP:
            found.authorities += [objects.get(item["sha256"]) for item in data.get("also", [])]
    except (KeyError, TypeError):
        found.remarks.append(f"an entry about what {who} was given: it does not name a checkpoint")
    except ProofwatchError as error:
        found.remarks.append(f"what {who} was given: {error.doing}: {error.problem}")


def _size(note: bytes) -> int | None:
    try:
        return parse_checkpoint(split_note(note)[0]).size
    except EvidenceError:
        return None
