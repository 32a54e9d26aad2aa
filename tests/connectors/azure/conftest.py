"""The simulated company's Azure, and how a table of it is read."""

import pytest

from proofwatch.connectors.azure import AzureConnector
from proofwatch.connectors.base import ReadStats, Shard
from proofwatch.connectors.rest import api
from proofwatch.demo.fakes.azure import FakeAzure
from proofwatch.demo.fakes.azure_shapes import PRODUCTION
from tests.connectors.company import at_work, connecting


@pytest.fixture
def azure(monkeypatch):
    """A running Azure of its own."""
    yield from at_work(FakeAzure, monkeypatch)


@pytest.fixture
def connected(azure):
    """Return a connector; further settings are given by name, and None takes one away."""
    return connecting(AzureConnector, azure)


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
