"""The state is the same in another database, to the last bit, or nothing of it is there."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models, transaction
from django.db.utils import DatabaseError

from proofwatch.evidence import merkle
from proofwatch.evidence.entry import parse
from proofwatch.store import copying, log, moving, urls
from proofwatch.store import django as store
from proofwatch.store.base import StoreError
from proofwatch.store.columns import column
from proofwatch.store.models import FindingTag, LogEntry, LogHead, LogTile, Person
from tests.databases import _admin, postgres_url
from tests.store.everything import EVIDENCE, KEY, NOW, fill, snapshot

LATER = datetime(2026, 11, 2, tzinfo=UTC)


def silent(stage: str, done: int, total: int) -> None:
    pass


def move(source: str, target: str) -> moving.Moved:
    store.setup(target)
    return moving.move(source, [KEY.vkey], actor="ana", now=LATER, progress=silent)


def proofs(size: int) -> list[list[bytes]]:
    reader = log.DjangoLog()
    numbers = sorted({0, 1, size // 2, size - 1})
    return [merkle.inclusion_proof(number, size, reader.tile) for number in numbers]


@contextmanager
def raw() -> Iterator[Any]:
    with connection.cursor() as cursor:
        yield cursor


def test_every_row_key_hash_and_proof_is_the_same(database_url: str, other_url: str) -> None:
    fill()
    before, expected = snapshot(), proofs(600)
    assert all(rows for name, rows in before.items() if name != "auth_permission"), "a table has no row"
    moved = move(database_url, other_url)
    after = snapshot()
    assert (moved.entries, moved.rows) == (600, sum(map(len, before.values())))
    for name, rows in before.items():
        if name in EVIDENCE:
            rows, after[name] = _first(name, rows), _first(name, after[name])
        assert after[name] == rows, name
    assert proofs(600) == expected
    assert moved.root == merkle.root_from_tiles(600, log.DjangoLog().tile).hex()
    assert LogHead.objects.get().size == 601


def _first(name: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows of the log as they were before the entry about the move."""
    if name == "store_logentry":
        return [row for row in rows if row["index"] < 600]
    return [] if name == "store_loghead" else rows


def test_there_and_back_the_log_has_the_same_root(database_url: str, other_url: str, third_url: str) -> None:
    fill(300)
    root = merkle.root_from_tiles(300, log.DjangoLog().tile)
    first = move(database_url, other_url)
    log.sign_checkpoint(KEY, LATER)
    back = move(other_url, third_url)
    log.sign_checkpoint(KEY, LATER)
    assert (first.root, back.entries) == (root.hex(), 301)
    reader = log.DjangoLog()
    assert merkle.root_from_tiles(300, reader.tile) == root
    kinds = [parse(entry).kind for entry in reader.entries(300, 302)]
    assert kinds == ["state.moved", "state.moved"]


def test_a_new_database_is_given_its_schema(sqlite_template: Path, empty_url: str, tmp_path: Path) -> None:
    shutil.copyfile(sqlite_template, tmp_path / "state.sqlite3")
    store.setup(f"sqlite:///{tmp_path}/state.sqlite3")
    fill(3)
    assert move(f"sqlite:///{tmp_path}/state.sqlite3", empty_url).entries == 3
    store.check()


def test_the_source_is_as_it_was_and_the_move_stands_in_the_new_log(
    database_url: str, other_url: str
) -> None:
    fill(5)
    before = snapshot()
    moved = move(database_url, other_url)
    told = parse(next(log.DjangoLog().entries(moved.index, moved.index + 1)))
    assert (told.kind, told.actor, told.at) == ("state.moved", "ana", LATER)
    assert (told.data["from"], told.data["to"]) == (moved.source, store.where())
    assert told.data["root"] == moved.root
    store.setup(database_url)
    assert snapshot() == before


def test_new_rows_are_numbered_after_those_that_were_moved(database_url: str, other_url: str) -> None:
    fill(5)
    move(database_url, other_url)
    last = FindingTag.objects.order_by("pk").last()
    assert last is not None
    again = FindingTag.objects.create(finding=last.finding, tag="another")
    assert again.pk > last.pk


def test_a_full_database_is_refused_and_stays_as_it_is(database_url: str, other_url: str) -> None:
    fill(5)
    store.setup(other_url)
    with store.write("testing"):
        log.append("log.noted", "me", {}, NOW)
    with pytest.raises(copying.NotEmpty, match="is not empty"):
        move(database_url, other_url)
    assert LogEntry.objects.count() == 1
    with pytest.raises(copying.NotEmpty), store.write("testing"):
        copying.prepare(copying.tables(), "testing")


def test_a_row_of_any_table_makes_a_database_full(empty_url: str) -> None:
    store.setup(empty_url)
    copying.refuse_full("testing")
    store.migrate()
    copying.refuse_full("testing")
    with raw() as cursor:
        cursor.execute("INSERT INTO django_session VALUES ('k', 'd', '2026-01-01')")
    with pytest.raises(copying.NotEmpty, match="django_session"):
        copying.refuse_full("testing")


def test_what_comes_out_other_than_it_went_in_is_refused(database_url: str, other_url: str) -> None:
    """A database that changes what it is given, here by a trigger, is not trusted with evidence."""
    fill(5)
    store.setup(other_url)
    change = "UPDATE store_audit SET auditor = 'forged'"
    with raw() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"CREATE TRIGGER forger AFTER INSERT ON store_audit BEGIN {change}; END")
        else:
            cursor.execute(
                "CREATE FUNCTION forge() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN NEW.auditor = 'forged'; RETURN NEW; END $$"
            )
            cursor.execute(
                "CREATE TRIGGER forger BEFORE INSERT ON store_audit FOR EACH ROW EXECUTE FUNCTION forge()"
            )
    with pytest.raises(StoreError, match="store_audit is not the same"):
        move(database_url, other_url)
    assert (LogEntry.objects.count(), LogTile.objects.count(), LogHead.objects.get().size) == (0, 0, 0)
    assert all(
        not table.model._base_manager.exists() for table in copying.tables() if table.name not in copying.MADE
    )


def test_what_a_database_does_not_take_leaves_nothing_behind(
    sqlite_template: Path, postgres_server: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """SQLite keeps a NUL character, and PostgreSQL does not."""
    shutil.copyfile(sqlite_template, tmp_path / "state.sqlite3")
    store.setup(f"sqlite:///{tmp_path}/state.sqlite3")
    fill(5)
    with raw() as cursor:
        cursor.execute("UPDATE store_audit SET auditor = 'a' || char(0) || 'b'")
    _admin(postgres_server, "CREATE DATABASE taken")
    with pytest.raises(StoreError, match="writing store_audit") as caught:
        move(f"sqlite:///{tmp_path}/state.sqlite3", postgres_url(postgres_server, "taken"))
    assert "NUL" in caught.value.remedy
    assert not Person.objects.exists()
    assert not LogEntry.objects.exists()
    store.disconnect()


def test_a_log_that_is_not_whole_is_not_moved(database_url: str, other_url: str) -> None:
    fill(300)
    trigger = "store_logtile_grow"
    with raw() as cursor:
        drop = f"DROP TRIGGER {trigger}"
        cursor.execute(drop if connection.vendor == "sqlite" else f"{drop} ON store_logtile")
    LogTile.objects.filter(level=1).update(hashes=b"x" * 32)
    with pytest.raises(StoreError, match="is not whole: tile 1/0"):
        move(database_url, other_url)
    assert not LogEntry.objects.exists()


def test_a_copy_is_of_one_moment_while_others_write(database_url: str) -> None:
    fill(200)
    table = next(item for item in copying.tables() if item.name == "store_logentry")
    with copying.reading(database_url) as alias:
        lines = copying.lines(alias, table)
        first = next(lines)
        writer = threading.Thread(target=_append)
        writer.start()
        writer.join(30)
        assert LogEntry.objects.count() == 250
        assert LogHead.objects.using(alias).get().size == 200
        rest = list(lines)
    assert len(rest) == 199
    assert json.loads(first)[0] == 0


def _append() -> None:
    with transaction.atomic():
        log.append_all([("log.noted", "me", {"late": number}, NOW) for number in range(50)])
    store.disconnect()


def test_nobody_appends_while_the_state_is_moved(database_url: str) -> None:
    fill(5)
    with copying.reading(database_url, hold=True):
        if connection.vendor == "sqlite":
            with pytest.raises(StoreError, match="locked"), store.without_waiting(), store.write("appending"):
                log.lock()
        else:
            with pytest.raises(StoreError, match="lock timeout"), store.write("appending"):
                with raw() as cursor:
                    cursor.execute("SET LOCAL lock_timeout = 100")
                log.lock()
    _append()
    assert LogEntry.objects.count() == 55


def test_the_database_that_is_read_cannot_be_written(database_url: str) -> None:
    fill(5)
    with pytest.raises(DatabaseError, match=r"read-?only"), copying.reading(database_url) as alias:
        LogHead.objects.using(alias).update(size=9)
    assert LogHead.objects.get().size == 5


def test_a_table_of_ours_that_is_not_known_is_not_left_behind(database_url: str) -> None:
    fill(5)
    with raw() as cursor:
        cursor.execute("CREATE TABLE store_future (id integer)")
    with pytest.raises(StoreError, match="store_future"), copying.reading(database_url) as alias:
        copying.refuse_strangers(alias)


def test_rows_are_the_same_bytes_in_either_database(
    sqlite_template: Path, postgres_template: str, tmp_path: Path
) -> None:
    """So that the digest of a table says the same of both."""
    shutil.copyfile(sqlite_template, tmp_path / "state.sqlite3")
    _admin(postgres_template, "CREATE DATABASE bytes_of_rows TEMPLATE template_proofwatch")
    found = []
    for url in (f"sqlite:///{tmp_path}/state.sqlite3", postgres_url(postgres_template, "bytes_of_rows")):
        store.setup(url)
        fill(5)
        with copying.reading(url) as alias:
            found.append({table.name: copying.content(alias, table) for table in copying.tables()})
    store.disconnect()
    assert found[0] == found[1]


def test_tables_come_after_those_that_they_point_to_and_computed_columns_are_left_out() -> None:
    known = copying.tables()
    names = [table.name for table in known]
    for table in known:
        for field in table.model._meta.local_concrete_fields:
            if isinstance(field, models.ForeignKey):
                assert names.index(field.related_model._meta.db_table) <= names.index(table.name)
    finding = known[names.index("store_finding")]
    assert "rank" not in finding.names
    assert set(names) == {model._meta.db_table for model in apps.get_models(include_auto_created=True)}


def test_a_kind_of_column_that_is_not_known_is_an_error() -> None:
    field = models.DurationField()
    field.set_attributes_from_name("late")
    with pytest.raises(StoreError, match="DurationField is not known"):
        column("store_x", field)


@pytest.mark.parametrize("line", [b"{}", b"[1]", b"nonsense", b"\xff", b'["a","b","c","d","e"]'])
def test_a_line_that_is_no_row_is_refused(database_url: str, line: bytes) -> None:
    table = next(item for item in copying.tables() if item.name == "store_logentry")
    with pytest.raises(StoreError, match=r"row 1 of store_logentry"), store.write("testing"):
        copying.load(table, [line])


def test_errors_do_not_show_a_password(database_url: str) -> None:
    secret = hashlib.sha256(b"x").hexdigest()
    url = f"postgresql://me:{secret}@127.0.0.1:1/state"
    with pytest.raises(StoreError) as caught:
        move(database_url, url)
    assert secret not in str(caught.value)
    assert secret not in urls.describe(urls.parse(url))
