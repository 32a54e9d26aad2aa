"""Verdicts that others passed: taken in whole or not at all, kept apart from ours, and never ours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import connection
from django.db.models import Count, Max

from proofwatch.evidence.entry import object_ref, parse
from proofwatch.store import log
from proofwatch.store.base import StoreError
from proofwatch.store.django import guarded, write
from proofwatch.store.models import Assertion, Import, LogEntry
from proofwatch.store.services.actors import administering

ROLE = "import"
"""Of the kept file, in the entry that names it."""
PART = 1000
COLUMNS = (
    "product", "check_id", "title", "resource", "account_id", "region", "status", "raw_status", "severity",
    "asserted_at", "raw",
)  # fmt: skip
STATUSES = ("pass", "fail", "inconclusive")


@dataclass(frozen=True, slots=True)
class Asserted:
    """One verdict of a third party, as `Assertion` keeps it.

    `raw` is the whole record as JSON text; `asserted_at` is when its source judged, None if it does not say.
    """

    product: str
    check_id: str
    title: str
    resource: str
    account_id: str
    region: str
    status: str
    raw_status: str
    severity: str
    asserted_at: datetime | None
    raw: str


@dataclass(frozen=True, slots=True)
class Kept:
    """The file that was taken in.

    Attributes:
        object: digest of the kept object.
        size: its bytes.
        file: digest of the file as it came.
        name: of the file.
        packed: whether it was packed for keeping: its bytes would have passed for an object of ours.
    """

    object: str
    size: int
    file: str
    name: str
    packed: bool = False


def known(file: str) -> Import | None:
    """Return the import of a file by the digest that it came with; None if it was never taken in."""
    with guarded("looking for an import"):
        for raw in (
            LogEntry.objects.filter(kind="import.made").order_by("index").values_list("entry", flat=True)
        ):
            data = parse(bytes(raw)).data
            if data.get("file_sha256") == file:
                found: Import | None = Import.objects.filter(number=data["number"]).first()
                return found
    return None


def every() -> list[tuple[Import, dict[str, int]]]:
    """Return every import, the newest first, with how many verdicts of each status it brought."""
    with guarded("listing the imports"):
        counted: dict[Any, dict[str, int]] = {}
        rows = Assertion.objects.order_by().values_list("source_id", "status").annotate(Count("pk"))
        for key, status, number in rows:
            counted.setdefault(key, {})[status] = number
        found = list(Import.objects.order_by("-number"))
        return [(row, {word: counted.get(row.pk, {}).get(word, 0) for word in STATUSES}) for row in found]


def take_in(
    rows: Iterable[Asserted], kept: Kept, *, format: str, product: str, counts: Mapping[str, int],
    actor: str, now: datetime,
) -> Import:  # fmt: skip
    """Keep the verdicts of one file, all of them in one transaction with the entry that names the file.

    Whatever goes wrong before the last row leaves nothing behind.

    Args:
        rows: the verdicts, in the order of the file, consumed once.
        kept: the file.
        format: of the file.
        product: whose verdicts they are; several products are named as such.
        counts: status → how many `rows` has, counted before.
        actor: who takes them in.
        now: the time.

    Raises:
        StoreError: the actor may not do it, the file was taken in meanwhile, or it is not what was counted.
    """
    doing = f"taking in {kept.name}"
    administering(actor, doing)
    total = sum(counts.values())
    with write(doing):
        log.lock()
        if known(kept.file) is not None:
            raise StoreError(doing, "somebody else has just taken it in", "see `proofwatch import list`")
        number = (Import.objects.aggregate(last=Max("number"))["last"] or 0) + 1
        row: Import = Import.objects.create(
            number=number, format=format, product=product, object=kept.object, count=total, by=actor, at=now
        )
        if _insert(row.pk, rows) != total:
            raise StoreError(doing, "the file changed while it was read", "take it in again")
        data = {
            "number": number, "format": format, "product": product, "count": total,
            "statuses": {word: counts.get(word, 0) for word in STATUSES},
            "file": kept.name, "file_sha256": kept.file, "packed": kept.packed,
            "kept": object_ref(kept.object, kept.size, ROLE),
        }  # fmt: skip
        log.append("import.made", actor, data, now)
    return row


def _insert(source: int, rows: Iterable[Asserted]) -> int:
    """Insert the rows; return how many. The text of a record goes to the database as it is."""
    table = connection.ops.quote_name(Assertion._meta.db_table)
    names = ", ".join(connection.ops.quote_name(name) for name in ("source_id", "place", *COLUMNS))
    raw = "%s::jsonb" if connection.vendor == "postgresql" else "%s"
    marks = ", ".join(["%s"] * (len(COLUMNS) + 1))
    statement = f"INSERT INTO {table} ({names}) VALUES ({marks}, {raw})"  # noqa: S608 – our own names
    values: Iterator[tuple[Any, ...]] = (_values(source, place, row) for place, row in enumerate(rows))
    number = 0
    with connection.cursor() as cursor:
        while part := list(islice(values, PART)):
            cursor.executemany(statement, part)
            number += len(part)
    return number


def _values(source: int, place: int, row: Asserted) -> tuple[Any, ...]:
    at = connection.ops.adapt_datetimefield_value(row.asserted_at)
    return (
        source, place, row.product, row.check_id, row.title, row.resource, row.account_id, row.region,
        row.status, row.raw_status, row.severity, at, row.raw,
    )  # fmt: skip
