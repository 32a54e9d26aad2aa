"""The log under the binder's checkpoint, its keys, the checkpoints on the way, and what others kept."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from proofwatch.binder.archive import Archive
from proofwatch.binder.base import Order, text_of
from proofwatch.evidence.cosignature import parse_cosigner
from proofwatch.evidence.entry import parse
from proofwatch.evidence.policy import format_policy, simple_policy
from proofwatch.evidence.tiles import write_log
from proofwatch.store.models import Checkpoint, Keeper, KeptCheckpoint, LogEntry

ENDINGS = {"timestamp": "tsr", "witness": "txt"}


class Under:
    """The log as far as one checkpoint reaches, while others append to it."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self.entries, self.tile = order.log.entries, order.log.tile

    def size(self) -> int:
        """Return the entries under the checkpoint."""
        return self._order.head.size

    def checkpoint(self) -> str:
        """Return the checkpoint that the binder is made under."""
        return self._order.note


def write(order: Order, archive: Archive) -> None:
    """Write `log/`."""
    with tempfile.TemporaryDirectory(dir=order.work) as made:
        folder = Path(made)
        write_log(Under(order), folder, lambda done, total: order.progress("log", done, total))
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.add_file(f"log/{path.relative_to(folder)}", path)
    keys = list(_keys(order))
    archive.add(
        "log/vkeys.txt", ("# Public keys of the log, oldest first.\n" + "\n".join(keys) + "\n").encode()
    )
    keepers = list(Keeper.objects.order_by("name"))
    archive.add("log/policy.txt", format_policy(simple_policy(keys, _witnesses(keepers))).encode())
    kept = list(_kept(order, archive))
    _checkpoints(order, archive, {int(item["size"]) for item in kept})
    archive.add_json("log/kept.json", kept)
    _authorities(order, archive, keepers)
    order.facts["kept"] = len(kept)
    order.facts["stamps"] = sum(item["kind"] == "timestamp" for item in kept)
    order.facts["cosigned"] = sum(item["kind"] == "witness" for item in kept)


def _keys(order: Order) -> Iterator[str]:
    """Yield every public key that signed the log, the one that signs now last."""
    rows = LogEntry.objects.filter(kind__in=("key.created", "key.rotated"), index__lt=order.head.size)
    found = []
    for raw in rows.order_by("index").values_list("entry", flat=True):
        vkey = parse(bytes(raw)).data.get("vkey")
        if isinstance(vkey, str) and vkey != order.tools.key.vkey:
            found.append(vkey)
    yield from dict.fromkeys(found)
    yield order.tools.key.vkey


def _witnesses(keepers: list[Keeper]) -> list[tuple[str, str]]:
    """Return public key and address of each witness once, whatever names it had; of who is there, first."""
    found: dict[bytes, tuple[str, str]] = {}
    for row in sorted(keepers, key=lambda row: row.removed_at is not None):
        vkey = str(row.settings.get("vkey", "")) if row.kind == "witness" else ""
        if vkey:
            found.setdefault(parse_cosigner(vkey).public, (vkey, str(row.settings.get("url", ""))))
    return list(found.values())


def _checkpoints(order: Order, archive: Archive, sizes: set[int]) -> None:
    """Add the last checkpoint of each day of the period, and those that somebody outside was given."""
    rows = Checkpoint.objects.filter(size__lte=order.head.size).order_by("size", "pk")
    last: dict[str, tuple[int, str]] = {}
    chosen: dict[int, str] = {}
    for size, note, at in rows.values_list("size", "note", "at").iterator(chunk_size=2000):
        if order.since <= at < order.until:
            last[at.date().isoformat()] = (size, note)
        if size in sizes:
            chosen[size] = note
    chosen |= dict(last.values())
    for size in sorted(chosen):
        archive.add(f"log/checkpoints/{size}.txt", chosen[size].encode())
    order.facts["checkpoints"] = len(chosen)


def _kept(order: Order, archive: Archive) -> Iterator[dict[str, Any]]:
    """Yield what others took from the period's first day on: what they took after its last one covers it."""
    added: set[str] = set()
    rows = KeptCheckpoint.objects.filter(
        at__gte=order.since, state="accepted", size__lte=order.head.size
    ).order_by("pk")
    for row in rows.iterator(chunk_size=500):
        name = ""
        if row.proof and row.kind in ENDINGS:
            # The name of a keeper can be that of a file as it is; made plainer, two could become one.
            name = f"log/kept/{row.size}-{row.keeper}.{ENDINGS[row.kind]}"
            if name not in added:
                archive.add(name, order.tools.objects.get(row.proof))
                added.add(name)
        yield {
            "keeper": row.keeper, "kind": row.kind, "size": row.size, "root": row.root, "at": text_of(row.at),
            "reference": row.reference, "file": name,
        }  # fmt: skip


def _authorities(order: Order, archive: Archive, keepers: list[Keeper]) -> None:
    """Add the certificates that the operator trusts for each time-stamp authority; a lost file is said so."""
    for row in keepers:
        roots = row.settings.get("roots") if row.kind == "timestamp" else None
        if not roots:
            continue
        try:
            archive.add(f"log/authorities/{row.name}.pem", Path(str(roots)).read_bytes())
        except OSError as error:
            order.facts.setdefault("left_out", []).append(
                f"the certificate of the authority {row.name}: {error.strerror or error}"
            )
