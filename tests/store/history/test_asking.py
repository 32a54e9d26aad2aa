"""One SELECT sees every row once, however far an archiving came."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from proofwatch.snapshots.base import SnapshotError
from proofwatch.store.history import archive, asking, bring
from proofwatch.store.history.base import HISTORY, Month
from tests.store.history.samples import NEXT, NOW, OLD, World
from tests.store.history.test_archive import Killed

ALL = " UNION ALL ".join(f"SELECT '{name}' AS name, id FROM {name}" for name in HISTORY)


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> World:
    made = World(tmp_path)
    made.months()
    return made


def ask(world: World, url: str, sql: str, **values: Any) -> list[list[Any]]:
    return asking.query(sql, url, world.objects, **values)[1]


def test_every_row_is_seen_once_before_while_and_after_it_leaves(
    world: World, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sorted(ask(world, database_url, ALL))
    assert len(before) == 4 * 6 + 4

    def look(stage: str, done: int, total: int) -> None:
        if (stage, done) == ("check_run of 2025-01", 1):
            assert sorted(ask(world, database_url, ALL)) == before

    monkeypatch.setattr(archive, "BATCH", 1)
    archive.archive(OLD, world.objects, actor="ana", now=NOW, progress=look)
    assert sorted(ask(world, database_url, ALL)) == before

    def die(stage: str, done: int, total: int) -> None:
        raise Killed

    with pytest.raises(Killed):
        bring.bring(OLD, world.objects, actor="ana", now=NOW, progress=die)
    assert sorted(ask(world, database_url, ALL)) == before
    bring.bring(OLD, world.objects, actor="ana", now=NOW)
    assert sorted(ask(world, database_url, ALL)) == before


def test_rows_are_as_they_were_and_can_be_joined(world: World, database_url: str) -> None:
    sql = (
        'SELECT c.name, s.observed_at, r.failed, r.params, g.account_name, d.reason, d."table" '
        "FROM check_run r "
        "JOIN sweep s ON s.id = r.sweep_id JOIN connection c ON c.id = r.connection_id "
        "JOIN coverage_gap g ON g.sweep_id = s.id JOIN shard_read d ON d.sweep_id = s.id "
        "WHERE d.state = 'failed' ORDER BY s.observed_at"
    )
    before = ask(world, database_url, sql)
    assert before[0] == [
        "prod", "2025-01-10T00:00:00Z", 2, "{}", "Ünï", "denied “✓”", "aws_ec2_volume",
    ]  # fmt: skip
    world.archive()
    assert ask(world, database_url, sql) == before


def test_months_bound_what_is_read(world: World, database_url: str) -> None:
    world.archive()
    count = "SELECT count(*) FROM check_run"
    assert ask(world, database_url, count, first=NEXT) == [[2]]
    assert ask(world, database_url, count, last=OLD) == [[2]]
    assert ask(world, database_url, count, first=Month(2025, 3), last=Month(2025, 3)) == [[0]]


REFUSED = {
    "DELETE FROM check_run": "only a SELECT",
    "SELECT * FROM check_runs": "Did you mean check_run",
    "SELECT settings FROM connection": "settings",
    "SELECT * FROM read_csv('/etc/passwd')": "reaches for a file",
    "SELECT * FROM zzz": "There are shard_read, coverage_gap",
}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_may_not_be_asked_is_said(world: World, database_url: str) -> None:
    for sql, said in REFUSED.items():
        with pytest.raises(SnapshotError, match=said):
            ask(world, database_url, sql)
