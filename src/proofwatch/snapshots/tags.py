"""Which tags resources have, read from the typed tables: of some resources and some tags only."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from proofwatch.connectors.base import Table
from proofwatch.snapshots.engine import connect, quote

COLUMN, TYPE = "tags", "MAP(VARCHAR, VARCHAR)"
"""How every table holds the tags, labels or properties that people give to a resource."""
BATCH = 5000

_SELECT = (
    "SELECT account_id, region, resource, list_filter(list_transform(map_entries(coalesce(tags, MAP {})),"
    " lambda item: item.key || '=' || item.value), lambda item: list_contains($tags, item))"
    " FROM read_parquet("
)
_WHERE = (
    ") WHERE (_unread IS NULL OR NOT map_contains(_unread, 'tags'))"
    " AND resource IN (SELECT unnest($names::VARCHAR[]))"
)

Key = tuple[str, str, str]
"""account_id, region, resource."""


def has_tags(table: Table) -> bool:
    """Tell whether a table holds tags."""
    return any(column.name == COLUMN and column.type == TYPE for column in table.columns)


def tags_of(
    paths: Iterable[Path], keys: Collection[Key], tags: Sequence[str]
) -> Mapping[Key, frozenset[str]]:
    """Return resource → which of these tags it has.

    Args:
        paths: Parquet files of tables that hold tags.
        keys: the resources asked about; one that is in no table, or whose tags were not read, is missing.
        tags: `key=value`, in any number.
    """
    files = [path.resolve() for path in paths]
    found: dict[Key, frozenset[str]] = {}
    if not files or not keys or not tags:
        return found
    asked, names = set(keys), sorted({key[2] for key in keys})
    values = {"tags": list(tags), "names": names}
    with connect(allowed=files) as session:
        for path in files:
            cursor = session.execute(_SELECT + quote(str(path)) + _WHERE, values)
            while rows := cursor.fetchmany(BATCH):
                for account, region, resource, held in rows:
                    if (key := (account, region, resource)) in asked:
                        found[key] = found.get(key, frozenset()) | frozenset(held)
    return found
