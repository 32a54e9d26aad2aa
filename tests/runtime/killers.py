"""Tasks that kill the process they run in, for the tests of pools; workers import them by name."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from proofwatch.connectors import turns
from proofwatch.connectors.turns import Turns
from proofwatch.snapshots.collect import WorkerFault


@dataclass(frozen=True)
class Job:
    """Some numbers, each squared; `poison` kills, `once` kills the first time, `full` has no room once."""

    numbers: tuple[int, ...]
    poison: int = -1
    once: str = ""
    full: str = ""
    nap: float = 0.0

    @property
    def doing(self) -> str:
        return "squaring it"

    @property
    def near(self) -> str:
        return ""

    def pieces(self) -> list["Job"]:
        return [Job((number,), self.poison, self.once, self.full, self.nap) for number in self.numbers]


def squares(job: Job) -> list[int]:
    time.sleep(job.nap)
    if job.poison in job.numbers:
        os.kill(os.getpid(), signal.SIGKILL)
    if job.once and first_time(job.once):
        os.kill(os.getpid(), signal.SIGKILL)
    if job.full and first_time(job.full):
        raise WorkerFault("squaring", "no space left on device")
    return [number * number for number in job.numbers]


def first_time(path: str) -> bool:
    try:
        Path(path).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


@dataclass(frozen=True)
class Paced:
    """Some turns under one key."""

    turns: Turns
    key: str
    gap: float
    count: int

    @property
    def doing(self) -> str:
        return "waiting"

    @property
    def near(self) -> str:
        return ""

    def pieces(self) -> list["Paced"]:
        return [self]


def paced(job: Paced) -> list[tuple[float, int]]:
    """Take the turns; return when each came, and who took it."""
    turns.share(job.turns)
    taken = []
    for _ in range(job.count):
        turns.wait(job.key, job.gap)
        taken.append((time.time(), os.getpid()))
    return taken
