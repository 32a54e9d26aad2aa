"""What the log says about partitions: only that is believed of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from proofwatch.evidence.entry import parse
from proofwatch.store.history.base import HistoryError
from proofwatch.store.models import HistoryPartition, LogEntry

ARCHIVED = "history.archived"
FACTS = ("table", "month", "part", "rows", "content", "columns", "first_id", "last_id")


def archived() -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield the index and data of every entry about a partition."""
    rows = LogEntry.objects.filter(kind=ARCHIVED).order_by("index").values_list("index", "entry")
    for index, entry in rows.iterator(chunk_size=500):
        yield index, parse(bytes(entry)).data


def promised(partition: HistoryPartition) -> None:
    """Return if a partition is as its log entry has it.

    Raises:
        HistoryError: it is not, or there is no such entry.
    """
    doing = f"holding {partition.name} against the log"
    row = LogEntry.objects.filter(index=partition.entry, kind=ARCHIVED).first()
    if row is None:
        raise HistoryError(
            doing, f"entry {partition.entry} is not about it", "restore the state from a backup"
        )
    wrong = differing(partition, parse(bytes(row.entry)).data)
    if wrong:
        problem = f"its {', '.join(wrong)} is not what entry {partition.entry} says"
        raise HistoryError(doing, problem, "restore the state from a backup")


def differing(partition: HistoryPartition, data: Mapping[str, Any]) -> list[str]:
    """Return which facts of a partition are not those of an entry."""
    wrong = [name for name in FACTS if getattr(partition, name) != data.get(name)]
    said = data.get("partition")
    if not isinstance(said, Mapping) or (said.get("sha256"), said.get("bytes")) != (
        partition.digest,
        partition.size,
    ):
        wrong.append("object")
    return wrong
