"""The Merkle tree of RFC 6962 §2.1 and RFC 9162 §2.1: hashing, proofs, verification, and growth by append.

A hash is 32 bytes of SHA-256. Nothing here knows where the tree is stored: proofs are made from tiles
(C2SP tlog-tiles, height 8) that a function hands out, and verified from bytes alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from proofwatch.evidence.base import EvidenceError

SIZE = 32
HEIGHT = 8
WIDTH = 1 << HEIGHT
EMPTY_ROOT = hashlib.sha256(b"").digest()
CACHED = 32
"""Tiles kept while one proof is made: more than a proof of any tree below 2**64 leaves reads."""

Tile = Callable[[int, int, int], bytes]
"""(level, index, width) → `width` concatenated hashes of that tile."""

Grown = tuple[int, int, bytes]
"""A hash that became final: (level ≥ 1, number within the level, hash of the full tile below it)."""


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of a leaf: SHA-256 over 0x00 and the entry."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node: SHA-256 over 0x01 and both children."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(hashes: Iterable[bytes]) -> bytes:
    """Return the root over leaf (or equal subtree) hashes, in order."""
    frontier = Frontier()
    for item in hashes:
        frontier.append(item)
    return frontier.root()


class Frontier:
    """The roots of the complete subtrees of a growing tree, largest first: all that appending needs."""

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        if size < 0 or len(hashes) != size.bit_count() or any(len(item) != SIZE for item in hashes):
            raise EvidenceError(
                "reading the frontier of the log",
                f"{len(hashes)} hashes do not fit a tree of size {size}",
                "The database was changed by something else; restore it from a backup.",
            )
        self.size = size
        self._hashes = list(hashes)

    def append(self, leaf: bytes) -> list[Grown]:
        """Add one leaf hash; return the hashes that tiles of level 1 and above gain by it, lowest first.

        Raises:
            EvidenceError: a leaf hash is 32 bytes long, and this is not.
        """
        if len(leaf) != SIZE:
            raise EvidenceError("appending to the log", f"a leaf hash has {SIZE} bytes, not {len(leaf)}")
        number, height = self.size, 0
        grown: list[Grown] = []
        while number & 1:
            leaf = node_hash(self._hashes.pop(), leaf)
            number, height = number >> 1, height + 1
            if height % HEIGHT == 0:
                grown.append((height // HEIGHT, number, leaf))
        self._hashes.append(leaf)
        self.size += 1
        return grown

    def root(self) -> bytes:
        """Return the root of the tree as it is now."""
        if not self._hashes:
            return EMPTY_ROOT
        found = self._hashes[-1]
        for item in reversed(self._hashes[:-1]):
            found = node_hash(item, found)
        return found

    def to_bytes(self) -> bytes:
        """Return the hashes, concatenated; the size is stored beside them."""
        return b"".join(self._hashes)

    @classmethod
    def from_bytes(cls, size: int, data: bytes) -> Frontier:
        """Rebuild from what `to_bytes` returned. Raises EvidenceError if they do not fit each other."""
        return cls(size, [data[start : start + SIZE] for start in range(0, len(data), SIZE)])


def tile_width(size: int, level: int, index: int) -> int:
    """Return how many hashes tile (level, index) has in a tree of `size` leaves: 0 to 256."""
    return max(0, min(WIDTH, (size >> (HEIGHT * level)) - index * WIDTH))


def root_from_tiles(size: int, tile: Tile) -> bytes:
    """Return the root of the first `size` leaves."""
    return _range_root(0, size, size, tile) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, tile: Tile) -> list[bytes]:
    """Return the audit path of leaf `index` in the tree of `size` leaves (RFC 6962 §2.1.1).

    Reads each tile once: about two for every factor of 256 in the size.
    """
    if not 0 <= index < size:
        raise EvidenceError("proving inclusion", f"there is no leaf {index} in a tree of size {size}")
    tile = lru_cache(CACHED)(tile)
    path: list[bytes] = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append(_range_root(middle, high, size, tile))
            high = middle
        else:
            path.append(_range_root(low, middle, size, tile))
            low = middle
    return path[::-1]


def consistency_proof(old: int, new: int, tile: Tile) -> list[bytes]:
    """Return the proof that the tree of `new` leaves begins with that of `old` (RFC 6962 §2.1.2).

    It is empty for equal sizes. Reads each tile once, as `inclusion_proof` does.
    """
    if not 0 < old <= new:
        raise EvidenceError("proving consistency", f"sizes {old} and {new} are not 0 < old ≤ new")
    tile = lru_cache(CACHED)(tile)
    path: list[bytes] = []
    low, high, whole = 0, new, True
    while high - low > 1 and old != high:
        middle = low + _split(high - low)
        if old <= middle:
            path.append(_range_root(middle, high, new, tile))
            high = middle
        else:
            path.append(_range_root(low, middle, new, tile))
            low, whole = middle, False
    if not whole:
        path.append(_range_root(low, high, new, tile))
    return path[::-1]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], expected: bytes) -> None:
    """Return if `leaf` is leaf `index` of the tree (RFC 9162 §2.1.3.2). Raises EvidenceError otherwise."""
    doing = f"verifying that entry {index} is in the log of size {size}"
    inner = check_path(doing, index, size, len(proof))
    _check_hashes(doing, [leaf, expected, *proof])
    if climb(leaf, index, inner, proof) != expected:
        raise EvidenceError(doing, "the proof leads to another root")


def check_path(doing: str, index: int, size: int, length: int) -> int:
    """Return how many steps of the path of leaf `index` are inside the last subtree that it shares.

    The steps after those go along the right edge: each joins a complete subtree on the left.

    Raises:
        EvidenceError: there is no such leaf, or its path has not `length` hashes.
    """
    if not 0 <= index < size:
        raise EvidenceError(doing, "there is no such entry in a tree of that size")
    inner = (index ^ (size - 1)).bit_length()
    steps = inner + (index >> inner).bit_count()
    if length != steps:
        raise EvidenceError(
            doing, f"the proof has {'more' if length > steps else 'fewer'} hashes than the path"
        )
    return inner


def climb(node: bytes, index: int, inner: int, path: Iterable[bytes], start: int = 0) -> bytes:
    """Return the hash that a path leads to from `node`, which stands `start` steps above leaf `index`."""
    for step, item in enumerate(path, start):
        pair = node + item if step < inner and not index >> step & 1 else item + node
        node = hashlib.sha256(b"\x01" + pair).digest()  # `node_hash`, without a call at each step.
    return node


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Return if the new tree begins with the old one (RFC 9162 §2.1.4.2). Raises EvidenceError otherwise.

    A tree of size 0 proves nothing about any other, so it is refused.
    """
    doing = f"verifying that the log of size {new} begins with the log of size {old}"
    if not 0 < old <= new:
        raise EvidenceError(doing, "the sizes are not 0 < old ≤ new")
    _check_hashes(doing, [old_root, new_root, *proof])
    if old == new:
        if proof:
            raise EvidenceError(doing, "equal sizes need no proof, and there is one")
        if old_root != new_root:
            raise EvidenceError(doing, "two different roots of the same size: the log was rewritten")
        return
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    if not path:
        raise EvidenceError(doing, "the proof is empty")
    before, after = _roots_from(doing, path, old - 1, new - 1)
    if before != old_root or after != new_root:
        raise EvidenceError(doing, "the proof leads to other roots: the log was rewritten")


def _roots_from(doing: str, path: Sequence[bytes], node: int, last: int) -> tuple[bytes, bytes]:
    """Return the old and the new root that a consistency path leads to (RFC 9162 §2.1.4.2, steps 3 to 5)."""
    while node & 1:
        node, last = node >> 1, last >> 1
    before = after = path[0]
    for item in path[1:]:
        if last == 0:
            raise EvidenceError(doing, "the proof has more hashes than the path")
        if node & 1 or node == last:
            before, after = node_hash(item, before), node_hash(item, after)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            after = node_hash(after, item)
        node, last = node >> 1, last >> 1
    if last != 0:
        raise EvidenceError(doing, "the proof has fewer hashes than the path")
    return before, after


def _split(count: int) -> int:
    """Return the largest power of two smaller than `count`."""
    return 1 << ((count - 1).bit_length() - 1)


def _range_root(low: int, high: int, size: int, tile: Tile) -> bytes:
    """Return the root over leaves low ≤ i < high, where `low` is a multiple of its largest subtree."""
    parts: list[bytes] = []
    while low < high:
        height = (high - low).bit_length() - 1
        parts.append(_subtree(low >> height, height, size, tile))
        low += 1 << height
    found = parts[-1]
    for item in reversed(parts[:-1]):
        found = node_hash(item, found)
    return found


def _subtree(number: int, height: int, size: int, tile: Tile) -> bytes:
    """Return the root of complete subtree `number` of 2**height leaves, from one tile."""
    level, inner = divmod(height, HEIGHT)
    first = number << inner
    index, offset = divmod(first, WIDTH)
    width = tile_width(size, level, index)
    data = tile(level, index, width)
    if len(data) != width * SIZE:
        raise EvidenceError(
            "reading a tile of the log", f"tile {level}/{index} has {len(data)} bytes, not {width * SIZE}"
        )
    hashes = [data[at * SIZE : (at + 1) * SIZE] for at in range(offset, offset + (1 << inner))]
    while len(hashes) > 1:
        hashes = [node_hash(hashes[at], hashes[at + 1]) for at in range(0, len(hashes), 2)]
    return hashes[0]


def _check_hashes(doing: str, hashes: Iterable[bytes]) -> None:
    if any(len(item) != SIZE for item in hashes):
        raise EvidenceError(doing, f"a hash is not {SIZE} bytes long")
