"""The whole state as rows that belong to no database: read at one moment, written all or nothing.

A row is one line of JSON, an array in the order of its table's columns, the same bytes whichever database it
comes from. So a copy is proven by reading it back: the digest of every table must be that of its source.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

import django.apps
from django.core.management.color import no_style
from django.db import DEFAULT_DB_ALIAS, connections, models, transaction
from django.db.models.functions import Collate
from django.db.utils import DatabaseError

from proofwatch.store import urls
from proofwatch.store.base import StoreError
from proofwatch.store.columns import Column, column, plain
from proofwatch.store.django import where

SOURCE = "source"
"""Django's name for the database that is read, beside the one that this process uses."""
CHUNK = 500
"""Rows that are in memory at a time."""
LONGEST = 64 << 20
"""Bytes of one line, at most. An entry of the log has 64 kB."""
HEAD = "store_loghead"
MADE = (HEAD, "django_content_type", "auth_permission")
"""Tables that migrating fills by itself: their rows give way to those that are copied."""
OURS = ("store_", "web_")

Progress = Callable[[str, int], None]
"""Called with the name of a table and how many of its rows are done."""


class NotEmpty(StoreError):
    """The target of a copy holds something already. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the state; columns that the database itself computes are left out."""

    name: str
    model: type[models.Model]
    columns: tuple[Column, ...]

    @property
    def names(self) -> list[str]:
        """Return the names of the columns, in the order of a line."""
        return [item.name for item in self.columns]


@dataclass(frozen=True, slots=True)
class Content:
    """What a table holds: how many rows, and the SHA-256 of their lines."""

    rows: int
    sha256: str


def tables(leave_out: Iterable[str] = ()) -> list[Table]:
    """Return every table of the installed models, each after those that its rows point to.

    Args:
        leave_out: names of tables that are not wanted.

    Raises:
        StoreError: a column is of a kind that is not known here, so that it could not be copied exactly.
    """
    skipped = set(leave_out)
    found = {
        model._meta.db_table: model
        for model in django.apps.apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy and model._meta.db_table not in skipped
    }
    ordered: list[Table] = []
    waiting = sorted(found)
    done: set[str] = set()
    while waiting:
        ready = [name for name in waiting if _needs(found[name]) & set(waiting) <= {name}] or waiting[:1]
        ordered += [_table(name, found[name]) for name in ready]
        done |= set(ready)
        waiting = [name for name in waiting if name not in done]
    return ordered


def _needs(model: type[models.Model]) -> set[str]:
    return {
        field.related_model._meta.db_table
        for field in model._meta.local_concrete_fields
        if isinstance(field, models.ForeignKey) and not isinstance(field.related_model, str)
    }


def _table(name: str, model: type[models.Model]) -> Table:
    fields = [field for field in model._meta.local_concrete_fields if not field.generated]
    return Table(name, model, tuple(column(name, field) for field in fields))


@contextmanager
def reading(url: str, *, hold: bool = False) -> Iterator[str]:
    """Open a database beside the one in use and read it as it is at one moment; yield Django's name for it.

    Writers go on meanwhile, and none of what they write is seen.

    Args:
        url: see `proofwatch.store.urls.parse`.
        hold: let nobody append to its log until the block ends.

    Raises:
        StoreError: it cannot be reached, or somebody was writing when it should be held.
    """
    settings = urls.parse(url)
    sqlite = settings["ENGINE"].endswith("sqlite3")
    if sqlite:
        settings["OPTIONS"] = {**settings["OPTIONS"], "transaction_mode": "IMMEDIATE" if hold else "DEFERRED"}
    connections.settings[SOURCE] = connections.configure_settings({DEFAULT_DB_ALIAS: settings})[
        DEFAULT_DB_ALIAS
    ]
    connections[SOURCE] = connections.create_connection(SOURCE)
    try:
        with ExitStack() as open_until_the_end:
            with _explained("opening the state", SOURCE):
                open_until_the_end.enter_context(transaction.atomic(using=SOURCE))
                _begin(sqlite=sqlite, hold=hold)
            yield SOURCE
    finally:
        connections[SOURCE].close()
        del connections[SOURCE]
        del connections.settings[SOURCE]


def _begin(*, sqlite: bool, hold: bool) -> None:
    with connections[SOURCE].cursor() as cursor:
        if sqlite:
            cursor.execute("PRAGMA query_only=ON")
            cursor.execute(f"SELECT size FROM {HEAD}")  # noqa: S608 – the moment is that of the first reading
            return
        cursor.execute(f"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ{'' if hold else ', READ ONLY'}")
        cursor.execute(f"SELECT size FROM {HEAD}{' FOR UPDATE' if hold else ''}")  # noqa: S608


@contextmanager
def _explained(doing: str, alias: str) -> Iterator[None]:
    """Turn what a database says about itself into a StoreError that names that database."""
    try:
        yield
    except DatabaseError as error:
        place = urls.describe(connections[alias].settings_dict)
        said = (str(error).strip().splitlines() or ["no answer"])[0]
        if "could not serialize" in said or "locked" in said:
            remedy = "stop every worker and server of this installation, and try again"
            raise StoreError(doing, f"somebody is writing to {place}", remedy, permanent=False) from error
        raise StoreError(doing, f"{place}: {said}") from error


def refuse_strangers(alias: str) -> None:
    """Return if the database holds no table of ours that this process does not know.

    Raises:
        StoreError: it does: its rows would be lost.
    """
    known = {model._meta.db_table for model in django.apps.apps.get_models(include_auto_created=True)}
    with connections[alias].cursor() as cursor:
        there = connections[alias].introspection.table_names(cursor)
    strange = sorted(name for name in there if name.startswith(OURS) and name not in known)
    if strange:
        problem = f"the table {strange[0]} is not known to this version, and its rows would be lost"
        raise StoreError("reading the state", problem, "use the version that made it")


def lines(alias: str, table: Table) -> Iterator[bytes]:
    """Yield the rows of a table in the order of its key, each as one line, a few at a time.

    Args:
        alias: Django's name of the database; a transaction must be open.
        table: one of `tables`.
    """
    writers = [item.to_json for item in table.columns]
    key = table.model._meta.pk
    # Databases sort text each in its own way, except by its bytes.
    textual = isinstance(key, models.CharField) and connections[alias].vendor == "postgresql"
    rows = table.model._base_manager.using(alias).order_by(Collate(key.attname, "C") if textual else "pk")
    wanted = rows.values_list(*[item.attribute for item in table.columns])
    with _explained(f"reading {table.name}", alias):
        for row in wanted.iterator(chunk_size=CHUNK):
            values = [
                value if write is None or value is None else write(value)
                for write, value in zip(writers, row, strict=True)
            ]
            line = plain(values)
            if len(line) > LONGEST:
                raise StoreError(
                    f"reading {table.name}", f"a row is longer than {LONGEST} bytes: {values[0]}"
                )
            yield line


class Counted:
    """Passes lines on, and knows at their end how many they were and their digest."""

    def __init__(self, items: Iterable[bytes], told: Callable[[int], None] = lambda number: None) -> None:
        self._items, self._told = items, told
        self._rows, self._digest = 0, hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        """Yield the lines."""
        for line in self._items:
            self._digest.update(line)
            self._rows += 1
            if self._rows % CHUNK == 0:
                self._told(self._rows)
            yield line
        self._told(self._rows)

    @property
    def content(self) -> Content:
        """Return what passed so far."""
        return Content(self._rows, self._digest.hexdigest())


def content(alias: str, table: Table, progress: Progress = lambda name, rows: None) -> Content:
    """Read a table through; return how many rows it has and the digest of their lines."""
    counted = Counted(lines(alias, table), lambda rows: progress(table.name, rows))
    for _ in counted:
        pass
    return counted.content


def prepare(known: Sequence[Table], doing: str) -> None:
    """Make the database in use ready to take a copy: migrated, and with no row but those of migrating.

    To be called inside the transaction in which the copy is written; until it ends nobody else appends.

    Raises:
        NotEmpty: it holds something.
    """
    from proofwatch.store import log

    head = log.lock()
    full = [] if not head.size else [HEAD]
    full += [item.name for item in known if item.name not in MADE and item.model._base_manager.exists()]
    if full:
        raise _full(full[0], doing)
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        for item in reversed(known):
            if item.name in MADE and item.name != HEAD:
                cursor.execute(f"DELETE FROM {item.name}")  # noqa: S608 – our own names


def refuse_full(doing: str) -> None:
    """Return if no table of ours in the database in use has a row but those of migrating.

    Needs no schema: the database may be new, or of any version.

    Raises:
        NotEmpty: it holds something.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    with _explained(doing, DEFAULT_DB_ALIAS), connection.cursor() as cursor:
        there = set(connection.introspection.table_names(cursor))
        for item in tables():
            if item.name not in there or (item.name in MADE and item.name != HEAD):
                continue
            condition = " WHERE size > 0" if item.name == HEAD else ""
            cursor.execute(f"SELECT 1 FROM {item.name}{condition} LIMIT 1")  # noqa: S608 – our own names
            if cursor.fetchone():
                raise _full(item.name, doing)


def _full(table: str, doing: str) -> NotEmpty:
    problem = f"{where()} is not empty: there are rows in {table}"
    return NotEmpty(doing, problem, "name a new, empty database; nothing was changed in this one")


def load(table: Table, items: Iterable[bytes]) -> int:
    """Write lines into a table of the database in use; return how many.

    Raises:
        StoreError: a line is no row of this table, or the database does not take it.
    """
    number = 0
    statement = _insert(table)
    source = iter(items)
    while batch := list(islice(source, CHUNK)):
        rows = [_row(table, number + place, line) for place, line in enumerate(batch)]
        try:
            with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
                cursor.executemany(statement, rows)
        except (DatabaseError, ValueError) as error:
            raise _not_taken(table, number, len(rows), error) from error
        number += len(rows)
    return number


def finish(known: Sequence[Table]) -> None:
    """Let new rows of the database in use be numbered after those that were copied, and check all keys."""
    from proofwatch.store.history import numbering

    connection = connections[DEFAULT_DB_ALIAS]
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), [item.model for item in known]):
            cursor.execute(statement)
    numbering.go_on()
    try:
        connection.check_constraints()
    except DatabaseError as error:
        said = (str(error).strip().splitlines() or ["no answer"])[0]
        raise StoreError("writing the copy", f"a row points to one that is not there: {said}") from error
    if any(item.name == "django_content_type" for item in known):
        from django.contrib.contenttypes.models import ContentType

        ContentType.objects.clear_cache()


def _insert(table: Table) -> str:
    quote = connections[DEFAULT_DB_ALIAS].ops.quote_name
    names = [quote(name) for name in table.names]
    # Our own names; the values are bound.
    statement = (
        f"INSERT INTO {quote(table.name)} ({', '.join(names)}) "  # noqa: S608
        f"VALUES ({', '.join('%s' for _ in names)})"
    )
    if table.name != HEAD:
        return statement
    # Its one row is there from migrating on, and may only grow.
    changes = ", ".join(f"{name} = excluded.{name}" for name in names[1:])
    return f"{statement} ON CONFLICT ({names[0]}) DO UPDATE SET {changes}"


def _row(table: Table, number: int, line: bytes) -> list[Any]:
    doing = f"reading row {number + 1} of {table.name}"
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        raise StoreError(doing, "it is not JSON") from None
    if not isinstance(values, list) or len(values) != len(table.columns):
        raise StoreError(doing, f"it is no list of {len(table.columns)} values")
    connection = connections[DEFAULT_DB_ALIAS]
    row = []
    for item, value in zip(table.columns, values, strict=True):
        if value is not None and item.from_json is not None:
            try:
                value = item.from_json(value)
            except (ValueError, TypeError, AttributeError):
                raise StoreError(doing, f"its {item.name} is not of this column's kind") from None
        row.append(value if item.prepare is None else item.prepare(value, connection))
    return row


def _not_taken(table: Table, start: int, count: int, error: Exception) -> StoreError:
    said = (str(error).strip().splitlines() or [type(error).__name__])[0]
    problem = f"{where()} refused one of rows {start + 1} to {start + count}: {said[:300]}"
    low = said.lower()
    remedy = ""
    if "nul" in low or "\\u0000" in low or "0x00" in low:
        remedy = "PostgreSQL keeps no NUL characters, and this text has one: the state has to stay on SQLite"
    elif "full" in low or "space" in low:
        remedy = "make room and try again; nothing was written"
    return StoreError(f"writing {table.name}", problem, remedy)
