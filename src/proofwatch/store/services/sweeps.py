"""Sweeps: planned once per occurrence, moved forward, ended once; and what they read."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import OuterRef, QuerySet, Subquery

from proofwatch.connectors.base import Place
from proofwatch.snapshots.base import State
from proofwatch.store import log
from proofwatch.store.base import Missing, StoreError
from proofwatch.store.django import guarded, write
from proofwatch.store.history import absent
from proofwatch.store.models import Connection, CoverageGap, ShardRead, Sweep, TableState
from proofwatch.store.models.sweeps import APPLIED, RUNNING, SweepState, Trigger

BATCH = 500
_READ = (
    "account_id", "region", "table", "rows", "calls", "pages", "reason", "permission", "code", "lacking",
    "lacking_why",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Read:
    """How the reading of one table in one place went. `reason` is empty if it is complete."""

    account_id: str
    region: str
    table: str
    rows: int = 0
    calls: int = 0
    pages: int = 0
    reason: str = ""
    permission: str = ""
    code: str = ""
    lacking: int = 0
    lacking_why: str = ""

    @property
    def state(self) -> str:
        """Return the word that is kept for it."""
        return "failed" if self.reason else "complete"


@dataclass(frozen=True, slots=True)
class Large:
    """The object that lists the readings of a large sweep, and what it comes to."""

    digest: str
    count: int
    failed: int
    lacking: int


def plan(
    connection: Connection,
    *,
    slot: datetime,
    trigger: str,
    actor: str,
    now: datetime,
    tables: Sequence[str] = (),
) -> Sweep:
    """Plan the sweep of one occurrence; planning the same occurrence again returns the same sweep.

    `slot` is the occurrence, for a manual sweep the moment it was asked for; `trigger` one of
    Trigger's values; `tables` the only ones to read, empty for all.
    """
    with write(f"planning a sweep of {connection.name}"):
        sweep, created = Sweep.objects.get_or_create(
            connection=connection,
            slot=slot,
            defaults={"trigger": Trigger(trigger), "actor": actor, "tables": list(tables)},
        )
        if created:
            data = {**named(sweep, connection), "tables": list(tables)}
            log.append("schedule.slot" if trigger == Trigger.SCHEDULE else "sweep.planned", actor, data, now)
    return sweep


def begin(sweep: Sweep, *, now: datetime, plan_object: str = "", unknown: Sequence[str] = ()) -> Sweep:
    """Start collecting. `observed_at` is fixed the first time and kept by every restart.

    `unknown` says of what exists at the source what could not be listed.

    Raises:
        StoreError: the sweep has ended.
    """
    doing = f"starting sweep {sweep.pk}"
    with write(doing):
        # The connection's row first, as everywhere: two orders would let two processes block each other.
        Connection.objects.filter(pk=sweep.connection_id).update(last_attempt_at=now)
        Sweep.objects.filter(pk=sweep.pk, observed_at__isnull=True, state__in=RUNNING).update(
            observed_at=now,
            started_at=now,
            state=SweepState.COLLECTING,
            plan=plan_object,
            unknown=list(unknown),
        )
        fresh = Sweep.objects.select_related("connection").get(pk=sweep.pk)
        if fresh.state not in RUNNING:
            raise StoreError(doing, f"it has ended as {fresh.state}", "start a new sweep")
    return fresh


def move(sweep: Sweep, state: str) -> Sweep:
    """Move a sweep forward to another running state; never back, and not at all once it has ended.

    Raises:
        StoreError: the sweep has ended.
    """
    wanted = SweepState(state)
    doing = f"moving sweep {sweep.pk} to {wanted}"
    if wanted not in RUNNING:
        raise StoreError(doing, "only `fail` and the reconciliation end a sweep")
    with write(doing):
        earlier = RUNNING[: RUNNING.index(wanted) + 1]
        Sweep.objects.filter(pk=sweep.pk, state__in=earlier).update(state=wanted)
        fresh = Sweep.objects.select_related("connection").get(pk=sweep.pk)
        if fresh.state not in RUNNING:
            raise StoreError(doing, f"it has ended as {fresh.state}", "start a new sweep")
    return fresh


def came(sweep: Sweep, *, read: int, to_read: int, lost: int) -> None:
    """Tell how far the collecting of a sweep came, for those who look at it meanwhile."""
    with write(f"noting how far sweep {sweep.pk} came"):
        Sweep.objects.filter(pk=sweep.pk, state__in=RUNNING).update(read=read, to_read=to_read, lost=lost)


def record_reads(sweep: Sweep, reads: Iterable[Read], large: Large | None = None) -> None:
    """Keep how each reading went; a repeated reading replaces the row of the same sweep.

    With `large`, an object lists the readings, and `reads` are those that have rows all the same.
    """
    rows = [
        ShardRead(sweep=sweep, state=item.state, **{name: getattr(item, name) for name in _READ})
        for item in reads
    ]
    key = ("sweep", "table", "account_id", "region")
    values = ("state", "rows", "calls", "pages", "reason", "permission", "code", "lacking", "lacking_why")
    doing = f"recording the reads of sweep {sweep.pk}"
    with write(doing):
        _still_running(doing, sweep)
        if large:
            # A sweep that was killed may have left a row of what was read since.
            ShardRead.objects.filter(sweep=sweep).delete()
            sweep.reads_object, sweep.reads_count = large.digest, large.count
            sweep.reads_failed, sweep.reads_lacking = large.failed, large.lacking
            sweep.save(update_fields=("reads_object", "reads_count", "reads_failed", "reads_lacking"))
        _upsert(rows, key, values)


def record_gaps(sweep: Sweep, gaps: Iterable[Place]) -> None:
    """Keep the places that exist and are not read, each with its reason."""
    rows = [
        CoverageGap(
            sweep=sweep,
            account_id=place.account_id,
            account_name=place.account_name,
            region=place.region,
            reason=place.gap,
        )
        for place in gaps
    ]
    doing = f"recording the coverage gaps of sweep {sweep.pk}"
    with write(doing):
        _still_running(doing, sweep)
        _upsert(rows, ("sweep", "account_id", "region"), ("account_name", "reason"))


def record_states(sweep: Sweep, states: Iterable[State]) -> None:
    """Keep the tables as they stand after this sweep."""
    values = ("manifest", "digest", "rows", "added", "changed", "removed")
    rows = [
        TableState(
            sweep=sweep,
            connection_id=sweep.connection_id,
            table=state.table,
            **{name: getattr(state, name) for name in values},
        )
        for state in states
    ]
    doing = f"recording the tables of sweep {sweep.pk}"
    with write(doing):
        _still_running(doing, sweep)
        _upsert(rows, ("sweep", "table"), values)


def fail(sweep: Sweep, *, error: str, now: datetime, actor: str) -> bool:
    """End a sweep that could not be finished; False if it had ended already.

    Nothing it would have said is applied: what it did not read is not known.
    """
    with write(f"recording the failure of sweep {sweep.pk}"):
        ended = Sweep.objects.filter(pk=sweep.pk, state__in=RUNNING).update(
            state=SweepState.FAILED, error=error[:2000], finished_at=now
        )
        if ended:
            log.append("sweep.failed", actor, {**named(sweep), "error": error[:2000]}, now)
    return bool(ended)


def skip(sweep: Sweep, *, reason: str, now: datetime, actor: str) -> bool:
    """End a sweep that shall not go on: its connection is paused or removed. False if it had ended."""
    with write(f"skipping sweep {sweep.pk}"):
        ended = Sweep.objects.filter(pk=sweep.pk, state__in=RUNNING).update(
            state=SweepState.SKIPPED, error=reason[:2000], finished_at=now
        )
        if ended:
            log.append("sweep.skipped", actor, {**named(sweep), "reason": reason[:2000]}, now)
    return bool(ended)


def get(sweep_id: str | uuid.UUID) -> Sweep:
    """Return a sweep by id. Raises StoreError if there is none."""
    doing = f"looking for sweep {sweep_id}"
    try:
        key = uuid.UUID(str(sweep_id))
    except ValueError:
        raise Missing(doing, "that is not the id of a sweep") from None
    with guarded(doing):
        found = Sweep.objects.select_related("connection").filter(pk=key).first()
    if found is None:
        raise Missing(doing, "there is none")
    return found


def latest(connection: Connection, *, at: datetime | None = None, whole: bool = False) -> Sweep | None:
    """Return the newest applied sweep (complete or partial), or the newest observed at or before `at`.

    With `whole`, the newest that set out to read every table.
    """
    with guarded("reading the newest sweep"):
        rows = _applied(connection, at)
        rows = rows.filter(tables=[]) if whole else rows
        # One state at a time, each with its newest at the end of an index; together they would be sorted.
        newest = [row for row in (rows.filter(state=state).first() for state in APPLIED) if row]
        return max(newest, key=lambda row: row.observed_at, default=None)


def newest_whole() -> dict[uuid.UUID, tuple[uuid.UUID, list[str]]]:
    """Return connection → its newest applied sweep that set out to read every table, and what that missed."""
    with guarded("reading the newest sweeps"):
        rows = Sweep.objects.filter(connection=OuterRef("pk"), state__in=APPLIED, tables=[])
        rows = rows.order_by("-observed_at")
        owners = Connection.objects.filter(removed_at__isnull=True).annotate(
            last=Subquery(rows.values("pk")[:1]), lacked=Subquery(rows.values("unknown")[:1])
        )
        return {pk: (last, lacked) for pk, last, lacked in owners.values_list("pk", "last", "lacked") if last}


def history(connection: Connection, *, limit: int = 50) -> list[Sweep]:
    """Return the newest occurrences, whatever became of them."""
    with guarded("reading the sweeps"):
        return list(Sweep.objects.filter(connection=connection).order_by("-slot")[:limit])


def unfinished(connection: Connection) -> list[Sweep]:
    """Return the sweeps that began or were planned and have not ended, oldest first."""
    with guarded("reading the sweeps"):
        found = Sweep.objects.filter(connection=connection, state__in=RUNNING)
        return sorted(
            found, key=lambda row: row.slot
        )  # An ordered query would walk over every slot there was.


def table_states(connection: Connection, *, at: datetime | None = None) -> dict[str, TableState]:
    """Return each table's newest state from an applied sweep observed at or before `at`."""
    with guarded("reading the table states"):
        rows = TableState.objects.filter(connection=connection)
        if at is None:
            return {row.table: row for row in rows.filter(latest=True).select_related("sweep")}
        absent.refuse(at, at + timedelta.resolution, "reading the tables of a past moment")
        rows = rows.filter(sweep__in=_applied(connection, at))
        found: dict[str, TableState] = {}
        for row in rows.select_related("sweep").order_by("sweep__observed_at"):
            found[row.table] = row
        return found


def reads(sweep: Sweep) -> list[ShardRead]:
    """Return the rows of a sweep's readings, by table and place; see `services.reads`."""
    return list(ShardRead.objects.filter(sweep=sweep).order_by("table", "account_id", "region"))


def gaps(sweep: Sweep) -> list[CoverageGap]:
    """Return the places that exist and were not read in a sweep."""
    return list(CoverageGap.objects.filter(sweep=sweep).order_by("account_id", "region"))


def named(sweep: Sweep, connection: Connection | None = None) -> dict[str, str]:
    """Return what every log entry about a sweep says first."""
    owner = connection or sweep.connection
    return {
        "sweep": str(sweep.pk),
        "connection": str(owner.pk),
        "name": owner.name,
        "slot": log.text(sweep.slot),
        "trigger": str(sweep.trigger),
    }


def _still_running(doing: str, sweep: Sweep) -> None:
    """Lock the sweep and make sure that nobody ended it: a worker that lost its lease may come late."""
    fresh = Sweep.objects.select_for_update().get(pk=sweep.pk)
    if fresh.state not in RUNNING:
        raise StoreError(
            doing, f"it has ended as {fresh.state}", "another worker finished it; start a new sweep"
        )


def _applied(connection: Connection, at: datetime | None) -> QuerySet:
    found = Sweep.objects.filter(connection=connection, state__in=APPLIED)
    if at is not None:
        found = found.filter(observed_at__lte=at)
    return found.order_by("-observed_at")


def _upsert(rows: list[Sweep], key: Sequence[str], values: Sequence[str]) -> None:
    if rows:
        type(rows[0]).objects.bulk_create(
            rows, batch_size=BATCH, update_conflicts=True, unique_fields=key, update_fields=values
        )
