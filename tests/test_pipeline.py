"""One sweep, killed at every step: whoever goes on with it reaches the state of an undisturbed one, once."""

import json
import shutil
import signal
import sqlite3
import time

import pytest

from tests.companies import proofwatch, run, start
from tests.killed_sweep import TABLES

STEPS = [
    ("planned", 1),
    ("shard", 1),
    ("shard", 7),
    ("collected", 1),
    ("table", 1),
    ("table", 3),
    ("snapshotted", 1),
    ("evaluated", 1),
    ("applied", 1),
    ("signed", 1),
]


def query(home, sql):
    with sqlite3.connect(home / "proofwatch.sqlite3") as database:
        return database.execute(sql).fetchall()


def state(home):
    """Everything that a sweep leaves behind, without times and random ids."""
    kinds = [kind for (kind,) in query(home, "select kind from store_logentry order by 'index'")]
    return {
        "sweeps": query(home, "select slot, state, counts, error from store_sweep"),
        "reads": query(
            home,
            'select "table", account_id, region, state, rows, reason from store_shardread order by 1, 2, 3',
        ),
        "tables": query(home, 'select "table", digest, rows from store_tablestate order by 1'),
        "runs": query(
            home,
            "select check_id, check_version, passed, failed, inconclusive, not_applicable, results, unread, "
            "latest from store_checkrun order by check_id",
        ),
        "findings": query(
            home, "select id, check_id, resource, state, reason, regressions from store_finding order by id"
        ),
        "events": query(home, "select finding_id, kind, reason from store_findingevent order by 1, 2"),
        "controls": query(home, "select control_id, status, reason from store_controlstatus order by 1"),
        "history": query(
            home, "select control_id, status, before from store_controlstatushistory order by 1, id"
        ),
        "kinds": sorted(kinds),
    }


def test_an_undisturbed_sweep_finds_something_to_compare(undisturbed):
    found = state(undisturbed)
    assert [row[1] for row in found["sweeps"]] == ["complete"]
    assert {row[0] for row in found["tables"]} == set(TABLES)
    assert len(found["findings"]) >= 5
    assert {row[1] for row in found["events"]} == {"opened"}


@pytest.mark.parametrize(("step", "number"), STEPS, ids=[f"{step}-{number}" for step, number in STEPS])
def test_a_killed_sweep_is_finished_by_whoever_goes_on(
    company, connected, undisturbed, tmp_path, step, number
):
    home = tmp_path / "home"
    shutil.copytree(connected, home)
    killed = run(company, home, "tests.killed_sweep", step, str(number), check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    run(company, home, "tests.killed_sweep", "", check=step not in ("applied", "signed"))
    assert without_links(state(home)) == without_links(state(undisturbed))
    verified = proofwatch(company, home, "evidence", "verify", "--json")
    assert json.loads(verified.stdout)["wrong"] == []


def test_a_killed_large_sweep_keeps_its_readings_as_an_object(company, connected, undisturbed, tmp_path):
    """The readings are kept before the step that kills, and once more by who goes on."""
    home = tmp_path / "home"
    shutil.copytree(connected, home)
    killed = run(company, home, "tests.killed_sweep", "snapshotted", check=False, READS_LIMIT="0")
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    run(company, home, "tests.killed_sweep", "", READS_LIMIT="0")
    found, small = state(home), state(undisturbed)
    readings = len(small.pop("reads"))
    assert found.pop("reads") == []
    assert without_links(found) == without_links(small)
    ((digest, count),) = query(home, "select reads_object, reads_count from store_sweep")
    assert count == readings > len(TABLES)
    verified = json.loads(proofwatch(company, home, "evidence", "verify", "--json").stdout)
    assert verified["wrong"] == []
    lost = home / "objects" / digest[:2] / digest[2:]
    lost.unlink()
    verified = proofwatch(company, home, "evidence", "verify", "--json", check=False)
    assert any(digest in wrong for wrong in json.loads(verified.stdout)["wrong"])


def without_links(found):
    """Control statuses name their sweep by a random id inside JSON columns; nothing else differs."""
    return json.loads(json.dumps(found))


def test_the_same_sweep_again_changes_nothing(company, undisturbed, tmp_path):
    home = tmp_path / "home"
    shutil.copytree(undisturbed, home)
    before = state(home)
    run(company, home, "tests.killed_sweep", "", check=False)
    assert state(home) == before


def test_a_second_sweep_of_the_same_world_opens_nothing(company, undisturbed, tmp_path):
    home = tmp_path / "home"
    shutil.copytree(undisturbed, home)
    before = state(home)
    run(company, home, "tests.killed_sweep", "", SLOT="2026-01-02T00:00:00+00:00")
    after = state(home)
    assert after["findings"] == before["findings"]
    assert after["events"] == before["events"]
    digests = {row[0]: row[1] for row in before["tables"]}
    assert all(row[1] == digests[row[0]] for row in after["tables"])


def test_expired_credentials_make_everything_inconclusive_and_restore_nothing(company, undisturbed, tmp_path):
    home = tmp_path / "home"
    shutil.copytree(undisturbed, home)
    before = state(home)
    env = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "SLOT": "2026-01-02T00:00:00+00:00"}
    done = run(company, home, "tests.killed_sweep", "", **env)
    assert done.stdout.strip() == "partial"
    after = state(home)
    assert [row[:4] for row in after["findings"]] == [row[:4] for row in before["findings"]]
    newest = query(
        home,
        "select sum(passed), sum(failed), sum(inconclusive) from store_checkrun where latest = 1",
    )
    assert newest[0][:2] == (0, 0)
    assert newest[0][2] > 0
    statuses = {status for _, status, _ in after["controls"]}
    assert "passing" not in statuses


def test_two_processes_at_one_sweep_do_not_disturb_each_other(company, connected, undisturbed, tmp_path):
    home = tmp_path / "home"
    shutil.copytree(connected, home)
    with start(company, home, "tests.killed_sweep", "") as first:
        while not list((home / "work").glob("*.lock")):
            assert first.poll() is None
            time.sleep(0.05)
        second = run(company, home, "tests.killed_sweep", "", check=False)
        assert "another process is at the sweep" in second.stderr
        assert first.wait(120) == 0
    assert state(home) == state(undisturbed)
