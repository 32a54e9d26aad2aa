"""Whose turn it is: a provider's limits hold for all workers together, not for each.

Whoever is about to send a request takes a turn under a key (a provider, an account, a service) and waits
until it comes. Turns are given at an even pace, after a first burst. Where they are kept decides who shares
them: one process, all processes of a machine, or all workers of a cluster.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import struct
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

FORGOTTEN = 7200.0
"""Seconds after which a turn is of no consequence any more: twice what anybody waits."""
MOST_KEYS = 100_000
"""Keys that are remembered; an organisation of 5,000 accounts has some tens of thousands."""


class Turns(Protocol):
    """Gives turns. Picklable: a task carries it to its worker."""

    def take(self, key: str, gap: float, burst: int) -> float:
        """Take the next turn.

        Args:
            key: what the limit is for; it is never shown, and may name a credential.
            gap: seconds between two turns.
            burst: turns that may be had at once by whoever took none for a while.

        Returns:
            seconds to wait until it comes.
        """
        ...


def next_turn(now: float, held: float, gap: float, burst: int) -> tuple[float, float]:
    """Return (seconds to wait, what to hold): the generic cell rate algorithm (ITU-T I.371), in seconds.

    Args:
        now: by any clock that all who share the key have.
        held: what was held before; 0 at first.
        gap: seconds between two turns.
        burst: turns that may be had at once.
    """
    # A clock that was set back must not make anybody wait for days.
    due = min(max(held, now), now + 3600)
    wait = max(0.0, due - (burst - 1) * gap - now)
    return wait, due + gap


class OwnTurns:
    """Turns of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[str, float] = {}

    def __reduce__(self) -> tuple[object, ...]:
        """Begin anew in another process."""
        return (OwnTurns, ())

    def take(self, key: str, gap: float, burst: int) -> float:
        """Take the next turn; see `Turns`."""
        with self._lock:
            now = time.time()
            if len(self._held) >= MOST_KEYS:
                self._held = {name: due for name, due in self._held.items() if due > now}
            wait, self._held[key] = next_turn(now, self._held.get(key, 0.0), gap, burst)
        return wait


@dataclass(frozen=True, slots=True)
class FolderTurns:
    """Turns of all processes that see one folder: a small file for each key, under a lock.

    Raises:
        OSError: the folder cannot be written.
    """

    folder: Path

    def take(self, key: str, gap: float, burst: int) -> float:
        """Take the next turn; see `Turns`."""
        path = self.folder / hashlib.sha256(key.encode()).hexdigest()[:32]
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except FileNotFoundError:
            self.folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            data = os.pread(descriptor, 8, 0)
            held = struct.unpack("<d", data)[0] if len(data) == 8 else 0.0
            wait, due = next_turn(time.time(), held, gap, burst)
            os.pwrite(descriptor, struct.pack("<d", due), 0)
        finally:
            os.close(descriptor)
        return wait

    def forget(self) -> None:
        """Remove the files of turns that came long ago, so that keys of the past do not add up."""
        long_ago = time.time() - FORGOTTEN
        with suppress(FileNotFoundError):
            for entry in os.scandir(self.folder):
                with suppress(FileNotFoundError):
                    if entry.stat().st_mtime < long_ago:
                        Path(entry.path).unlink()


_shared: Turns = OwnTurns()


def share(turns: Turns) -> None:
    """Take this process's turns from `turns` from now on."""
    global _shared
    _shared = turns


def wait(key: str, gap: float, burst: int = 1) -> None:
    """Wait for one's turn."""
    seconds = _shared.take(key, gap, burst)
    if seconds > 0:
        time.sleep(seconds)
