"""`proofwatch outside` as a person types it, with a real repository and real time-stamp authorities."""

import json
import os
import subprocess
import sys

import pytest

from tests.outside.authority import Authority, serving
from tests.outside.test_git import do


@pytest.fixture
def ask(warm_home):
    """Run a verb over a fresh home; hosts on loopback are allowed."""
    taken = ("DATABASE_URL", "PROOFWATCH_OBJECTS")
    env = {key: value for key, value in os.environ.items() if key not in taken}
    env |= {"PROOFWATCH_HOME": str(warm_home), "PROOFWATCH_ALLOW_HOSTS": "127.0.0.1"}
    env |= {"PROOFWATCH_ACTOR": "ana", "PROOFWATCH_ORGANIZATION": "Acme Ltd"}

    def call(*words, code=0):
        done = subprocess.run(
            [sys.executable, "-m", "proofwatch.cli", *words],
            env=env, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done

    call("init")
    return call


@pytest.fixture
def remote(tmp_path):
    folder = tmp_path / "remote.git"
    folder.mkdir()
    do(folder, "init", "--quiet", "--bare", ".")
    return folder


def add_git(ask, remote, *more):
    clone = remote.parent / "clone"
    words = ("--kind", "git", "--set", f"remote={remote}", "--set", f"folder={clone}")
    return ask("outside", "add", "repo", *words, *more)


def test_from_nobody_to_a_drill_that_a_keeper_reveals(ask, remote):
    assert "Nobody keeps checkpoints outside" in ask("outside", "list").stdout
    alone = json.loads(ask("outside", "drill", "--json").stdout)
    assert (alone["revealed"], alone["stand_in"]) == (True, True)

    said = add_git(ask, remote).stdout
    assert "repo is a git keeper. Try it: proofwatch outside test repo" in said
    said = ask("outside", "test", "repo").stdout
    commit = do(remote, "rev-parse", "checkpoints")
    assert "entries accepted: " in said and commit in said.replace("\n", "")
    assert "every keeper has all that there is" in ask("outside", "now").stdout

    (row,) = json.loads(ask("outside", "list", "--json").stdout)
    assert (row["keeper"], row["enabled"], row["last"]["reference"]) == ("repo", True, commit)
    (kept,) = json.loads(ask("outside", "history", "--json").stdout)
    assert (kept["state"], kept["keeper"], kept["reference"]) == ("accepted", "repo", commit)

    checked = json.loads(ask("outside", "check", "--json").stdout)
    assert checked["revealed"] is False and checked["wrong"] == []
    assert any("was changed since repo took it" in text for text in checked["proven"])

    went = ask("outside", "drill").stdout.replace("\n", " ")
    for words in (
        "1. A copy of the log was made",
        "2. In the copy, entry",
        "3. Verified by itself, the rewritten copy looks whole",
        "4. Held against what is kept outside, it was revealed",
        "the log was rewritten: its first",
    ):
        assert words in went
    assert "stood in" not in went


def test_a_worker_gives_what_is_due_and_doctor_says_what_is_missing(ask, remote):
    add_git(ask, remote, "--every", "5")
    ask("worker", "--once")
    (kept,) = json.loads(ask("outside", "history", "repo", "--json").stdout)
    assert kept["state"] == "accepted"
    ask("worker", "--once")
    assert len(json.loads(ask("outside", "history", "--json").stdout)) == 1
    found = json.loads(ask("doctor", "--offline", "--json").stdout)
    assert [item["said"] for item in found if item["what"] == "outside"] == [
        "no time-stamp authority: with two, none has to be believed alone"
    ]


def test_pausing_changing_and_removing_are_attributed(ask, remote):
    add_git(ask, remote)
    assert "repo is paused." in ask("outside", "pause", "repo", "--reason", "moving").stdout
    assert "repo is paused" in ask("outside", "now", "repo", code=2).stderr
    assert "repo is on." in ask("outside", "resume", "repo", "--reason", "moved").stdout
    clone = f"folder={remote.parent / 'clone2'}"
    words = ("outside", "add", "repo", "--kind", "git", "--set", f"remote={remote}", "--set", clone)
    assert "a change needs a reason" in ask(*words, code=2).stderr
    ask(*words, "--reason", "another disk")
    assert "repo is removed." in ask("outside", "remove", "repo", "--reason", "not needed").stdout
    entries = json.loads(ask("evidence", "list", "--kind", "keeper.changed", "--json").stdout)
    assert [item["data"]["reason"] for item in reversed(entries)] == [
        "", "moving", "moved", "another disk", "not needed",
    ]  # fmt: skip
    assert {item["actor"] for item in entries} == {"ana"}


def test_a_time_stamp_from_asking_to_checking_with_ones_own_certificate(ask, tmp_path):
    authority, other = Authority(tmp_path / "tsa"), Authority(tmp_path / "other", "Others")
    with serving(authority) as url:
        ask(
            "outside",
            "add",
            "tsa",
            "--kind",
            "timestamp",
            "--set",
            f"url={url}",
            "--set",
            f"roots={authority.roots}",
        )
        ask("outside", "now")
        authority.broken = b"busy"
        refused = ask("outside", "test", "tsa", code=3)
    assert "not accepted: " in refused.stdout
    checked = json.loads(ask("outside", "check", "--authority", str(authority.roots), "--json").stdout)
    assert any("stamped by CN=Stamps" in text for text in checked["proven"])
    checked = json.loads(ask("outside", "check", "--authority", str(other.roots), "--json").stdout)
    assert any("CN=Stamps says so, and no certificate" in text for text in checked["unproven"])
    # The tokens are objects that entries name: whoever verifies the evidence reads them, too.
    verified = json.loads(ask("evidence", "verify", "--json").stdout)
    assert verified["objects"] >= 3 and verified["wrong"] == []


def test_kinds_and_mistakes(ask):
    rows = json.loads(ask("outside", "kinds", "--json").stdout)
    assert {row["kind"] for row in rows} >= {"timestamp", "email", "s3", "git"}
    assert all(row["about"] for row in rows)
    said = ask("outside", "add", "x", "--kind", "s3", "--set", "bucket=../x", code=2).stderr
    assert "s3: bucket: String should match pattern" in said
    assert "there is no kind 'gti'" in ask("outside", "add", "x", "--kind", "gti", code=2).stderr
    assert "there is no keeper 'x'" in ask("outside", "test", "x", code=2).stderr
