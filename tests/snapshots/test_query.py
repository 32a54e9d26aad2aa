"""A person's SELECT runs over proven tables; nothing else runs, and every refusal says why."""

from __future__ import annotations

import time
from typing import Any

import pytest

from proofwatch.snapshots.base import SnapshotError
from proofwatch.snapshots.query import query
from tests.snapshots.samples import row
from tests.snapshots.test_commit import NORTH, Bench, volumes

ROWS = [
    row(
        1,
        region="north",
        size=7,
        created="2026-01-02T03:04:05Z",
        expires="2026-02-03",
        tags={"Name": "x"},
        policy={"a": [1]},
        attachments=[{"instance_id": "i-1"}],
    ),
    *volumes("north", 1)[:1],
]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    bench = Bench(tmp_path_factory.mktemp("query"))
    bench.sweep({NORTH: ROWS})
    return bench


def ask(bench: Bench, sql: str, limit: int = 100, **more: Any) -> tuple[list[str], list[list[Any]]]:
    assert bench.state is not None
    tables = {"aws_ec2_volume": bench.state.manifest, "aws_s3_bucket": "0" * 64}
    return query(sql, tables, bench.objects, bench.cache, limit, **more)


def test_values_come_back_plain(bench: Bench) -> None:
    columns, rows = ask(
        bench,
        "SELECT size, created, expires, tags, policy, attachments, sum(size) OVER () AS total, "
        "1.5::DECIMAL(4,2) AS d, 'nan'::DOUBLE AS n FROM AWS_EC2_Volume WHERE size = $$7$$::INT -- all",
    )
    assert columns == ["size", "created", "expires", "tags", "policy", "attachments", "total", "d", "n"]
    assert rows == [
        [
            7,
            "2026-01-02T03:04:05Z",
            "2026-02-03",
            {"Name": "x"},
            '{"a":[1]}',
            [{"instance_id": "i-1", "end": None, "attached": None}],
            7,
            1.5,
            "nan",
        ]
    ]


def test_limit_cuts(bench: Bench) -> None:
    assert ask(bench, "SELECT * FROM range(1000000)", 3)[1] == [[0], [1], [2]]


def test_only_tables_that_are_named_are_rebuilt(bench: Bench) -> None:
    assert ask(bench, "WITH v AS (SELECT count(*) AS n FROM aws_ec2_volume) SELECT n FROM v")[1] == [[2]]
    with pytest.raises(SnapshotError, match="0000"):
        ask(bench, "SELECT * FROM aws_s3_bucket")


@pytest.mark.parametrize(
    ("sql", "problem", "remedy"),
    [
        ("SELECT * FROM aws_ec2_volum", "there is no table aws_ec2_volum", "Did you mean aws_ec2_volume"),
        ("SELECT * FROM zzz", "there is no table zzz", "snapshot tables"),
        ("SELECT siz FROM aws_ec2_volume", '"size"', "Mend"),
        ("SELECT FROM WHERE", "LINE 1", "Mend"),
        ("DELETE FROM aws_ec2_volume", "only a SELECT can be run here, not DELETE", "read-only"),
        ("SELECT 1; DROP TABLE x", "found 2 statements", "exactly one"),
        ("COPY aws_ec2_volume TO '/tmp/x.csv'", "not COPY", "read-only"),
        ("ATTACH '/tmp/x.db'", "only a SELECT", "read-only"),
        ("SET memory_limit = '9GB'", "only a SELECT", "read-only"),
        ("SELECT * FROM read_text('/etc/passwd')", "reaches for a file", "collected tables"),
        ("SELECT * FROM read_csv('https://example.com/x.csv')", "reaches for a file", "collected tables"),
        ("SELECT * FROM glob('/etc/*')", "reaches for a file", "collected tables"),
        ("SELECT CAST('x' AS INTEGER)", "Could not convert", "Mend"),
    ],
)
def test_refusals_say_what_is_wrong(bench: Bench, sql: str, problem: str, remedy: str) -> None:
    with pytest.raises(SnapshotError) as caught:
        ask(bench, sql)
    assert problem in caught.value.problem
    assert remedy in caught.value.remedy


def test_a_slow_query_is_stopped(bench: Bench) -> None:
    began = time.monotonic()
    with pytest.raises(SnapshotError, match=r"stopped after 1\.5 s"):
        ask(
            bench,
            "SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range % 7 = b.range % 5",
            seconds=1.5,
        )
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT length(repeat('x', 3000000000))",
        "SELECT list(repeat('x', 1000) || range) FROM range(3000000)",
        "SELECT repeat('x', 70000000)",
    ],
)
def test_a_query_that_needs_too_much_memory_is_refused(bench: Bench, sql: str) -> None:
    with pytest.raises(SnapshotError, match="more memory than a query may use"):
        ask(bench, sql)


def test_sql_cannot_see_this_process(bench: Bench) -> None:
    for sql in ("SELECT getenv('HOME')", "SELECT * FROM order_", "SELECT * FROM sys"):
        with pytest.raises(SnapshotError):
            ask(bench, sql)
    assert ask(bench, "SELECT * FROM duckdb_secrets()")[1] == []
