"""The simulated company's tenant, and how a table of it is read."""

import pytest

from proofwatch.connectors.entra import EntraConnector
from proofwatch.connectors.rest import api
from proofwatch.demo.fakes.entra import FakeEntra
from tests.connectors.company import at_work, connecting, reading


@pytest.fixture
def entra(monkeypatch):
    """A running tenant of its own."""
    yield from at_work(FakeEntra, monkeypatch)


@pytest.fixture
def connected(entra):
    """Return a connector; further settings are given by name, and None takes one away."""
    return connecting(EntraConnector, entra)


@pytest.fixture
def read(connected):
    """Return a function that reads a table wholly."""
    return reading(connected)


@pytest.fixture
def impatient(monkeypatch):
    """Wait for nothing, and tell how long would have been waited."""
    waits = []
    monkeypatch.setattr(api.time, "sleep", waits.append)
    return waits
