"""`history`, as an operator types it, and what a worker does once a day."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from proofwatch.app import App
from proofwatch.cli import history as verbs
from proofwatch.cli.main import main
from proofwatch.config import ConfigError, load_settings
from proofwatch.errors import ProofwatchError
from proofwatch.evidence.keys import create_key
from proofwatch.store.models import CheckRun, HistoryPartition, Job
from tests.store.history.samples import OLD, World, of
from tests.store.samples import entries


@pytest.fixture
def world(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(tmp_path)
    made.months()
    monkeypatch.setenv("PROOFWATCH_HOME", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("PROOFWATCH_ACTOR", "ana")
    create_key(App().settings.key_file, "test.example/log")
    return made


def run(*arguments: str, code: int = 0) -> Any:
    done = CliRunner().invoke(main, ["history", *arguments], standalone_mode=True)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == code, done.output
    return json.loads(done.stdout) if "--json" in arguments else done.output


def test_a_month_is_archived_asked_proven_brought_and_released(world: World) -> None:
    made = run("archive", "2025-01", "--json")
    assert {(row["table"], row["rows"], row["where"]) for row in made} >= {("check_run", 2, "away")}
    assert entries("history.archived")[0]["actor"] == "ana"
    assert run("query", "SELECT count(*) AS n FROM check_run", "--to", "2025-01", "--json") == [{"n": 2}]
    assert "2025-01" in run("list") and "in the archive" in run("list")
    report = run("verify", "2025-01", "--json")
    assert report["wrong"] == [] and len(report["proven"]) == 3
    assert {row["where"] for row in run("bring", "2025-01", "--json")} == {"brought"}
    assert of(OLD)["check_run"] == 2
    assert {row["where"] for row in run("release", "2025-01", "--json")} == {"away"}
    assert of(OLD)["check_run"] == 0
    assert run("archive", "--older-than", "1200") == "No row was to leave.\n"
    world.objects.name(made[0]["object"]).unlink()
    assert "✗ check_run of 2025-01" in run("verify", code=1)


def test_what_is_asked_wrongly_is_said(world: World) -> None:
    with pytest.raises(ProofwatchError, match="write it as 2025-01"):
        run("archive", "January")
    assert "Name a month" in run("archive", code=2)
    assert "Name a month" in run("archive", "2025-01", "--older-than", "3", code=2)
    with pytest.raises(ProofwatchError, match="nothing of it was archived"):
        run("bring", "2025-01")


def test_a_worker_archives_once_a_day_and_releases_what_is_over(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = App().open()
    assert verbs.keep_up(app) == 1
    # The run of February stood until the next sweep, which came long after; nothing else is left of the two.
    assert CheckRun.objects.filter(observed_at__lt=datetime(2025, 3, 1, tzinfo=UTC)).count() == 1
    assert {entry["actor"] for entry in entries("history.archived")} == {"scheduler"}
    assert verbs.keep_up(app) == 0
    run("bring", "2025-01")
    HistoryPartition.objects.update(brought_until=datetime(2026, 1, 1, tzinfo=UTC))
    Job.objects.all().delete()
    assert verbs.keep_up(app) == 1
    assert set(HistoryPartition.objects.values_list("state", flat=True)) == {"away"}


def test_nothing_is_archived_where_that_is_set(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROOFWATCH_HISTORY_MONTHS", "0")
    assert verbs.keep_up(App().open()) == 1
    assert HistoryPartition.objects.count() == 0


@pytest.mark.parametrize(("text", "months"), [("", 13), ("0", 0), ("1", 1), ("1200", 1200)])
def test_months_are_a_number(text: str, months: int) -> None:
    assert load_settings({"PROOFWATCH_HISTORY_MONTHS": text}).history_months == months


@pytest.mark.parametrize("text", ["-1", "1.5", "many", "1201", "²"])
def test_other_months_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is no number of months"):
        load_settings({"PROOFWATCH_HISTORY_MONTHS": text})
