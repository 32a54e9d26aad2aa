"""The simulated company's GitHub, and how a table of it is read."""

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from proofwatch.connectors.github import GithubConnector
from proofwatch.connectors.rest import api
from proofwatch.demo.fakes.github import FakeGithub
from tests.connectors.company import at_work, connecting, reading


@pytest.fixture
def github(monkeypatch):
    """A running GitHub of its own."""
    monkeypatch.setattr(api, "KEPT", api.Kept())
    yield from at_work(FakeGithub, monkeypatch)


@pytest.fixture
def connected(github):
    """Return a connector; further settings are given by name, and None takes one away."""
    return connecting(GithubConnector, github)


@pytest.fixture
def read(connected):
    """Return a function that reads a table wholly."""
    return reading(connected)


@pytest.fixture
def private_key(tmp_path):
    """Return the reference of an App's key."""
    key = rsa.generate_private_key(65537, 2048)
    path = tmp_path / "key.pem"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return f"file:{path}"
