"""How the tests of a connector ask the simulated company: with its settings, a table at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from proofwatch.connectors.base import ReadStats, Row
from proofwatch.connectors.rest.connector import RestConnector
from proofwatch.demo.fakes.base import Fake

Connect = Callable[..., RestConnector]


def at_work(cls: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    """Yield a running source of the company, with the variables that its settings name."""
    for name, value in cls.environment().items():
        monkeypatch.setenv(name, value)
    with cls(datetime.now(UTC)) as running:
        yield running


def connecting(cls: type[RestConnector], fake: Any) -> Connect:
    """Return what makes connectors; further settings are given by name, and None takes one away."""

    def make(**more: Any) -> RestConnector:
        given = {key: value for key, value in {**fake.settings(), **more}.items() if value is not None}
        return cls(cls.parse_settings(given))

    return make


def reading(connected: Connect) -> Callable[..., list[Row]]:
    """Return a function that reads a table wholly, where there is one place."""

    def rows(table: str, stats: ReadStats | None = None, **more: Any) -> list[Row]:
        connector = connected(**more)
        (shard,) = connector.shards(connector.scope(), [table])
        return list(connector.read(shard, table, stats or ReadStats()))

    return rows
