"""What somebody can do who may write in the database and in the folder of objects."""

from __future__ import annotations

from typing import Any

from django.db import connection

from proofwatch.snapshots.engine import identifier, quote
from proofwatch.store import append_only
from proofwatch.store.history import rows
from proofwatch.store.history.base import HISTORY
from proofwatch.store.models import HistoryPartition
from tests.store.history.samples import World


def without_triggers(statement: str, values: list[Any]) -> None:
    """Drop the triggers, change something, and put them back."""
    with connection.cursor() as cursor:
        for text in append_only.drop(connection.vendor):
            cursor.execute(text)
        cursor.execute(statement, values)
        for text in append_only.create(connection.vendor):
            cursor.execute(text)


def forged(world: World, table: str, changes: dict[str, Any], *, drop: int = 0) -> HistoryPartition:
    """Put another object in place of a partition's, whose rows fit each other and not what happened.

    Args:
        world: whose.
        table: of history.
        changes: column → another value, in its first row.
        drop: leave so many rows out, from the end.
    """
    partition = HistoryPartition.objects.filter(table=table).get()
    path = world.objects.folder.parent / "forged.parquet"
    source = rows.source([world.objects.path(partition.digest)])
    with rows.engine() as engine:
        values = ", ".join(
            f"CASE WHEN id = {partition.first_id} THEN {value!r} ELSE {column} END AS {column}"
            for column, value in ((identifier(name), value) for name, value in changes.items())
        )
        replace = f"REPLACE ({values})" if values else ""
        select = f"SELECT * {replace} FROM {source} ORDER BY id LIMIT {partition.rows - drop}"
        engine.execute(f"COPY ({select}) TO {quote(str(path))} (FORMAT parquet, COMPRESSION zstd)")
        number, content = rows.content(HISTORY[table].table(partition.columns), path, engine)
    digest = world.objects.put_file(path)
    without_triggers(
        "UPDATE store_historypartition SET digest = %s, size = %s, rows = %s, content = %s WHERE id = %s",
        [digest, path.stat().st_size, number, content, partition.pk],
    )
    partition.refresh_from_db()
    return partition
