"""PostgreSQL ends our connections, or crashes: what was half done is undone, and we go on by ourselves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from django.db import connection
from django.db.utils import OperationalError

from proofwatch.evidence.verify import verify_log
from proofwatch.runtime import jobs
from proofwatch.store import django as store
from proofwatch.store import log
from proofwatch.store.base import StoreError
from proofwatch.store.models import Job, LogEntry, Person
from tests.databases import postgres_url
from tests.store.log_crowd import KEY

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def end_connections(host: str) -> int:
    """End every connection to the database in use, as a restart or an administrator does; return how many."""
    name = connection.settings_dict["NAME"]
    with psycopg.connect(postgres_url(host, "postgres"), autocommit=True) as other:
        ask = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s"
        found = other.execute(ask, [name]).fetchone()
    assert found is not None
    return int(found[0])


def test_one_query_fails_with_a_clear_error_and_the_next_is_answered(
    database_url: str, postgres_server: str
) -> None:
    assert log.DjangoLog().size() == 0
    assert end_connections(postgres_server) == 1
    with pytest.raises(
        StoreError, match=r"reading the log: PostgreSQL database \w+ at .* cannot be used"
    ) as e:
        log.DjangoLog().size()
    assert not e.value.permanent
    assert log.DjangoLog().size() == 0


def test_a_transaction_that_loses_its_connection_leaves_nothing(
    database_url: str, postgres_server: str
) -> None:
    with pytest.raises(StoreError, match="noting"), store.write("noting"):
        Person.objects.create(name="half", created_at=jobs.utc_now())
        log.append("log.noted", "me", {})
        end_connections(postgres_server)
        with pytest.raises(OperationalError):
            LogEntry.objects.count()
        # Nothing more is written, over whatever connection: it would be half of a change.
        Person.objects.create(name="other half", created_at=jobs.utc_now())
    assert (Person.objects.count(), log.DjangoLog().size()) == (0, 0)
    with store.write("noting"):
        log.append("log.noted", "me", {})
    assert verify_log(log.DjangoLog(), [KEY.vkey], None).entries == 1


def test_a_lease_outlives_the_connection_of_its_heartbeat(database_url: str, postgres_server: str) -> None:
    jobs.enqueue("test", "a", jobs.utc_now())
    short = timedelta(seconds=1.5)
    held = jobs.claim("w1", jobs.utc_now(), lease=short)
    assert held is not None
    with jobs.heartbeat(held, lease=short) as lost:
        time.sleep(0.8)  # The heart has beaten: it has a connection to lose.
        assert end_connections(postgres_server) >= 1
        store.disconnect()
        time.sleep(2)
        assert jobs.claim("w2", jobs.utc_now(), lease=short) is None
        assert not lost.is_set()


def test_a_job_that_loses_its_connection_says_why_and_is_done_later(
    database_url: str, postgres_server: str
) -> None:
    jobs.enqueue("test", "a", jobs.utc_now())

    def cut(lease: jobs.Lease) -> None:
        end_connections(postgres_server)
        Person.objects.count()

    with pytest.raises(OperationalError):
        jobs.run_one("w", {"test": cut})
    row = Job.objects.get()
    assert (row.state, row.attempts) == ("pending", 1)
    assert "OperationalError" in row.error
    later = jobs.utc_now() + timedelta(minutes=1)
    assert jobs.run_one("w", {"test": lambda lease: None}, clock=lambda: later)


def test_a_job_whose_database_stays_away_keeps_its_own_error_and_its_lease(
    database_url: str, postgres_server: str
) -> None:
    jobs.enqueue("test", "a", jobs.utc_now())

    def cut(lease: jobs.Lease) -> None:
        doors(postgres_server, open_=False)
        raise ValueError("what was wrong with the job")

    try:
        with pytest.raises(ValueError, match="what was wrong"):
            jobs.run_one("w", {"test": cut})
    finally:
        doors(postgres_server, open_=True)
    assert Job.objects.get().state == "running"
    later = jobs.utc_now() + jobs.LEASE + timedelta(seconds=1)
    assert jobs.run_one("w2", {"test": lambda lease: None}, clock=lambda: later)
    assert Job.objects.get().state == "done"


def doors(host: str, *, open_: bool) -> None:
    """Let the database in use accept connections, or end them all and refuse new ones."""
    name = connection.settings_dict["NAME"]
    with psycopg.connect(postgres_url(host, "postgres"), autocommit=True) as other:
        other.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {open_}")
    if not open_:
        end_connections(host)


def test_a_crash_amid_sixteen_writers_loses_and_doubles_nothing(database_url: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.store.log_crowd", database_url, "insist", "16", "12"]
    with (tmp_path / "said").open("w") as file:
        crowd = subprocess.Popen(command, stderr=file)
    try:
        for _ in range(2):
            size, until = log.DjangoLog().size(), time.monotonic() + 120
            while log.DjangoLog().size() < size + 20:
                assert crowd.poll() is None, "the writers ended before the crash"
                assert time.monotonic() < until, "the writers stand still"
                time.sleep(0.05)
            crash()
            with pytest.raises(StoreError):
                log.DjangoLog().size()
            insist(lambda: log.DjangoLog().size())
        crowd.wait(240)
    finally:
        crowd.kill()
    said = (tmp_path / "said").read_text()
    assert crowd.returncode == 0, said
    assert said.count("was retried") >= 16, "the writers did not notice the crashes"
    assert Person.objects.count() == LogEntry.objects.count() == 16 * 12
    report = verify_log(log.DjangoLog(), [KEY.vkey], None)
    assert (report.wrong, report.entries) == ([], 16 * 12)


def crash() -> None:
    """Kill the server process of our own connection: PostgreSQL ends all others and recovers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (process,) = cursor.fetchone()
    os.kill(process, signal.SIGKILL)


def insist(ask: Callable[[], object]) -> None:
    until = time.monotonic() + 120
    while True:
        try:
            ask()
            return
        except StoreError:
            assert time.monotonic() < until, "the server did not come back"
            time.sleep(0.05)
