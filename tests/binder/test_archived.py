"""A report over months that left has every row of them, or says what is to be brought."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from proofwatch.reports import readiness, results, runs
from proofwatch.reports.configuration import as_of
from proofwatch.store.base import StoreError
from proofwatch.store.history import absent, archive, bring
from proofwatch.store.history.base import Month
from proofwatch.store.models import HistoryPartition
from proofwatch.store.services import controls, sweeps
from tests.binder.conftest import read, verified
from tests.binder.inside import BinderWorld
from tests.reports.world import catalog, volume
from tests.store.samples import NOW, entries

NOVEMBER, LATE = Month(2026, 11), datetime(2027, 3, 1, tzinfo=UTC)
FILES = (
    "controls/ENC-01/runs", "controls/ENC-01/results", "coverage/populations", "coverage/places",
    "remediation/findings", "configuration/versions",
)  # fmt: skip


@pytest.fixture
def world(database_url, tmp_path):
    made = BinderWorld(tmp_path / "world")
    made.sweep([volume("vol-1", False), volume("vol-2")])
    made.sweep([volume("vol-1"), volume("vol-2")])
    made.sweep([volume("vol-1"), volume("vol-2")], minutes=40 * 24 * 60)
    return made


def gone(world):
    made = archive.archive(NOVEMBER, world.objects, actor="ana", now=LATE)
    assert {item.table for item in made} >= {"check_run", "finding_event", "result_object"}


def test_a_binder_brings_back_what_it_needs_and_is_the_same(world, tmp_path):
    day = world.day()
    world.binder(day, tmp_path / "before.zip", LATE)
    gone(world)
    world.binder(day, tmp_path / "after.zip", LATE + timedelta(minutes=1))
    report = verified(tmp_path / "after.zip")
    assert report.wrong == []
    before, after = read(tmp_path / "before.zip"), read(tmp_path / "after.zip")
    same = [name for name in FILES if f"{name}.jsonl" in before]
    assert len(same) >= 4
    for name in same:
        assert after[f"{name}.jsonl"] == before[f"{name}.jsonl"], name
    assert entries("history.brought")[-1]["actor"] == "ada"


def test_a_binder_whose_months_leave_while_it_is_written_is_none(world, tmp_path, monkeypatch):
    from proofwatch.binder import write

    gone(world)

    def leave(order, archive_):
        bring.release(NOVEMBER, world.objects, actor="bo", now=LATE)

    monkeypatch.setattr(write, "SECTIONS", (*write.SECTIONS, ("leaving", leave)))
    with pytest.raises(StoreError, match="2026-11 is in the archive"):
        world.binder(world.day(), tmp_path / "b.zip", LATE)
    assert not (tmp_path / "b.zip").exists()


def test_whoever_reads_a_period_is_told_what_is_away(world):
    gone(world)
    at = NOW + timedelta(hours=1)
    audit, listed = world.day(), controls.current()
    readers = (
        lambda: list(readiness.ledger(audit, LATE, listed)),
        lambda: list(results.newest_sweeps(world.owner, at)),
        lambda: list(runs.newest_runs(NOW, at)),
        lambda: list(as_of(catalog().checks, world.objects, at)),
        lambda: sweeps.table_states(world.owner, at=at),
    )
    for reader in readers:
        with pytest.raises(StoreError, match=r"(?s)2026-11 is in the archive.*history bring 2026-11"):
            reader()
    bring.bring(NOVEMBER, world.objects, actor="ana", now=LATE)
    for reader in readers:
        reader()


def test_what_holds_now_needs_no_month_that_left(world):
    before = list(results.newest_sweeps(world.owner, None)), sweeps.table_states(world.owner)
    gone(world)
    assert (list(results.newest_sweeps(world.owner, None)), sweeps.table_states(world.owner)) == before
    assert len(list(runs.newest_runs())) == 1


def test_rules_are_tried_on_what_is_here(world):
    from proofwatch.alerts.replay import replay

    gone(world)
    replay([], LATE - timedelta(days=90), LATE)
    with pytest.raises(StoreError, match="2026-11 is in the archive"):
        replay([], LATE - timedelta(days=120), LATE)
    assert absent.away(NOW, None)


def test_the_binder_of_the_day_of_archiving_has_the_partitions(world, tmp_path):
    gone(world)
    world.binder(world.audit(LATE.date(), LATE.date()), tmp_path / "b.zip", LATE + timedelta(minutes=1))
    assert verified(tmp_path / "b.zip").wrong == []
    digests = {item.digest for item in HistoryPartition.objects.all()}
    assert digests and {f"objects/{item[:2]}/{item[2:]}" for item in digests} <= set(read(tmp_path / "b.zip"))
