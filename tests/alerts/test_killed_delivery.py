"""SIGKILL at each step of a delivery, in a process of its own: nothing is lost, a second copy is told."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from proofwatch.alerts import channelbook
from proofwatch.outbound.http import Client
from proofwatch.store.models import Delivery, DeliveryAttempt
from tests.alerts.channels.receiver import http

STEPS = {"claimed": 1, "sending": 1, "sent": 2}
"""Step at which the worker is killed → copies that the provider sees in the end."""


def deliver(url: str, step: str, host: str) -> int:
    done = subprocess.run(
        [sys.executable, "-m", "tests.alerts.killed_delivery", url, step, host],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode


@pytest.mark.parametrize("step", STEPS)
def test_nothing_is_lost_and_a_second_copy_is_owned_up_to(
    database_url: str, tmp_path: Path, step: str, monkeypatch: Any
) -> None:
    with http() as provider:
        host = f"127.0.0.1:{provider.port}"
        monkeypatch.setenv("PW_URL", f"http://{host}/")
        monkeypatch.setenv("PW_KEY", "whsec_aHVzaC1odXNoLWh1c2gtaHVzaC1odXNo")
        now = datetime.now(UTC)
        settings = {"url": "env:PW_URL", "secret": "env:PW_KEY"}
        channelbook.save("ops", "webhook", settings, actor="owner", now=now, client=Client())
        channelbook.queue_test("ops", actor="ana", now=now)
        assert deliver(database_url, step, host) == -signal.SIGKILL
        assert deliver(database_url, "", host) == 0  # Somebody may still have it: it waits for the lease.
        assert Delivery.objects.get().state == "queued"
        Delivery.objects.update(leased_until=now - timedelta(seconds=1))
        assert deliver(database_url, "", host) == 0
    row = Delivery.objects.get()
    assert (row.state, row.attempts, row.perhaps_twice) == ("accepted", 2, True)
    names = [headers["webhook-id"] for _, headers, _ in provider.seen]
    assert len(names) == STEPS[step] and len(set(names)) == 1
    outcomes = [item.outcome for item in DeliveryAttempt.objects.order_by("number")]
    assert outcomes == ["unanswered", "accepted"]
