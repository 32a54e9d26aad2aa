"""The readings of a large sweep are an object, and whoever asks for them hears the same as of rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from proofwatch.evidence.named import named_in
from proofwatch.evidence.objects import LocalObjects
from proofwatch.store import reconcile
from proofwatch.store.models import Connection, ShardRead, Sweep
from proofwatch.store.services import reads, sweeps
from tests.store.samples import begun, connection, entries, outcome

PLACES = [(account, region) for account in ("1", "2", "é") for region in ("eu", "global", "us")]
FOUND = [
    sweeps.Read(
        account, region, table, rows=number % 3, calls=number, pages=1,
        reason="no right" if number % 5 == 2 else "", permission="ec2:Describe" if number % 5 == 2 else "",
        lacking=number % 4 == 1, lacking_why="tags: refused" if number % 4 == 1 else "",
    )
    for number, (table, (account, region)) in enumerate(
        (table, place) for table in ("a", "b", "c") for place in PLACES
    )
]  # fmt: skip


FAILED_OF_B = {"table": "b", "only": "failed"}


@pytest.fixture
def objects(tmp_path: Path) -> LocalObjects:
    return LocalObjects(tmp_path / "objects")


@pytest.fixture
def kept(
    database_url: str, objects: LocalObjects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Sweep]:
    """Return what keeps readings: as rows, or as an object with `large`."""

    def keep(owner: Connection, minutes: int, found: list[sweeps.Read], *, large: bool) -> Sweep:
        monkeypatch.setattr(reads, "LIMIT", 3 if large else 10_000)
        sweep = begun(owner, minutes)
        reads.keep(sweep, iter(found), len(found), objects, tmp_path)
        return Sweep.objects.get(pk=sweep.pk)

    return keep


def test_an_object_answers_as_rows_do(kept: Any, objects: LocalObjects) -> None:
    owner = connection()
    small, large = kept(owner, 1, FOUND, large=False), kept(owner, 2, FOUND, large=True)
    assert not small.reads_object and large.reads_object
    assert (ShardRead.objects.filter(sweep=small).count(), reads.totals(small)) == (27, (27, 5, 7))
    assert reads.totals(large) == reads.totals(small)
    for asked in (
        {},
        {"only": "failed"},
        {"only": "lacking"},
        {"table": "b"},
        {"table": "b", "only": "failed"},
    ):
        answers = [list(reads.of(sweep, objects, **asked)) for sweep in (small, large)]
        assert answers[0] == answers[1] and answers[0], asked
    assert list(reads.of(large, objects)) == FOUND
    assert reads.places(large, objects) == reads.places(small, objects)
    assert [place.failed for place in reads.places(large, objects)] == [1, 1, 1, 1, 1, 0, 0, 0, 0]
    for sweep in (small, large):
        sizes = reads.sizes(sweep, ["a", "c"], objects)
        assert {key: (size.calls, size.rows) for key, size in sizes("é").items()} == {
            (item.table, "é", item.region): (item.calls, item.rows)
            for item in FOUND
            if item.account_id == "é" and item.table != "b"
        }
        assert sizes("nobody") == {}
    assert reads.sizes(None, ["a"], objects)("1") == {}


def test_rows_stay_for_what_a_person_acts_on_and_of_each_table_some(
    kept: Any, objects: LocalObjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reads, "KEPT", 1)
    large = kept(connection(), 1, FOUND, large=True)
    assert [(row.table, row.account_id, row.region) for row in reads.rows(large, "failed")] == [
        ("a", "1", "us"), ("b", "2", "eu"), ("c", "2", "global"),
    ]  # fmt: skip
    assert len(reads.rows(large, "")) < 10
    assert reads.totals(large).failed == len(list(reads.of(large, objects, only="failed"))) == 5


def test_the_object_follows_from_the_readings_alone(objects: LocalObjects, tmp_path: Path) -> None:
    first = reads.write(FOUND, objects, tmp_path)
    assert reads.write(FOUND, objects, tmp_path) == first
    assert reads.write([*FOUND[:-1], replace(FOUND[-1], rows=9)], objects, tmp_path) != first
    rows = duckdb.sql(
        f"SELECT \"table\", state, reason FROM read_parquet('{objects.path(first)}')"
    ).fetchall()
    assert rows == [(item.table, item.state, item.reason) for item in FOUND]


def test_what_was_read_after_a_kill_is_no_longer_failed(
    kept: Any, objects: LocalObjects, tmp_path: Path
) -> None:
    large = kept(connection(), 1, FOUND, large=True)
    again = [replace(item, reason="", permission="") for item in FOUND]
    reads.keep(large, iter(again), len(again), objects, tmp_path)
    assert not reads.rows(large, "failed").exists()
    assert reads.totals(Sweep.objects.get(pk=large.pk)) == (27, 0, 7)


def test_the_manifest_names_the_object_so_evidence_goes_with_it(kept: Any, objects: LocalObjects) -> None:
    owner = connection()
    large = kept(owner, 1, FOUND, large=True)
    reconcile.apply(large, outcome({}, complete=False), objects, now=large.observed_at)
    manifest = objects.get(Sweep.objects.get(pk=large.pk).manifest)
    said = {"object": large.reads_object, "count": 27, "failed": 5, "lacking": 7}
    assert json.loads(manifest)["reads"] == said
    assert large.reads_object in named_in(manifest)
    (entry,) = entries("sweep.finished")
    assert (entry["data"]["reads"], entry["data"]["reads_failed"]) == (27, 5)
    assert entry["data"]["tables_failed"] == ["a", "b", "c"]


def test_a_manifest_up_to_the_limit_lists_them_as_before(kept: Any, objects: LocalObjects) -> None:
    small = kept(connection(), 1, FOUND, large=False)
    reconcile.apply(small, outcome({}, complete=False), objects, now=small.observed_at)
    listed = json.loads(objects.get(Sweep.objects.get(pk=small.pk).manifest))["reads"]
    assert [tuple(item) for item in listed] == [tuple(sorted(reconcile.READ))] * 27
    assert [item["table"] for item in listed] == [item.table for item in FOUND]
