"""Five workers on one database, one of them killed: each job, occurrence and message once, and none lost."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from proofwatch.alerts import channelbook
from proofwatch.outbound.http import Client
from proofwatch.runtime import jobs
from proofwatch.store.models import Delivery, DeliveryAttempt, Job, Sweep
from tests.alerts.channels.receiver import http
from tests.store.samples import MINUTE, NOW, connection, entries

JOBS, MESSAGES, WORKERS = 30, 30, 5
SECOND = timedelta(seconds=1)


def test_everything_is_done_once(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now, out = datetime.now(UTC), tmp_path / "out"
    for name in ("a", "b"):
        connection(name)
    for number in range(JOBS):
        jobs.enqueue("test", f"job-{number}", NOW)
    with http() as provider:
        host = f"127.0.0.1:{provider.port}"
        monkeypatch.setenv("PW_URL", f"http://{host}/")
        monkeypatch.setenv("PW_KEY", "whsec_aHVzaC1odXNoLWh1c2gtaHVzaC1odXNo")
        settings = {"url": "env:PW_URL", "secret": "env:PW_KEY"}
        channelbook.save("ops", "webhook", settings, actor="owner", now=now, client=Client())
        for _ in range(MESSAGES):
            channelbook.queue_test("ops", actor="ana", now=now)
        command = [sys.executable, "-m", "tests.runtime.crowd", database_url, str(out), host]
        command += [NOW.isoformat(), str(WORKERS)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
        assert done.returncode == 0, done.stderr
    did = Counter(tuple(line.split()[:2]) for line in out.read_text().splitlines())
    assert set(did.values()) == {1}, "a job was done twice"
    assert {key for kind, key in did if kind == "test"} == {f"job-{number}" for number in range(JOBS)}
    assert len({line.split()[2] for line in out.read_text().splitlines()}) > 1
    planned = {str(sweep.pk) for sweep in Sweep.objects.exclude(state__in=("skipped", "missed"))}
    assert {key for kind, key in did if kind == "sweep"} == planned
    assert set(Job.objects.values_list("state", flat=True)) == {"done"}
    every_occurrence_stands_once()
    copies = Counter(headers["webhook-id"] for _, headers, _ in provider.seen)
    every_message_was_accepted_once(copies)


def every_occurrence_stands_once() -> None:
    slots = list(Sweep.objects.order_by("connection__name", "slot").values_list("connection__name", "slot"))
    assert slots == [(name, NOW + 15 * number * MINUTE) for name in ("a", "b") for number in range(5)]
    told = entries("schedule.slot", "schedule.missed", "schedule.skipped")
    assert sum(entry["data"].get("count", 1) for entry in told) == 10


def every_message_was_accepted_once(copies: Counter[str]) -> None:
    """But for the one whose worker was killed: it came twice, under one name, and that is told."""
    assert Counter(Delivery.objects.values_list("state", flat=True)) == {"accepted": MESSAGES}
    accepted = DeliveryAttempt.objects.filter(outcome="accepted").values_list("delivery", flat=True)
    assert Counter(Counter(accepted).values()) == {1: MESSAGES}
    assert Counter(copies.values()) == {1: MESSAGES - 1, 2: 1}
    (twice,) = Delivery.objects.filter(perhaps_twice=True)
    outcomes = [item.outcome for item in DeliveryAttempt.objects.filter(delivery=twice).order_by("number")]
    assert outcomes == ["unanswered", "accepted"]


def test_one_worker_at_a_time_has_its_turn(database_url: str) -> None:
    with jobs.turn(jobs.EVENTS, "aws", "w1") as first, jobs.turn(jobs.EVENTS, "aws", "w2") as second:
        assert (first, second) == (True, False)
        with jobs.turn(jobs.EVENTS, "okta", "w2") as other:
            assert other
    with jobs.turn(jobs.EVENTS, "aws", "w2") as again:
        assert again
    assert jobs.claim("w", jobs.utc_now() + timedelta(days=1)) is None, "a turn is no job to be claimed"


def test_a_turn_outlives_an_error_and_ends_with_its_dead_worker(database_url: str) -> None:
    with pytest.raises(ValueError, match="at work"), jobs.turn(jobs.EVENTS, "aws", "w1"):
        raise ValueError("at work")
    with jobs.turn(jobs.EVENTS, "aws", "w2", lease=60 * SECOND) as held:
        assert held
        later = jobs.utc_now() + 61 * SECOND
        with jobs.turn(jobs.EVENTS, "aws", "w3", clock=lambda: later) as taken:
            assert taken
    assert Job.objects.get().state == "done"


def test_more_workers_than_candidates_all_find_a_job(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others are faster at every candidate that is looked at; there are more behind them."""
    monkeypatch.setattr(jobs, "CANDIDATES", 2)
    for number in range(5):
        jobs.enqueue("test", str(number), NOW + number * SECOND)
    real, slow = jobs._take, []

    def take(job: Job, *arguments: object) -> jobs.Lease | None:
        if len(slow) < 2:
            slow.append(job.key)
            Job.objects.filter(pk=job.pk).update(state="done")  # Somebody else has done it meanwhile.
        return real(job, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(jobs, "_take", take)
    held = jobs.claim("w", NOW + timedelta(hours=1))
    assert held is not None and held.key == "2"
