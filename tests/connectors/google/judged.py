"""Google's descriptions as judges: before one of our fakes, or instead of it, with their own examples."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import servers
from tests.connectors.google.discovery import openapi


def saved(folder: Path, *names: str, only: str) -> Path:
    """Save one description of several interfaces, of paths that match `only`."""
    path = folder / "google.json"
    path.write_text(json.dumps(openapi(*names, only=only)))
    return path


@contextmanager
def before(url: str, description: Path) -> Iterator[str]:
    """Start a judge before an address; yield its own."""
    port = servers.free_port()
    with servers.running(servers.prism_before(url, description, port), port, description.parent) as judge:
        yield judge


@contextmanager
def instead(description: Path) -> Iterator[str]:
    """Start what answers with the examples of a description; yield its address."""
    port = servers.free_port()
    with servers.running(servers.prism(description, port), port, description.parent) as mock:
        yield mock
