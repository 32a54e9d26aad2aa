"""`alerts`, `rules` and `people`, typed as a user types them, in a home without a connection."""

import csv
import json
import os
import shutil
import sqlite3
import subprocess
import sys

import pytest


@pytest.fixture(scope="module")
def made(validated, tmp_path_factory):
    """A home in which ana is lead and aud an auditor, and one connection failed, which is an open alert."""
    folder = tmp_path_factory.mktemp("made")
    home = folder / "home"
    home.mkdir(mode=0o700)
    shutil.copytree(validated, home / "cache")
    typed(home, "init")
    typed(home, "people", "add", "ana", "--role", "lead", "--email", "ana@example.com")
    typed(home, "people", "add", "aud", "--role", "auditor")
    with sqlite3.connect(home / "proofwatch.sqlite3") as database:
        database.execute(
            "insert into store_connection (id, name, kind, settings, state, problem, interval_minutes,"
            " identity, read_only_proof, permissions, scope, paused_by, paused_reason, objects_read,"
            " created_at, created_by)"
            " values ('a0000000000000000000000000000000', 'prod', 'aws', '{}', 'failed', 'ExpiredToken', 15,"
            " '{}', '', '[]', '{}', '', '', 0, '2026-11-01 00:00:00', 'owner')"
        )
    rules = folder / "rules.yaml"
    rules.write_text("rules:\n  - {id: connection-down, title: Down, when: connection, wait_minutes: 0}\n")
    typed(home, "rules", "apply", str(rules), "--reason", "at once")
    typed(home, "worker", "--once")
    return home


@pytest.fixture
def home(made, tmp_path):
    shutil.copytree(made, tmp_path / "home")
    return tmp_path / "home"


def typed(home, *arguments, code=0):
    done = subprocess.run(
        [sys.executable, "-m", "proofwatch.cli", *arguments],
        env={**os.environ, "PROOFWATCH_HOME": str(home), "PROOFWATCH_ACTOR": "ana"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def as_json(home, *arguments, code=0):
    return json.loads(typed(home, *arguments, "--json", code=code).stdout)


def test_an_alert_from_open_to_reviewed(home):
    (alert,) = as_json(home, "alerts", "list")
    assert (alert["alert"], alert["state"], alert["connection"]) == ("AL-1", "open", "prod")
    assert "ExpiredToken" in alert["reason"]
    assert as_json(home, "alerts", "show", "AL-1")["timeline"][0]["state"] == "open"
    answered = as_json(home, "alerts", "ack", "AL-1", "--note", "I renew the token")
    assert (answered["state"], answered["acknowledged_by"]) == ("acknowledged", "ana")
    (review,) = as_json(home, "alerts", "review", "AL-1", "--decision", "repair", "--note", "=cmd|x")
    assert (review["reviewer"], review["role"], review["decision"]) == ("ana", "lead", "repair")
    shown = as_json(home, "alerts", "show", "1")
    whats = [item["what"] for item in shown["timeline"]]
    assert whats[-3:] == ["acknowledged", "reviewed", "task made"]
    (row,) = csv.DictReader(typed(home, "alerts", "reviews", "--csv").stdout.splitlines())
    assert (row["alert"], row["note"]) == ("AL-1", "'=cmd|x")
    kinds = {entry["kind"] for entry in as_json(home, "evidence", "list", "--limit", "1000")}
    assert {
        "alerts.changed",
        "alert.viewed",
        "alert.acknowledged",
        "alert.reviewed",
        "person.changed",
    } <= kinds
    typed(home, "evidence", "verify")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("alerts", "show", "AL-9"), "there is none"),
        (("alerts", "show", "nonsense"), "there is none"),
        (("alerts", "list", "--state", "opened"), "'opened' is no state"),
        (("alerts", "ack", "AL-1", "--note", " "), "a note is needed"),
        (("alerts", "ack", "AL-1", "--note", "x", "--by", "an"), "did you mean 'ana'"),
        (("alerts", "ack", "AL-1", "--note", "x", "--by", "aud"), "aud is auditor and may only read"),
        (("alerts", "review", "AL-1", "--decision", "close", "--note", "x"), "'close' is not one of"),
        (("rules", "show", "control-fail"), "did you mean 'control-failing'"),
        (("rules", "disable", "control-failing", "--reason", " "), "a decision needs a reason"),
        (("rules", "remove", "connection-down", "--reason", "x"), "1 of its alerts are under way"),
        (("people", "add", "Ana B", "--role", "lead"), "cannot be a name"),
        (("people", "add", "bob", "--zone", "Mars/Base"), "is no time zone"),
        (("people", "add", "bob", "--email", "bob"), "is no e-mail address"),
    ],
)
def test_what_is_wrong_is_one_clear_error(home, arguments, said):
    before = as_json(home, "evidence", "list", "--limit", "1000")
    done = typed(home, *arguments, code=2)
    assert said in done.stderr
    assert as_json(home, "evidence", "list", "--limit", "1000") == before


def test_a_control_without_a_rule_is_a_gap(home):
    untold = as_json(home, "rules", "matrix", code=1)
    assert untold["controls"][0]["without_channel"] == ["control-failing"] and len(untold["gaps"]) > 20
    typed(home, "channels", "add", "ops", "slack-webhook", "--set", "url=env:PW_URL")
    assert as_json(home, "rules", "matrix")["gaps"] == []
    typed(home, "rules", "disable", "control-failing", "--reason", "we move to our own")
    body = as_json(home, "rules", "matrix", code=1)
    assert len(body["gaps"]) > 20
    assert "GAP: nobody is told" in typed(home, "rules", "matrix", code=1).stdout
    (row,) = [rule for rule in as_json(home, "rules", "list") if rule["rule"] == "control-failing"]
    assert (row["enabled"], row["version"], row["reason"]) == (False, 2, "we move to our own")


def test_a_rule_for_a_control_that_does_not_exist_is_said(home, tmp_path):
    path = tmp_path / "more.yaml"
    path.write_text('rules:\n  - {id: mine, title: Mine, when: failing, controls: ["AC-*", ZZ-9]}\n')
    done = typed(home, "rules", "apply", str(path), "--reason", "for us")
    assert "mine: no control of the list is ZZ-9" in done.stderr and "AC-*" not in done.stderr
