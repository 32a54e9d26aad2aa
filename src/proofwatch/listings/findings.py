"""The list of findings: what fails where, since when, and what was verified restored."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from proofwatch.checks.base import SEVERITIES
from proofwatch.listings.base import Column, Filter, Listing, Row, one_of
from proofwatch.listings.sources import Stored
from proofwatch.store.models import Connection, Finding
from proofwatch.store.models.findings import FindingState
from proofwatch.store.services import controls
from proofwatch.store.services.findings import last_runs

STATES = {"open": "open", "restored": "verified restored", "gone": "verified: resource gone"}


def _rows() -> QuerySet[Any]:
    # Not joined: SQLite would begin at the connection, and sort all that it has.
    return Finding.objects.prefetch_related("connection")


def _bodies(found: Any) -> list[Row]:
    runs = last_runs(row.check_id for row in found)
    return [_body(row, runs) for row in found]


def _body(row: Finding, runs: Any) -> Row:
    seen = row.last_observed_at
    if row.state == FindingState.OPEN and row.evidence_interrupted_since is None:
        seen = max(runs.get((row.connection_id, row.check_id), seen), seen)
    return {
        "id": str(row.pk),
        "check": row.check_id,
        "connection": row.connection.name,
        "account": row.account_id,
        "region": row.region,
        "resource": row.resource,
        "state": "accepted" if row.acceptance and row.state == "open" else STATES.get(row.state, row.state),
        "severity": row.severity,
        "reason": row.reason,
        "check_version": row.check_version,
        "first_failed_at": row.first_failed_at,
        "last_observed_at": seen,
        "opened_at": row.opened_at,
        "restored_at": row.restored_at,
        "regressions": row.regressions,
        "interrupted_since": row.evidence_interrupted_since,
        "interruption": row.interruption,
        "acceptance": row.acceptance,
        "url": f"/findings/{row.pk}",
        "check_url": f"/checks/{row.check_id}",
    }


def _state(chosen: QuerySet[Any], text: str) -> QuerySet[Any]:
    return chosen.filter(state=one_of("findings", "state", FindingState.values, text))


def _severity(chosen: QuerySet[Any], text: str) -> QuerySet[Any]:
    return chosen.filter(rank=SEVERITIES.index(one_of("findings", "severity", SEVERITIES, text)))


def _control(chosen: QuerySet[Any], text: str) -> QuerySet[Any]:
    listed = controls.current()
    known = {item.id: item.checks for item in (controls.controls_of(listed) if listed else ())}
    return chosen.filter(check_id__in=known[one_of("findings", "control", known, text)])


LISTING = Listing(
    name="findings",
    title="Findings",
    question="Every failing check and resource, open or not.",
    columns=(
        Column("id", "Id", "digest", shown=False),
        Column("state", "State", "status"),
        Column("severity", "Severity", "severity"),
        Column("check", "Check", "name"),
        Column("resource", "Resource"),
        Column("account", "Account"),
        Column("region", "Region"),
        Column("reason", "Why"),
        Column("opened_at", "Failing since", "moment"),
        Column("last_observed_at", "Last observed", "moment"),
        Column("connection", "Connection", shown=False),
        Column("check_version", "Check version", "digest", shown=False),
        Column("first_failed_at", "First failed", "moment", shown=False),
        Column("restored_at", "Restored", "moment", shown=False),
        Column("regressions", "Regressions", "number", shown=False),
        Column("interrupted_since", "Not seen since", "moment", shown=False),
        Column("interruption", "Why not seen", shown=False),
        Column("acceptance", "Acceptance", shown=False),
    ),
    source=Stored(_rows, None, {"severity": "rank", "opened_at": "opened_at", "check": "check_id"}, _bodies),
    sorts=("severity", "opened_at", "check"),
    sort="severity",
    filters=(
        Filter("q", "Resource", lambda chosen, text: chosen.filter(Q(resource__icontains=text))),
        Filter(
            "state", "State", _state, lambda: [(item, STATES.get(item, item)) for item in FindingState.values]
        ),
        Filter("severity", "Severity", _severity, lambda: [(item, item) for item in SEVERITIES]),
        Filter("check", "Check", lambda chosen, text: chosen.filter(check_id=text)),
        Filter("control", "Control", _control),
        Filter(
            "connection",
            "Connection",
            lambda chosen, text: chosen.filter(connection__name=text),
            lambda: [
                (name, name)
                for name in Connection.objects.filter(removed_at=None)
                .order_by("name")
                .values_list("name", flat=True)
            ],
        ),
    ),
)
