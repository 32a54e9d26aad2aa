"""What was archived is proven; a row that was forged or left out is found and named."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proofwatch.checks.base import UnreadPlace
from proofwatch.evidence.verify import Report
from proofwatch.store import reconcile
from proofwatch.store.history import bring
from proofwatch.store.history.verify import hold, verify
from proofwatch.store.models import CheckRun, CoverageGap, ShardRead
from proofwatch.store.outcome import Outcome
from proofwatch.store.services import sweeps
from tests.store.history import samples
from tests.store.history.forging import forged, without_triggers
from tests.store.history.samples import NOW, OLD, World
from tests.store.samples import HERE, THERE


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> World:
    made = World(tmp_path)
    made.first = made.months()[0]  # type: ignore[attr-defined]
    return made


def test_what_was_archived_is_proven(world: World, database_url: str) -> None:
    at = OLD.first.replace(day=5)
    failed = sweeps.begin(sweeps.plan(world.owner, slot=at, trigger="manual", actor="x", now=at), now=at)
    sweeps.record_reads(failed, [sweeps.Read(*HERE, "aws_ec2_volume", rows=1)])
    sweeps.fail(failed, error="the disk was full", now=at, actor="x")
    world.archive()
    report = verify(database_url, world.objects)
    assert report.wrong == []
    assert report.proven == [
        "6 partitions are those that the log names",
        "2025-01: 6 objects have the 15 rows that were archived",
        "2025-01: 15 rows of 2 sweeps are those of the sweeps' manifests",
    ]
    assert "2025-01: 1 rows of sweeps that were never applied, and so have no manifest" in report.unproven
    bring.bring(OLD, world.objects, actor="ana", now=NOW)
    assert verify(database_url, world.objects, OLD).wrong == []


def test_a_row_that_was_changed_before_it_was_archived_is_named(world: World, database_url: str) -> None:
    CheckRun.objects.filter(sweep=world.first).update(failed=0, passed=3)
    ShardRead.objects.filter(sweep=world.first, state="failed").update(state="complete", reason="")
    CoverageGap.objects.filter(sweep=world.first).delete()
    world.archive()
    sweep = f"sweep {world.first.pk}"
    place = "aws_ec2_volume 111111111111 us-east-1"
    assert sorted(verify(database_url, world.objects).wrong) == [
        f"check_run of 2025-01, {sweep}: aws.ec2.ebs-volume-encrypted: its failed is 0, and was 2",
        f"check_run of 2025-01, {sweep}: aws.ec2.ebs-volume-encrypted: its passed is 3, and was 1",
        f"coverage_gap of 2025-01, {sweep}: 222222222222 eu-west-1 is missing",
        f"shard_read of 2025-01, {sweep}: {place}: its reason is '', and was 'denied “✓”'",
        f"shard_read of 2025-01, {sweep}: {place}: its state is 'complete', and was 'failed'",
    ]


def test_unread_places_that_are_an_object_of_their_own_are_held_as_well(
    world: World, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual, unread = samples.outcome, UnreadPlace(*THERE, "denied", "ec2:DescribeVolumes")

    def lacking(*given: Any, **values: Any) -> Outcome:
        found = usual(*given, **values)
        return replace(found, checks=tuple(replace(item, unread=(unread,)) for item in found.checks))

    monkeypatch.setattr(reconcile, "UNREAD", 0)
    monkeypatch.setattr(samples, "outcome", lacking)
    runs = [world.sweep(OLD.first.replace(day=day), {samples.A: samples.PASS}) for day in (23, 24)]
    body = json.loads(world.objects.get(runs[0].manifest))
    assert body["checks"][0]["unread"]["count"] == 1
    CheckRun.objects.filter(sweep=runs[1]).update(unread=[])
    world.archive()
    [wrong] = verify(database_url, world.objects).wrong
    assert wrong.startswith(f"check_run of 2025-01, sweep {runs[1].pk}") and "its unread is []" in wrong


def test_a_reading_that_nobody_made_is_named(world: World, database_url: str) -> None:
    ShardRead.objects.create(sweep=world.first, account_id="9", region="r", table="t", state="complete")
    world.archive()
    [wrong] = verify(database_url, world.objects).wrong
    assert wrong.endswith("t 9 r is not in the manifest")


def test_an_event_that_was_left_out_or_changed_is_named(world: World, database_url: str) -> None:
    without_triggers("DELETE FROM store_findingevent WHERE kind = %s", ["restored"])
    without_triggers("UPDATE store_findingevent SET reason = %s WHERE kind = 'opened'", ["a trifle"])
    world.archive()
    wrong = [text.partition(": ")[2] for text in verify(database_url, world.objects).wrong]
    assert len(wrong) == 3
    assert sum(text.endswith("restored is missing") for text in wrong) == 1
    assert sum(text.endswith("its reason is 'a trifle', and was 'not encrypted'") for text in wrong) == 2


def test_another_object_with_forged_rows_is_found_and_its_rows_named(world: World, database_url: str) -> None:
    world.archive()
    forged(world, "check_run", {"failed": 0})
    forged(world, "shard_read", {}, drop=1)
    wrong = verify(database_url, world.objects, OLD).wrong
    assert len(wrong) == 4
    assert "check_run of 2025-01: its content, object is not what entry" in wrong[0] + wrong[1]
    assert any("its failed is 0, and was 2" in text for text in wrong)
    assert any(text.endswith(f"aws_ec2_volume {' '.join(THERE)} is missing") for text in wrong)
    report = Report()
    hold(report)
    assert len(report.wrong) == 2 and report.proven == []


def test_a_damaged_object_is_found_and_the_others_are_proven(world: World, database_url: str) -> None:
    made = {item.table: item for item in world.archive()}
    path = world.objects.name(made["check_run"].digest)
    path.chmod(0o644)
    path.write_bytes(b"PAR1")
    world.objects.name(made["coverage_gap"].digest).unlink()
    report = verify(database_url, world.objects)
    assert [text.partition(": object")[0] for text in report.wrong] == [
        "check_run of 2025-01", "coverage_gap of 2025-01",
    ]  # fmt: skip
    assert any("rows of 2 sweeps are those" in text for text in report.proven)


def test_a_partition_that_the_database_forgot_or_made_up_is_found(world: World, database_url: str) -> None:
    world.archive()
    without_triggers('DELETE FROM store_historypartition WHERE "table" = %s', ["check_run"])
    without_triggers('UPDATE store_historypartition SET entry = 0 WHERE "table" = %s', ["shard_read"])
    wrong = verify(database_url, world.objects).wrong
    assert any("the database knows no such partition" in text for text in wrong)
    assert any("shard_read of 2025-01: no entry archived it" in text for text in wrong)
    assert sum("ebs-volume-encrypted is missing" in text for text in wrong) == 2


def test_of_very_many_readings_the_rows_are_those_of_the_object_that_the_manifest_names(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from proofwatch.store.services import reads

    monkeypatch.setattr(reads, "LIMIT", 1)
    world = World(tmp_path)
    first = world.months()[0]
    assert [row.state for row in ShardRead.objects.filter(sweep=first)] == ["failed"]
    world.archive()
    assert verify(database_url, world.objects).wrong == []
    forged(world, "shard_read", {"reason": "a trifle"})
    assert (
        verify(database_url, world.objects)
        .wrong[-1]
        .endswith("its reason is 'a trifle', and was 'denied “✓”'")
    )
