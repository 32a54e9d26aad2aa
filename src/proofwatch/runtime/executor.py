"""Where collecting runs: anything that is a `concurrent.futures.Executor`."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager


@contextmanager
def running(executor: Executor) -> Iterator[Executor]:
    """Yield an executor and end it; when the body fails or is interrupted, what waits is not begun."""
    try:
        yield executor
    except BaseException:
        executor.shutdown(wait=False, cancel_futures=True)
        raise
    executor.shutdown()


def make_executor(kind: str, workers: int) -> Executor:
    """Return an executor of `workers` threads or processes.

    Threads share connections and suit small accounts. Parsing the answers of a cloud is the expensive
    part and holds the interpreter's lock, so large accounts want processes. They are started by a fork
    server, because forking a process that already runs threads (DuckDB's, the database driver's) may hang.
    """
    if kind == "threads":
        return ThreadPoolExecutor(workers, thread_name_prefix="collect")
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("forkserver"))
