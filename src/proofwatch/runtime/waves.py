"""Tasks go to a Dask cluster in waves, and their results come back in waves.

A task that is sent alone is a graph of its own, and a result that is fetched alone is asked of the scheduler
and by it of the worker: most of what a small task cost was these messages.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import Any

WAVE = 0.05
"""Seconds in which tasks and results gather before they go on together."""
LARGEST = 200
"""Tasks of one graph; Dask warns of large ones."""


@dataclass(frozen=True, slots=True)
class Where:
    """Which workers a task goes to; none named: any. `others`: these are only the best."""

    workers: tuple[str, ...] = ()
    others: bool = False


ANYWHERE = Where()


@dataclass(frozen=True, slots=True)
class _Asked:
    """A task that waits for its wave, and the future that tells its end."""

    future: Future[Any]
    call: Callable[[Any], Any]
    task: Any
    where: Where


class Waves:
    """Sends tasks by one client, and ends their futures; a thread of its own until `end`.

    A future is cancelled where the client lost it, as Dask says of its own.

    Args:
        client: a connected `distributed.Client`.
        on_worker: what a worker does with a call and its task.
    """

    def __init__(self, client: Any, on_worker: Callable[[Callable[[Any], Any], Any], Any]) -> None:
        import distributed

        dask: Any = distributed  # its classes have no types
        self._client, self._on_worker = client, on_worker
        self._waiting: SimpleQueue[_Asked | None] = SimpleQueue()
        self._held: dict[Any, Future[Any]] = {}
        self._ended = dask.as_completed(loop=client.loop)
        self._thread = Thread(target=self._run, name="dask-waves", daemon=True)
        self._thread.start()

    def submit(self, call: Callable[[Any], Any], task: Any, where: Where = ANYWHERE) -> Future[Any]:
        """Hand out a task with the next wave; return what tells its end."""
        asked = _Asked(Future(), call, task, where)
        self._waiting.put(asked)
        if not self._thread.is_alive():
            self._give_up()
        return asked.future

    def end(self) -> None:
        """Send nothing more; what has not ended is cancelled here, and goes with the client there."""
        self._waiting.put(None)

    def _run(self) -> None:
        try:
            while (asked := self._next()) is not None:
                self._send(asked)
                self._fetch()
        finally:
            self._give_up()

    def _next(self) -> list[_Asked] | None:
        """Return what was asked within a moment; without anything to wait for, sleep until it is."""
        found = [] if self._held else [self._waiting.get()]
        time.sleep(WAVE)
        while not self._waiting.empty():
            found.append(self._waiting.get())
        asked = [item for item in found if item is not None]
        if len(asked) == len(found):
            return asked
        for item in asked:
            item.future.cancel()
        return None

    def _send(self, asked: list[_Asked]) -> None:
        if self._client.status != "running":
            for item in asked:
                item.future.cancel()
            return
        alike: dict[tuple[Callable[[Any], Any], Where], list[_Asked]] = defaultdict(list)
        for item in asked:
            alike[item.call, item.where].append(item)
        for (call, where), items in alike.items():
            for first in range(0, len(items), LARGEST):
                self._send_wave(call, where, items[first : first + LARGEST])

    def _send_wave(self, call: Callable[[Any], Any], where: Where, items: list[_Asked]) -> None:
        options: dict[str, Any] = {"pure": False}
        if where.workers:
            options |= {"workers": list(where.workers), "allow_other_workers": where.others}
        try:
            sent = self._client.map(partial(self._on_worker, call), [item.task for item in items], **options)
        except Exception as error:  # noqa: BLE001 - told to whoever waits, as an executor does
            for item in items:
                item.future.set_exception(error)
            return
        self._held |= {there: item.future for there, item in zip(sent, items, strict=True)}
        self._ended.update(sent)

    def _fetch(self) -> None:
        """End the futures of the tasks that ended."""
        ended = self._ended.next_batch(block=False)
        if not ended:
            return
        futures = [(there, self._held.pop(there)) for there in ended]
        try:
            found = self._client.gather({there.key: there for there in ended}, errors="skip")
            failed = {there.key: there.exception() for there in ended if there.status == "error"}
        except Exception as error:  # noqa: BLE001 - told to whoever waits, as an executor does
            for _, future in futures:
                future.set_exception(error)
            return
        for there, future in futures:
            if there.key in failed:
                future.set_exception(failed[there.key])
            elif there.cancelled():
                future.cancel()
            else:
                future.set_result(found[there.key])

    def _give_up(self) -> None:
        """Cancel what will not be told any more."""
        held, self._held = self._held, {}
        for future in held.values():
            future.cancel()
        while not self._waiting.empty():
            if (item := self._waiting.get()) is not None:
                item.future.cancel()
