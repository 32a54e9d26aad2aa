"""Rows are staged in the order of their keys, whatever is put together, and wherever they come from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest

from proofwatch.connectors.base import Column, Row
from proofwatch.snapshots import sorting, staging
from proofwatch.snapshots.base import Part, SnapshotError, State
from proofwatch.snapshots.commit import commit
from proofwatch.snapshots.rebuild import TABLE
from proofwatch.snapshots.spool import write_part
from tests.snapshots.samples import FolderObjects, row, table

PLACES = [("1", "north"), ("1", "south"), ("2", "east"), ("2", "north"), ("10", "north"), ("é", "north")]


def rows(place: tuple[str, str], word: str = "") -> list[Row]:
    """Return rows in no order, a different number in each place; none in one of them."""
    many = 0 if place == PLACES[3] else 20 + 7 * PLACES.index(place)
    account, region = place
    return [
        row((number * 37) % many, account=account, region=region, state=f"{word}{number}", size=number)
        for number in range(many)
    ]


class Sweeps:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.objects = FolderObjects(root / "objects")
        self.cache = root / "cache"
        self.number = 0
        self.state: State | None = None

    def run(self, read: Sequence[tuple[str, str]], word: str, *extra: Column) -> State:
        self.number += 1
        folder = self.root / f"sweep-{self.number}"
        folder.mkdir()
        declared = table(*extra)
        parts = [write_part(folder, declared, *place, rows(place, word)) for place in read]
        unread = [place for place in PLACES if place not in read]
        self.state = commit(
            declared, "c", parts, unread, self.state, self.objects, folder, "2026-11", cache=self.cache
        )
        return self.state


def three(root: Path) -> tuple[list[State], set[str], list[tuple[str, str, str]]]:
    root.mkdir()
    sweeps = Sweeps(root)
    states = [
        sweeps.run(PLACES, "a"),
        sweeps.run([PLACES[5], PLACES[0], PLACES[2]], "b"),
        sweeps.run(PLACES[1:2], "c", Column("added", "BIGINT")),
    ]
    with duckdb.connect() as session:
        path = sweeps.cache / states[-1].manifest / TABLE
        found = session.execute(f"SELECT account_id, region, resource FROM '{path}'").fetchall()
    return states, {path.name for path in sweeps.objects.folder.iterdir()}, found


@pytest.mark.parametrize(("shelf", "files"), [(1, 500), (3_000, 500), (32_000_000, 2)])
def test_the_same_states_however_much_is_put_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shelf: int, files: int
) -> None:
    usual = three(tmp_path / "usual")
    monkeypatch.setattr(staging, "SHELF", shelf)
    monkeypatch.setattr(staging, "_FILES", files)
    assert three(tmp_path / "other") == usual
    assert usual[2] == sorted(usual[2])
    assert len(usual[2]) == sum(len(rows(place)) for place in PLACES)


def test_wide_rows_of_one_place_give_the_same_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = three(tmp_path / "usual")
    monkeypatch.setattr(staging, "SHELF", 1)
    monkeypatch.setattr(sorting, "SHELF", 500)
    monkeypatch.setattr(sorting, "_WIDE", 1)
    assert three(tmp_path / "other") == usual


def test_a_file_that_lost_rows_is_refused(tmp_path: Path) -> None:
    part = write_part(tmp_path, table(), *PLACES[0], rows(PLACES[0]))
    lines = part.path.read_bytes().splitlines(keepends=True)
    part.path.write_bytes(b"".join(lines[1:]))
    objects = FolderObjects(tmp_path / "objects")
    with pytest.raises(SnapshotError, match="does not hold the 20 rows"):
        commit(table(), "c", [part], [], None, objects, tmp_path / "work", "2026-11")


def test_rows_of_another_place_are_refused(tmp_path: Path) -> None:
    part = write_part(tmp_path, table(), *PLACES[0], rows(PLACES[0]))
    other = write_part(tmp_path, table(), *PLACES[1], rows(PLACES[1]))
    part.path.write_bytes(part.path.read_bytes() + other.path.read_bytes())
    wrong = Part(part.table, part.account_id, part.region, part.path, part.rows)
    objects = FolderObjects(tmp_path / "objects")
    with pytest.raises(SnapshotError, match="rows of another place"):
        commit(table(), "c", [wrong], [], None, objects, tmp_path / "work", "2026-11")
