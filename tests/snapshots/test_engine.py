"""A locked session reads what it is given and nothing else."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from proofwatch.snapshots.base import SnapshotError
from proofwatch.snapshots.engine import connect, identifier, lock, quote, single_select


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    path = tmp_path / "allowed's.parquet"
    duckdb.connect().execute(f"COPY (SELECT 1 AS one) TO {quote(str(path))}")
    return path


def test_reads_the_allowed_file_only(tmp_path: Path, parquet: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("a\n1\n")
    with connect(allowed=[parquet]) as session:
        assert session.execute(f"SELECT * FROM read_parquet({quote(str(parquet))})").fetchall() == [(1,)]
        for sql in (
            f"SELECT * FROM read_csv({quote(str(other))})",
            "SELECT * FROM read_text('/etc/passwd')",
            f"ATTACH {quote(str(tmp_path / 'x.db'))}",
            f"COPY (SELECT 1) TO {quote(str(tmp_path / 'y.csv'))}",
            "INSTALL httpfs",
            "SELECT * FROM glob('/etc/*')",
        ):
            with pytest.raises(duckdb.PermissionException):
                session.execute(sql)


@pytest.mark.parametrize(
    "setting",
    [
        "enable_external_access = true",
        "memory_limit = '9GB'",
        "allowed_paths = []",
        "TimeZone = 'Asia/Tokyo'",
    ],
)
def test_no_setting_can_be_changed_back(setting: str) -> None:
    with connect(allowed=[]) as session, pytest.raises(duckdb.InvalidInputException, match="locked"):
        session.execute(f"SET {setting}")


def test_sql_cannot_name_python_variables() -> None:
    secret = duckdb.sql("SELECT 42 AS hidden")
    assert secret.fetchall() == [(42,)]
    with connect(allowed=[]) as session, pytest.raises(duckdb.CatalogException):
        session.execute("SELECT * FROM secret")


def test_a_session_can_be_locked_after_it_was_filled() -> None:
    with connect() as session:
        session.execute("CREATE TABLE t AS SELECT 7 AS n")
        lock(session)
        assert session.execute("SELECT n FROM t").fetchall() == [(7,)]
        with pytest.raises(duckdb.PermissionException):
            session.execute("SELECT * FROM read_text('/etc/hosts')")


def test_works_in_utc_with_json_and_time_built_in() -> None:
    with connect(allowed=[]) as session:
        row = session.execute(
            "SELECT (TIMESTAMPTZ '2024-01-01 02:00:00+02')::VARCHAR, to_json({'a': 1})::VARCHAR"
        ).fetchone()
    assert row == ("2024-01-01 00:00:00+00", '{"a":1}')


def test_spills_into_its_folder_only(tmp_path: Path) -> None:
    big = "SELECT count(*) FROM (SELECT DISTINCT repeat(md5(i::VARCHAR), 20) FROM range(300000) t(i))"
    with connect("64MB") as session, pytest.raises(duckdb.OutOfMemoryException):
        session.execute(big)
    with connect("64MB", temp=tmp_path) as session:
        assert session.execute(big).fetchall() == [(300000,)]


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("", "found nothing"),
        ("SELECT 1; SELECT 2", "found 2 statements"),
        ("DROP TABLE x", "not DROP"),
        ("COPY (SELECT 1) TO 'x.csv'", "not COPY"),
        ("PRAGMA database_list", "only a SELECT"),
        ("SELECT FROM WHERE", "syntax error"),
    ],
)
def test_only_one_select_is_accepted(sql: str, problem: str) -> None:
    with connect(allowed=[]) as session, pytest.raises(SnapshotError, match=problem):
        single_select(session, sql, "running the query")


def test_a_select_is_returned_whole() -> None:
    with connect(allowed=[]) as session:
        assert single_select(session, "SELECT 'a;b' AS x -- c", "running").strip().startswith("SELECT 'a;b'")
        assert single_select(session, "WITH a AS (SELECT 1) SELECT * FROM a;", "running")


def test_quoting() -> None:
    name, text = 'a"b', "it's"
    assert duckdb.connect().execute(f"SELECT {quote(text)} AS {identifier(name)}").fetchall() == [(text,)]
