"""The evidence log: durable appends in batches, and proofs and full verification at 1,000,000 entries.

Run: python -m benchmarks.log [--entries 1000000] [--folder DIR]

Appends go to SQLite (WAL, synchronous=FULL) and are on disk before the next batch begins:
  rows     the entries only, executemany: the limit
  log      entries encoded, frontier, tiles and a signed checkpoint in one transaction of sqlite3
  product  `store.log.append_all`, then `sign_checkpoint`, as Proofwatch does it (Django, two transactions)
Ratios are against `rows` at the same batch. DIR must be on the disk that is to be measured.
"""

from __future__ import annotations

import argparse
import random
import resource
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from proofwatch.evidence import merkle
from proofwatch.evidence.checkpoint import sign_checkpoint
from proofwatch.evidence.entry import encode
from proofwatch.evidence.note import Signer
from proofwatch.evidence.proof import format_proof, verify_proof
from proofwatch.evidence.verify import verify_log

SIGNER = Signer("bench.example/log", b"\x01" * 32)
START = datetime(2026, 11, 1, tzinfo=UTC)
BATCHES = {1: 300, 100: 20_000, 1000: 60_000}
"""Batch size → entries appended with it."""
SAMPLES = 300


def data_of(number: int) -> dict[str, object]:
    """Return what a finished sweep says of itself, about as long as in the product."""
    return {
        "sweep": f"{number:032x}",
        "connection": "c" * 36,
        "name": "production",
        "observed_at": "2026-11-01T00:00:00Z",
        "manifest": f"{number:064x}",
        "counts": {"pass": number, "fail": 3, "inconclusive": 1, "not_applicable": 7},
        "reads": 120,
        "tables_failed": [],
    }


def entry_of(number: int) -> bytes:
    at = START + timedelta(seconds=number)
    # Not a kind that begins or ends a sweep: a million open sweeps would measure something else.
    return encode(kind="results.committed", actor="system", at=at, data=data_of(number))


class SqliteLog:
    """A log in one SQLite file with nothing between it and `sqlite3`; implements `LogReader`."""

    def __init__(self, path: Path) -> None:
        self.db = sqlite3.connect(path, isolation_level=None)
        for line in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL"):
            self.db.execute(line)
        self.db.execute("CREATE TABLE entry (number INTEGER PRIMARY KEY, entry BLOB, leaf BLOB)")
        self.db.execute("CREATE TABLE tile (level INT, number INT, hash BLOB, PRIMARY KEY (level, number))")
        self.db.execute("CREATE TABLE head (one INTEGER PRIMARY KEY, frontier BLOB, note TEXT)")
        self.frontier = merkle.Frontier()

    def append_rows(self, entries: list[bytes]) -> None:
        rows = [(entry, b"\0" * 32) for entry in entries]
        self.db.execute("BEGIN IMMEDIATE")
        self.db.executemany("INSERT INTO entry (entry, leaf) VALUES (?, ?)", rows)
        self.db.execute("COMMIT")

    def append(self, entries: list[bytes]) -> None:
        grown: list[merkle.Grown] = []
        rows = []
        for number, entry in enumerate(entries, self.frontier.size):
            leaf = merkle.leaf_hash(entry)
            grown += self.frontier.append(leaf)
            rows.append((number, entry, leaf))
        note = sign_checkpoint(SIGNER, self.frontier.size, self.frontier.root())
        self.db.execute("BEGIN IMMEDIATE")
        self.db.executemany("INSERT INTO entry VALUES (?, ?, ?)", rows)
        self.db.executemany("INSERT INTO tile VALUES (?, ?, ?)", grown)
        self.db.execute("INSERT OR REPLACE INTO head VALUES (1, ?, ?)", (self.frontier.to_bytes(), note))
        self.db.execute("COMMIT")

    def append_numbers(self, numbers: list[int]) -> None:
        self.append([entry_of(number) for number in numbers])

    def size(self) -> int:
        return int(self.db.execute("SELECT count(*) FROM entry").fetchone()[0])

    def entries(self, start: int, end: int) -> Iterator[bytes]:
        query = "SELECT entry FROM entry WHERE number >= ? AND number < ? ORDER BY number"
        for row in self.db.execute(query, (start, end)):
            yield row[0]

    def tile(self, level: int, index: int, width: int) -> bytes:
        bounds = (index * merkle.WIDTH, index * merkle.WIDTH + width)
        if level == 0:
            query = "SELECT leaf FROM entry WHERE number >= ? AND number < ? ORDER BY number"
            return b"".join(row[0] for row in self.db.execute(query, bounds))
        query = "SELECT hash FROM tile WHERE level = ? AND number >= ? AND number < ? ORDER BY number"
        return b"".join(row[0] for row in self.db.execute(query, (level, *bounds)))

    def checkpoint(self) -> str:
        return str(self.db.execute("SELECT note FROM head").fetchone()[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="pw-log-", dir=options.folder))
    try:
        appends(folder)
        proofs(folder, options.entries)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def appends(folder: Path) -> None:
    titles = " ".join(f"{title:>9}" for title in ("rows", "log", "product", "log/rows"))
    print(f"{'entries/s, durable':20} {titles} {'product/rows':>12}")
    product = open_product(folder)
    for batch, count in BATCHES.items():
        numbers = range(count)
        encoded = [entry_of(number) for number in numbers]
        bare = SqliteLog(folder / f"rows-{batch}.sqlite3")
        log = SqliteLog(folder / f"log-{batch}.sqlite3")
        rates = [
            rate(bare.append_rows, encoded, batch),
            rate(log.append_numbers, list(numbers), batch),
            rate(product, list(numbers), batch),
        ]
        shown = " ".join(f"{value:9,.0f}" for value in rates)
        print(f"batch {batch:<14} {shown} {rates[1] / rates[0]:9.2f} {rates[2] / rates[0]:12.2f}")


def rate(append: Callable[[list], None], items: list, batch: int) -> float:
    """Return entries per second of wall time."""
    began = time.perf_counter()
    for low in range(0, len(items), batch):
        append(items[low : low + batch])
    return len(items) / (time.perf_counter() - began)


def open_product(folder: Path) -> Callable[[list[int]], None]:
    """Return how the product appends; encoding the entries is part of it, as it is in the product."""
    from proofwatch.store import django, log

    django.setup(f"sqlite:///{folder}/product.sqlite3")
    django.migrate()

    def append(numbers: list[int]) -> None:
        with django.write("measuring"):
            log.append_all([("results.committed", "system", data_of(number), None) for number in numbers])
        log.sign_checkpoint(SIGNER)

    return append


def proofs(folder: Path, count: int) -> None:
    log = SqliteLog(folder / "large.sqlite3")
    began = time.perf_counter()
    for low in range(0, count, 10_000):
        log.append([entry_of(number) for number in range(low, min(count, low + 10_000))])
    print(f"\n{count:,} entries written in {time.perf_counter() - began:.1f} s (batches of 10,000)")
    made, checked, sizes = [], [], []
    for index in random.Random(1).sample(range(count), min(SAMPLES, count)):
        began = time.perf_counter()
        text = format_proof(index, merkle.inclusion_proof(index, count, log.tile), log.checkpoint())
        middle = time.perf_counter()
        verify_proof(text, merkle.leaf_hash(entry_of(index)), [SIGNER.verifier], SIGNER.name)
        made.append(middle - began)
        checked.append(time.perf_counter() - middle)
        sizes.append(len(text.encode()))
    print(
        f"tlog-proof: {statistics.median(sizes):,.0f} bytes (largest {max(sizes):,}), medians of {len(made)}"
    )
    print(f"  made in {statistics.median(made) * 1000:.2f} ms from the tiles in SQLite")
    print(
        f"  verified in {statistics.median(checked) * 1000:.2f} ms, signature and entry's encoding included"
    )
    consistency(log, count)
    before = time.perf_counter(), time.process_time()
    report = verify_log(log, [SIGNER.vkey])
    wall, cpu = time.perf_counter() - before[0], time.process_time() - before[1]
    assert report.exit_code == 0, report
    print(f"whole log verified in {wall:.1f} s wall, {cpu:.1f} s CPU: {count / wall:,.0f} entries/s")
    hashing = hash_only(log, count)
    print(f"  hashing the leaves and the tree alone: {hashing:.1f} s; the rest is parsing and canonical form")
    print(f"peak RSS of the process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def consistency(log: SqliteLog, count: int) -> None:
    old = count // 3
    old_root, new_root = merkle.root_from_tiles(old, log.tile), log.frontier.root()
    began = time.perf_counter()
    proof = merkle.consistency_proof(old, count, log.tile)
    middle = time.perf_counter()
    merkle.verify_consistency(old, count, old_root, new_root, proof)
    ended = time.perf_counter()
    took = f"made in {(middle - began) * 1000:.2f} ms, verified in {(ended - middle) * 1000:.3f} ms"
    print(f"consistency of {old:,} and {count:,}: {len(proof)} hashes, {took}")


def hash_only(log: SqliteLog, count: int) -> float:
    began = time.perf_counter()
    merkle.root(merkle.leaf_hash(entry) for entry in log.entries(0, count))
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
