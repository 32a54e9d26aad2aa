"""Simulated AWS for this folder; credentials of the machine are never used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from proofwatch.connectors.aws.clients import Clients
from proofwatch.connectors.aws.settings import read_settings
from tests.connectors.aws.servers import ADMIN, Endpoint, Moto, ministack_server, moto_server

Connect = Callable[..., Clients]


@pytest.fixture(autouse=True)
def no_credentials_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ADMIN[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", ADMIN[1])


@pytest.fixture(scope="package")
def moto_process() -> Iterator[Moto]:
    with moto_server() as server:
        yield server


@pytest.fixture
def moto(moto_process: Moto) -> Moto:
    """An empty simulated AWS that checks no permission unless told to."""
    moto_process.reset()
    return moto_process


@pytest.fixture(scope="package")
def managed_moto() -> Iterator[Moto]:
    """A simulated AWS that knows AWS's own policies, and is not emptied between tests."""
    with moto_server(managed=True) as server:
        yield server


@pytest.fixture(scope="package")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    """A simulated AWS that checks permissions and simulates policies."""
    with ministack_server(Path(tmp_path_factory.mktemp("ministack"))) as server:
        yield server


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Connect:
    """Return `connect(url, key=…, **settings)`, which gives the clients of a connection."""

    def connect(url: str, key: tuple[str, str] = ADMIN, **settings: Any) -> Clients:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", key[0])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key[1])
        given = {"endpoint_url": url, "regions": ["eu-west-1"], **settings}
        return Clients(read_settings(given))

    return connect
