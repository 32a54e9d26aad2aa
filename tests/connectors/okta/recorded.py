"""Real traffic of Okta: the recordings that its own Python client is tested with, downloaded once."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from tests import servers

PACKAGE = "okta==3.4.6"


def folder() -> Path:
    """Return the folder of the recordings, or skip where they cannot be had."""

    def fill(fresh: Path) -> None:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
        subprocess.run([*command, PACKAGE, "-d", str(fresh)], capture_output=True, timeout=300, check=True)
        archive = next(fresh.glob("okta-*.tar.gz"))
        with tarfile.open(archive) as opened:
            wanted = [item for item in opened if "/cassettes/" in item.name and item.isfile()]
            opened.extractall(fresh, members=wanted, filter="data")
        archive.unlink()

    return servers._once("okta-3.4.6-recordings", fill)


@lru_cache(maxsize=1)
def answers() -> tuple[tuple[str, str, Any], ...]:
    """Return (path, query, body as JSON) of every successful reading; hand-made ones are left out."""
    return tuple(_answers())


def _answers() -> Iterator[tuple[str, str, Any]]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for path in sorted(folder().rglob("*.yaml")):
        text = path.read_text("utf-8")
        if "FAKE" in text:
            continue
        for item in yaml.load(text, loader)["interactions"]:
            asked, said = item["request"], item["response"]
            body = said["body"].get("string")
            if asked["method"] != "GET" or said["status"]["code"] != 200 or not body:
                continue
            parts = urlsplit(asked["uri"])
            try:
                yield parts.path, parts.query, json.loads(body)
            except ValueError:
                continue


def of(pattern: str) -> list[tuple[str, str, Any]]:
    """Return the answers whose path matches wholly."""
    return [item for item in answers() if re.fullmatch(pattern, item[0])]
