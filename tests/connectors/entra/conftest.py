"""The simulated company's tenant, and how a table of it is read."""

from datetime import UTC, datetime

import pytest

from proofwatch.connectors.base import ReadStats
from proofwatch.connectors.entra import EntraConnector
from proofwatch.connectors.rest import api
from proofwatch.demo.fakes.entra import FakeEntra


@pytest.fixture
def entra(monkeypatch):
    """A running tenant of its own."""
    for name, value in FakeEntra.environment().items():
        monkeypatch.setenv(name, value)
    with FakeEntra(datetime.now(UTC)) as running:
        yield running


@pytest.fixture
def connected(entra):
    """Return a connector; further settings are given by name, and None takes one away."""

    def make(**more):
        given = {key: value for key, value in {**entra.settings(), **more}.items() if value is not None}
        return EntraConnector(EntraConnector.parse_settings(given))

    return make


@pytest.fixture
def read(connected):
    """Return a function that reads a table wholly."""

    def rows(table, stats=None, **more):
        connector = connected(**more)
        (shard,) = connector.shards(connector.scope(), [table])
        return list(connector.read(shard, table, stats or ReadStats()))

    return rows


@pytest.fixture
def impatient(monkeypatch):
    """Wait for nothing, and tell how long would have been waited."""
    waits = []
    monkeypatch.setattr(api.time, "sleep", waits.append)
    return waits
