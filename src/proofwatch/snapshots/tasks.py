"""What a sweep asks of workers: who they are, how much is in work at once, and where they keep things.

A task is done by threads or processes of this machine, or by workers of a cluster (`runtime.pool`); whoever
makes tasks knows no more of it than this.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self, TypeVar, runtime_checkable

import duckdb

from proofwatch import __version__
from proofwatch.errors import ProofwatchError
from proofwatch.snapshots.base import Objects
from proofwatch.snapshots.collect import WorkerFault
from proofwatch.snapshots.rebuild import prune

TABLE_MEMORY = 512 << 20
"""Bytes that a table in work is counted with: its engine's 256 MB, and the process around it."""
SHARE = 4
"""Tasks that each worker should have at least, so that all end at about the same time."""
OWN_STATES_KEPT = 200
"""Rebuilt tables that stay with a worker of a cluster."""
VERSION = f"{__version__} with DuckDB {duckdb.__version__}"
"""What every worker must have: another engine may write the same rows as other bytes."""
UNABLE = "Workers could not %s tables (%s): this process does it itself."
"""What is logged, once for all tables that a sweep's workers gave back."""
_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


@dataclass(frozen=True, slots=True)
class Lost:
    """Why a task has no result. `killed`: whoever did it died; else its workers could not do it."""

    reason: str
    killed: bool = False


class Divisible(Protocol):
    """A task that can be done in pieces."""

    @property
    def doing(self) -> str:
        """Return what the task does to its piece, for the sentence about one that kills: `reading it`."""
        ...

    @property
    def near(self) -> str:
        """Return a name: tasks of one name had better go to one worker, which keeps things. "" for any."""
        ...

    def pieces(self) -> Sequence[Self]:
        """Return the same work in the smallest tasks that there are."""
        ...


T = TypeVar("T", bound=Divisible)
R = TypeVar("R")
Item = TypeVar("Item")


class Pool(Protocol):
    """Where tasks are done: threads, processes or other machines; see `runtime.pool`."""

    @property
    def size(self) -> int:
        """Return how many tasks run at once."""
        ...

    @property
    def here(self) -> bool:
        """Tell whether all workers are of this machine, and see its files."""
        ...

    def each(
        self, call: Callable[[T], R], tasks: Iterable[T], at_once: int = 0
    ) -> Iterator[tuple[T, R | Lost]]:
        """Yield each task with its result as it ends; one that kills its workers comes back in pieces."""
        ...


@runtime_checkable
class Everywhere(Objects, Protocol):
    """Objects that workers of other machines reach as well: a bucket."""

    def fetching_to(self, folder: Path) -> Objects:
        """Return the same objects, handed out from another folder."""
        ...


@dataclass(frozen=True, slots=True)
class Store:
    """Where whoever does a task finds objects and keeps rebuilt tables. Picklable.

    Attributes:
        objects: the write-once store.
        cache: folder of rebuilt tables; None: one of the worker's own, on another machine.
    """

    objects: Objects
    cache: Path | None

    @contextmanager
    def opened(self) -> Iterator[tuple[Objects, Path]]:
        """Give the objects and the folder of rebuilt tables."""
        if self.cache is not None:
            yield self.objects, self.cache
            return
        assert isinstance(self.objects, Everywhere), "no others travel to another machine"
        own = own_folder()
        with tempfile.TemporaryDirectory(dir=own, prefix="objects-") as fetched:
            yield self.objects.fetching_to(Path(fetched)), own / "tables"
        prune(own / "tables", OWN_STATES_KEPT)

    @contextmanager
    def faults(self, doing: str) -> Iterator[None]:
        """Let what goes wrong on another machine be that machine's fault: the next one may do better.

        What goes wrong on this one goes on up, as it would without workers.
        """
        try:
            yield
        except WorkerFault:
            raise
        except (OSError, ProofwatchError) as error:
            if self.cache is not None:
                raise
            why = error.problem if isinstance(error, ProofwatchError) else error.strerror or str(error)
            remedy = "Give the worker room to write, and rights to the objects."
            raise WorkerFault(doing, f"the worker cannot do it: {why}", remedy) from None


def check_version(version: str, doing: str) -> None:
    """Raise WorkerFault if this worker is of another version than the sweep."""
    if version != VERSION:
        problem = f"this worker has Proofwatch {VERSION}, and the sweep {version}"
        raise WorkerFault(doing, problem, "Give every worker the same versions.")


def reach(pool: Pool, objects: Objects) -> bool:
    """Tell whether the pool's workers see these objects."""
    return pool.here or isinstance(objects, Everywhere)


def at_once(pool: Pool) -> int:
    """Return how many tables may be in work at the same time.

    On this machine as many as there are cores, and as half of the memory has room for. In a cluster as many
    as it has threads: their memory is that of their own machines.
    """
    if not pool.here:
        return max(1, pool.size)
    return max(1, min(pool.size, len(os.sched_getaffinity(0)), memory() // 2 // TABLE_MEMORY))


def each(pool: Pool, call: Callable[[T], R], tasks: Sequence[T]) -> Iterator[tuple[T, R | Lost]]:
    """Yield each task with its result; on this machine with no more at once than there is room for.

    A cluster is given all of them, so that whoever has nothing to do can take one from another.
    """
    if tasks:
        yield from pool.each(call, tasks, at_once(pool) if pool.here else len(tasks))


def memory() -> int:
    """Return the bytes of memory that this machine, or the container that we are in, has."""
    found = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    for path in _LIMITS:
        try:
            found.append(int(Path(path).read_text("ascii")))
        except (OSError, ValueError):
            continue
    return min(found)


def packed(items: Iterable[tuple[Item, int]], workers: int) -> list[tuple[Item, ...]]:
    """Return weighed items in tasks, the heaviest first: small ones together, what is large alone."""
    waiting = sorted(items, key=lambda item: -item[1])
    most = sum(weight for _, weight in waiting) / (SHARE * max(1, workers))
    made: list[list[Item]] = []
    held: list[Item] = []
    total = 0
    for item, weight in waiting:
        if held and total + weight > most:
            made.append(held)
            held, total = [], 0
        held.append(item)
        total += weight
    return [tuple(task) for task in (*made, *([held] if held else []))]


def own_folder() -> Path:
    """Return a folder that nobody else can look into. Raises WorkerFault if somebody else made it."""
    path = Path(tempfile.gettempdir()) / f"proofwatch-{os.getuid()}"
    path.mkdir(mode=0o700, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        problem = f"{path} is not a folder of ours alone"
        raise WorkerFault("keeping what is needed again", problem, "Remove it, or set TMPDIR.")
    return path
