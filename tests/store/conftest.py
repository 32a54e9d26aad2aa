"""Two databases more, for what goes from one to another."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from proofwatch.store import django as store
from tests.databases import _admin, postgres_url

NUMBERS = itertools.count()


@pytest.fixture
def other_url(database_url: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Yield the URL of an empty, migrated database of the other kind than the one in use."""
    if database_url.startswith("sqlite"):
        host, name = request.getfixturevalue("postgres_template"), f"other_{next(NUMBERS)}"
        _admin(host, f"CREATE DATABASE {name} TEMPLATE template_proofwatch")
        url = postgres_url(host, name)
    else:
        shutil.copyfile(request.getfixturevalue("sqlite_template"), tmp_path / "other.sqlite3")
        url = f"sqlite:///{tmp_path}/other.sqlite3"
    store.setup(database_url)
    yield url
    store.disconnect()


@pytest.fixture
def third_url(database_url: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of another empty, migrated database of the kind in use."""
    if database_url.startswith("sqlite"):
        shutil.copyfile(request.getfixturevalue("sqlite_template"), tmp_path / "third.sqlite3")
        return f"sqlite:///{tmp_path}/third.sqlite3"
    host, name = request.getfixturevalue("postgres_template"), f"third_{next(NUMBERS)}"
    _admin(host, f"CREATE DATABASE {name} TEMPLATE template_proofwatch")
    return postgres_url(host, name)
