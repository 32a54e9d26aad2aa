from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from proofwatch.demo import server as demo_server
from proofwatch.demo.errors import DemoError
from proofwatch.demo.server import HOST, Server, start

SCRIPT = """
import sys, time
from proofwatch.demo.server import start
with start() as server:
    print(server.url, server.pid, flush=True)
    time.sleep(60)
"""


def _alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except (FileNotFoundError, ProcessLookupError):
        return False


def _gone(pid: int, within: float = 10.0) -> bool:
    deadline = time.monotonic() + within
    while _alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not _alive(pid)


def _listening(pid: int) -> set[str]:
    """Local addresses on which the process listens, as /proc writes them."""
    inodes = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            inodes.add(str(link.readlink()))
        except FileNotFoundError:
            continue
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == "0A" and f"socket:[{words[9]}]" in inodes:
                found.add(words[1].rpartition(":")[0])
    return found


def _child() -> tuple[subprocess.Popen[str], str, int]:
    process = subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    url, pid = process.stdout.readline().split()
    return process, url, int(pid)


linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


@linux
def test_it_answers_on_loopback_only(server: Server) -> None:
    with urllib.request.urlopen(f"{server.url}/moto-api/", timeout=10) as answer:
        assert answer.status == 200
    assert _listening(server.pid) == {"0100007F"}


@linux
def test_nothing_runs_after_the_block() -> None:
    with start() as running:
        assert _alive(running.pid)
    assert not _alive(running.pid)


@linux
def test_nothing_runs_after_an_error_in_the_block() -> None:
    with pytest.raises(ZeroDivisionError), start() as running:
        1 / 0  # noqa: B018
    assert not _alive(running.pid)


@linux
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, -signal.SIGINT), (signal.SIGKILL, -9)]
)
def test_the_server_ends_with_the_process_that_started_it(number: signal.Signals, code: int) -> None:
    process, _, pid = _child()
    process.send_signal(number)
    try:
        assert process.wait(20) == code
        assert _gone(pid)
    finally:
        process.kill()


def test_sigterm_is_as_it_was_after_the_block() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with start():
        pass
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_port_in_use_is_named() -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(DemoError, match=rf"port {port} of 127\.0\.0\.1 cannot be had"), start(port=port):
            pass


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_cannot_exist_is_an_error(port: int) -> None:
    with pytest.raises(DemoError, match="cannot be had"), start(port=port):
        pass


def test_a_server_that_dies_is_reported_with_its_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = tmp_path / "moto"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('the disk is full')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(DemoError, match=r"ended with code 1 and said:\nthe disk is full"), start():
        pass


def test_a_silent_server_is_ended_in_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package = tmp_path / "moto"
    package.mkdir()
    pids = tmp_path / "pid"
    (package / "__init__.py").write_text(
        f"import os, time\nopen({str(pids)!r}, 'w').write(str(os.getpid()))\ntime.sleep(60)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(DemoError, match="no answer within 1 seconds") as caught, start(ready_within=1):
        pass
    assert not caught.value.permanent
    assert not _alive(int(pids.read_text()))


def test_without_moto_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_server, "find_spec", lambda name: None)
    with pytest.raises(DemoError, match=r"pip install 'proofwatch\[demo\]'"), start():
        pass


def test_the_server_inherits_no_aws_settings_and_no_proxy(tmp_path: Path) -> None:
    given = {"AWS_PROFILE": "work", "MOTO_PORT": "1", "https_proxy": "http://proxy", "PATH": "/bin"}
    found = demo_server._environment(given, tmp_path / "amis.json")
    assert found["PATH"] == "/bin"
    assert not {"AWS_PROFILE", "MOTO_PORT", "https_proxy"} & set(found)
