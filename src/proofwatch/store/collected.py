"""What a sweep has read, table by table, and what it could not.

A reading is one table in one place, and a large company has millions of them: they are kept in a database
without a name, on disk as it grows, which is gone with the object or the process. What is asked of it is one
table's.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import fields
from itertools import islice
from operator import attrgetter
from typing import Any

from proofwatch.checks.base import UnreadPlace
from proofwatch.snapshots.base import Part
from proofwatch.snapshots.collect import Reading, collected_part

_NAMES = tuple(item.name for item in fields(Reading))
_COLUMNS = ", ".join(f'"{name}"' for name in _NAMES)
_ORDER = '"table", account_id, region'

Places = tuple[tuple[str, str], ...]


class Collected:
    """What was read, by table.

    Args:
        tables: names of the tables that the sweep set out to read.
    """

    def __init__(self, tables: Iterable[str]) -> None:
        self.tables = tuple(tables)
        self._rows = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._rows.execute("PRAGMA journal_mode = OFF")
        self._rows.execute(f"CREATE TABLE reading ({_COLUMNS}, PRIMARY KEY ({_ORDER})) WITHOUT ROWID")
        self._rows.execute("BEGIN")
        self._shared: dict[Any, Any] = {}

    def add(self, readings: Iterable[Reading]) -> None:
        """Note readings; one of the same table in the same place replaces the one before."""
        marks = ", ".join("?" * len(_NAMES))
        self._rows.executemany(
            f"INSERT OR REPLACE INTO reading ({_COLUMNS}) VALUES ({marks})",  # noqa: S608 - names of ours
            map(attrgetter(*_NAMES), readings),
        )

    def readings(self, where: str = "true", values: Iterable[str] = ()) -> Iterator[Reading]:
        """Yield readings by table, account and region: all, or those of which an SQL condition is true."""
        query = f"SELECT {_COLUMNS} FROM reading WHERE {where} ORDER BY {_ORDER}"  # noqa: S608 - ours
        for values_ in self._rows.execute(query, tuple(values)):
            yield Reading(*values_)

    def named(self, table: str) -> list[Part]:
        """Return the parts of a table, by place; each path is a name in the exchange.

        A place without rows adds nothing to the table, as long as another one has some, and has no part. If
        none has, one of them stands for all: the table was read, and is empty.
        """
        complete = "\"table\" = ? AND reason = ''"
        found = [collected_part(item) for item in self.readings(f"{complete} AND rows > 0", [table])]
        return found or [collected_part(item) for item in islice(self.readings(complete, [table]), 1)]

    def lose(self, table: str, reason: str) -> None:
        """Say of all that was read of a table that nothing is known of it."""
        self._rows.execute(
            "UPDATE reading SET rows = 0, lacking = 0, lacking_why = '', part = '', reason = ?, "
            "code = 'worker' WHERE \"table\" = ? AND reason = ''",
            (reason, table),
        )

    def unread(self, table: str) -> list[UnreadPlace]:
        """Return the places in which a table could not be read completely."""
        return [
            UnreadPlace(item.account_id, item.region, item.reason, item.permission)
            for item in self.readings("\"table\" = ? AND reason <> ''", [table])
        ]

    def places(self, table: str) -> Places:
        """Return the places in which a table was read completely; one object for all that have the same."""
        query = "SELECT account_id, region FROM reading WHERE \"table\" = ? AND reason = '' ORDER BY 1, 2"
        shared = self._shared
        found = tuple(shared.setdefault(place, place) for place in self._rows.execute(query, (table,)))
        same: Places = shared.setdefault(found, found)
        return same

    def count(self) -> int:
        """Return the number of readings."""
        return int(self._number("count(*)"))

    def lacking(self) -> int:
        """Return the number of rows of which something could not be read."""
        return int(self._number("coalesce(sum(lacking), 0)"))

    def rows(self) -> int:
        """Return the number of rows that were read."""
        return int(self._number("coalesce(sum(rows), 0)"))

    def _number(self, what: str) -> Any:
        return self._rows.execute(f"SELECT {what} FROM reading").fetchone()[0]  # noqa: S608 - ours
