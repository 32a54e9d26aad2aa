"""Drata's older interface as the client that is generated from its own description takes it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from proofwatch.demo.fakes.base import Said
from proofwatch.demo.fakes.drata import KEY, FakeDrata
from tests import servers

CLIENT = "drata-python-api-client==1.1.4"
ASK = """
import json, sys
from drata_python_api_client import AuthenticatedClient
from drata_python_api_client.api.connections import (
    connections_public_controller_get_connections as connections,
)
from drata_python_api_client.api.monitor_instances import (
    monitors_public_controller_list_monitors as monitors,
)
client = AuthenticatedClient(token=sys.argv[2], raise_on_unexpected_status=True)
client._base_url = sys.argv[1]
tests = monitors.sync_detailed(client=client, page=1, limit=50)
links = connections.sync_detailed(client=client, page=1, limit=50)
print(json.dumps({
    "tests": [
        [item.test_id, str(item.check_result_status), str(item.last_check)] for item in tests.parsed.data
    ],
    "cadence": [str(item.monitor_instances[0].check_frequency) for item in tests.parsed.data],
    "total": tests.parsed.total,
    "connections": [[str(item.client_type), str(item.state)] for item in links.parsed.data],
}))
"""


@pytest.fixture(scope="module")
def client() -> Path:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--retries", "1", CLIENT]
    return servers._once(
        "drata-client-1.1.4", lambda fresh: servers._run([*pip, "--target", str(fresh)], fresh)
    )


def ask(client: Path, fake: FakeDrata) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", ASK, f"{fake.url}/public", KEY]
    environment = {**os.environ, "PYTHONPATH": str(client), "NO_PROXY": "127.0.0.1"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def test_what_the_fake_answers_is_what_drata_describes(client: Path) -> None:
    with FakeDrata(datetime(2026, 11, 20, 12, tzinfo=UTC)) as fake:
        assert isinstance(fake, FakeDrata)
        done = ask(client, fake)
    assert done.returncode == 0, done.stderr[-2000:]
    said = json.loads(done.stdout)
    assert said["total"] == 5
    assert said["tests"][0] == [88, "FAILED", "2026-11-20 09:00:00+00:00"]
    assert said["cadence"] == ["DAILY"] * 4 + ["WEEKLY"]
    assert said["connections"] == [["AWS", "ACTIVE"], ["GITHUB", "MISCONFIGURED"], ["GOOGLE", "ACTIVE"]]


def test_the_client_does_refuse_what_drata_does_not_describe(client: Path) -> None:
    with FakeDrata() as fake:
        assert isinstance(fake, FakeDrata)
        fake.broken["/public/monitors"] = Said({"items": [], "total": 0})
        done = ask(client, fake)
    assert done.returncode != 0
    assert "KeyError: 'data'" in done.stderr
