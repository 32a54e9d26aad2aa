"""Servers of S3 that others wrote, and a proxy that loses what goes between them and us.

`ministack` comes from PyPI and honours `If-None-Match`. Ceph's RADOS Gateway is one that runs in production,
checks every signature and locks objects, and in the version that Debian has it ignores `If-None-Match`. It is
started by the script of the reference material, once for all test processes, on a store in memory.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest

from tests.connectors.aws.servers import ADMIN, ministack_server
from tests.servers import free_port, shared

CEPH = ("ceph-mon", "ceph-osd", "radosgw", "radosgw-admin")
CEPH_KEY = ("AKPROOFWATCHTEST", "secret-of-a-test-gateway")


@dataclass(frozen=True, slots=True)
class Server:
    """An S3, and who may write to it. `conditional`: it refuses to overwrite when asked to."""

    name: str
    url: str
    key: tuple[str, str]
    conditional: bool

    def client(self) -> Any:
        session = boto3.Session(aws_access_key_id=self.key[0], aws_secret_access_key=self.key[1])
        return session.client("s3", endpoint_url=self.url, region_name="us-east-1")


@pytest.fixture(scope="session")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with ministack_server(tmp_path_factory.mktemp("ministack")) as running:
        yield Server("ministack", running.url, ADMIN, conditional=True)


@pytest.fixture(scope="session")
def ceph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    script = shared() / "tools" / "ceph_rgw.sh"
    missing = [name for name in CEPH if shutil.which(name) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed (Debian: radosgw ceph-mon ceph-osd ceph-common)")
    # Processes of one run of the suite share it: it takes 13 s to start.
    apart = "PYTEST_XDIST_WORKER" not in os.environ
    folder = (tmp_path_factory.getbasetemp() if apart else tmp_path_factory.getbasetemp().parent) / "ceph"
    folder.mkdir(exist_ok=True)
    with _alone(folder):
        users = int(_text(folder / "users") or 0)
        if not users:
            _start_ceph(script, folder)
        (folder / "users").write_text(str(users + 1))
    try:
        yield Server("ceph", f"http://127.0.0.1:{_text(folder / 'port')}", CEPH_KEY, conditional=False)
    finally:
        with _alone(folder):
            users = int(_text(folder / "users")) - 1
            (folder / "users").write_text(str(users))
            if not users:
                _stop_ceph(folder)


def _start_ceph(script: Path, folder: Path) -> None:
    port, data = free_port(), folder / "data"
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir()
    names = {"MONPORT": str(free_port()), "AK": CEPH_KEY[0], "SK": CEPH_KEY[1]}
    command = ["bash", str(script), "/", str(data), str(port)]
    with (folder / "start.log").open("wb") as said:
        subprocess.run(
            command, env={**os.environ, **names}, stdout=said, stderr=said, timeout=180, check=True
        )
    with suppress(urllib.error.HTTPError):
        urllib.request.urlopen(f"http://127.0.0.1:{port}", timeout=10).close()
    (folder / "port").write_text(str(port))


def _stop_ceph(folder: Path) -> None:
    for name in ("rgw", "osd", "mon"):
        with suppress(OSError, ValueError):
            os.kill(int(_text(folder / "data" / f"{name}.pid")), signal.SIGKILL)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _text(path: Path) -> str:
    return path.read_text("ascii").strip() if path.exists() else ""


@dataclass
class Wire:
    """What the proxy does with each connection that carries a PUT, in turn; then it passes everything.

    "lose": the server gets the request and answers, and the answer is thrown away.
    "cut": the server gets the head and half of the body, then both sides are closed.
    "slow down": answered with 503 SlowDown by the proxy itself.
    """

    url: str = ""
    faults: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    lock: Any = field(default_factory=threading.Lock)

    def next(self) -> str:
        with self.lock:
            fault = self.faults.pop(0) if self.faults else ""
            self.done.append(fault or "passed")
            return fault


@contextmanager
def wire(upstream: str) -> Iterator[Wire]:
    """Pass TCP between us and a server, request by request, and lose what a test asks for."""
    made = Wire()
    target = urlsplit(upstream)
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    made.url = f"http://127.0.0.1:{listener.getsockname()[1]}"

    def accept() -> None:
        while True:
            try:
                ours, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=_serve, args=(made, ours, target), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield made
    finally:
        listener.close()


def _serve(made: Wire, ours: socket.socket, target: Any) -> None:
    with ours, suppress(OSError):
        while head := _head(ours):
            length = _length(head)
            body = _exactly(ours, length)
            fault = made.next() if head.startswith(b"PUT ") else ""
            if fault == "slow down":
                ours.sendall(_slow_down())
                return
            with socket.create_connection((target.hostname, target.port), timeout=60) as theirs:
                # One request per connection upstream: its end is the end of the answer.
                theirs.sendall(_closing(head))
                if fault == "cut":
                    theirs.sendall(body[: length // 2])
                    return
                theirs.sendall(body)
                answer = b"".join(iter(lambda: theirs.recv(1 << 16), b""))
            if fault == "lose":
                return
            ours.sendall(answer)
            return


def _head(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(1)
        if not more:
            return b""
        data += more
    if b"100-continue" in data.lower():
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    return data


def _closing(head: bytes) -> bytes:
    lines = [
        line
        for line in head.split(b"\r\n")
        if line and not line.lower().startswith((b"connection:", b"expect:"))
    ]
    return b"\r\n".join([*lines, b"Connection: close", b"", b""])


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return int(line.split(b":")[1])
    return 0


def _exactly(connection: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        more = connection.recv(length - len(data))
        if not more:
            raise ConnectionResetError
        data += more
    return data


def _slow_down() -> bytes:
    body = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
    head = f"HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"Connection: close\r\n\r\n" + body
