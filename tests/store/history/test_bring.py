"""A month comes back as it was, proven first, and leaves again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from proofwatch.evidence.base import EvidenceError
from proofwatch.store.history import absent, bring
from proofwatch.store.history.base import HistoryError, Month
from proofwatch.store.models import CheckRun, HistoryPartition
from tests.store.history.samples import NEXT, NOW, OLD, World, everything, of
from tests.store.history.test_archive import ALL, Killed
from tests.store.samples import entries

LATER = NOW + timedelta(days=31)


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> World:
    made = World(tmp_path)
    made.months()
    return made


def test_what_left_comes_back_under_its_old_keys_and_leaves_again(world: World) -> None:
    before = everything()
    world.archive()
    away = everything()
    bring.bring(OLD, world.objects, actor="ana", now=NOW)
    assert everything() == before
    [told] = entries("history.brought")
    assert (told["actor"], told["data"]["month"], told["data"]["until"]) == (
        "ana",
        "2025-01",
        "2026-05-02T12:00:00Z",
    )
    assert {item["rows"] for item in told["data"]["partitions"]} == {2, 4}
    assert absent.away(OLD.first, OLD.until) == []
    assert bring.release(OLD, world.objects, actor="ana", now=NOW) == 6
    assert everything() == away
    assert len(entries("history.released")) == 1
    with pytest.raises(HistoryError, match="it was not brought back"):
        bring.release(OLD, world.objects, actor="ana", now=NOW)
    with pytest.raises(HistoryError, match="nothing of it was archived"):
        bring.bring(NEXT, world.objects, actor="ana", now=NOW)


def test_it_leaves_when_its_time_is_over_and_not_before(world: World) -> None:
    world.archive()
    bring.bring(OLD, world.objects, actor="ana", now=NOW)
    assert bring.expire(world.objects, actor="scheduler", now=NOW + timedelta(days=29)) == []
    bring.bring(OLD, world.objects, actor="bo", now=NOW + timedelta(days=20))
    assert bring.expire(world.objects, actor="scheduler", now=LATER) == []
    assert bring.expire(world.objects, actor="scheduler", now=LATER + timedelta(days=20)) == [OLD]
    assert of(OLD) == {**dict.fromkeys(ALL, 0), "finding_event": 1}


@pytest.mark.parametrize("after", [0, 2])
def test_killed_on_the_way_it_counts_as_away_and_is_gone_on_with(world: World, after: int) -> None:
    before = everything()
    world.archive()
    calls = [0]

    def die(stage: str, done: int, total: int) -> None:
        if calls[0] == after:
            raise Killed
        calls[0] += 1

    with pytest.raises(Killed):
        bring.bring(OLD, world.objects, actor="ana", now=NOW, progress=die)
    assert absent.away(OLD.first, OLD.until) == [OLD]
    assert entries("history.brought") == []
    bring.bring(OLD, world.objects, actor="ana", now=NOW)
    assert everything() == before


def test_what_was_brought_in_part_leaves_too(world: World) -> None:
    world.archive()
    away = everything()

    def die(stage: str, done: int, total: int) -> None:
        raise Killed

    with pytest.raises(Killed):
        bring.bring(OLD, world.objects, actor="ana", now=NOW, progress=die)
    assert everything() != away
    assert bring.expire(world.objects, actor="scheduler", now=LATER) == [OLD]
    assert everything() == away


def test_a_changed_object_brings_nothing_back(world: World) -> None:
    made = world.archive()
    away = everything()
    path = world.objects.name(made[3].digest)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(EvidenceError, match="not those that its name promises"):
        bring.bring(OLD, world.objects, actor="ana", now=NOW)
    assert everything() == away


def test_another_object_than_the_log_names_brings_nothing_back(world: World) -> None:
    from tests.store.history.forging import forged

    world.archive()
    away = everything()
    forged(world, "check_run", {"failed": 0, "passed": 3})
    with pytest.raises(HistoryError, match=r"is not what entry \d+ says"):
        bring.bring(OLD, world.objects, actor="ana", now=NOW)
    assert everything() == away


def test_a_report_over_a_period_brings_what_it_needs(world: World) -> None:
    world.archive()
    first, until = datetime(2025, 1, 15, tzinfo=UTC), datetime(2025, 2, 1, tzinfo=UTC)
    with pytest.raises(HistoryError, match=r"2025-01 is in the archive\n?.*history bring 2025-01"):
        absent.refuse(first, until, "counting runs")
    with bring.at_hand(first, until, world.objects, actor="ana", now=NOW) as brought:
        assert brought == [OLD]
        assert CheckRun.objects.filter(observed_at__lt=until).count() == 2
    with (
        pytest.raises(HistoryError, match="in the archive"),
        bring.at_hand(first, until, world.objects, actor="ana", now=NOW),
    ):
        bring.release(OLD, world.objects, actor="bo", now=NOW)


def test_a_period_needs_the_month_before_it_and_none_after(world: World) -> None:
    world.archive()
    world.archive(NEXT)
    assert absent.away(datetime(2025, 3, 1, tzinfo=UTC), None) == [NEXT]
    assert absent.away(datetime(2025, 4, 1, tzinfo=UTC), None) == []
    assert absent.away(None, datetime(2025, 2, 1, tzinfo=UTC)) == [OLD]
    assert absent.away(None, datetime(2025, 2, 1, 0, 0, 1, tzinfo=UTC)) == [OLD, NEXT]
    assert absent.away(None, None, tables=["finding_event"]) == [OLD]


def test_months_are_said_short() -> None:
    found = [Month(2025, 1), Month(2024, 12), Month(2025, 3)]
    assert absent.words(found) == "2024-12 to 2025-01, 2025-03 are"
    assert absent.words(found[:1]) == "2025-01 is"
    assert absent.command(found) == "proofwatch history bring 2024-12 2025-01 2025-03"


def test_partitions_are_counted_in_the_state_they_are_in(world: World) -> None:
    world.archive()
    bring.bring(OLD, world.objects, actor="ana", now=NOW)
    assert set(HistoryPartition.objects.values_list("state", flat=True)) == {"brought"}
