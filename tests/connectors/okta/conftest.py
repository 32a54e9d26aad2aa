"""The simulated company's Okta, running, and what its settings name."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import pytest

from proofwatch.demo.fakes.okta import FakeOkta


@lru_cache(maxsize=1)
def environment() -> tuple[object, dict[str, str]]:
    """Return one key for all tests: making one takes a while."""
    fake = FakeOkta()
    return fake.key, fake.environment()


@pytest.fixture
def okta(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeOkta]:
    key, variables = environment()
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    fake = FakeOkta()
    fake.__dict__["key"] = key
    with fake:
        yield fake
