"""The simulated company's GitHub, and how a table of it is read."""

from datetime import UTC, datetime

import pytest

from proofwatch.connectors.base import ReadStats
from proofwatch.connectors.github import GithubConnector
from proofwatch.connectors.rest import api
from proofwatch.demo.fakes.github import FakeGithub


@pytest.fixture
def github(monkeypatch):
    """A running GitHub of its own."""
    monkeypatch.setattr(api, "KEPT", api.Kept())
    for name, value in FakeGithub.environment().items():
        monkeypatch.setenv(name, value)
    with FakeGithub(datetime.now(UTC)) as running:
        yield running


@pytest.fixture
def connected(github):
    """Return a connector; further settings are given by name, and None takes one away."""

    def make(**more):
        given = {key: value for key, value in {**github.settings(), **more}.items() if value is not None}
        return GithubConnector(GithubConnector.parse_settings(given))

    return make


@pytest.fixture
def read(connected):
    """Return a function that reads a table wholly."""

    def rows(table, stats=None, **more):
        connector = connected(**more)
        (shard,) = connector.shards(connector.scope(), [table])
        return list(connector.read(shard, table, stats or ReadStats()))

    return rows
