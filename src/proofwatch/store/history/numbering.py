"""A key that left is never given to another row, also not after the rows were copied into a new database."""

from __future__ import annotations

from django.db import connection
from django.db.models import Max

from proofwatch.store.history.base import HISTORY
from proofwatch.store.models import HistoryPartition


def go_on() -> None:
    """Let the numbers of each table go on after the last that left.

    A database numbers new rows after the last that it holds; of a table all of whose rows have left it
    would begin anew.
    """
    last = dict(HistoryPartition.objects.order_by().values_list("table").annotate(Max("last_id")))
    with connection.cursor() as cursor:
        for name in HISTORY.keys() & last.keys():
            table = HISTORY[name].model._meta.db_table
            if connection.vendor == "postgresql":
                cursor.execute(
                    f"SELECT setval(pg_get_serial_sequence(%s, 'id'), greatest(%s, "  # noqa: S608 – our own names
                    f"coalesce((SELECT max(id) FROM {table}), 1)))",
                    [table, last[name]],
                )
                continue
            cursor.execute(
                "UPDATE sqlite_sequence SET seq = max(seq, %s) WHERE name = %s", [last[name], table]
            )
            if not cursor.rowcount:
                cursor.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", [table, last[name]])
