"""Restore a backup into an empty database: whole and proven, or not at all.

One transaction holds all rows, the comparison of every table with the backup's digests, the verification of
the whole log and of every object, and the entry `backup.restored`. Whatever goes wrong, and at whatever
moment the machine stops, the database is as empty as before. Objects and files come first: they are written
once, and those of an attempt that failed do no harm.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from proofwatch import __version__
from proofwatch.evidence.checkpoint import open_checkpoint
from proofwatch.evidence.note import parse_vkey
from proofwatch.evidence.objects import OwnStore
from proofwatch.evidence.verify import Report, verify_log
from proofwatch.store import copying, django, log
from proofwatch.store.archive import BackupError, Member, Reader
from proofwatch.store.backup import LEFT_OUT
from proofwatch.store.manifest import UNDERSTOOD, Inspected, Progress, part, put_file

DOING = "restoring the backup"
SMALL = 8 << 20
"""Bytes up to which an object is put into the store from memory."""
MOST_SAID = 5


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be restored, and how its result is judged.

    Attributes:
        file: the backup, open.
        inspected: what reading it through found.
        objects: the store that its objects are put into, and in which they are verified.
        folders: first part of a name in the backup → folder, for what lies beside the state.
        vkeys: public keys of the log.
        earlier: a checkpoint that was kept elsewhere; "" if there is none.
        accept_loss: why entries or objects may be lost; "" if they may not.
        name: of the file, for the log.
        actor: who restores.
        now: when.
    """

    file: BinaryIO
    inspected: Inspected
    objects: OwnStore
    folders: Mapping[str, Path]
    vkeys: tuple[str, ...]
    earlier: str
    accept_loss: str
    name: str
    actor: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Restored:
    """What came of it. `lost`: how many entries the checkpoint that was kept has beyond the backup."""

    tables: int
    rows: int
    objects: int
    lost: int
    index: int
    report: Report


class Lost(BackupError):
    """The backup is older than a checkpoint that was kept elsewhere: restoring it would lose entries."""


def restore(order: Order, progress: Progress) -> Restored:
    """Restore into the database in use, which may be new; nothing of it is signed here.

    Args:
        order: what, and how.
        progress: called with (stage, done, total).

    Raises:
        NotEmpty: the database holds something.
        Lost: the backup ends before the checkpoint that was kept, and no loss is accepted.
        BackupError: it was made with another schema, or what was restored is not whole; nothing stays then.
    """
    manifest = order.inspected.manifest
    copying.refuse_full(DOING)
    lost = _lost(order)
    django.migrate()
    _same_schema(order)
    reader = Reader(order.file)
    objects = _objects(order, reader, progress)
    _files(order, reader)
    known = copying.tables(LEFT_OUT)
    total = sum(row["rows"] for row in manifest.tables.values())
    with django.write(DOING):
        copying.prepare(copying.tables(), DOING)
        done = 0
        for table in known:
            copying.load(table, _lines(reader, order, table.name))
            done += manifest.tables[table.name]["rows"]
            progress("state", done, total)
        copying.finish(known)
        _compare(order, known, progress)
        report = _verify(order, lost, progress)
        index = log.append("backup.restored", order.actor, _entry(order, lost, report), order.now)
    return Restored(len(known), total, objects, lost, index, report)


def _lost(order: Order) -> int:
    if not order.earlier:
        return 0
    kept, _ = open_checkpoint(order.earlier, [parse_vkey(text) for text in order.vkeys])
    size = int(order.inspected.manifest.log["size"])
    lost = max(0, kept.size - size)
    if lost and not order.accept_loss:
        problem = (
            f"it ends after entry {size - 1}, and the checkpoint that was kept is over entries 0 to "
            f"{kept.size - 1}: {lost} would be lost"
        )
        remedy = "use a newer backup; if there is none, say why the loss is accepted with --accept-loss"
        raise Lost(DOING, f"{problem}. Nothing was restored", remedy)
    return lost


def _same_schema(order: Order) -> None:
    manifest, ours = order.inspected.manifest, django.migrations()
    other = sorted(set(manifest.migrations) ^ set(ours))
    if other:
        problem = f"it was made by version {manifest.version}, whose schema differs: {other[0]}"
        raise BackupError(DOING, problem, f"{UNDERSTOOD}, and bring its database up to date afterwards")
    known = {table.name: table.names for table in copying.tables(LEFT_OUT)}
    for name in sorted(set(known) ^ set(manifest.tables)):
        raise BackupError(DOING, f"the table {name} is not in both, the backup and this version", UNDERSTOOD)
    for name, columns in known.items():
        if manifest.tables[name].get("columns") != columns:
            raise BackupError(DOING, f"the columns of {name} are others in this version", UNDERSTOOD)


def _objects(order: Order, reader: Reader, progress: Progress) -> int:
    total, number = order.inspected.manifest.objects["count"], 0
    for member in reader.members():
        if not member.name.startswith("objects/"):
            continue
        digest = member.name.removeprefix("objects/").replace("/", "")
        if _put(order.objects, reader, member) != digest:
            raise BackupError(DOING, f"it changed while {member.name} was read")
        number += 1
        progress("objects", number, total)
    return number


def _put(store: OwnStore, reader: Reader, member: Member) -> str:
    if member.size <= SMALL:
        return store.put(b"".join(reader.chunks(member)))
    with tempfile.NamedTemporaryFile(prefix="proofwatch-") as file:
        for chunk in reader.chunks(member):
            file.write(chunk)
        file.flush()
        return store.put_file(Path(file.name))


def _files(order: Order, reader: Reader) -> None:
    """Write what lies beside the state; keys are put in place before, by whoever needs them."""
    for name, said in order.inspected.manifest.files.items():
        first, _, rest = name.partition("/")
        if first in order.folders:
            path = order.folders[first] / rest
            put_file(path, reader.chunks(order.inspected.members[name]), said["sha256"])


def _lines(reader: Reader, order: Order, table: str) -> Iterator[bytes]:
    for place in range(order.inspected.manifest.tables[table]["parts"]):
        yield from reader.lines(order.inspected.members[part(table, place)], copying.LONGEST)


def _compare(order: Order, known: list[copying.Table], progress: Progress) -> None:
    """Read everything back: each table must have the digest that it had where the backup was made."""
    for place, table in enumerate(known):
        said = order.inspected.manifest.tables[table.name]
        found = copying.content("default", table)
        if (found.rows, found.sha256) != (said["rows"], said["sha256"]):
            problem = f"{table.name} came out of the database other than it was in the backup"
            raise BackupError(DOING, f"{problem} ({found.rows} rows of {said['rows']}). Nothing was restored")
        progress("compare", place + 1, len(known))


def _verify(order: Order, lost: int, progress: Progress) -> Report:
    """Verify the log and the objects; nothing may be wrong but objects whose loss is accepted."""
    earlier = order.earlier if order.earlier and not lost else None
    reader, keys = log.DjangoLog(), list(order.vkeys)
    report = verify_log(reader, keys, order.objects, earlier, lambda d, t: progress("verify", d, t))
    said = order.inspected.manifest.log
    if (report.entries, report.root) != (said["size"], said["root"]):
        report.blame("the log's size and root are not those that the backup promises")
    if not report.wrong:
        return report
    only_objects = not verify_log(reader, keys, None, earlier).wrong
    if only_objects and order.accept_loss:
        return report
    more = f" (and {len(report.wrong) - MOST_SAID} more)" if len(report.wrong) > MOST_SAID else ""
    remedy = "use another backup"
    if only_objects and not order.inspected.manifest.objects["included"]:
        remedy = "the backup is without objects: name with PROOFWATCH_OBJECTS where they are"
    elif only_objects:
        remedy = "copy these objects from elsewhere into the store first, or say why with --accept-loss"
    problem = "; ".join(report.wrong[:MOST_SAID])
    raise BackupError(DOING, f"{problem}{more}. Nothing was restored", remedy)


def _entry(order: Order, lost: int, report: Report) -> dict[str, Any]:
    manifest = order.inspected.manifest
    data: dict[str, Any] = {
        "backup": manifest.backup, "file": order.name, "made_at": manifest.made_at, "by": manifest.by,
        "manifest_sha256": order.inspected.sha256, "signed_by": list(order.inspected.signed_by),
        "version": __version__, "from_version": manifest.version, "database": django.where(),
        "entries": manifest.log["size"], "root": manifest.log["root"], "objects": manifest.objects["count"],
        "lost_entries": lost, "lost_objects": len(report.wrong) + report.hidden,
    }  # fmt: skip
    if order.earlier:
        kept, _ = open_checkpoint(order.earlier, [parse_vkey(text) for text in order.vkeys])
        data["compared_with"] = {"entries": kept.size, "root": kept.root.hex()}
    if lost or report.wrong:
        data["reason"] = order.accept_loss
    return data
