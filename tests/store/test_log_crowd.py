"""Sixteen processes write one log, and some die at it: one order, one head per size, every proof valid."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from functools import cache

from proofwatch.evidence import merkle
from proofwatch.evidence.checkpoint import open_checkpoint
from proofwatch.evidence.entry import parse
from proofwatch.evidence.verify import verify_log
from proofwatch.store import django as store
from proofwatch.store import log
from proofwatch.store.models import Checkpoint, LogEntry, LogHead, LogTile, Person
from tests.store.log_crowd import KEY

WRITERS, ROUNDS = 16, 10


def crowd(url: str, *words: object) -> None:
    command = [sys.executable, "-m", "tests.store.log_crowd", url, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr


def test_sixteen_processes_append_and_sign_at_once(database_url: str) -> None:
    crowd(database_url, "write", WRITERS, ROUNDS)
    log.sign_checkpoint(KEY)
    reader, size = log.DjangoLog(), log.DjangoLog().size()
    tile = cache(reader.tile)
    assert list(LogEntry.objects.order_by("index").values_list("index", flat=True)) == list(range(size))
    entries = list(reader.entries(0, size))
    numbers = defaultdict(list)
    for entry in map(parse, entries):
        numbers[entry.actor].append(entry.data["number"])
    assert sum(map(len, numbers.values())) == size > WRITERS * ROUNDS
    assert len(numbers) == WRITERS
    assert all(mine == list(range(len(mine))) for mine in numbers.values()), "one's own order is kept"
    leaves = [merkle.leaf_hash(entry) for entry in entries]
    root = merkle.root(leaves)
    for index, leaf in enumerate(leaves):
        merkle.verify_inclusion(leaf, index, size, merkle.inclusion_proof(index, size, tile), root)
    every_head_continues_the_one_before(leaves, tile)
    assert verify_log(reader, [KEY.vkey], None).wrong == []


def every_head_continues_the_one_before(leaves: list[bytes], tile: Callable[[int, int, int], bytes]) -> None:
    """Look at the checkpoints in the order in which they were signed."""
    heads = list(Checkpoint.objects.order_by("pk"))
    sizes = [head.size for head in heads]
    assert len(heads) > WRITERS
    assert sizes == sorted(set(sizes)), "a smaller head was signed after a larger one, or one size twice"
    assert [head.at for head in heads] == sorted(head.at for head in heads)
    for head in heads:
        found, _ = open_checkpoint(head.note, [KEY.verifier])
        assert (found.size, found.root) == (head.size, merkle.root(leaves[: head.size]))
    for old, new in itertools.pairwise(heads):
        proof = merkle.consistency_proof(old.size, new.size, tile)
        roots = bytes.fromhex(old.root), bytes.fromhex(new.root)
        merkle.verify_consistency(old.size, new.size, *roots, proof)


def test_a_writer_killed_after_any_statement_leaves_nothing_half_written(database_url: str) -> None:
    with store.write("appending"):
        log.append("log.noted", "me", {"number": 0})
    before = log.sign_checkpoint(KEY)
    store.disconnect()
    crowd(database_url, "die", 8)
    assert (log.DjangoLog().size(), LogEntry.objects.count(), LogTile.objects.count()) == (1, 1, 0)
    assert not Person.objects.filter(name__startswith="dying").exists()
    assert log.sign_checkpoint(KEY) == before
    with store.write("appending"):
        log.append_all([("log.noted", "me", {"number": n}, None) for n in range(1, 300)])
    assert (
        merkle.root_from_tiles(300, log.DjangoLog().tile)
        == merkle.Frontier.from_bytes(300, bytes(LogHead.objects.get().frontier)).root()
    )
    log.sign_checkpoint(KEY)
    assert verify_log(log.DjangoLog(), [KEY.vkey], None).wrong == []
