"""The database is set up, migrated and checked, and every way it can be wrong says so."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection

from proofwatch.store import django as store
from proofwatch.store import migrations, urls
from proofwatch.store.base import StoreError
from proofwatch.store.models import Connection

STEPS = [f"store.{path.stem}" for path in sorted(Path(migrations.__file__).parent.glob("0*.py"))]


def test_a_fresh_database_is_migrated_once(empty_url: str) -> None:
    store.setup(empty_url)
    done = store.migrate()
    assert [name for name in done if name.startswith("store.")] == STEPS
    assert "web.0001_initial" in done and "mfa.0001_initial" in done
    assert store.migrate() == []
    store.check()
    assert Connection.objects.count() == 0


def test_models_and_migrations_agree(database_url: str) -> None:
    call_command("makemigrations", "store", "web", check=True, dry_run=True, verbosity=0)


def test_an_empty_database_asks_for_init(empty_url: str) -> None:
    store.setup(empty_url)
    with pytest.raises(StoreError) as caught:
        store.check()
    steps = int(caught.value.problem.split("lacks ")[1].split(" ")[0])
    assert steps > len(STEPS)  # Those of the pages, too.
    assert caught.value.remedy == "run `proofwatch init`"


def test_an_older_schema_asks_for_init(empty_url: str) -> None:
    store.setup(empty_url)
    call_command("migrate", "store", "0001", verbosity=0)
    with pytest.raises(StoreError, match=r"lacks \d+ step\(s\).*0002_append_only"):
        store.check()


def test_a_newer_schema_is_left_alone(database_url: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('store', '9999_later', '2030-01-01')"
        )
    for action in (store.check, store.migrate):
        with pytest.raises(StoreError, match=r"newer Proofwatch.*9999_later"):
            action()


def test_sqlite_is_durable_and_waits_for_its_turn(sqlite_template: Path) -> None:
    store.setup(f"sqlite:///{sqlite_template}")
    with connection.cursor() as cursor:
        found = {
            name: cursor.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "busy_timeout")
        }
    assert found == {"journal_mode": "wal", "synchronous": 2, "busy_timeout": 20_000}
    store.disconnect()


def test_a_read_only_file_is_named(sqlite_template: Path) -> None:
    store.setup(f"sqlite:///{sqlite_template}?mode=ro")
    store.check()
    with pytest.raises(StoreError) as caught, store.write("naming a connection"):
        Connection.objects.create(name="x", kind="aws", created_at="2026-01-01T00:00:00Z", created_by="me")
    assert str(caught.value).startswith(f"naming a connection: {sqlite_template} may only be read")
    store.disconnect()


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    store.setup(f"sqlite:///{tmp_path}/absent/state.sqlite3")
    with pytest.raises(StoreError, match=r"absent/state\.sqlite3 cannot be used: unable to open"):
        store.migrate()
    store.disconnect()


def test_an_unreachable_server_is_named_without_its_password(tmp_path: Path) -> None:
    store.setup(f"postgresql://me:s3cret@/proofwatch?host={tmp_path}")
    with pytest.raises(StoreError) as caught:
        store.check()
    assert f"PostgreSQL database proofwatch at {tmp_path}:5432 cannot be used" in caught.value.problem
    assert "s3cret" not in str(caught.value)
    assert not caught.value.permanent
    store.disconnect()


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("mysql://u:s3cret@h/db", "it has the scheme 'mysql'"),
        ("state.sqlite3", "it has no scheme"),
        ("sqlite://", "it names no file"),
        ("sqlite:///:memory:", "it names no file"),
        ("postgresql://u:s3cret@host", "it names no database"),
        ("postgresql://u:s3cret@host:port/db", "its port is not a number"),
    ],
)
def test_a_wrong_url_is_explained(url: str, problem: str) -> None:
    with pytest.raises(StoreError) as caught:
        urls.parse(url)
    assert problem in caught.value.problem
    assert "s3cret" not in str(caught.value)


def test_apps_of_later_stages_must_come_first(sqlite_template: Path) -> None:
    with pytest.raises(StoreError, match="further apps came after the first use"):
        store.setup(f"sqlite:///{sqlite_template}", apps=("django.contrib.auth",))


def test_a_postgres_url_keeps_every_part() -> None:
    found = urls.parse("postgres://me%40corp:p%2Fw@db.example:6543/proof?sslmode=verify-full")
    assert (found["USER"], found["PASSWORD"], found["HOST"], found["PORT"], found["NAME"]) == (
        "me@corp",
        "p/w",
        "db.example",
        "6543",
        "proof",
    )
    assert found["OPTIONS"]["sslmode"] == "verify-full"
