"""What is sorted shelf by shelf is what the engine would have sorted, byte for byte."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from proofwatch.snapshots import sorting
from proofwatch.snapshots.canon import PARQUET
from proofwatch.snapshots.engine import connect
from proofwatch.snapshots.sorting import Extent, sorted_copy

ROWS = 5_000
SELECT = (
    "SELECT i AS idx, format('{:05}', (i * 7919) % 5000) AS name, i % 3 = 0 AS flag, "
    "MAP {'a': i::VARCHAR} AS tags, to_json({b: i}) AS body FROM range(5000) t(i)"
)
COLUMNS = "idx, name, flag, tags, body"


@pytest.fixture
def session(tmp_path: Path) -> duckdb.DuckDBPyConnection:
    (tmp_path / "spill").mkdir()
    return connect(temp=tmp_path / "spill")


@pytest.mark.parametrize("by", ["name", "flag, idx"])
@pytest.mark.parametrize("options", [PARQUET, "FORMAT json, COMPRESSION gzip"])
def test_the_same_file_whatever_way(
    session: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str, options: str
) -> None:
    extent = Extent(ROWS, ROWS * 5_000)
    sorted_copy(session, SELECT, COLUMNS, by, tmp_path / "plain", options, extent)
    monkeypatch.setattr(sorting, "SHELF", extent.size // 7)
    monkeypatch.setattr(sorting, "_WAITING", extent.size // 20)
    assert not extent.plain
    sorted_copy(session, SELECT, COLUMNS, by, tmp_path / "shelves", options, extent)
    assert (tmp_path / "shelves").read_bytes() == (tmp_path / "plain").read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"plain", "shelves", "spill"}


def test_narrow_rows_are_left_to_the_engine() -> None:
    assert Extent(10_000_000, 5_000_000_000).plain
    assert not Extent(100_000, 1_000_000_000).plain
    assert Extent(0, 0).plain


def test_a_share_is_as_wide_as_the_whole() -> None:
    assert Extent(1000, 5_000_000).share(10) == Extent(10, 50_000)
    assert Extent(0, 0).share(3) == Extent(3, 0)
