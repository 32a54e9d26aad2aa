"""Keepers that can show what they keep: their copies are compared with the log as it is now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from proofwatch.outbound.http import Client

NEWEST = 50
"""Checkpoints that are asked for, the largest first: each one vouches for all entries before it."""
MOST_BYTES = 1 << 20
"""A checkpoint is some hundred bytes; more is not read."""


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy of a checkpoint, as it was read outside.

    Attributes:
        where: where it stands, for people.
        note: its bytes; nothing about them is known yet.
    """

    where: str
    note: bytes


@dataclass(frozen=True, slots=True)
class Shown:
    """What a keeper shows.

    Attributes:
        copies: the checkpoints, the largest first, in every version that there is.
        remarks: what is strange about how they are kept: deleted, overwritten, history rewritten.
        more: how many smaller ones there are that were not read.
    """

    copies: tuple[Copy, ...]
    remarks: tuple[str, ...] = ()
    more: int = 0


@runtime_checkable
class Shows(Protocol):
    """A keeper that can be asked for what it keeps. Asking changes nothing there."""

    def show(self, settings: Any, client: Client) -> Shown:
        """Return what it keeps. Raises OutsideError if it cannot be asked."""
        ...


def newest(names: Sequence[str]) -> tuple[list[str], int]:
    """Return the names `<size>.txt` with the largest sizes, largest first, and how many are left out."""
    sizes = {
        int(stem): name
        for name in names
        if (stem := name.removesuffix(".txt")).isdecimal() and stem.isascii()
    }
    wanted = [sizes[size] for size in sorted(sizes, reverse=True)]
    return wanted[:NEWEST], max(0, len(wanted) - NEWEST)
