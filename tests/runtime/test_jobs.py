"""A job is done once, whoever claims it and whoever dies; on SQLite and PostgreSQL."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from proofwatch.runtime import jobs
from proofwatch.store.base import StoreError
from proofwatch.store.models import Job

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def row(key: str = "a") -> Job:
    return Job.objects.get(kind="test", key=key)


def test_enqueuing_twice_is_once(database_url: str) -> None:
    assert jobs.enqueue("test", "a", NOW)
    assert not jobs.enqueue("test", "a", NOW + SECOND)
    assert row().due_at == NOW


def test_a_job_is_claimed_when_due_and_by_one_owner(database_url: str) -> None:
    jobs.enqueue("test", "a", NOW)
    assert jobs.claim("w1", NOW - SECOND) is None
    held = jobs.claim("w1", NOW)
    assert held is not None and (held.key, held.owner, held.attempt) == ("a", "w1", 1)
    assert jobs.claim("w2", NOW) is None


def test_the_job_due_longest_comes_first(database_url: str) -> None:
    for key, seconds in (("late", 1), ("early", 5), ("middle", 3)):
        jobs.enqueue("test", key, NOW - seconds * SECOND)
    found = [held.key for _ in range(3) if (held := jobs.claim("w", NOW))]
    assert found == ["early", "middle", "late"]


def test_a_silent_workers_job_is_taken_over_and_its_old_owner_can_do_nothing(database_url: str) -> None:
    jobs.enqueue("test", "a", NOW)
    first = jobs.claim("w1", NOW, lease=10 * SECOND)
    assert first is not None
    assert jobs.claim("w2", NOW + 10 * SECOND) is None
    second = jobs.claim("w2", NOW + 11 * SECOND, lease=10 * SECOND)
    assert second is not None and second.attempt == 2
    late = NOW + 12 * SECOND
    assert not jobs.prolong(first, late)
    assert not jobs.finish(first, late)
    assert not jobs.postpone(first, late, "late")
    assert not jobs.release(first)
    assert jobs.finish(second, late)
    assert (row().state, row().finished_at) == ("done", late)


def test_a_prolonged_lease_is_kept(database_url: str) -> None:
    jobs.enqueue("test", "a", NOW)
    held = jobs.claim("w1", NOW, lease=10 * SECOND)
    assert held is not None and jobs.prolong(held, NOW + 9 * SECOND, length=10 * SECOND)
    assert jobs.claim("w2", NOW + 15 * SECOND) is None


def test_a_poisoned_job_rests_longer_each_time_and_then_is_dead(database_url: str) -> None:
    def poison(lease: jobs.Lease) -> None:
        raise ValueError("bad row")

    now, delays = NOW, []
    jobs.enqueue("test", "a", NOW)
    for _ in range(jobs.MAX_ATTEMPTS):
        with pytest.raises(ValueError, match="bad row"):
            jobs.run_one("w", {"test": poison}, clock=lambda now=now: now)
        assert jobs.claim("w", now) is None
        delays.append((row().due_at - now).total_seconds())
        now = max(row().due_at, now)
    assert delays[:4] == [30, 60, 120, 240]
    assert (row().state, row().error, row().attempts) == ("dead", "ValueError: bad row", 5)
    assert jobs.claim("w", now + timedelta(days=9)) is None


def test_a_job_that_kills_its_workers_ends_as_dead(database_url: str) -> None:
    jobs.enqueue("test", "a", NOW)
    now = NOW
    for _ in range(jobs.MAX_ATTEMPTS):
        assert jobs.claim("w", now)
        now += jobs.LEASE + SECOND
    assert jobs.claim("w", now) is None
    assert (row().state, row().error) == ("dead", "5 workers were lost while doing it")


def test_a_stopped_worker_gives_its_job_back(database_url: str) -> None:
    def stop(lease: jobs.Lease) -> None:
        raise KeyboardInterrupt

    jobs.enqueue("test", "a", NOW)
    with pytest.raises(KeyboardInterrupt):
        jobs.run_one("w", {"test": stop}, clock=lambda: NOW)
    assert (row().state, row().attempts, row().due_at) == ("pending", 0, NOW)


def test_an_unknown_kind_is_an_error_that_names_the_known(database_url: str) -> None:
    jobs.enqueue("test", "a", NOW)
    with pytest.raises(StoreError, match=r"no handler for 'test' \(known: mail, sweep\)"):
        jobs.run_one("w", {"sweep": print, "mail": print}, clock=lambda: NOW)
    assert row().state == "pending"


def test_the_delay_has_an_end() -> None:
    assert jobs.delay(1) == jobs.FIRST_DELAY
    assert jobs.delay(40) == jobs.LONGEST_DELAY


def test_a_heartbeat_outlives_its_lease_and_notices_the_loss(database_url: str) -> None:
    jobs.enqueue("test", "a", jobs.utc_now())
    short = timedelta(seconds=0.3)
    held = jobs.claim("w1", jobs.utc_now(), lease=short)
    assert held is not None
    with jobs.heartbeat(held, lease=short) as lost:
        time.sleep(0.6)
        assert jobs.claim("w2", jobs.utc_now()) is None
        Job.objects.update(lease_owner="w2")
        assert lost.wait(2)


def start(url: str, out: Path, workers: int, lease: float) -> list[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "tests.runtime.worker", url, str(out), str(lease)]
    return [subprocess.Popen(command) for _ in range(workers)]


def said(out: Path) -> list[list[str]]:
    return [line.split() for line in out.read_text().splitlines()] if out.exists() else []


def test_four_workers_do_every_job_once(database_url: str, tmp_path: Path) -> None:
    for number in range(60):
        jobs.enqueue("test", f"job-{number}", NOW)
    out = tmp_path / "out"
    for worker in start(database_url, out, 4, 30):
        assert worker.wait(60) == 0
    ends = Counter(key for word, key, _, _ in said(out) if word == "end")
    assert ends == Counter({f"job-{number}": 1 for number in range(60)})
    assert len({pid for _, _, pid, _ in said(out)}) > 1
    assert set(Job.objects.values_list("state", "attempts")) == {("done", 1)}


def test_a_killed_workers_job_is_taken_over_and_nothing_is_done_twice(
    database_url: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    jobs.enqueue("test", "slow", NOW)
    for number in range(20):
        jobs.enqueue("test", f"job-{number}", NOW + SECOND)
    workers = start(database_url, out, 2, 1.0)
    until = time.monotonic() + 30
    while not any(key == "slow" for _, key, _, _ in said(out)):
        assert time.monotonic() < until
        time.sleep(0.02)
    victim = next(int(pid) for _, key, pid, _ in said(out) if key == "slow")
    os.kill(victim, signal.SIGKILL)
    codes = {worker.pid: worker.wait(60) for worker in workers}
    assert codes.pop(victim) == -signal.SIGKILL
    assert set(codes.values()) == {0}
    ends = Counter(key for word, key, _, _ in said(out) if word == "end")
    assert ends == Counter({"slow": 1, **{f"job-{number}": 1 for number in range(20)}})
    assert (row("slow").state, row("slow").attempts) == ("done", 2)
