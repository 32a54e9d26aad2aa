"""A month leaves: object first, then the entry, then the rows; killed anywhere, it is gone on with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import connection as database
from django.db.utils import DatabaseError

from proofwatch.store.base import StoreError
from proofwatch.store.history import absent, archive, bring, rows, staying
from proofwatch.store.history.base import HISTORY, HistoryError, Month, months
from proofwatch.store.models import CheckRun, FindingEvent, HistoryPartition, ShardRead, Sweep
from proofwatch.store.services import sweeps
from tests.store.history.samples import FAIL, NEXT, NOW, OLD, PASS, A, B, C, World, everything, of
from tests.store.samples import entries

ALL = {"shard_read": 4, "coverage_gap": 2, "table_state": 2, "check_run": 2, "result_object": 2}


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_month_leaves_and_the_log_names_its_objects(world: World) -> None:
    world.months()
    assert of(OLD) == {**ALL, "finding_event": 3}
    made = world.archive()
    # Of the findings, vol-a ended long ago; vol-b is open: what happened to it stays.
    assert of(OLD) == {**dict.fromkeys(ALL, 0), "finding_event": 1}
    assert FindingEvent.objects.filter(finding__resource="vol-b").count() == 1
    assert {item.table: item.rows for item in made} == {**ALL, "finding_event": 2}
    assert all(item.state == "away" for item in HistoryPartition.objects.all())
    told = entries("history.archived")
    assert [entry["data"]["partition"]["sha256"] for entry in told] == [item.digest for item in made]
    assert {entry["actor"] for entry in told} == {"ana"}
    assert of(NEXT)["check_run"] == 1 and Sweep.objects.count() == 4


def test_what_the_present_needs_stays_however_old_it_is(world: World) -> None:
    last = world.sweep(datetime(2025, 1, 10, tzinfo=UTC), {A: FAIL})
    before = everything()
    assert world.archive() == []
    assert everything() == before
    assert staying.needed() == {last.pk}


def test_what_stood_for_longer_than_the_next_month_stays(world: World) -> None:
    """Whoever asks how things stood in June finds the run of January, the newest there was."""
    world.sweep(datetime(2025, 1, 10, tzinfo=UTC), {A: PASS})
    stood = world.sweep(datetime(2025, 1, 20, tzinfo=UTC), {A: PASS})
    world.sweep(datetime(2025, 7, 1, tzinfo=UTC), {A: PASS})
    made = {item.table: item.rows for item in world.archive()}
    assert [run.sweep_id for run in CheckRun.objects.filter(**HISTORY["check_run"].within(OLD))] == [stood.pk]
    assert (made["check_run"], made["table_state"], made["result_object"]) == (1, 1, 2)
    assert list(sweeps.table_states(world.owner, at=datetime(2025, 6, 1, tzinfo=UTC))) == ["aws_ec2_volume"]


def test_what_stayed_leaves_with_a_later_part(world: World) -> None:
    world.months()
    world.archive()
    late = datetime(2026, 8, 1, tzinfo=UTC)
    world.sweep(datetime(2026, 4, 3, tzinfo=UTC), {A: PASS, B: PASS, C: PASS})
    [second] = archive.archive(OLD, world.objects, actor="ana", now=late)
    assert (second.table, second.part, second.rows) == ("finding_event", 2, 1)
    assert of(OLD)["finding_event"] == 0
    assert archive.archive(OLD, world.objects, actor="ana", now=late) == []
    assert archive.archive(OLD, world.objects, actor="ana", now=late, few=1000) == []


def test_months_that_are_not_over_or_still_at_work_stay(world: World) -> None:
    world.months()
    with pytest.raises(HistoryError, match="it is not over"):
        archive.archive(Month(2026, 4), world.objects, actor="ana", now=NOW)
    at = datetime(2025, 1, 25, tzinfo=UTC)
    sweeps.begin(sweeps.plan(world.owner, slot=at, trigger="manual", actor="x", now=at), now=at)
    with pytest.raises(HistoryError, match="has not ended"):
        world.archive()
    assert of(OLD)["check_run"] == 2


def test_whole_months_older_than_so_many_leave_by_themselves(world: World) -> None:
    world.months()
    assert [str(month) for month in months()] == ["2025-01", "2025-02", "2026-04"]
    done = archive.older(14, world.objects, actor="scheduler", now=NOW)
    assert {item.month for item in done} == {"2025-01"}
    assert archive.older(14, world.objects, actor="scheduler", now=NOW) == []
    done = archive.older(13, world.objects, actor="scheduler", now=NOW)
    assert {item.month for item in done} == {"2025-02"}
    # The run of February stood until 2026: see what stood for longer.
    assert of(NEXT)["check_run"] == 1 and of(NEXT)["shard_read"] == 0


class Killed(BaseException):
    """A process that is killed."""


def killing(function: Callable[..., Any], after: int) -> Callable[..., Any]:
    """Return the function, which dies after so many calls."""
    calls = [0]

    def run(*args: Any, **values: Any) -> Any:
        if calls[0] == after:
            raise Killed
        calls[0] += 1
        return function(*args, **values)

    return run


@pytest.mark.parametrize("after", [0, 3])
@pytest.mark.parametrize("step", ["files.write", "files.content", "leave", "_keys", "log.append"])
def test_killed_anywhere_no_row_is_lost_and_the_next_run_ends_it(
    world: World, monkeypatch: pytest.MonkeyPatch, step: str, after: int
) -> None:
    world.months()
    before = everything()
    owner, _, name = step.rpartition(".")
    place = getattr(archive, owner) if owner else archive
    with monkeypatch.context() as patch:
        patch.setattr(place, name, killing(getattr(place, name), after))
        with pytest.raises(Killed):
            world.archive()
    assert_whole(world, before)
    archive.older(14, world.objects, actor="scheduler", now=NOW)
    assert of(OLD) == {**dict.fromkeys(ALL, 0), "finding_event": 1}
    assert_whole(world, before)
    assert [item.part for item in HistoryPartition.objects.all()] == [1] * 6
    assert len(entries("history.archived")) == 6


def test_killed_between_two_batches_it_goes_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.months()
    before = everything()
    monkeypatch.setattr(archive, "BATCH", 1)

    def die(stage: str, done: int, total: int) -> None:
        raise Killed

    with pytest.raises(Killed):
        archive.archive(OLD, world.objects, actor="ana", now=NOW, progress=die)
    assert of(OLD)["shard_read"] == 3
    assert [str(item.state) for item in HistoryPartition.objects.all()] == ["leaving"]
    assert [str(month) for month in absent.away(OLD.first, OLD.until)] == ["2025-01"]
    assert_whole(world, before)
    world.archive()
    assert of(OLD)["shard_read"] == 0
    assert_whole(world, before)


def assert_whole(world: World, before: dict[str, list[dict[str, Any]]]) -> None:
    """Every row is in the database, or in the object of a committed partition."""
    with rows.engine() as engine:
        for name, history in HISTORY.items():
            keys = set(history.model.objects.values_list("pk", flat=True))
            for item in HistoryPartition.objects.filter(table=name):
                path = world.objects.path(item.digest)
                assert rows.content(history.table(), path, engine) == (item.rows, item.content)
                keys |= set(archive._keys(path, engine))
            assert keys == {row["id"] for row in before[name]}


def refused(statement: str) -> None:
    with pytest.raises(DatabaseError, match="append-only"), database.cursor() as cursor:
        cursor.execute(statement)


def test_nothing_else_gets_past_the_triggers(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.months()
    refused("DELETE FROM store_findingevent")
    with monkeypatch.context() as patch:
        patch.setattr(archive, "leave", lambda *args: False)
        world.archive()
    HistoryPartition.objects.update(state="away")
    partition = HistoryPartition.objects.get(table="finding_event")
    refused("DELETE FROM store_findingevent WHERE at < '2025-02-01'")  # It has left, says the partition.
    HistoryPartition.objects.update(state="leaving")
    refused("DELETE FROM store_findingevent")  # Other months stay.
    refused("DELETE FROM store_findingevent WHERE at >= '2025-02-01'")
    refused("UPDATE store_findingevent SET reason = ''")
    for column in ("digest", "month", "content"):
        refused(f"UPDATE store_historypartition SET {column} = '2026-04'")
    refused("UPDATE store_historypartition SET last_id = 99999999")
    refused("UPDATE store_historypartition SET entry = 0")
    refused("DELETE FROM store_historypartition")
    with rows.engine() as engine:
        assert archive.leave(partition, world.objects, lambda stage, done, total: None, engine)
    assert FindingEvent.objects.filter(at__lt=NEXT.first).count() == 1


def test_a_partition_that_the_log_does_not_name_lets_nothing_leave(world: World) -> None:
    world.months()
    HistoryPartition.objects.create(
        table="finding_event", month="2025-01", part=1, rows=9, size=1, first_id=0, last_id=2**40, entry=0,
        archived_at=NOW,
    )  # fmt: skip
    refused("DELETE FROM store_findingevent WHERE at < '2025-02-01'")


def test_the_same_rows_make_the_same_object(world: World) -> None:
    """So a month that is archived again after a crash leaves no second object."""
    world.months()
    table = HISTORY["check_run"].table()
    found = [list(staying.Leaving(HISTORY["check_run"], OLD, NOW)) for _ in range(2)]
    paths = [world.objects.folder.parent / f"{number}.parquet" for number in range(2)]
    for number, path in enumerate(paths):
        with rows.engine() as engine:
            rows.write(table, found[number], path, engine)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_numbers_go_on_after_those_that_left(world: World) -> None:
    """A key that left is never given to another row."""
    world.months()
    top = ShardRead.objects.order_by("-pk").first().pk
    world.archive()
    world.sweep(datetime(2026, 4, 2, tzinfo=UTC), {A: PASS, B: PASS, C: PASS})
    assert ShardRead.objects.order_by("-pk").first().pk > top


def test_a_month_that_was_brought_back_is_not_archived_twice(world: World) -> None:
    world.months()
    world.archive()
    bring.bring(OLD, world.objects, actor="ana", now=NOW)
    with pytest.raises(StoreError, match=r"brought back until .*\n?.*history release 2025-01"):
        world.archive()
    assert archive.older(13, world.objects, actor="scheduler", now=NOW) != []
    assert of(OLD)["check_run"] == 2


def test_rows_that_cannot_be_written_down_exactly_stay_and_are_said(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.months()
    before = everything()
    with monkeypatch.context() as patch:
        patch.setattr(archive.files, "content", lambda *args: (0, ""))
        with pytest.raises(HistoryError, match="is not what the database has"):
            archive.older(13, world.objects, actor="scheduler", now=NOW)
    assert everything() == before and HistoryPartition.objects.count() == 0
