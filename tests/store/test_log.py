"""The stored log has no gap and no fork, proves every entry, and forgets what was rolled back."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from proofwatch.evidence import merkle
from proofwatch.evidence.base import EvidenceError
from proofwatch.evidence.checkpoint import open_checkpoint
from proofwatch.evidence.entry import parse
from proofwatch.evidence.note import Signer
from proofwatch.store import append_only, log
from proofwatch.store import django as store
from proofwatch.store.base import StoreError
from proofwatch.store.models import Checkpoint, LogEntry, LogHead, LogTile

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
KEY = Signer("test.example/log", b"k" * 32)


def append(count: int, start: int = 0) -> None:
    with transaction.atomic():
        log.append_all([("log.noted", "me", {"number": start + n}, NOW) for n in range(count)])


def proven(size: int) -> bytes:
    """Return the root, after proving every entry against it from the stored tiles."""
    reader = log.DjangoLog()
    root = merkle.root_from_tiles(size, reader.tile)
    entries = list(reader.entries(0, size))
    assert merkle.root(map(merkle.leaf_hash, entries)) == root
    for index in {0, 1, size // 2, size - 1, *range(0, size, 97)} & set(range(size)):
        proof = merkle.inclusion_proof(index, size, reader.tile)
        merkle.verify_inclusion(merkle.leaf_hash(entries[index]), index, size, proof, root)
    return root


def test_an_entry_needs_the_transaction_of_its_change(database_url: str) -> None:
    with pytest.raises(StoreError, match="no transaction is open"):
        log.append("log.noted", "me", {})
    assert log.DjangoLog().size() == 0


def test_what_was_rolled_back_was_never_there(database_url: str) -> None:
    append(3)
    with pytest.raises(RuntimeError), store.write("testing"):
        log.append("log.noted", "me", {"number": "lost"})
        raise RuntimeError
    assert (log.DjangoLog().size(), LogEntry.objects.count()) == (3, 3)
    append(1, start=3)
    assert [parse(entry).data["number"] for entry in log.DjangoLog().entries(0, 4)] == [0, 1, 2, 3]
    proven(4)


def test_a_savepoint_rolled_back_leaves_no_trace(database_url: str) -> None:
    with transaction.atomic():
        log.append("log.noted", "me", {"number": 0})
        with pytest.raises(RuntimeError), transaction.atomic():
            log.append("log.noted", "me", {"number": "lost"})
            raise RuntimeError
        assert log.append("log.noted", "me", {"number": 1}) == 1
    proven(2)


def test_an_entry_is_refused_whole(database_url: str) -> None:
    for data in ({"long": "x" * 70_000}, {"number": 2**60}, {"object": object()}):
        with pytest.raises(EvidenceError, match="writing a log entry"), transaction.atomic():
            log.append("log.noted", "me", data)
    assert log.DjangoLog().size() == 0


def test_time_never_goes_back(database_url: str) -> None:
    with transaction.atomic():
        for minutes in (0, -5, 3):
            log.append("log.noted", "me", {}, NOW + timedelta(minutes=minutes))
    found = [parse(entry).at for entry in log.DjangoLog().entries(0, 3)]
    assert found == [NOW, NOW, NOW + timedelta(minutes=3)]


@pytest.mark.parametrize("sizes", [[1, 2, 3, 255], [256, 1], [300, 300, 300], [700, 70]])
def test_every_entry_is_proven_across_tiles(database_url: str, sizes: list[int]) -> None:
    total, roots = 0, []
    for count in sizes:
        append(count, start=total)
        total += count
        roots.append((total, proven(total)))
    for old, old_root in roots:
        proof = merkle.consistency_proof(old, total, log.DjangoLog().tile)
        merkle.verify_consistency(old, total, old_root, roots[-1][1], proof)
    assert LogTile.objects.count() == (1 if total >= 256 else 0)


def test_a_second_level_of_tiles_is_built(database_url: str) -> None:
    append(65_600)
    tiles = dict(LogTile.objects.values_list("level", "hashes"))
    assert {level: len(bytes(hashes)) // 32 for level, hashes in tiles.items()} == {1: 256, 2: 1}
    assert (
        merkle.root_from_tiles(65_600, log.DjangoLog().tile)
        == merkle.Frontier.from_bytes(65_600, bytes(LogHead.objects.get().frontier)).root()
    )


def test_a_tile_beyond_the_log_is_refused(database_url: str) -> None:
    append(10)
    for level, index, width in ((0, 0, 11), (0, 1, 1), (1, 0, 1), (0, 0, 0), (0, 0, 257)):
        with pytest.raises(StoreError, match=f"tile {level}/{index} has"):
            log.DjangoLog().tile(level, index, width)


def test_the_head_is_signed_once_per_size(database_url: str) -> None:
    assert log.sign_checkpoint(KEY) == "" == log.DjangoLog().checkpoint()
    append(5)
    first = log.sign_checkpoint(KEY)
    assert log.sign_checkpoint(KEY) == first == log.DjangoLog().checkpoint()
    append(5, start=5)
    found, note = open_checkpoint(log.sign_checkpoint(KEY), [KEY.verifier])
    assert (found.size, found.root, found.origin) == (10, proven(10), "test.example/log")
    assert note.signed_by == ("test.example/log",)
    assert Checkpoint.objects.count() == 2


def test_nothing_is_signed_inside_a_transaction(database_url: str) -> None:
    with pytest.raises(StoreError, match="a transaction is open"), transaction.atomic():
        log.sign_checkpoint(KEY)


def tamper(statement: str) -> None:
    """Do what an administrator can do: drop the triggers, change evidence, and put them back."""
    with connection.cursor() as cursor:
        for text in (*append_only.drop(connection.vendor), statement, *append_only.create(connection.vendor)):
            cursor.execute(text)


def test_a_log_that_was_cut_short_is_not_signed_again(database_url: str) -> None:
    append(5)
    log.sign_checkpoint(KEY)
    frontier = merkle.Frontier()
    for entry in log.DjangoLog().entries(0, 4):
        frontier.append(merkle.leaf_hash(entry))
    tamper('DELETE FROM store_logentry WHERE "index" = 4')
    tamper("UPDATE store_loghead SET size = 4")
    LogHead.objects.update(frontier=frontier.to_bytes())
    with pytest.raises(EvidenceError):
        log.sign_checkpoint(KEY)
    append(1, start=99)
    with pytest.raises(EvidenceError, match="the log was rewritten"):
        log.sign_checkpoint(KEY)
    assert Checkpoint.objects.count() == 1


def test_eight_processes_write_one_log(database_url: str) -> None:
    command = [sys.executable, "-m", "tests.store.log_writer", database_url]
    writers = [subprocess.Popen([*command, f"writer-{number}", "40"]) for number in range(8)]
    assert [writer.wait(120) for writer in writers] == [0] * 8
    assert log.DjangoLog().size() == 320
    assert list(LogEntry.objects.order_by("index").values_list("index", flat=True)) == list(range(320))
    read = [parse(entry) for entry in log.DjangoLog().entries(0, 320)]
    for number in range(8):
        mine = [entry.data["number"] for entry in read if entry.actor == f"writer-{number}"]
        assert mine == list(range(40))
    assert [entry.at for entry in read] == sorted(entry.at for entry in read)
    assert proven(320) == merkle.Frontier.from_bytes(320, bytes(LogHead.objects.get().frontier)).root()
