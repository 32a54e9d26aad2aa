"""Workers of a Dask cluster: the same tasks on other machines. Dask is an extra: `proofwatch[dask]`."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from typing import Any

from proofwatch.connectors.turns import OwnTurns
from proofwatch.runtime.executor import ExecutorLost
from proofwatch.runtime.waves import ANYWHERE, Waves, Where
from proofwatch.snapshots.collect import WorkerFault

PATIENCE = 120.0
"""Seconds that a scheduler may be away before a sweep is given up for now."""
CONNECT = 10.0
ANSWER = 30.0
"""Seconds for one attempt to reach the scheduler, and for its answer to a worker."""
LISTED = 1.0
"""Seconds for which a list of the workers is taken to be true."""
DOING = "asking the Dask cluster"
HANDLER = "proofwatch_turn"


@dataclass(frozen=True, slots=True)
class Tls:
    """Files, as PEM, by which scheduler, workers and we know each other."""

    ca: str
    cert: str
    key: str


class Cluster:
    """The workers of one scheduler. What Dask cannot carry on is told by `broken` and `killed`.

    Args:
        address: `tcp://host:port` or `tls://host:port`.
        tls: the files; needed for tls.
        patience: seconds that the scheduler, or every worker, may be away.
    """

    suspects = 0
    here = False

    def __init__(self, address: str, tls: Tls | None = None, patience: float = PATIENCE) -> None:
        self._address, self._tls, self._patience = address, tls, patience
        self._client: Any = None
        self._waves: Waves
        self._deserted = 0.0
        self._looked = 0.0
        self._workers: Sequence[str] = ()

    def submit(self, call: Callable[..., Any], task: Any, avoid: frozenset[str]) -> Future[Any]:
        """Hand out a task; see `executor.Workers`."""
        self._connected()
        where = ANYWHERE
        if avoid or task.near:
            fit = tuple(worker for worker in self._listed() if worker not in avoid)
            if fit and task.near:
                first = max(fit, key=lambda worker: hashlib.sha256(f"{worker} {task.near}".encode()).digest())
                where = Where((first,), others=True)
            elif fit:
                where = Where(fit)
        return self._waves.submit(call, task, where)

    def alive(self) -> bool:
        """Tell whether the scheduler is still there.

        Raises:
            ExecutorLost: it is, and no worker has been with it for as long as we are patient.
        """
        if self._client is None or self._client.status != "running":
            return False
        if self._client.scheduler_info(n_workers=-1)["workers"]:
            self._deserted = 0.0
            return True
        now = time.monotonic()
        self._deserted = self._deserted or now
        if now - self._deserted > self._patience:
            problem = f"no worker has been at {self._address} for {self._patience:.0f} seconds"
            remedy = "Start workers. The sweep goes on from where it is."
            raise ExecutorLost(DOING, problem, remedy, permanent=False)
        return True

    def drop(self) -> None:
        """Give up the connection to a scheduler that is gone."""
        self.close(wait=False)

    def close(self, *, wait: bool) -> None:
        """End the connection; what was not begun is not begun any more. The cluster goes on."""
        client, self._client = self._client, None
        if client is not None:
            self._waves.end()
            client.close(timeout=CONNECT)

    def killed(self, error: BaseException) -> bool:
        """Tell whether Dask gave a task up because its workers died."""
        from distributed.scheduler import KilledWorker

        return isinstance(error, KilledWorker)

    def broken(self, error: BaseException) -> bool:
        """Tell whether the scheduler is gone."""
        from distributed.client import FutureCancelledError
        from distributed.comm.core import CommClosedError

        return isinstance(error, CancelledError | CommClosedError | FutureCancelledError)

    @property
    def size(self) -> int:
        """Return the number of the workers' threads. Raises ExecutorLost."""
        workers = self._connected().scheduler_info(n_workers=-1)["workers"]
        return sum(worker["nthreads"] for worker in workers.values())

    def _listed(self) -> Sequence[str]:
        """Return the workers' addresses, as of a moment ago: thousands of tasks are handed out in one."""
        if time.monotonic() - self._looked > LISTED:
            self._workers = sorted(self._client.scheduler_info(n_workers=-1)["workers"])
            self._looked = time.monotonic()
        return self._workers

    def _connected(self) -> Any:
        if self._client is not None and self._client.status == "running":
            return self._client
        self.drop()
        until, pause = time.monotonic() + self._patience, 0.5
        while True:
            try:
                self._client = _connect(self._address, self._tls, min(CONNECT, self._patience))
                self._waves, self._looked = Waves(self._client, _on_worker), 0.0
                return self._client
            except (OSError, TimeoutError) as error:
                if time.monotonic() + pause > until:
                    raise _away(self._address, error) from None
            time.sleep(pause)
            pause = min(2 * pause, 10.0)


def _connect(address: str, tls: Tls | None, patience: float) -> Any:
    import distributed

    # Dask tells of every attempt at length; what matters is told by our own error.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    dask: Any = distributed  # its classes have no types
    security = None
    if tls:
        security = dask.Security(
            tls_ca_file=tls.ca, tls_client_cert=tls.cert, tls_client_key=tls.key, require_encryption=True
        )
    options = {"security": security, "timeout": patience, "set_as_default": False, "name": "proofwatch"}
    client = dask.Client(address, **options)
    client.register_plugin(_plugin())
    return client


def _away(address: str, error: Exception) -> ExecutorLost:
    why = " ".join(str(error).split())[:200] or type(error).__name__
    return ExecutorLost(
        DOING, f"no scheduler answers at {address}: {why}",
        "Start it, or set PROOFWATCH_EXECUTOR. The sweep goes on from where it is.", permanent=False,
    )  # fmt: skip


def _plugin() -> Any:
    from distributed.diagnostics.plugin import SchedulerPlugin

    class GivesTurns(SchedulerPlugin):
        """Gives turns to all workers; a scheduler that begins anew gives them anew."""

        name, idempotent = "proofwatch-turns", True

        async def start(self, scheduler: Any) -> None:
            self.turns = OwnTurns()
            scheduler.handlers[HANDLER] = self.turn

        def turn(self, key: str, gap: float, burst: int) -> float:
            return self.turns.take(key, gap, burst)

    return GivesTurns()


class _Here:
    """The worker that runs tasks in this process."""

    worker: Any = None


@dataclass(frozen=True, slots=True)
class ClusterTurns:
    """Turns of all workers of a cluster: its scheduler gives them."""

    def take(self, key: str, gap: float, burst: int) -> float:
        """Take the next turn; see `connectors.turns.Turns`."""
        worker = _Here.worker
        # The key may name a credential, and the scheduler need not know it.
        named = hashlib.sha256(key.encode()).hexdigest()
        asked = getattr(worker.scheduler, HANDLER)(key=named, gap=gap, burst=burst)
        try:
            given = asyncio.run_coroutine_threadsafe(asked, worker.loop.asyncio_loop).result(ANSWER)
        except (OSError, TimeoutError):
            # The scheduler is gone, and soon this worker with it; until then, it keeps a pace of its own.
            return gap
        return float(given)


def _on_worker(call: Callable[[Any], Any], task: Any) -> Any:
    """Do a task on a worker; a fault of the worker names it."""
    from distributed import get_worker

    worker = _Here.worker = get_worker()
    try:
        return call(task)
    except WorkerFault as fault:
        fault.worker = worker.address
        raise
