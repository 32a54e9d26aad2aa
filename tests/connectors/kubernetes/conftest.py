"""The simulated company's cluster, running, and what its settings name."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from proofwatch.connectors.rest import api
from proofwatch.demo.fakes.kubernetes import FakeKubernetes


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeKubernetes]:
    monkeypatch.setattr(api.time, "sleep", lambda seconds: None)
    with FakeKubernetes() as fake:
        assert isinstance(fake, FakeKubernetes)
        for name, value in fake.environment().items():
            monkeypatch.setenv(name, value)
        yield fake
