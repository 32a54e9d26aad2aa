"""Where tasks run, and how each kind of executor breaks: threads, processes, or a Dask cluster."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Protocol

from proofwatch.errors import ProofwatchError


class ExecutorLost(ProofwatchError):
    """What runs the tasks is gone and does not come back. The sweep may be taken up again."""


class Workers(Protocol):
    """An executor that can be made again, and what its errors mean."""

    suspects: int
    """How many of the tasks that were handed out first may have run when it broke."""

    here: bool
    """Whether all workers are of this machine."""

    @property
    def size(self) -> int:
        """Return how many tasks run at once. Raises ExecutorLost if that cannot be told."""
        ...

    def submit(self, call: Callable[..., Any], task: Any, avoid: frozenset[str]) -> Future[Any]:
        """Hand out a task.

        Args:
            call: what is called with the task on the worker.
            task: its only argument.
            avoid: workers that it should not go to, if others are there.

        Raises:
            ExecutorLost: there is no executor to be had.
            Exception: one that `broken` knows.
        """
        ...

    def alive(self) -> bool:
        """Tell whether what was handed out can still end."""
        ...

    def drop(self) -> None:
        """Give up the executor that lives now; the next task makes a new one."""
        ...

    def close(self, *, wait: bool) -> None:
        """End. Without `wait`, what was not begun is not begun any more."""
        ...

    def killed(self, error: BaseException) -> bool:
        """Tell whether an error means that the task's workers died under it, again and again."""
        ...

    def broken(self, error: BaseException) -> bool:
        """Tell whether an error means that the executor is gone, with every task that it held."""
        ...


class Local:
    """Threads or processes of this machine.

    Threads share connections and suit small accounts. Parsing the answers of a cloud is the expensive part
    and holds the interpreter's lock, so large accounts want processes. They are started by a fork server,
    because forking a process that already runs threads (DuckDB's, the database driver's) may hang.
    """

    here = True

    def __init__(self, kind: str, workers: int) -> None:
        self._kind, self._workers = kind, workers
        self._executor: Executor | None = None
        # A pool of processes hands tasks to its workers in order, so those that run are the first.
        self.suspects = workers if kind == "processes" else 0

    @property
    def size(self) -> int:
        """Return the number of threads or processes."""
        return self._workers

    def submit(self, call: Callable[..., Any], task: Any, avoid: frozenset[str]) -> Future[Any]:
        """Hand out a task; see `Workers`."""
        if self._executor is None:
            self._executor = self._make()
        return self._executor.submit(call, task)

    def alive(self) -> bool:
        """Tell that it lives: what breaks here ends its tasks itself."""
        return True

    def drop(self) -> None:
        """Give up a broken pool."""
        self.close(wait=False)

    def close(self, *, wait: bool) -> None:
        """End the threads or processes."""
        if self._executor is not None:
            self._executor.shutdown(wait=wait, cancel_futures=not wait)
        self._executor = None

    def killed(self, error: BaseException) -> bool:
        """Tell that nothing says so here: a broken pool does not know whose fault it was."""
        return False

    def broken(self, error: BaseException) -> bool:
        """Tell whether a process died."""
        return isinstance(error, BrokenProcessPool)

    def _make(self) -> Executor:
        if self._kind == "threads":
            return ThreadPoolExecutor(self._workers, thread_name_prefix="task")
        return ProcessPoolExecutor(self._workers, mp_context=multiprocessing.get_context("forkserver"))
