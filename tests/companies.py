"""Fixtures: the simulated company, once per test process, and homes that are connected to it.

Whoever changes the company puts it back; whoever changes a home copies it first.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from proofwatch.demo import server
from proofwatch.demo.company import Company, environment, seed


@pytest.fixture(scope="session")
def company() -> Iterator[Company]:
    """Furnish a company on a moto server of its own."""
    with server.start() as running:
        yield seed(running.url, lambda name, done, total: None)


def variables(company: Company, home: Path, **more: str) -> dict[str, str]:
    """Return an environment in which AWS is the company's and the state is in `home`."""
    env = {
        key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "PROOFWATCH_OBJECTS")
    }
    return {**env, **environment(company), "PROOFWATCH_HOME": str(home), **more}


def run(company, home, *arguments, check=True, **more):
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        env=variables(company, home, **more),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert not check or done.returncode == 0, done.stderr
    return done


def start(company, home, *arguments, **more):
    return subprocess.Popen(
        [sys.executable, "-m", *arguments],
        env=variables(company, home, **more),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def proofwatch(company, home, *arguments, check=True):
    return run(company, home, "proofwatch.cli", *arguments, check=check)


@pytest.fixture(scope="session")
def connected(company, tmp_path_factory):
    """A home with a connection that was never swept."""
    home = tmp_path_factory.mktemp("connected") / "home"
    proofwatch(company, home, "init")
    accounts = ",".join(company.connected[:1])
    proofwatch(company, home, "connect", "aws", "--accounts", accounts, "--regions", "eu-west-1,eu-central-1")
    return home


@pytest.fixture(scope="session")
def undisturbed(company, connected, tmp_path_factory):
    home = tmp_path_factory.mktemp("undisturbed") / "home"
    shutil.copytree(connected, home)
    run(company, home, "tests.killed_sweep", "")
    return home
