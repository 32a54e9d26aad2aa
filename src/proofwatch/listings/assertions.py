"""The list of verdicts that other products passed: asserted by them, never ours."""

from __future__ import annotations

from typing import Any

from django.db.models import F, QuerySet

from proofwatch.listings.base import Column, Filter, Listing, Row, one_of
from proofwatch.listings.sources import Stored
from proofwatch.store.models import Assertion
from proofwatch.store.services.imports import STATUSES


def body(row: Assertion) -> Row:
    """Return what one verdict says."""
    return {
        "product": row.product,
        "check": row.check_id,
        "title": row.title,
        "resource": row.resource,
        "account": row.account_id,
        "region": row.region,
        "status": row.status,
        "raw_status": row.raw_status,
        "severity": row.severity,
        "asserted_at": row.asserted_at,
        "imported_at": row.source.at,
        "import": row.source.number,
        "place": row.place,
        "object": row.source.object,
        "kept": f"/evidence/objects/{row.source.object}",
    }


def _all() -> QuerySet[Any]:
    return Assertion.objects.select_related("source").defer("raw")


def _status(chosen: QuerySet[Any], text: str) -> QuerySet[Any]:
    return chosen.filter(status=one_of("verdicts of others", "status", STATUSES, text))


LISTING = Listing(
    name="assertions",
    title="Asserted by others",
    question="Which verdicts of other products were taken in: asserted by them, never ours.",
    columns=(
        Column("product", "Asserted by"),
        Column("check", "Check", "name", "The rule's id, as its product names it."),
        Column("resource", "Resource"),
        Column("account", "Account"),
        Column("region", "Region"),
        Column("status", "Status", "status", "pass, fail, or inconclusive where it says neither."),
        Column("raw_status", "Said", "text", "The status in its product's own words."),
        Column("severity", "Severity", "text", "As its product judges.", shown=False),
        Column("asserted_at", "Judged", "moment", "When its product judged; empty where it does not say."),
        Column("imported_at", "Taken in", "moment"),
        Column("import", "Import", "number", "Number of the import."),
        Column("title", "Title", shown=False),
        Column("place", "Record", "number", "Its place in the file, from 0.", shown=False),
        Column("object", "File", "digest", "The kept file.", shown=False),
    ),
    source=Stored(_all, body, {"imported_at": F("pk"), "check": "check_id"}),
    sorts=("imported_at", "check"),
    sort="-imported_at",
    filters=(
        Filter("product", "Asserted by", lambda chosen, text: chosen.filter(product__iexact=text)),
        Filter("check", "Check", lambda chosen, text: chosen.filter(check_id=text)),
        Filter("status", "Status", _status, lambda: [(word, word) for word in STATUSES]),
    ),
)
