"""What becomes of a binder that was asked for: written, or failed with its reason, and not for ever."""

import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from proofwatch.binder.making import make
from proofwatch.runtime import jobs
from proofwatch.store import log
from proofwatch.store.models import Job
from proofwatch.store.services import exports
from tests.binder.inside import KEY, BinderWorld
from tests.store.samples import NOW, entries

AFTER = datetime(2026, 12, 1, 6, tzinfo=UTC)


@pytest.fixture
def world(database_url, tmp_path):
    return BinderWorld(tmp_path / "world")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (KeyboardInterrupt(), "it was interrupted"),
        (sqlite3.OperationalError("disk I/O error"), "OperationalError: disk I/O error"),
        (MemoryError(), "MemoryError"),
        (OSError(28, "No space left on device"), "[Errno 28] No space left on device"),
    ],
)
def test_whatever_stops_a_binder_is_recorded_and_raised(world, tmp_path, error, words):
    log.sign_checkpoint(KEY, NOW)
    row = exports.ask(world.day(), kind=exports.BINDER, by="ada", role="lead", now=NOW)

    def stop(stage, done, total):
        raise error

    with pytest.raises(BaseException) as raised:
        make(row, world.tools, tmp_path / "made", where="a test", clock=lambda: NOW, progress=stop)
    # What the disk refuses is told as an error of the binder.
    assert raised.value is error or raised.value.__cause__ is error
    row = exports.get(row.name)
    assert row.state == exports.FAILED and row.error.endswith(words.split("] ")[-1])
    assert [entry["data"]["error"] for entry in entries("export.failed")] == [row.error]
    assert list((tmp_path / "made").iterdir()) == []


def test_a_bundle_that_failed_is_asked_for_again_an_hour_later_and_tried_once(world):
    month = exports.month_due(AFTER)
    row = exports.ask(month, kind=exports.BUNDLE, by="scheduler", role="program", now=AFTER)
    jobs.enqueue(jobs.BINDERS, row.name, AFTER)
    Job.objects.update(state="dead", attempts=jobs.MAX_ATTEMPTS)
    exports.fail(row, "the disk is full", now=AFTER)
    soon, later = AFTER + timedelta(minutes=59), AFTER + timedelta(hours=1)

    def ask(now):
        return exports.ask(month, kind=exports.BUNDLE, by="scheduler", role="program", now=now)

    assert exports.month_due(soon) is None and ask(soon).state == exports.FAILED
    assert exports.month_due(later).first == row.first
    assert (ask(later).name, exports.get(row.name).state) == (row.name, exports.WAITING)
    assert exports.month_due(later) is None and len(entries("export.asked")) == 2
    assert not jobs.enqueue(jobs.BINDERS, row.name, later) and jobs.once_more(jobs.BINDERS, row.name, later)
    lease = jobs.claim("a worker", later, only=jobs.BINDERS)
    jobs.postpone(lease, later, "the disk is full")
    assert jobs.claim("a worker", later + timedelta(minutes=30), only=jobs.BINDERS) is None


def test_who_asks_for_a_bundle_that_failed_need_not_wait(world):
    month = exports.month(NOW.date())
    row = exports.ask(month, kind=exports.BUNDLE, by="scheduler", role="program", now=AFTER)
    exports.fail(row, "the disk is full", now=AFTER)
    again = exports.ask(
        month, kind=exports.BUNDLE, by="ada", role="lead", now=AFTER, state=exports.WRITING
    )  # fmt: skip
    assert (again.name, again.state, again.by) == (row.name, exports.WRITING, "ada")


def test_an_export_whose_workers_all_died_is_failed_after_a_day(world):
    row = exports.ask(world.day(), kind=exports.BINDER, by="ada", role="lead", now=AFTER)
    exports.begin(row)
    jobs.enqueue(jobs.BINDERS, row.name, AFTER)
    later = AFTER + timedelta(days=2)
    assert exports.abandoned(later) == [], "a worker may have it"
    Job.objects.update(state="dead")
    assert exports.abandoned(later) == [row]
