"""The simulated company's Azure, and how a table of it is read."""

from datetime import UTC, datetime

import pytest

from proofwatch.connectors.azure import AzureConnector
from proofwatch.connectors.base import ReadStats, Shard
from proofwatch.connectors.rest import api
from proofwatch.demo.fakes.azure import FakeAzure
from proofwatch.demo.fakes.azure_shapes import PRODUCTION


@pytest.fixture
def azure(monkeypatch):
    """A running Azure of its own."""
    for name, value in FakeAzure.environment().items():
        monkeypatch.setenv(name, value)
    with FakeAzure(datetime.now(UTC)) as running:
        yield running


@pytest.fixture
def connected(azure):
    """Return a connector; further settings are given by name, and None takes one away."""

    def make(**more):
        given = {key: value for key, value in {**azure.settings(), **more}.items() if value is not None}
        return AzureConnector(AzureConnector.parse_settings(given))

    return make


@pytest.fixture
def read(connected):
    """Return a function that reads a table wholly in one subscription, the productive one by default."""

    def rows(table, stats=None, account=PRODUCTION, connector=None):
        return list((connector or connected()).read(_shard(table, account), table, stats or ReadStats()))

    return rows


def _shard(table, account):
    return Shard(account, "global", "any", (table,))


@pytest.fixture
def impatient(monkeypatch):
    """Wait for nothing, and tell how long would have been waited."""
    waits = []
    monkeypatch.setattr(api.time, "sleep", waits.append)
    return waits
