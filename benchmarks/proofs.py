"""Inclusion proofs of a log of 1,000,000 entries verified a second, as an auditor gets them: as texts.

Run: python -m benchmarks.proofs [--entries 1000000] [--proofs 50000] [--rounds 5]

The proofs are of entries at random, each a C2SP tlog-proof that holds the signed checkpoint.
  hashing    only the SHA-256 of each path's nodes, 20 of them: what one at a time cannot go below
  signature  only the checkpoint's Ed25519 signature, with reading it
  one        `verify_proof`: reading, the signature and the path, each time
  many       `verify_proofs`: each signature once, and the upper part of a path once for all entries below
All in one process on one core; the best of the rounds, by the clock and by the process's CPU time.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import time
from collections.abc import Callable

from proofwatch.evidence import merkle
from proofwatch.evidence.checkpoint import open_checkpoint, sign_checkpoint
from proofwatch.evidence.note import Signer
from proofwatch.evidence.proof import format_proof, parse_proof, verify_proof, verify_proofs

SIGNER = Signer("bench.example/log", b"\x01" * 32)
KEYS = [SIGNER.verifier]


def make(count: int, wanted: int) -> list[tuple[str, bytes]]:
    """Return (text of the proof, leaf hash) of entries at random."""
    levels = [[merkle.leaf_hash(number.to_bytes(8, "big")) for number in range(count)]]
    while len(levels[-1]) >= merkle.WIDTH:
        below = levels[-1]
        full = len(below) // merkle.WIDTH * merkle.WIDTH
        levels.append([merkle.root(below[at : at + merkle.WIDTH]) for at in range(0, full, merkle.WIDTH)])

    def tile(level: int, index: int, width: int) -> bytes:
        return b"".join(levels[level][index * merkle.WIDTH : index * merkle.WIDTH + width])

    note = sign_checkpoint(SIGNER, count, merkle.root_from_tiles(count, tile))
    places = random.Random(1).choices(range(count), k=wanted)
    return [
        (format_proof(place, merkle.inclusion_proof(place, count, tile), note), levels[0][place])
        for place in places
    ]


def measure(name: str, count: int, rounds: int, work: Callable[[], object]) -> None:
    walls, cpus = [], []
    for _ in range(rounds):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    shown = " ".join(f"{count / best:10,.0f} {best / count * 1e6:9.1f}" for best in (min(walls), min(cpus)))
    print(f"{name:10} {shown}")


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    given.add_argument("--entries", type=int, default=1_000_000)
    given.add_argument("--proofs", type=int, default=50_000)
    given.add_argument("--rounds", type=int, default=5)
    options = given.parse_args()
    proofs = make(options.entries, options.proofs)
    few = proofs[: max(1, len(proofs) // 10)]
    steps = sum(len(parse_proof(text).path) for text, _ in few) / len(few)
    size = sum(len(text.encode()) for text, _ in few) / len(few)
    note = parse_proof(proofs[0][0]).checkpoint
    node = b"\x01" + bytes(64)
    print(f"{options.entries:,} entries, {len(proofs):,} proofs of {size:,.0f} bytes and {steps:.1f} hashes")
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}\n")
    print(f"{'':10} {'a second':>10} {'µs, wall':>9} {'a CPU s':>10} {'µs, CPU':>9}")

    def hashing() -> None:
        for _ in few:
            for _ in range(round(steps)):
                hashlib.sha256(node).digest()

    def one() -> None:
        for text, leaf in few:
            verify_proof(text, leaf, KEYS)

    def signature() -> None:
        for _ in few:
            open_checkpoint(note, KEYS)

    def many() -> None:
        for found in verify_proofs(proofs, KEYS, SIGNER.name):
            assert found.size == options.entries

    measure("hashing", len(few), options.rounds, hashing)
    measure("signature", len(few), options.rounds, signature)
    measure("one", len(few), options.rounds, one)
    measure("many", len(proofs), options.rounds, many)


if __name__ == "__main__":
    main()
