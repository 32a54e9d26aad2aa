"""A state with archived months, in another database: the same partitions, and keys that go on."""

from __future__ import annotations

from pathlib import Path

from proofwatch.evidence.verify import verify_log
from proofwatch.store import django as store
from proofwatch.store import log, moving
from proofwatch.store.history import asking, bring, verify
from proofwatch.store.models import CoverageGap, FindingEvent, HistoryPartition
from tests.store.everything import KEY
from tests.store.history.samples import NOW, OLD, A, World, everything
from tests.store.history.test_asking import ALL


def test_a_state_that_moved_has_its_partitions_and_gives_no_key_twice(
    database_url: str, other_url: str, tmp_path: Path
) -> None:
    world = World(tmp_path)
    first = world.months()[0]
    whole, rows = everything(), sorted(asking.query(ALL, database_url, world.objects)[1])
    world.archive()
    CoverageGap.objects.all().delete()  # As if all months had left.
    log.sign_checkpoint(KEY)
    before = list(HistoryPartition.objects.order_by("pk").values())
    store.setup(other_url)
    moving.move(database_url, [KEY.vkey], actor="olga", now=NOW, progress=lambda stage, done, total: None)
    assert list(HistoryPartition.objects.order_by("pk").values()) == before
    gap = CoverageGap.objects.create(sweep=first, account_id="9", region="r", reason="new")
    assert gap.pk == HistoryPartition.objects.get(table="coverage_gap").last_id + 1
    gap.delete()
    bring.bring(OLD, world.objects, actor="olga", now=NOW)
    found = everything()
    assert found["check_run"] == whole["check_run"]
    assert found["finding_event"] == whole["finding_event"]
    last = max(row["id"] for row in whole["finding_event"])
    world.sweep(NOW, {A: ("fail", "again")})
    assert FindingEvent.objects.order_by("pk").last().pk > last
    seen = sorted(asking.query(ALL, other_url, world.objects, last=OLD)[1])
    assert set(map(tuple, seen)) < set(map(tuple, rows))
    assert verify.verify(other_url, world.objects).wrong == []


def test_verifying_the_log_proves_the_objects_of_partitions(database_url: str, tmp_path: Path) -> None:
    world = World(tmp_path)
    world.months()
    [*_, last] = world.archive()
    log.sign_checkpoint(KEY)
    assert not any(
        last.digest in text for text in verify_log(log.DjangoLog(), [KEY.vkey], world.objects).wrong
    )
    world.objects.name(last.digest).unlink()
    found = verify_log(log.DjangoLog(), [KEY.vkey], world.objects).wrong
    assert any(last.digest in text for text in found)
