"""What is watched about our own work: checkpoints that nobody outside keeps."""

from datetime import timedelta
from pathlib import Path

import pytest

from proofwatch.alerts.rules import Rule
from proofwatch.store.models import Alert, Keeper, KeptCheckpoint
from tests.alerts.world import PASS, A, World
from tests.store.samples import NOW

RULE = Rule(
    id="checkpoint-refused", title="t", when="checkpoint refused", minutes=60, wait_minutes=0, recover_after=1
)


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> World:
    made = World(tmp_path, RULE)
    Keeper.objects.create(
        name="bucket", kind="s3", interval_minutes=5, next_due_at=NOW, by="ana", at=NOW - timedelta(hours=3)
    )
    return made


def answered(world: World, state: str, error: str = "", ago: int = 0) -> None:
    at = world.now - timedelta(minutes=ago)
    KeptCheckpoint.objects.create(
        keeper="bucket", kind="s3", size=3, root="0" * 64, state=state, error=error, at=at
    )


def standing(world: World) -> list[tuple[str, str]]:
    world.sweep({A: PASS})
    return list(Alert.objects.order_by("pending_since").values_list("state", "severity"))


def test_a_keeper_that_takes_nothing_for_too_long_is_an_alert_until_it_takes_one(world: World) -> None:
    answered(world, "accepted", ago=30)
    answered(world, "failed", "503", ago=10)
    assert standing(world) == [], "it took one within the hour"
    world.minutes += 60
    answered(world, "failed", "503")
    assert standing(world) == [("open", "high")]
    assert "bucket has taken no checkpoint since" in Alert.objects.get().reason
    answered(world, "accepted")
    assert standing(world) == [("verified restored", "high")]


def test_a_keeper_that_knew_another_log_is_critical_at_once(world: World) -> None:
    answered(world, "accepted", ago=5)
    answered(world, "failed", "its history was rewritten")
    assert standing(world) == [("open", "critical")]
    assert "says that the log is not the one that it knew" in Alert.objects.get().reason


def test_a_keeper_that_is_paused_removed_or_new_is_no_alert(world: World) -> None:
    answered(world, "failed", "503", ago=2)
    Keeper.objects.update(at=world.now - timedelta(minutes=10))
    assert standing(world) == [], "it was added ten minutes ago"
    Keeper.objects.update(at=NOW - timedelta(hours=9), enabled=False)
    assert standing(world) == []
    Keeper.objects.update(enabled=True, removed_at=NOW)
    assert standing(world) == []
