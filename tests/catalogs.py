"""The validated catalogue, once per test process: a home that has it begins without seconds of validating."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from proofwatch.app import App
from proofwatch.config import load_settings


@pytest.fixture(scope="session")
def validated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Yield the cache of a home whose catalogue was validated."""
    home = tmp_path_factory.mktemp("catalog") / "home"
    home.mkdir()
    app = App(load_settings({"PROOFWATCH_HOME": str(home)}))
    assert app.catalog.checks
    # Where another home of this user has validated it before, this one keeps nothing of its own.
    app.settings.cache.mkdir(exist_ok=True)
    return app.settings.cache


@pytest.fixture
def warm_home(validated: Path, tmp_path: Path) -> Path:
    """Yield a home with that cache and nothing else."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    shutil.copytree(validated, home / "cache")
    return home
