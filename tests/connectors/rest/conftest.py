"""A running source for the tests of the core."""

import pytest

from proofwatch.connectors.rest import api
from proofwatch.demo.fakes.base import Fake
from tests.connectors.rest.source import SECRET


@pytest.fixture
def fake(monkeypatch):
    monkeypatch.setenv("THINGS_TOKEN", SECRET)
    monkeypatch.setattr(api, "KEPT", api.Kept())
    with Fake() as running:
        yield running
