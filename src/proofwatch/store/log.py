"""The evidence log in the database: a change and its entry commit in one transaction, in one order.

Every appending transaction locks the one row of `LogHead` (on SQLite the whole database, by
BEGIN IMMEDIATE), so entries have no gap and no fork however many processes write.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from proofwatch.evidence import checkpoint, merkle
from proofwatch.evidence.entry import encode
from proofwatch.evidence.note import Signer
from proofwatch.store.base import StoreError
from proofwatch.store.django import guarded, write
from proofwatch.store.models import Checkpoint, LogEntry, LogHead, LogTile

HASH, WIDTH = merkle.SIZE, merkle.WIDTH
BATCH = 500
PAGE = 1000


def text(at: datetime) -> str:
    """Return a time as RFC 3339 in UTC with Z, with microseconds where there are any."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def append(kind: str, actor: str, data: Mapping[str, Any], at: datetime | None = None) -> int:
    """Append one entry inside the caller's transaction; return its index.

    Args:
        kind: what happened, as `thing.verb`.
        actor: who caused it: a person, `scheduler`, `system`.
        data: what happened, in JSON's types; names objects by their SHA-256.
        at: when; now if not given, and never before the entry that precedes it.

    Raises:
        StoreError: there is no open transaction: entry and change would not commit together.
        EvidenceError: the entry is longer than the log's format allows, or not JSON.
    """
    return append_all([(kind, actor, data, at)])[0]


def append_all(items: Sequence[tuple[str, str, Mapping[str, Any], datetime | None]]) -> list[int]:
    """Append several entries (kind, actor, data, at) at once; return their indexes. See `append`."""
    head = lock()
    start, moment = head.size, head.at or datetime.fromtimestamp(0, UTC)
    frontier = merkle.Frontier.from_bytes(head.size, bytes(head.frontier))
    rows: list[LogEntry] = []
    for offset, (kind, actor, data, at) in enumerate(items):
        moment = max(moment, at or datetime.now(UTC))
        entry = encode(kind=kind, actor=actor, at=moment, data=data)
        leaf = merkle.leaf_hash(entry)
        frontier.append(leaf)
        rows.append(LogEntry(index=start + offset, entry=entry, leaf=leaf, at=moment, kind=kind))
    LogEntry.objects.bulk_create(rows, batch_size=BATCH)
    end = start + len(rows)
    LogHead.objects.filter(pk=head.pk).update(size=end, frontier=frontier.to_bytes(), at=moment)
    for index in range(start // WIDTH, end // WIDTH):
        _grow(1, index, merkle.root(_leaves(index * WIDTH, (index + 1) * WIDTH)))
    return list(range(start, end))


def lock() -> LogHead:
    """Wait for the right to append and keep it until the transaction ends; return the head.

    Raises:
        StoreError: there is no open transaction.
    """
    if not connection.in_atomic_block:
        raise StoreError("appending to the log", "no transaction is open", "append where the change is made")
    return LogHead.objects.select_for_update().get(pk=1)


def sign_checkpoint(key: Signer, at: datetime | None = None) -> str:
    """Sign the head of the log and keep it; return the signed note ("" while the log is empty).

    Signing the same head again returns the note that is there. To be called after the commit.

    Raises:
        StoreError: a transaction is open: its entries might yet vanish.
        EvidenceError: the log does not continue what was signed before; nothing is signed then.
    """
    if connection.in_atomic_block:
        raise StoreError("signing the head of the log", "a transaction is open", "sign after the commit")
    name = f"{key.name}+{key.verifier.key_id.hex()}"
    with guarded("signing the head of the log"):
        newest = Checkpoint.objects.order_by("size", "pk").last()
        head = LogHead.objects.get(pk=1)
        if not head.size:
            return ""
        if newest is not None and (newest.size, newest.key) == (head.size, name):
            _check_continues(head.size, _root(head))
            return str(newest.note)
    # Nobody appends or signs meanwhile: else a smaller head might be signed after a larger one.
    with write("signing the head of the log"):
        head = lock()
        root = _root(head)
        _check_continues(head.size, root)
        note, _ = Checkpoint.objects.get_or_create(
            size=head.size,
            key=name,
            defaults={
                "root": root.hex(),
                "note": checkpoint.sign_checkpoint(key, head.size, root),
                "at": at or datetime.now(UTC),
            },
        )
    return str(note.note)


def _root(head: LogHead) -> bytes:
    return merkle.Frontier.from_bytes(head.size, bytes(head.frontier)).root()


class DjangoLog:
    """The stored log as a reader; implements `evidence.base.LogReader`. Nothing here is trusted."""

    def size(self) -> int:
        """Return the number of entries."""
        with guarded("reading the log"):
            found: int = LogHead.objects.values_list("size", flat=True).get(pk=1)
        return found

    def entries(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes of entries start ≤ i < end, in order, one page at a time."""
        for low in range(start, end, PAGE):
            with guarded("reading the log"):
                rows = LogEntry.objects.filter(index__gte=low, index__lt=min(low + PAGE, end))
                page = list(rows.order_by("index").values_list("entry", flat=True))
            for entry in page:
                yield bytes(entry)

    def tile(self, level: int, index: int, width: int) -> bytes:
        """Return `width` (1–256) consecutive hashes of tile (level, index).

        Raises:
            StoreError: the log has not grown so far.
        """
        with guarded("reading the log"):
            if level == 0:
                hashes = b"".join(_leaves(index * WIDTH, index * WIDTH + width))
            else:
                row = LogTile.objects.filter(level=level, index=index).first()
                hashes = bytes(row.hashes)[: width * HASH] if row else b""
        if not 1 <= width <= WIDTH or len(hashes) != width * HASH:
            problem = f"tile {level}/{index} has {len(hashes) // HASH} hashes, not {width}"
            raise StoreError("reading the log", problem)
        return hashes

    def checkpoint(self) -> str:
        """Return the newest signed checkpoint, or "" if there is none."""
        with guarded("reading the log"):
            found = Checkpoint.objects.order_by("size", "pk").values_list("note", flat=True).last()
        return found or ""


def _check_continues(size: int, root: bytes) -> None:
    """Prove that the log of this size begins with everything that was ever signed."""
    before = Checkpoint.objects.order_by("size").last()
    if before is not None:
        old = bytes.fromhex(before.root)
        proof = merkle.consistency_proof(before.size, size, DjangoLog().tile)
        merkle.verify_consistency(before.size, size, old, root, proof)


def _leaves(start: int, end: int) -> list[bytes]:
    rows = LogEntry.objects.filter(index__gte=start, index__lt=end).order_by("index")
    return [bytes(leaf) for leaf in rows.values_list("leaf", flat=True)]


def _grow(level: int, number: int, value: bytes) -> None:
    """Add hash `number` of a level to its tile; a tile that is full becomes one hash of the next level."""
    tile, _ = LogTile.objects.get_or_create(level=level, index=number // WIDTH, defaults={"hashes": b""})
    tile.hashes = bytes(tile.hashes) + value
    tile.save(update_fields=("hashes",))
    if (number + 1) % WIDTH == 0:
        hashes = [tile.hashes[place : place + HASH] for place in range(0, WIDTH * HASH, HASH)]
        _grow(level + 1, number // WIDTH, merkle.root(hashes))
