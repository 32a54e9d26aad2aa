"""The simulated AWS: moto's server in a process of its own, on the loopback address only."""

from __future__ import annotations

import ctypes
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import as_file, files
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import IO

from proofwatch.demo.errors import DemoError

HOST = "127.0.0.1"
DOING = "starting the simulated AWS"
INSTALL = "Run: pip install 'proofwatch[demo]'"
READY_WITHIN = 60.0
"""Seconds. Ready took 0.5 to 0.6 s on an idle machine; the rest is for a busy one."""

_PR_SET_PDEATHSIG = 1
_LEAVE_WITHIN = 5.0
_MOST_OUTPUT = 2000


@dataclass(frozen=True, slots=True)
class Server:
    """A running server.

    Attributes:
        url: where it answers, `http://127.0.0.1:PORT`.
        pid: its process.
    """

    url: str
    pid: int


@contextmanager
def start(port: int = 0, ready_within: float = READY_WITHIN) -> Iterator[Server]:
    """Run the server until the block ends, however it ends.

    SIGTERM ends the block like Ctrl-C does, with exit code 143; on Linux the server also dies with this
    process when that is killed outright. The server forgets everything when it ends.

    Args:
        port: the port to listen on; 0 takes a free one.
        ready_within: seconds to wait for the first answer.

    Raises:
        DemoError: moto is not installed, the port is taken, or the server did not come up.
    """
    if find_spec("moto") is None or find_spec("flask") is None:
        raise DemoError(DOING, "moto's server is not installed", INSTALL)
    chosen = _free_port(port)
    with (
        as_file(files("proofwatch.demo").joinpath("amis.json")) as images,
        tempfile.TemporaryFile() as output,
        _stop_on_sigterm(),
    ):
        process = _launch(chosen, images, output)
        try:
            _wait_until_ready(process, chosen, output, ready_within)
            _configure(chosen)
            yield Server(f"http://{HOST}:{chosen}", process.pid)
        finally:
            _end(process)


def _free_port(port: int) -> int:
    """Return `port`, or a free one for 0. Raises DemoError when it is taken.

    Another process may take a free port before the server does; then the server's own words are shown.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise DemoError(
                DOING, f"port {port} of {HOST} cannot be had: {reason}", "Choose another port, or none."
            ) from None
        return int(probe.getsockname()[1])


def _launch(port: int, images: Path, output: IO[bytes]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "moto.server", "-H", HOST, "-p", str(port)]
    return subprocess.Popen(  # noqa: S603 - no shell, and every word is ours
        command,
        env=_environment(os.environ, images),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        # A session of its own: Ctrl-C must end the block first, and the block the server.
        start_new_session=True,
        preexec_fn=_die_with_parent() if threading.current_thread() is threading.main_thread() else None,
    )


def _environment(given: Mapping[str, str], images: Path) -> dict[str, str]:
    """Return the server's environment: nobody's AWS settings or proxies, moto's as the demo needs."""
    dropped = ("AWS_", "MOTO_", "TEST_")
    kept = {
        name: value
        for name, value in given.items()
        # moto calls itself in places, which no proxy could pass on.
        if not name.startswith(dropped) and not name.lower().endswith("_proxy")
    }
    return {
        **kept,
        # Costs 1 s and 50 MB once; without it no managed policy has a document to judge.
        "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
        # moto's own list of images brings over a thousand snapshots into every region.
        "MOTO_AMIS_PATH": str(images),
        "PYTHONUNBUFFERED": "1",
    }


def _die_with_parent() -> Callable[[], None] | None:
    """Return what makes the child end with its parent on Linux; elsewhere the block's end must do."""
    if not sys.platform.startswith("linux"):
        return None
    # Loaded before the fork: between fork and exec as little as possible may happen.
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    return ask


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, output: IO[bytes], within: float) -> None:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise DemoError(
                DOING, f"it ended with code {process.returncode} and said:\n{_tail(output)}", INSTALL
            )
        if _answers(port):
            return
        time.sleep(0.05)
    said = _tail(output)
    problem = f"no answer within {within:g} seconds" + (f"; it said:\n{said}" if said else "")
    raise DemoError(DOING, problem, "Try again when the machine is less busy.", permanent=False)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/moto-api/")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _configure(port: int) -> None:
    """Tell moto that functions need no containers: else it looks for Docker, and would start some."""
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    try:
        connection.request("POST", "/moto-api/config", json.dumps({"lambda": {"use_docker": False}}))
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        raise DemoError(DOING, f"it stopped answering: {error}", "Try again.", permanent=False) from None
    finally:
        connection.close()
    if status >= 400:
        raise DemoError(DOING, f"it refused its configuration with status {status}", INSTALL)


def _tail(output: IO[bytes]) -> str:
    size = output.seek(0, os.SEEK_END)
    output.seek(max(0, size - _MOST_OUTPUT))
    return output.read().decode("utf-8", "replace").strip()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_LEAVE_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def _stop_on_sigterm() -> Iterator[None]:
    """Turn SIGTERM into SystemExit inside the block, so that the block's own clean-up runs.

    Python delivers signals to the main thread only; elsewhere nothing is changed. A handler that
    somebody else has set stays.
    """
    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return

    def leave(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
