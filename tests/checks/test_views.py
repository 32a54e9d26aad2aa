# ruff: noqa: E501 - what is shown to the user stands here on one line
"""Views: what may stand in them, and how they become rows that can be judged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from proofwatch.checks.base import CheckError, Counts, TableInput, UnreadPlace
from proofwatch.checks.outcome import Evaluation
from tests.checks.kit import ACCOUNT, HERE, NOW, REGION, catalog, evaluate, source, statuses, text

HEAD = "-- about: Volumes with their keys.\n-- key: account_id, region, resource\n"
KEYED = HEAD + (
    "SELECT v.account_id, v.region, v.resource, v.volume_id, count(k.resource) AS keys\n"
    "FROM volume v LEFT JOIN key k USING (account_id, region) GROUP BY ALL"
)
CHECK = text(
    table="volume_keys",
    passes="keys > 0",
    on_pass='"{volume_id} has {keys}"',
    on_fail='"{volume_id} has none"',
    cases="""
cases:
  - {name: some, given: {keys: 2}, expect: pass}
  - {name: none, given: {keys: 0}, expect: fail}
  - {name: unknown, given: {keys: null}, expect: inconclusive}
""",
)


def test_a_view_knows_its_tables_columns_and_anchor(tmp_path: Path) -> None:
    view = catalog(tmp_path, {"volume_keys": KEYED}, a__b=CHECK).views["volume_keys"]
    assert (view.about, view.tables, view.anchor) == ("Volumes with their keys.", ("volume", "key"), "volume")
    assert view.columns[3:] == (("volume_id", "VARCHAR"), ("keys", "BIGINT"))
    assert len(view.version) == 64


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (KEYED.replace("-- about: Volumes with their keys.\n", ""), "1: about: is missing: begin with a line `-- about: what a row is`"),
        (KEYED.replace("-- key: account_id, region, resource\n", ""), "1: key: is missing: add a line `-- key: account_id, region, resource`"),
        (KEYED.replace("-- key: account_id, ", "-- key: "), "2: key: must be account_id, region, resource, not region, resource"),
        (HEAD + "SELEC 1", '3: Parser Error: syntax error at or near "SELEC"'),
        (HEAD + "SELECT 1; SELECT 2", "1: expected one SELECT, found 2 statements"),
        (HEAD + "ATTACH '/tmp/x.db' AS x", "1: only a SELECT can be run here, not ATTACH"),
        (HEAD + "COPY volume TO '/tmp/x.csv'", "1: only a SELECT can be run here, not COPY"),
        (HEAD + "DROP TABLE volume", "1: only a SELECT can be run here, not DROP"),
        (HEAD + "SELECT * FROM volumes", "1: there is no table 'volumes'; did you mean 'volume'?"),
        (HEAD + "SELECT * FROM '/etc/passwd'", "1: there is no table '/etc/passwd'"),
        (HEAD + "SELECT * FROM read_csv('/etc/passwd')", "1: read_csv() cannot be used here: a view reads tables"),
        (HEAD + "SELECT *, (SELECT content FROM read_text('/etc/passwd')) FROM volume", "1: read_text() cannot be used here: a view reads tables"),
        (HEAD + "SELECT * FROM duckdb_settings()", "1: duckdb_settings() cannot be used here: a view reads tables"),
        (HEAD + "SELECT * FROM information_schema.tables", "1: information_schema.tables cannot be named with a schema"),
        (HEAD + "SELECT *, random() AS r FROM volume", "1: random() cannot be used here: it gives another answer at every run"),
        (HEAD + "SELECT *, now() AS r FROM volume", "1: now() gives another answer at every run: use $now, the time of observation"),
        (HEAD + "SELECT * FROM volume WHERE size > $size", "1: a view has no parameters"),
        (HEAD + "SELECT account_id, region FROM volume", "1: the SELECT does not yield the key column resource"),
        (HEAD + "SELECT account_id, 1 AS region, resource FROM volume", "1: the key column region must be VARCHAR, but is INTEGER"),
        (HEAD + "SELECT account_id, region, resource, 1 AS idx FROM volume", "1: idx is the engine's own column: give it another name"),
        (HEAD + "SELECT account_id,\n  region, resource, nope FROM volume", '4: Binder Error: Referenced column "nope" not found in FROM clause!'),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_view_is_said_with_its_line(tmp_path: Path, sql: str, expected: str) -> None:
    with pytest.raises(CheckError) as caught:
        catalog(tmp_path, {"volume_keys": sql}, a__b=CHECK)
    lines = caught.value.problem.splitlines()[1:]
    prefix = str(tmp_path / "views/volume_keys.sql") + ":"
    assert prefix + expected in lines
    assert all(line.startswith(prefix) for line in lines), "what uses a broken view is not complained about"


def test_a_view_cannot_take_the_name_of_a_table(tmp_path: Path) -> None:
    with pytest.raises(CheckError, match="'key' is the name of a table: rename the file"):
        catalog(tmp_path, {"key": KEYED}, a__b=text())


def test_a_view_changes_the_version_of_its_checks(tmp_path: Path) -> None:
    one = catalog(tmp_path / "1", {"volume_keys": KEYED}, a__b=CHECK).checks["a.b"]
    two = catalog(tmp_path / "2", {"volume_keys": KEYED + " ORDER BY 1"}, a__b=CHECK).checks["a.b"]
    assert one.version != two.version


def judge(folder: Path, sql: str, **inputs: TableInput) -> Evaluation:
    found = catalog(folder, {"volume_keys": sql}, a__b=CHECK)
    (folder / "out").mkdir(exist_ok=True)
    return evaluate(found, list(found.checks.values()), inputs, {}, NOW, folder / "out")


def rows_of(found: Evaluation) -> list[tuple[Any, ...]]:
    with duckdb.connect() as session:
        return session.execute(f"SELECT idx, resource FROM '{found.tables['volume_keys'].rows}'").fetchall()


def test_a_view_is_judged_with_the_idx_of_its_anchor(tmp_path: Path) -> None:
    volumes = source(
        tmp_path,
        "volume",
        [{"idx": 70, "volume_id": "v1"}, {"idx": 3, "volume_id": "v2", "region": "us"}],
        [*HERE, (ACCOUNT, "us")],
    )
    keys = source(tmp_path, "key", [{"enabled": True}], [*HERE, (ACCOUNT, "us")])
    found = judge(tmp_path, KEYED, volume=volumes, key=keys)
    assert statuses(found) == {
        ("a.b", "volume/0"): ("pass", "v1 has 1"),
        ("a.b", "volume/1"): ("fail", "v2 has none"),
    }
    assert rows_of(found) == [(3, "volume/1"), (70, "volume/0")]


def test_without_an_anchor_the_idx_is_made_from_the_key(tmp_path: Path) -> None:
    sql = (
        HEAD
        + "SELECT account_id, region, upper(resource) AS resource, min(volume_id) AS volume_id, count(*) AS keys FROM volume GROUP BY ALL"
    )
    sql = sql.replace("FROM volume", "FROM (SELECT * FROM volume)")
    first = judge(tmp_path / "1", sql, volume=source(make(tmp_path / "1"), "volume", [{}, {}]))
    second = judge(
        tmp_path / "2",
        sql,
        volume=source(make(tmp_path / "2"), "volume", [{"idx": 9, "resource": "volume/1"}]),
    )
    one, two = dict(map(reversed, rows_of(first))), dict(map(reversed, rows_of(second)))  # type: ignore[arg-type]
    assert one["VOLUME/1"] == two["VOLUME/1"] and one["VOLUME/0"] != one["VOLUME/1"]
    assert 0 <= one["VOLUME/1"] < 2**60
    assert first.checks["a.b"].counts == Counts(passed=2)


def make(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def test_a_key_twice_is_an_error_of_the_view(tmp_path: Path) -> None:
    sql = KEYED.replace("count(k.resource) AS keys", "1 AS keys").replace("GROUP BY ALL", "")
    found = judge(
        tmp_path, sql, volume=source(tmp_path, "volume", [{}]), key=source(tmp_path, "key", [{}, {}])
    )
    assert statuses(found)["a.b", None] == (
        "inconclusive",
        f"cannot tell: the view volume_keys gives the row {ACCOUNT} {REGION} volume/0 more than once",
    )


def test_an_unread_table_makes_the_view_inconclusive_there_only(tmp_path: Path) -> None:
    places = [*HERE, (ACCOUNT, "us")]
    volumes = source(tmp_path, "volume", [{"volume_id": "v1"}, {"volume_id": "v2", "region": "us"}], places)
    keys = source(
        tmp_path,
        "key",
        [{"enabled": True}],
        HERE,
        [UnreadPlace(ACCOUNT, "us", "AccessDenied", "kms:ListKeys")],
    )
    found = judge(tmp_path, KEYED, volume=volumes, key=keys)
    assert statuses(found) == {
        ("a.b", None): (
            "inconclusive",
            "cannot tell: volume_keys was not read (key: AccessDenied, needs kms:ListKeys)",
        ),
        ("a.b", "volume/0"): ("pass", "v1 has 1"),
    }


def test_a_table_that_nobody_read_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    found = judge(tmp_path, KEYED, volume=source(tmp_path, "volume", [{"volume_id": "v1"}]))
    assert statuses(found) == {
        ("a.b", None): ("inconclusive", "cannot tell: volume_keys was not read (key was not read there)")
    }


def test_a_global_table_unread_taints_every_region_of_its_account(tmp_path: Path) -> None:
    sql = KEYED.replace("key k USING (account_id, region)", "account k USING (account_id)")
    places = [(ACCOUNT, "eu"), (ACCOUNT, "us"), ("2", "eu")]
    volumes = source(
        tmp_path,
        "volume",
        [{"region": "eu"}, {"region": "us"}, {"region": "eu", "account_id": "2", "volume_id": "v3"}],
        places,
    )
    accounts = source(
        tmp_path,
        "account",
        [{"account_id": "2", "region": "global"}],
        [("2", "global")],
        [UnreadPlace(ACCOUNT, "global", "AccessDenied")],
    )
    found = judge(tmp_path, sql, volume=volumes, account=accounts)
    assert [(r.account_id, r.region, r.status) for r in found.checks["a.b"].about] == [
        (ACCOUNT, "eu", "inconclusive"), (ACCOUNT, "us", "inconclusive")
    ]  # fmt: skip
    assert found.checks["a.b"].counts == Counts(passed=1, inconclusive=2)


def test_a_global_row_needs_every_region(tmp_path: Path) -> None:
    sql = (
        KEYED.replace("volume v", "account v")
        .replace("key k USING (account_id, region)", "key k USING (account_id)")
        .replace("v.volume_id", "v.plan AS volume_id")
    )
    accounts = source(tmp_path, "account", [{"region": "global", "plan": "p"}], [(ACCOUNT, "global")])
    keys = source(tmp_path, "key", [{}], HERE)
    assert judge(tmp_path, sql, account=accounts, key=keys).checks["a.b"].counts == Counts(passed=1)
    gap = replace(keys, unread=(UnreadPlace(ACCOUNT, "us", "timed out"),))
    found = judge(tmp_path, sql, account=accounts, key=gap)
    assert statuses(found) == {
        ("a.b", None): ("inconclusive", "cannot tell: volume_keys was not read (key: timed out)")
    }


def test_rows_of_unread_places_do_not_leak_into_a_view(tmp_path: Path) -> None:
    """The snapshot still holds what an earlier sweep read of a place that could not be read now."""
    keys = source(tmp_path, "key", [{"region": "us"}], HERE)
    sql = KEYED.replace("USING (account_id, region)", "USING (account_id)")
    found = judge(tmp_path, sql, volume=source(tmp_path, "volume", [{"volume_id": "v1"}]), key=keys)
    assert statuses(found) == {("a.b", "volume/0"): ("fail", "v1 has none")}


def test_a_view_that_yields_nothing_is_an_empty_population(tmp_path: Path) -> None:
    found = judge(tmp_path, KEYED, volume=source(tmp_path, "volume", []), key=source(tmp_path, "key", []))
    assert statuses(found) == {
        ("a.b", None): ("not_applicable", f"No volume_keys in account {ACCOUNT}, region {REGION}")
    }


def test_a_view_may_hand_on_what_was_not_read(tmp_path: Path) -> None:
    sql = (
        HEAD
        + "SELECT account_id, region, resource, volume_id, size AS keys, MAP {'keys': _unread['size']} AS _unread FROM volume"
    )
    found = judge(tmp_path, sql, volume=source(tmp_path, "volume", [{"_unread": {"size": "AccessDenied"}}]))
    assert statuses(found)["a.b", "volume/0"] == (
        "inconclusive",
        "cannot tell: keys was not read (AccessDenied)",
    )


def test_a_view_that_got_past_validation_finds_the_session_locked(tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    found = catalog(tmp_path, {"volume_keys": KEYED}, a__b=CHECK)
    evil = replace(
        found.views["volume_keys"], sql=f"SELECT v.*, 1 AS keys FROM volume v, read_csv('{secret}')"
    )
    (tmp_path / "out").mkdir()
    inputs = {name: source(tmp_path, name, [{}]) for name in ("volume", "key")}
    result = evaluate(
        replace(found, views={"volume_keys": evil}),
        list(found.checks.values()),
        inputs,
        {},
        NOW,
        tmp_path / "out",
    )
    assert "Permission Error" in result.checks["a.b"].error
