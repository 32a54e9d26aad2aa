"""The servers that the channels' tests run: see `tests/servers.py`."""

from __future__ import annotations

from pathlib import Path

from tests import servers
from tests.servers import free_port, prism, running, shared

__all__ = ["emulate", "free_port", "prism", "running", "shared"]


def emulate(seed: Path, port: int) -> list[str]:
    """Return the command of a Slack of `emulate`."""
    return servers.emulate("slack", seed, port)
