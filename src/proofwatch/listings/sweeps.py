"""The list of sweeps: every occurrence that was due or asked for, and what became of it."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from proofwatch.listings.base import Column, Filter, Listing, Row, one_of
from proofwatch.listings.sources import Stored
from proofwatch.listings.spans import span
from proofwatch.store.models import Connection, Sweep
from proofwatch.store.models.sweeps import SweepState, Trigger


def _rows() -> QuerySet[Any]:
    return Sweep.objects.select_related("connection")


def _body(row: Sweep) -> Row:
    took = (row.finished_at - row.started_at).total_seconds() if row.finished_at and row.started_at else None
    return {
        "sweep": str(row.pk),
        "connection": row.connection.name,
        "slot": row.slot,
        "state": row.state,
        "trigger": row.trigger,
        "observed_at": row.observed_at,
        "finished_at": row.finished_at,
        "seconds": round(took) if took is not None else None,
        "objects": row.counts.get("objects"),
        "passed": row.counts.get("passed"),
        "failed": row.counts.get("failed"),
        "inconclusive": row.counts.get("inconclusive"),
        "tables": list(row.tables),
        "problem": row.error,
        "actor": row.actor,
        "manifest": row.manifest,
        "url": f"/sweeps/{row.pk}",
    }


def _state(chosen: QuerySet[Any], text: str) -> QuerySet[Any]:
    return chosen.filter(state=one_of("sweeps", "state", SweepState.values, text))


def _trigger(chosen: QuerySet[Any], text: str) -> QuerySet[Any]:
    return chosen.filter(trigger=one_of("sweeps", "cause", Trigger.values, text))


def _of(chosen: QuerySet[Any], text: str) -> QuerySet[Any]:
    # By its id, so that the database walks along the index of occurrences.
    return chosen.filter(connection=Connection.objects.filter(name=text).values_list("pk", flat=True).first())


def _connections() -> list[tuple[str, str]]:
    names = Connection.objects.filter(removed_at=None).order_by("name").values_list("name", flat=True)
    return [(name, name) for name in names]


LISTING = Listing(
    name="sweeps",
    title="Sweeps",
    question="Every reading of a system that was due or asked for, and what became of it.",
    columns=(
        Column("slot", "Due", "moment", "The occurrence; of one asked for, when that was."),
        Column("state", "State", "status"),
        Column("connection", "Connection", "name"),
        Column("trigger", "Because"),
        Column("observed_at", "Observed", "moment"),
        Column("seconds", "Seconds", "number"),
        Column("objects", "Objects read", "number"),
        Column("failed", "Failing", "number"),
        Column("inconclusive", "Inconclusive", "number"),
        Column("problem", "Problem"),
        Column("passed", "Passing", "number", shown=False),
        Column("finished_at", "Finished", "moment", shown=False),
        Column("tables", "Only tables", "names", "Empty: all.", shown=False),
        Column("actor", "By", shown=False),
        Column("manifest", "Manifest", "digest", shown=False),
        Column("sweep", "Sweep", "digest", shown=False),
    ),
    source=Stored(_rows, _body, {"slot": "slot"}),
    sorts=("slot",),
    sort="-slot",
    filters=(
        Filter(
            "connection",
            "Connection",
            _of,
            _connections,
        ),
        Filter("state", "State", _state, lambda: [(item, item) for item in SweepState.values]),
        Filter("trigger", "Because", _trigger, lambda: [(item, item) for item in Trigger.values]),
        *span("sweeps", "slot"),
    ),
)
