"""A sample that anybody draws again: seeded by the digest of the whole population.

Nobody can choose the seed after having seen the population, and the same population gives the same sample:
`METHOD` says how, and stands in every sample.
"""

from __future__ import annotations

import hashlib
import heapq
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import rfc8785

METHOD = (
    "The population is sorted by its lines of canonical JSON (RFC 8785), one item a line, each ended by a "
    "newline; "
    "seed = SHA-256 of all lines, in hex. Of each item the number is SHA-256(seed + ':' + its line without "
    "the "
    "newline), in hex; the n smallest numbers are the sample, in that order."
)


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample: its items in the order in which they were drawn, and what they were drawn from.

    Attributes:
        items: (number in hex, item).
        population: how many items there are.
        seed: digest of the population, in hex, or what was given instead.
        digest: digest of the population, in hex.
    """

    items: tuple[tuple[str, Mapping[str, Any]], ...]
    population: int
    seed: str
    digest: str


def lines(items: Iterable[Mapping[str, Any]]) -> list[bytes]:
    """Return the population as sorted lines of canonical JSON; the same item twice is one line."""
    return sorted({bytes(rfc8785.dumps(dict(item))) for item in items})


def draw(population: list[bytes], number: int, seed: str = "") -> Sample:
    """Draw a sample.

    Args:
        population: as `lines` returns it.
        number: how many; all of them where there are fewer.
        seed: another seed than the population's digest.
    """
    digest = hashlib.sha256(b"".join(line + b"\n" for line in population)).hexdigest()
    used = seed or digest
    smallest = heapq.nsmallest(number, _numbered(population, used))
    items = tuple((value, json.loads(line)) for value, line in smallest)
    return Sample(items, len(population), used, digest)


def _numbered(population: Iterable[bytes], seed: str) -> Iterator[tuple[str, bytes]]:
    for line in population:
        yield hashlib.sha256(f"{seed}:".encode() + line).hexdigest(), line
