"""A worker whose database goes away says so now and then, waits, and works on when it is back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from proofwatch.runtime import jobs
from proofwatch.store import django as store
from proofwatch.store.models import Job
from tests.store.test_connection_loss import doors, end_connections
from tests.web.site import Site, site

__all__ = ["site"]


def wait_for(true: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + 120
    while not true():
        assert time.monotonic() < until, what
        time.sleep(0.1)


def was_tried(key: str) -> bool:
    return Job.objects.filter(kind="of a later version", key=key, attempts=1, state="pending").exists()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_worker_waits_for_its_database(
    site: Site, database_url: str, postgres_server: str, tmp_path: Path
) -> None:
    said = tmp_path / "said"
    home = str(site.app.settings.home)
    env = {**os.environ, "PROOFWATCH_HOME": home, "DATABASE_URL": database_url}
    jobs.enqueue("of a later version", "before", jobs.utc_now())
    with said.open("w") as file:
        worker = subprocess.Popen([sys.executable, "-m", "proofwatch.cli", "worker"], env=env, stderr=file)
    try:
        wait_for(lambda: was_tried("before"), "the worker did nothing")
        end_connections(postgres_server)
        store.disconnect()
        doors(postgres_server, open_=False)
        time.sleep(4)
        assert worker.poll() is None, said.read_text()
        doors(postgres_server, open_=True)
        jobs.enqueue("of a later version", "after", jobs.utc_now())
        wait_for(lambda: was_tried("after"), f"the worker did not go on: {said.read_text()}")
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(60) == 0
    finally:
        worker.kill()
        doors(postgres_server, open_=True)
    told = said.read_text()
    assert "cannot be used" in told and "trying again in" in told
    assert told.count("trying again") < 60, "it asked without a rest"
