"""Runs tasks on workers, and goes on when a worker, or the whole executor, dies.

One way for threads, processes and clusters. A task whose worker died is suspect: when all others have ended,
it is done again by itself, in pieces, so that what kills workers is named and takes nothing else with it.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from proofwatch.runtime.executor import ExecutorLost, Workers
from proofwatch.snapshots.collect import WorkerFault
from proofwatch.snapshots.tasks import Divisible, Lost

AT_ONCE = 2_000
"""Tasks that are handed out at a time; more would only lie in the executor's memory."""
DEATHS = 3
"""Workers that one piece may kill before it is given up; in a cluster, Dask's own limit counts them."""
FAULTS = 4
"""Times that one task is tried by workers that cannot do their work."""
LOSSES = 10
"""Times in a row that the executor may be lost with no task ending between."""
LOOK = 5.0
"""Seconds without any end after which one looks whether the executor still lives."""

KILLS = "{} killed its worker again and again (out of memory, or a crash)"
"""What is said of a piece that nobody survived. How many died, a cluster does not tell."""

T = TypeVar("T", bound=Divisible)
R = TypeVar("R")


@dataclass(slots=True)
class Pool:
    """Runs tasks to their end on the workers that it is given."""

    workers: Workers

    @property
    def size(self) -> int:
        """Return how many tasks run at once. Raises ExecutorLost."""
        return self.workers.size

    @property
    def here(self) -> bool:
        """Tell whether all workers are of this machine, and see its files."""
        return self.workers.here

    def each(
        self, call: Callable[[T], R], tasks: Iterable[T], at_once: int = AT_ONCE
    ) -> Iterator[tuple[T, R | Lost]]:
        """Yield each task with its result as it ends, in any order; a suspect comes back in pieces.

        Args:
            call: what is done with a task; picklable, and safe to do twice.
            tasks: what to do; taken as it is handed out.
            at_once: how many are handed out at a time, where what they take together is to be bounded.

        Raises:
            ExecutorLost: the executor is gone and does not come back. What was yielded before stands.
            Exception: what a task raised, unless it was its worker's fault.
        """
        run = _Run(self.workers, call, iter(tasks), at_once)
        yield from run.all()
        for task in run.suspects:
            for piece in task.pieces():
                yield from _Run(self.workers, call, iter([piece]), at_once, alone=True).all()


@contextmanager
def running(workers: Workers) -> Iterator[Pool]:
    """Yield a pool and end its workers; when the body fails or is interrupted, what waits is not begun."""
    try:
        yield Pool(workers)
    except BaseException:
        workers.close(wait=False)
        raise
    workers.close(wait=True)


@dataclass(slots=True)
class _Run(Generic[T, R]):
    """One passage over tasks. `alone`: a single piece, whose deaths are its own."""

    workers: Workers
    call: Callable[[T], R]
    coming: Iterator[T]
    at_once: int = AT_ONCE
    alone: bool = False
    waiting: deque[T] = field(default_factory=deque)
    """Handed out next, before those that come."""
    later: list[T] = field(default_factory=list)
    """Done once more, after all others."""
    suspects: list[T] = field(default_factory=list)
    held: dict[Future[R], T] = field(default_factory=dict)
    ended: SimpleQueue[Future[R]] = field(default_factory=SimpleQueue)
    faults: Counter[int] = field(default_factory=Counter)
    avoid: frozenset[str] = frozenset()
    losses: int = 0
    deaths: int = 0

    def all(self) -> Iterator[tuple[T, R | Lost]]:
        while self._waits() or self.held:
            if not self._hand_out():
                yield from self._lost()
                continue
            future = self._next()
            if future is None:
                yield from self._lost()
                continue
            error = None if future.cancelled() else future.exception()
            if future.cancelled() or (error is not None and self.workers.broken(error)):
                yield from self._lost()
                continue
            task, self.losses = self.held.pop(future), 0
            if error is None:
                self.faults.pop(id(task), None)
                yield task, future.result()
            elif self.workers.killed(error):
                yield from self._killed(task, DEATHS)
            elif isinstance(error, WorkerFault):
                yield from self._fault(task, error)
            else:
                raise error

    def _waits(self) -> bool:
        """Tell whether a task waits, with the next one at the head of `waiting`."""
        if not self.waiting:
            self.waiting.extend(islice(self.coming, 1))
        if not self.waiting:
            self.waiting.extend(self.later)
            self.later.clear()
        return bool(self.waiting)

    def _hand_out(self) -> bool:
        """Hand out what waits; tell whether the executor took it."""
        while len(self.held) < self.at_once and self._waits():
            try:
                future = self.workers.submit(self.call, self.waiting[0], self.avoid)
            except Exception as error:  # what is broken is told by each executor; all else goes on up
                if not self.workers.broken(error):
                    raise
                return False
            self.held[future] = self.waiting.popleft()
            future.add_done_callback(self.ended.put)
        return True

    def _next(self) -> Future[R] | None:
        """Return a task that ended, or None when the executor is gone without a word."""
        while True:
            try:
                return self.ended.get(timeout=LOOK)
            except Empty:
                if not self.workers.alive():
                    return None

    def _lost(self) -> Iterator[tuple[T, R | Lost]]:
        """Begin with a new executor; yield what ended in the old one. Its first tasks are suspect."""
        self.losses += 1
        if self.losses > LOSSES:
            raise ExecutorLost(
                "working", f"the workers were lost {LOSSES} times with nothing done between", permanent=False
            )
        self.workers.drop()
        held, self.held, self.ended = self.held, {}, SimpleQueue()
        again: list[T] = []
        for future, task in held.items():
            if future.done() and not future.cancelled() and future.exception() is None:
                self.losses = 0
                yield task, future.result()
            else:
                again.append(task)
        if self.alone and again and self.workers.suspects:
            yield from self._killed(again[0], 1)
            return
        first = min(self.workers.suspects, len(again))
        self.suspects += again[:first]
        self.waiting.extendleft(reversed(again[first:]))

    def _killed(self, task: T, deaths: int) -> Iterator[tuple[T, R | Lost]]:
        if not self.alone:
            self.suspects.append(task)
            return
        self.deaths += deaths
        if self.deaths >= DEATHS:
            yield task, Lost(KILLS.format(task.doing), killed=True)
        else:
            self.later.append(task)

    def _fault(self, task: T, error: WorkerFault) -> Iterator[tuple[T, R | Lost]]:
        self.faults[id(task)] += 1
        if error.worker:
            self.avoid |= {error.worker}
        if self.faults[id(task)] >= FAULTS:
            del self.faults[id(task)]
            yield task, Lost(" ".join(error.problem.split()))
        else:
            self.later.append(task)
