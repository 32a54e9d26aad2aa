"""Playing the past again agrees with what really happened, when nobody answered then either."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from proofwatch.alerts import engine
from proofwatch.alerts.replay import replay
from proofwatch.alerts.rules import Rule
from proofwatch.store.models import Alert, Delivery
from tests.alerts.probe import install
from tests.alerts.test_outbox import NOW_RULE
from tests.alerts.world import FAIL, PASS, A, B, C, World
from tests.store.samples import NOW

STORIES = {
    "fails and is repaired": [{A: FAIL, B: PASS}] * 3 + [{A: PASS, B: PASS}] * 3,
    "fails, is repaired, fails again": [{A: FAIL}] + [{A: PASS}] * 2 + [{A: FAIL}] * 2,
    "comes and goes": [{A: FAIL}, {A: PASS}, {A: PASS}] * 5,
    "goes away": [{A: FAIL, B: PASS}] * 2 + [{B: PASS}] * 2,
    "nobody answers for two days": [{A: FAIL, B: FAIL}] * 200,
}


@pytest.mark.parametrize("name", STORIES)
def test_it_counts_what_was_really_queued(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    world = World(tmp_path, NOW_RULE)
    install(monkeypatch)
    world.sweep({A: PASS, B: PASS, C: PASS})
    for rows in STORIES[name]:
        world.sweep(rows)
        engine.tick(world.now)
    (done,) = replay([NOW_RULE], NOW, world.now)
    rows = Delivery.objects.exclude(happened="changed").exclude(reason__startswith="flapping")
    queued: dict[str, int] = {}
    for kind in rows.values_list("happened", flat=True):
        queued[kind] = queued.get(kind, 0) + 1
    assert dict(done.messages) == queued
    assert done.alerts == Alert.objects.filter(number__isnull=False).count()


def test_a_higher_threshold_is_seen_to_be_quieter(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path, NOW_RULE)
    install(monkeypatch)
    world.sweep({A: PASS, B: PASS})
    world.sweep({A: FAIL, B: PASS})
    loud = NOW_RULE.model_copy(update={"id": "loud"})
    calm = NOW_RULE.model_copy(update={"id": "calm", "count": 2})
    other = Rule(id="down", title="t", when="connection")
    done = {item.rule: item for item in replay([loud, calm, other], NOW, world.now)}
    assert (done["loud"].alerts, done["calm"].alerts) == (1, 0)
    assert done["loud"].channels == ("ops",) and done["loud"].total == 1
    assert "our own work" in done["down"].why_not
    assert not replay([loud], world.now + timedelta(hours=1), world.now + timedelta(hours=2))[0].messages
