"""A real Dask cluster on this machine: a scheduler and workers, each a process that can be killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from proofwatch.evidence.objects import LocalObjects

ROOT = Path(__file__).parents[1]
HOST = "127.0.0.1"
POISON = "github_organization_webhook"
"""The table that kills its reader where `tests.poison` is loaded."""


class SeenByAll(LocalObjects):
    """A folder that stands for a bucket: workers of other machines are taken to see it."""

    def fetching_to(self, folder: Path) -> LocalObjects:
        return self


def free_port() -> int:
    with socket.socket() as found:
        found.bind((HOST, 0))
        return int(found.getsockname()[1])


class Cluster:
    """A scheduler and its workers; use it in a `with`.

    Args:
        folder: for what they write.
        host: where the scheduler listens.
        tls: options of the command line that name the files, for an encrypted cluster.
        silence: after which a worker is taken for dead.
    """

    def __init__(self, folder: Path, host: str = HOST, tls: Sequence[str] = (), silence: str = "20s") -> None:
        self.silence = silence
        self.folder, self.host, self.port, self.tls = folder, host, free_port(), list(tls)
        self.scheduler: subprocess.Popen[bytes] | None = None
        self.workers: list[subprocess.Popen[bytes]] = []
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def address(self) -> str:
        return f"{'tls' if self.tls else 'tcp'}://{self.host}:{self.port}"

    def __enter__(self) -> Cluster:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        for process in (*self.workers, self.scheduler):
            if process is not None:
                kill_all(process)

    def start(self) -> None:
        where = ["--host", self.host, "--port", str(self.port), "--dashboard-address", ":0"]
        self.scheduler = self._run("scheduler", where, {})
        until = time.monotonic() + 60
        while True:
            try:
                socket.create_connection((self.host, self.port), 1).close()
                return
            except OSError:
                assert time.monotonic() < until and self.scheduler.poll() is None, self.log("scheduler")
                time.sleep(0.1)

    def add(
        self,
        name: str,
        count: int = 1,
        env: Mapping[str, str] | None = None,
        more: Sequence[str] = (),
        through: Sequence[str] = (),
    ) -> subprocess.Popen[bytes]:
        """Start `count` worker processes; they come when they come. `through`: a command that starts them."""
        options = [
            self.address, "--nworkers", str(count), "--nthreads", "1", "--no-dashboard", "--name", name,
            "--local-directory", str(self.folder / name), *more,
        ]  # fmt: skip
        process = self._run("worker", options, env or {}, name, through)
        self.workers.append(process)
        return process

    def wait(self, workers: int) -> None:
        """Wait until so many workers are there."""
        from proofwatch.runtime.cluster import Cluster as Dask

        asked, until = Dask(self.address), time.monotonic() + 60
        while asked.size < workers:
            assert time.monotonic() < until, self.log("scheduler")
            time.sleep(0.2)
        asked.close(wait=True)

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text("utf-8", "replace")[-3000:]

    def kill_scheduler(self) -> None:
        assert self.scheduler is not None
        kill_all(self.scheduler)
        for worker in self.workers:
            kill_all(worker)
        self.workers = []

    def _run(
        self,
        kind: str,
        options: Sequence[str],
        env: Mapping[str, str],
        name: str = "",
        through: Sequence[str] = (),
    ) -> subprocess.Popen[bytes]:
        command = [*through, sys.executable, "-m", "dask", kind, *self.tls, *options]
        settings = {
            "PYTHONPATH": str(ROOT),
            "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": self.silence,
            "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1",
            "DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "15s",
            "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "10s",
        }
        with (self.folder / f"{name or kind}.log").open("ab") as out:
            return subprocess.Popen(
                command, env={**os.environ, **settings, **env}, stdout=out, stderr=out, cwd=self.folder
            )


def kill_all(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all that it started, as a machine that loses its power does."""
    kill_children(process)
    process.kill()
    process.wait()


def kill_children(process: subprocess.Popen[bytes]) -> None:
    """Kill the workers of a nanny; it starts new ones."""
    try:
        children = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return
    for child in children:
        try:
            child.send_signal(signal.SIGKILL)
        except psutil.NoSuchProcess:
            continue
