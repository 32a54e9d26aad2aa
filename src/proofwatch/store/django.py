"""Django without a settings file: set up once, migrate, and say clearly what is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import django
from django.conf import settings
from django.db import connection, connections, transaction
from django.db.utils import DatabaseError, InterfaceError, OperationalError, ProgrammingError

from proofwatch.store import migrating, urls
from proofwatch.store.base import StoreError

APPS = ("proofwatch.store",)
OURS = ("store", "web")
INIT = "run `proofwatch init`"


def setup(database_url: str, *, apps: Sequence[str] = (), extra: Mapping[str, Any] | None = None) -> None:
    """Configure Django for this process; with another URL later, point it at that database.

    Args:
        database_url: see `proofwatch.store.urls.parse`.
        apps: further INSTALLED_APPS, for the stages above the store. First call only.
        extra: further settings, for the stages above the store. First call only.

    Raises:
        StoreError: the URL is wrong, or the driver for it is not installed.
    """
    database = urls.parse(database_url)
    if settings.configured:
        if apps or extra:
            raise StoreError("setting up Django", "further apps came after the first use of the models")
        _point_at(database)
    else:
        _configure(database, apps, extra or {})
    with guarded("loading the database driver"):
        # Loads the backend, and fails here if its driver is missing.
        connections["default"]


def ensure() -> None:
    """Let the models be imported before `setup`; until then no query is possible."""
    if not settings.configured:
        _configure({"ENGINE": "django.db.backends.dummy"}, (), {})


def migrate() -> list[str]:
    """Bring the schema to this version; return the names of the migrations that were applied.

    Safe while others work, and when several do it at once: one migrates, the others wait and find it done.

    Raises:
        StoreError: the database cannot be reached or written, or is of a newer version.
    """
    from django.core.management import call_command

    with guarded("creating the database schema"), migrating.alone():
        _refuse_newer(_unknown_migrations())
        todo = _missing_migrations()
        if todo:
            migrating.patiently(lambda: call_command("migrate", verbosity=0, interactive=False))
    return todo


def check(*, running: bool = False) -> None:
    """Return if the database can be reached and has this version's schema.

    Args:
        running: this process was started before, so a newer schema will do: the steps of the next version
            let this one go on (docs/production.md).

    Raises:
        StoreError: it cannot be reached, its schema is older, or it is newer and nothing runs yet.
    """
    with guarded("opening the database"):
        if not running:
            _refuse_newer(_unknown_migrations())
        todo = _missing_migrations()
    if todo:
        problem = f"{where()} lacks {len(todo)} step(s) of the schema, the first being {todo[0]}"
        raise StoreError("opening the database", problem, INIT)


def migrations() -> list[str]:
    """Return the steps of the schema that the database has, as app.name, in order."""
    from django.db.migrations.loader import MigrationLoader

    with guarded("reading the schema"):
        loader = MigrationLoader(connection)
    return sorted(f"{app}.{name}" for app, name in loader.applied_migrations if app in loader.migrated_apps)


def where() -> str:
    """Return where the database is, without user or password."""
    return urls.describe(connections["default"].settings_dict)


@contextmanager
def guarded(doing: str) -> Iterator[None]:
    """Turn what the database says about itself into a StoreError; everything else passes."""
    try:
        yield
    except (OperationalError, InterfaceError, ProgrammingError) as error:
        raise _explain(doing, error) from error
    except DatabaseError as error:
        if type(error) is not DatabaseError:
            raise  # A value or a constraint: a mistake of ours, not the state of the database.
        raise _explain(doing, error) from error
    except django.core.exceptions.ImproperlyConfigured as error:
        remedy = "install the driver: pip install 'proofwatch[postgres]'"
        raise StoreError(doing, str(error).splitlines()[0], remedy) from error


@contextmanager
def write(doing: str) -> Iterator[None]:
    """Open the one transaction in which a change and its log entry commit together.

    Args:
        doing: what is being done, for the error message.

    Raises:
        StoreError: the database cannot be reached or written, or stayed locked.
    """
    with guarded(doing), transaction.atomic():
        yield


@contextmanager
def without_waiting() -> Iterator[None]:
    """Let a write give up at once where another writer holds the whole database, which is so on SQLite.

    For what may be left out, inside a request that somebody waits for.
    """
    if connection.vendor != "sqlite":
        yield
        return
    _sqlite_wait(0)
    try:
        yield
    finally:
        _sqlite_wait(urls.LOCK_WAIT * 1000)


def _sqlite_wait(milliseconds: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA busy_timeout={milliseconds:d}")


def disconnect() -> None:
    """Close this thread's database connection; the next query opens a new one."""
    connections.close_all()


def _configure(database: dict[str, Any], apps: Sequence[str], extra: Mapping[str, Any]) -> None:
    settings.configure(
        INSTALLED_APPS=[*APPS, *apps],
        DATABASES={"default": database},
        USE_TZ=True,
        TIME_ZONE="UTC",
        LANGUAGE_CODE="en",
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        LOGGING_CONFIG=None,
        **extra,
    )
    django.setup()


def _point_at(database: dict[str, Any]) -> None:
    connections.close_all()
    connections.settings = connections.configure_settings({"default": database})
    if hasattr(connections._connections, "default"):
        del connections["default"]


def _explain(doing: str, error: DatabaseError) -> StoreError:
    said = (str(error).strip().splitlines() or ["no answer"])[0]
    low = said.lower()
    if "readonly" in low or "read-only" in low:
        return StoreError(
            doing, f"{where()} may only be read ({said})", "make the file and its folder writable"
        )
    if "locked" in low:
        remedy = "another process is writing; try again"
        return StoreError(doing, f"{where()} stayed locked for {urls.LOCK_WAIT} s", remedy, permanent=False)
    if "lock timeout" in low:
        remedy = "nothing of this step was changed; try again when fewer people or sweeps are at work"
        problem = f"what it needs in {where()} stayed in use (lock timeout)"
        return StoreError(doing, problem, remedy, permanent=False)
    if "no such table" in low or ("does not exist" in low and "relation" in low):
        return StoreError(doing, f"{where()} has no schema yet ({said})", INIT)
    if connection.vendor == "sqlite":
        remedy = "check that its folder exists and is writable"
        return StoreError(doing, f"{where()} cannot be used: {said}", remedy)
    remedy = "check DATABASE_URL and that the server is running"
    return StoreError(doing, f"{where()} cannot be used: {said}", remedy, permanent=False)


def _refuse_newer(unknown: list[str]) -> None:
    if unknown:
        problem = f"{where()} was written by a newer Proofwatch (it has {unknown[0]})"
        raise StoreError("opening the database", problem, "install that version or a later one")


def _unknown_migrations() -> list[str]:
    from django.db.migrations.loader import MigrationLoader

    loader = MigrationLoader(connection)
    known = loader.disk_migrations or {}
    return sorted(
        name
        for app, name in loader.applied_migrations
        if app in OURS and app in loader.migrated_apps and (app, name) not in known
    )


def _missing_migrations() -> list[str]:
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]
