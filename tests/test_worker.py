"""`proofwatch worker`: every occurrence is done once or says why not, whoever dies."""

import json
import shutil
import signal
import sqlite3
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.companies import proofwatch, start
from tests.test_pipeline import query

# One region and few services keep a scheduled sweep of all tables to seconds.
NARROW = "update store_connection set settings = json_set(settings, '$.regions', json_array('eu-central-1'))"


@pytest.fixture
def home(connected, tmp_path):
    shutil.copytree(connected, tmp_path / "home")
    execute(tmp_path / "home", NARROW)
    # It was connected once for all tests of this process: however long ago, its next occurrence is due now.
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
    execute(tmp_path / "home", "update store_connection set next_due_at = ?", now)
    return tmp_path / "home"


def execute(home, sql, *values):
    with sqlite3.connect(home / "proofwatch.sqlite3", timeout=20) as database:
        database.execute(sql, values)


def kinds(company, home):
    entries = json.loads(proofwatch(company, home, "evidence", "list", "--json", "--limit", "1000").stdout)
    return [entry["kind"] for entry in entries]


def sweeps(home):
    return query(home, 'select state, "trigger" from store_sweep order by slot')


def worker(company, home):
    return start(company, home, "proofwatch.cli", "worker", "--once")


def test_two_workers_do_a_due_occurrence_once(company, home):
    workers = [worker(company, home) for _ in range(2)]
    assert [each.wait(240) for each in workers] == [0, 0]
    assert [(state in ("complete", "partial"), trigger) for state, trigger in sweeps(home)] == [
        (True, "schedule")
    ]
    found = kinds(company, home)
    assert (found.count("schedule.slot"), found.count("sweep.finished")) == (1, 1)
    assert proofwatch(company, home, "worker", "--once").returncode == 0
    assert len(sweeps(home)) == 1


def test_a_killed_workers_sweep_is_taken_over(company, home):
    first = worker(company, home)
    while not list((home / "work").glob("*/*.json")):
        assert first.poll() is None, first.stderr.read()
        time.sleep(0.05)
    first.send_signal(signal.SIGKILL)
    first.wait(30)
    ((sweep,),) = query(home, "select id from store_sweep")
    # The lease would end by itself after two minutes of silence; the test does not wait for that.
    execute(home, "update store_job set leased_until = '2020-01-01 00:00:00'")
    proofwatch(company, home, "worker", "--once")
    assert query(home, "select id from store_sweep") == [(sweep,)]
    assert sweeps(home)[0][0] in ("complete", "partial")
    verified = proofwatch(company, home, "evidence", "verify", "--json")
    assert json.loads(verified.stdout)["wrong"] == []


def test_occurrences_without_a_worker_are_recorded_as_missed(company, home):
    an_hour_ago = (datetime.now(UTC) - timedelta(minutes=61)).strftime("%Y-%m-%d %H:%M:%S")
    execute(home, "update store_connection set next_due_at = ?", an_hour_ago)
    proofwatch(company, home, "worker", "--once")
    states = [state for state, _ in sweeps(home)]
    assert states[:4] == ["missed"] * 4
    assert states[4] in ("complete", "partial")
    entries = proofwatch(company, home, "evidence", "list", "--json", "--kind", "schedule.missed").stdout
    assert json.loads(entries)[0]["data"]["count"] == 4


def test_a_paused_connections_occurrences_are_recorded_as_skipped(company, home):
    proofwatch(company, home, "connections", "pause", "aws", "--reason", "maintenance")
    proofwatch(company, home, "worker", "--once")
    assert [state for state, _ in sweeps(home)] == ["skipped"]
    assert "schedule.skipped" in kinds(company, home)


def test_the_main_job_runs_on_postgresql(company, postgres_server, tmp_path):
    import psycopg

    from tests.companies import run
    from tests.databases import postgres_url

    name = f"worker_{tmp_path.name.replace('-', '_')[-30:]}"
    with psycopg.connect(postgres_url(postgres_server, "postgres"), autocommit=True) as database:
        database.execute(f'CREATE DATABASE "{name}"')
    env = {"DATABASE_URL": postgres_url(postgres_server, name)}
    home = tmp_path / "home"

    def call(*words, codes=(0,)):
        done = run(company, home, "proofwatch.cli", *words, check=False, **env)
        assert done.returncode in codes, done.stdout + done.stderr
        return done.stdout

    call("init")
    call("connect", "aws", "--accounts", company.connected[0], "--regions", "eu-west-1")
    call("sweep", "aws", "--tables", "aws_ec2_volume,aws_s3_bucket")
    assert json.loads(call("findings", "--json"))
    assert json.loads(call("status", "--json", codes=(1,)))["controls"][0]["status"] == "failing"
    assert json.loads(call("evidence", "verify", "--json"))["wrong"] == []


def test_a_worker_ends_when_asked(company, home):
    execute(home, "update store_connection set next_due_at = '2999-01-01 00:00:00'")
    running = start(company, home, "proofwatch.cli", "worker")
    while not hears(running.pid, signal.SIGTERM):
        assert running.poll() is None
        time.sleep(0.05)
    running.send_signal(signal.SIGTERM)
    assert running.wait(30) == 0


def hears(pid, number):
    """Tell whether a process has a handler of its own for a signal; how long its start takes is no matter."""
    [line] = [
        line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("SigCgt")
    ]
    return int(line.split()[1], 16) >> (number - 1) & 1 == 1


def interrupted(company, home, *verb):
    """Start a verb, wait until it has read something, and return it running."""
    process = start(company, home, "proofwatch.cli", *verb)
    while not list((home / "work").glob("*/*.json")):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    return process


def test_a_paused_connections_sweep_is_not_taken_over(company, home):
    interrupted(company, home, "worker", "--once").kill()
    execute(home, "update store_job set leased_until = '2020-01-01 00:00:00'")
    execute(home, "update store_connection set state = 'paused', paused_reason = 'the account moves'")
    assert proofwatch(company, home, "worker", "--once").returncode == 0
    assert sweeps(home) == [("skipped", "schedule")]
    assert "sweep.skipped" in kinds(company, home)


def test_a_failed_job_is_told_and_does_not_stop_the_others(company, home):
    execute(
        home,
        "insert into store_job (kind, key, due_at, state, lease_owner, attempts, error) "
        "values ('of a later version', 'x', '2020-01-01 00:00:00', 'pending', '', 0, '')",
    )
    done = proofwatch(company, home, "worker", "--once", check=False)
    assert done.returncode == 3
    assert "of a later version" in done.stderr
    assert sweeps(home)[0][0] in ("complete", "partial")


def test_ctrl_c_does_not_wait_for_what_is_queued(company, home):
    process = interrupted(company, home, "sweep")
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    assert query(home, "select state from store_sweep") == [("collecting",)]
