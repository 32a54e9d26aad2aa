"""What `DATABASE_URL` may say, as Django wants to hear it."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from proofwatch.store.base import StoreError

EXAMPLES = "use sqlite:////absolute/path.sqlite3 or postgresql://user:password@host:5432/database"
SQLITE_PRAGMAS = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
"""FULL, because a log entry that was acknowledged must survive a power cut."""
IDLE = 60
"""Seconds that a connection of the pages is kept between two requests."""
LOCK_WAIT = 20
"""Seconds that a writer waits for another one on SQLite."""


def parse(url: str) -> dict[str, Any]:
    """Return Django's DATABASES entry for a database URL.

    Args:
        url: `sqlite:///relative`, `sqlite:////absolute` (with `?mode=ro` to only read) or
            `postgresql://user:password@host:port/name?option=value`, where libpq's own options
            (`host=/socket/folder`, `sslmode=verify-full`, …) are passed on.

    Raises:
        StoreError: the URL is neither. The message never holds the URL: it may hold a password.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        # Its own words may hold a part of the URL, and with it a password.
        raise StoreError("reading DATABASE_URL", "it is no well-formed URL", EXAMPLES) from None
    scheme = parts.scheme.lower()
    if scheme == "sqlite":
        return _sqlite(parts.path, dict(parse_qsl(parts.query)))
    if scheme in ("postgres", "postgresql"):
        return _postgres(url)
    said = f"the scheme {parts.scheme!r}" if parts.scheme else "no scheme"
    raise StoreError(
        "reading DATABASE_URL", f"it has {said}, and only sqlite and postgresql are known", EXAMPLES
    )


def describe(settings: dict[str, Any]) -> str:
    """Return where the database is, for an error message, without user or password."""
    if settings["ENGINE"].endswith("sqlite3"):
        return str(settings["NAME"]).removeprefix("file:").partition("?")[0]
    host = settings["HOST"] or settings["OPTIONS"].get("host", "localhost")
    return f"PostgreSQL database {settings['NAME']} at {host}:{settings['PORT'] or 5432}"


def _sqlite(path: str, query: dict[str, str]) -> dict[str, Any]:
    name = unquote(path.removeprefix("/"))
    if not name or name == ":memory:":
        problem = "it names no file, and state that is lost at exit is no evidence"
        raise StoreError("reading DATABASE_URL", problem, EXAMPLES)
    file = Path(name).absolute()
    options: dict[str, Any] = {"transaction_mode": "IMMEDIATE", "timeout": LOCK_WAIT}
    read_only = query.get("mode") == "ro"
    if read_only:
        options["uri"] = True
    else:
        options["init_command"] = SQLITE_PRAGMAS
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "CONN_MAX_AGE": IDLE,
        "NAME": f"{file.as_uri().replace('file://', 'file:')}?mode=ro" if read_only else str(file),
        "OPTIONS": options,
    }


def _postgres(url: str) -> dict[str, Any]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise StoreError("reading DATABASE_URL", "its port is not a number", EXAMPLES) from None
    name = unquote(parts.path.removeprefix("/"))
    if not name:
        raise StoreError("reading DATABASE_URL", "it names no database after the host", EXAMPLES)
    return {
        "ENGINE": "proofwatch.store.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(port or ""),
        "CONN_MAX_AGE": IDLE,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"connect_timeout": 10, **dict(parse_qsl(parts.query))},
    }
