"""A step of the schema lets the version before go on, blocks nobody for long, and is made once.

Every step after the baseline is held against these rules, in the SQL that PostgreSQL would be sent.
"""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection, migrations, models
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from proofwatch.store import django as store
from proofwatch.store import migrating
from proofwatch.store.base import StoreError
from proofwatch.store.models import Connection, Person

BASELINE = {"store": "0014_first_opened", "web": "0001_initial"}
"""The last steps that were written for servers that stand still."""
RULES = {
    r"DROP TABLE|DROP COLUMN": "drops what the version before reads; do it one version after nobody does",
    r"RENAME": "renames what the version before reads: add, fill, and drop one version later",
    r"ALTER COLUMN \S+ TYPE": "changes the type of a column, which rewrites the table and locks it",
    r"SET NOT NULL": "demands a value that the version before does not write",
    r"DROP DEFAULT": "takes away a default that the version before relies on: use db_default",
    r"CREATE (UNIQUE )?INDEX (?!CONCURRENTLY)": "builds an index while nobody may write: CONCURRENTLY",
    r"ADD CONSTRAINT (?!.*NOT VALID)": "looks at every row under a lock: NOT VALID, and validate it later",
}


def complaints(state: Any, step: migrations.Migration) -> list[str]:
    """Return what of a step would break or hold up the version before.

    Args:
        state: Django's picture of the schema before the step.
        step: a migration.
    """
    new = {
        f"{step.app_label}_{operation.name.lower()}"
        for operation in step.operations
        if isinstance(operation, migrations.CreateModel)
    }
    with connection.schema_editor(collect_sql=True, atomic=step.atomic) as editor:
        step.apply(state, editor, collect_sql=True)
    found = []
    for statement in editor.collected_sql:
        table = re.search(r'(?:TABLE|ON) "(\w+)"', statement)
        if table is not None and table[1] in new:
            continue  # Nobody uses a table that is made here.
        for pattern, why in RULES.items():
            if re.search(pattern, statement) and not _of_a_new_column(pattern, statement):
                found.append(f"{step.app_label}.{step.name}: {statement}: {why}")
    return found


def _of_a_new_column(pattern: str, statement: str) -> bool:
    """A key to another table that comes with its column, empty, is checked at once."""
    return pattern.startswith("ADD CONSTRAINT") and "ADD COLUMN" in statement


def after_baseline() -> Iterator[tuple[Any, migrations.Migration]]:
    loader = MigrationLoader(connection)
    plan = MigrationExecutor(connection).migration_plan(loader.graph.leaf_nodes(), clean_start=True)
    seen = set()
    for step, _ in plan:
        key = (step.app_label, step.name)
        base = BASELINE.get(step.app_label)
        if base is not None and (step.app_label, base) in seen:
            yield loader.project_state(step.dependencies), step
        seen.add(key)


postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@postgresql
def test_every_step_lets_the_version_before_go_on(database_url: str) -> None:
    assert [text for state, step in after_baseline() for text in complaints(state, step)] == []


def made(*operations: Any) -> migrations.Migration:
    step = migrations.Migration("0999_sample", "store")
    step.operations = list(operations)
    return step


BREAKING = {
    "drops": migrations.RemoveField("person", "zone"),
    "renames": migrations.RenameField("person", "zone", "time_zone"),
    "type of a column": migrations.AlterField("person", "zone", models.TextField(default="UTC")),
    "default": migrations.AddField("person", "floor", models.IntegerField(default=0)),
    "builds an index": migrations.AddIndex("person", models.Index(fields=["email"], name="by_mail")),
    "looks at every row": migrations.AddConstraint(
        "person", models.CheckConstraint(condition=~models.Q(name=""), name="named")
    ),
    "demands a value": migrations.RunSQL('ALTER TABLE "store_person" ALTER COLUMN "active" SET NOT NULL'),
    "drops what": migrations.DeleteModel("hint"),
}
EXPANDING = {
    "a column that may be empty": migrations.AddField("person", "floor", models.IntegerField(null=True)),
    "a column with a default": migrations.AddField("person", "floor", models.IntegerField(db_default=0)),
    "a table with an index": migrations.CreateModel(
        "floor", [("id", models.BigAutoField(primary_key=True)), ("name", models.TextField(db_index=True))]
    ),
    "an index at leisure": migrations.RunSQL(
        'CREATE INDEX CONCURRENTLY "by_mail" ON "store_person" ("email")'
    ),
}


def present() -> Any:
    loader = MigrationLoader(connection)
    return loader.project_state(loader.graph.leaf_nodes())


@postgresql
@pytest.mark.parametrize("what", BREAKING)
def test_a_step_that_breaks_the_version_before_is_refused(database_url: str, what: str) -> None:
    assert what in " ".join(complaints(present(), made(BREAKING[what])))


@postgresql
@pytest.mark.parametrize("what", EXPANDING)
def test_a_step_that_only_adds_is_accepted(database_url: str, what: str) -> None:
    assert complaints(present(), made(EXPANDING[what])) == []


@postgresql
def test_what_is_accepted_lets_our_own_models_write_and_what_is_refused_does_not(database_url: str) -> None:
    """The rules are right: this version stands for the one before."""
    from django.db.utils import IntegrityError

    now = "2026-11-01T12:00:00Z"
    for number, (what, works) in enumerate([("a column with a default", True), ("default", False)]):
        step = made(EXPANDING[what] if works else BREAKING[what])
        with connection.schema_editor() as editor:
            step.apply(present(), editor)
        if works:
            Person.objects.create(name=f"p{number}", created_at=now)
            assert Person.objects.get().name == f"p{number}"
        else:
            with pytest.raises(IntegrityError, match="floor"):
                Person.objects.create(name=f"p{number}", created_at=now)
        with connection.cursor() as cursor:
            cursor.execute('ALTER TABLE "store_person" DROP COLUMN "floor"')


MIGRATE = """
import sys
from tests import web_settings
from proofwatch.store import django as store
store.setup(sys.argv[1])
print(len(store.migrate()))
"""


def test_of_two_that_migrate_at_once_one_does_it(empty_url: str) -> None:
    command = [sys.executable, "-c", MIGRATE, empty_url]
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)
    ]
    said = [process.communicate(timeout=240) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    done = sorted(int(out) for out, _ in said)
    assert done[0] == 0 and done[1] > 14
    store.setup(empty_url)
    store.check()


@postgresql
def test_a_step_that_has_to_wait_lets_the_others_pass(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long reader holds the table; the step gives up again and again, and readers come through between."""
    monkeypatch.setattr(migrating, "LOCK_WAIT", 1)
    monkeypatch.setattr(migrating, "REST", 0.5)
    free = threading.Event()
    longest = 0.0

    def step() -> None:
        with connection.cursor() as cursor:
            cursor.execute('ALTER TABLE "store_connection" ADD COLUMN "sample" integer')

    def hold() -> None:
        with psycopg.connect(database_url) as long, long.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM store_connection")
            free.wait(30)

    def read() -> None:
        nonlocal longest
        with psycopg.connect(database_url, autocommit=True) as other:
            while not free.is_set():
                began = time.monotonic()
                other.execute("SELECT count(*) FROM store_connection")
                longest = max(longest, time.monotonic() - began)
                time.sleep(0.05)

    threads = [threading.Thread(target=task, daemon=True) for task in (hold, read)]
    for thread in threads:
        thread.start()
    threading.Timer(3.5, free.set).start()
    time.sleep(0.3)
    with migrating.alone():
        migrating.patiently(step)
    for thread in threads:
        thread.join(30)
    assert 0.2 < longest < 3, "nobody waited, or somebody waited for as long as the long reader"
    assert Connection.objects.count() == 0


@postgresql
def test_a_table_that_is_never_free_is_said(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrating, "LOCK_WAIT", 1)
    monkeypatch.setattr(migrating, "TRIES", 2)
    monkeypatch.setattr(migrating, "REST", 0.1)
    with psycopg.connect(database_url) as long:
        long.execute("SELECT count(*) FROM store_connection")
        with (
            pytest.raises(StoreError, match=r"stayed in use \(lock timeout\)") as caught,
            store.guarded("migrating"),
            migrating.alone(),
        ):
            migrating.patiently(lambda: connection.cursor().execute("DROP TABLE store_connection CASCADE"))
    assert not caught.value.permanent
    assert Connection.objects.count() == 0


def test_a_running_server_goes_on_under_a_newer_schema_and_none_is_started(database_url: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('store', '9999_later', '2030-01-01')"
        )
    store.check(running=True)
    with pytest.raises(StoreError, match="newer Proofwatch"):
        store.check()


def test_sqlite_is_locked_by_its_folder_and_leaves_no_file(sqlite_template: Path) -> None:
    store.setup(f"sqlite:///{sqlite_template}")
    assert store.migrate() == []
    left = {path.name for path in sqlite_template.parent.iterdir()} - {sqlite_template.name}
    assert left <= {f"{sqlite_template.name}-wal", f"{sqlite_template.name}-shm"}
    store.disconnect()
