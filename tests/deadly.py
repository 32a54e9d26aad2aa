"""An exchange and a store that kill the worker that uses them for one table, and never who leads the sweep.

Tasks carry them to their workers, so nothing is patched anywhere.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from proofwatch.evidence.objects import LocalObjects
from proofwatch.snapshots.base import Part
from proofwatch.snapshots.exchange import SharedFolder


def kill_worker(leader: int, once: str = "") -> None:
    """Kill this process, if it is not the leader; with `once`, a path, only the first that comes."""
    if os.getpid() == leader:
        return
    if once:
        try:
            Path(once).touch(exist_ok=False)
        except FileExistsError:
            return
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class DeadlyFolder(SharedFolder):
    """Kills whoever has read one table (it leaves its rows), or commits one (it asks for its parts)."""

    leader: int = 0
    reading: str = ""
    committing: str = ""
    once: str = ""

    def send(self, part: Part) -> str:
        """Return where the part lies."""
        if part.table == self.reading:
            kill_worker(self.leader, self.once)
        return SharedFolder.send(self, part)

    def fetch(self, part: str) -> Path:
        """Return where the part lies."""
        if self.committing and Path(part).name.startswith(f"{self.committing}."):
            kill_worker(self.leader, self.once)
        return SharedFolder.fetch(self, part)


class DeadlyObjects(LocalObjects):
    """Kills whoever stores the verdicts of one table."""

    def __init__(self, folder: Path, leader: int, table: str) -> None:
        super().__init__(folder)
        self.leader, self.table = leader, table

    def put_file(self, path: Path) -> str:
        """Store a file's bytes."""
        if path.name == f"{self.table}.results.parquet":
            kill_worker(self.leader)
        return super().put_file(path)
