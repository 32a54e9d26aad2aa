"""Step 2: how each reading of a sweep went, in the database or, where there are very many, in one object.

A reading is one table in one place. Five thousand accounts have millions of them in an hour, nearly all of
places that hold nothing, and no database takes that. Beyond `LIMIT` they are one Parquet, sorted by table,
account and region, which the sweep's manifest names; rows stay for what a person acts on: of each table the
first `KEPT` readings that failed, and as many that lack something. Whoever wants them all asks here.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import Any, Literal, NamedTuple

from django.db.models import Count, Q

from proofwatch.connectors.ondisk import RowsOnDisk
from proofwatch.snapshots.base import Objects
from proofwatch.snapshots.batches import Place, Size, Sizes
from proofwatch.snapshots.canon import PARQUET, Columns, copy, engine_errors, names, read_parquet, read_rows
from proofwatch.snapshots.engine import connect
from proofwatch.store.django import guarded
from proofwatch.store.models import ShardRead, Sweep
from proofwatch.store.services.sweeps import Large, Read, record_reads

LIMIT = 10_000
"""Readings of which each has a row, and a line in the sweep's manifest."""
KEPT = 100
"""Rows of a table beyond that: readings that failed, and as many that lack something."""
FETCHED = 10_000

COLUMNS: Columns = (
    ("table", "VARCHAR"), ("account_id", "VARCHAR"), ("region", "VARCHAR"), ("state", "VARCHAR"),
    ("rows", "BIGINT"), ("calls", "BIGINT"), ("pages", "BIGINT"), ("reason", "VARCHAR"),
    ("permission", "VARCHAR"), ("code", "VARCHAR"), ("lacking", "BIGINT"), ("lacking_why", "VARCHAR"),
)  # fmt: skip
"""Of the object; its bytes follow from the readings alone."""

_READ = tuple(name for name, _ in COLUMNS if name != "state")

Only = Literal["", "failed", "lacking"]


class PlaceRead(NamedTuple):
    """How many tables were to be read in one place, and how many of them could not be."""

    account_id: str
    region: str
    tables: int
    failed: int

    @property
    def read(self) -> int:
        """Return how many were read completely."""
        return self.tables - self.failed


class Totals(NamedTuple):
    """How many readings a sweep has."""

    all: int
    failed: int
    lacking: int

    @property
    def read(self) -> int:
        """Return how many are complete."""
        return self.all - self.failed


def keep(sweep: Sweep, found: Iterable[Read], count: int, objects: Objects, folder: Path) -> None:
    """Keep how each reading of a sweep went; safe to repeat.

    Args:
        sweep: one that runs.
        found: its readings; very many must be sorted by table, account and region.
        count: how many they are.
        objects: where the list of very many goes.
        folder: for temporary files.
    """
    if count <= LIMIT:
        record_reads(sweep, found)
        return
    notable = _Notable()
    digest = write(notable.of(found), objects, folder)
    large = Large(digest, count, notable.totals["failed"], notable.totals["lacking"])
    record_reads(sweep, notable.kept, large)


def write(found: Iterable[Read], objects: Objects, folder: Path) -> str:
    """Write sorted readings into one object; return its digest."""
    text = attrgetter(*(name for name, _ in COLUMNS))
    keys, encode = [name for name, _ in COLUMNS], json.JSONEncoder(check_circular=False).encode
    with (
        engine_errors("listing what was read"),
        tempfile.TemporaryDirectory(prefix="reads-", dir=folder) as own,
        connect() as session,
    ):
        lines, listed = Path(own) / "reads.ndjson", Path(own) / "reads.parquet"
        with lines.open("w", encoding="utf-8") as file:
            file.writelines(encode(dict(zip(keys, text(item), strict=True))) + "\n" for item in found)
        copy(session, f"SELECT {names(COLUMNS)} FROM {read_rows([lines], COLUMNS)}", listed, PARQUET)  # noqa: S608
        return objects.put_file(listed)


def of(sweep: Sweep, objects: Objects, *, table: str = "", only: Only = "") -> Iterator[Read]:
    """Yield how the readings of a sweep went, by table and place.

    Args:
        sweep: whose.
        objects: where the list of very many is.
        table: that table alone.
        only: those that failed, or that lack something.
    """
    if sweep.reads_object:
        asked = {"": "true", "failed": "state = 'failed'", "lacking": "lacking > 0"}[only]
        where = f"WHERE {asked} AND ($table = '' OR \"table\" = $table)"
        listed: Iterable[Any] = _select(sweep, objects, _listed(_READ), where, {"table": table})
    else:
        found = rows(sweep, only)
        found = found.filter(table=table) if table else found
        listed = _kept(found.values_list(*_READ))
    for values in listed:
        yield Read(**dict(zip(_READ, values, strict=True)))


def places(sweep: Sweep, objects: Objects) -> list[PlaceRead]:
    """Return the places of a sweep, those with most failed readings first."""
    if sweep.reads_object:
        counted = "account_id, region, count(*), count(*) FILTER (state = 'failed')"
        rows: Iterable[Any] = _select(sweep, objects, counted, "GROUP BY ALL")
    else:
        failed = Count("pk", filter=Q(state="failed"))
        found = ShardRead.objects.filter(sweep=sweep).order_by().values_list("account_id", "region")
        rows = _kept(found.annotate(tables=Count("pk"), failed=failed))
    return sorted((PlaceRead(*row) for row in rows), key=lambda item: (-item.failed, *item[:2]))


def sizes(sweep: Sweep | None, tables: Collection[str], objects: Objects) -> Sizes:
    """Return what reading an account's places took in a sweep; it waits on disk until it is asked for."""
    taken = RowsOnDisk()
    for account, items in groupby(_took(sweep, tables, objects) if sweep else (), itemgetter(0)):
        taken.add(account, [item[1:] for item in items])

    def of_account(account: str) -> dict[Place, Size]:
        rows = taken.rows(account)
        return {(table, account, region): Size(calls, count) for table, region, calls, count in rows}

    return of_account


def _took(sweep: Sweep, tables: Collection[str], objects: Objects) -> Iterator[Any]:
    columns = ("account_id", "table", "region", "calls", "rows")
    if not sweep.reads_object:
        found = ShardRead.objects.filter(sweep=sweep, table__in=tables).order_by("account_id")
        return _kept(found.values_list(*columns))
    where = 'WHERE list_contains($tables, "table") ORDER BY account_id'
    return _select(sweep, objects, _listed(columns), where, {"tables": list(tables)})


def totals(sweep: Sweep) -> Totals:
    """Return how many readings a sweep has."""
    if sweep.reads_object:
        return Totals(sweep.reads_count, sweep.reads_failed, sweep.reads_lacking)
    with guarded("counting how the readings went"):
        found = ShardRead.objects.filter(sweep=sweep).aggregate(
            all=Count("pk"),
            failed=Count("pk", filter=Q(state="failed")),
            lacking=Count("pk", filter=Q(lacking__gt=0)),
        )
    return Totals(**found)


def rows(sweep: Sweep, only: Only) -> Any:
    """Return the rows that the database has, by table and place: of a large sweep some."""
    found = ShardRead.objects.filter(sweep=sweep).order_by("table", "account_id", "region")
    if only == "failed":
        return found.filter(state="failed")
    return found.filter(lacking__gt=0) if only else found


@dataclass(slots=True)
class _Notable:
    """What is counted of readings that pass by, and those that have rows."""

    totals: Counter[str] = field(default_factory=Counter)
    kept: list[Read] = field(default_factory=list)
    _of: Counter[tuple[str, str]] = field(default_factory=Counter)

    def of(self, found: Iterable[Read]) -> Iterator[Read]:
        """Pass readings on."""
        for item in found:
            if item.reason or item.lacking:
                words = [
                    word for word, is_so in (("failed", item.reason), ("lacking", item.lacking)) if is_so
                ]
                self.totals.update(words)
                self._of.update((item.table, word) for word in words)
                if any(self._of[item.table, word] <= KEPT for word in words):
                    self.kept.append(item)
            yield item


def _listed(columns: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in columns)


def _kept(found: Any) -> Iterator[Any]:
    with guarded("reading how the readings went"):
        yield from found.iterator(chunk_size=FETCHED)


def _select(
    sweep: Sweep, objects: Objects, columns: str, rest: str, values: dict[str, Any] | None = None
) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a SELECT over the object; what is sorted may wait on disk."""
    with (
        engine_errors(f"reading what sweep {sweep.pk} read"),
        tempfile.TemporaryDirectory(prefix="proofwatch-") as spill,
        connect(temp=Path(spill)) as session,
    ):
        source = read_parquet(objects.path(sweep.reads_object))
        cursor = session.execute(f"SELECT {columns} FROM {source} {rest}", values)  # noqa: S608 - our own text
        while batch := cursor.fetchmany(FETCHED):
            yield from batch
