"""What readings say about the alerts that exist: the newest runs, the findings inside, the gaps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from proofwatch.store.models import Alert, AlertResource, CheckRun, Sweep
from proofwatch.store.models.findings import FindingState
from proofwatch.store.outcome import Key

JUDGED_AGAIN = (FindingState.RESTORED, FindingState.NOT_APPLICABLE)
"""Findings that ended and whose resource is still judged: a later run has to have judged it, too."""


@dataclass(frozen=True, slots=True)
class Run:
    """The newest run of a check on a connection."""

    observed_at: datetime
    sweep: UUID
    manifest: str
    reason: str


class Inside(NamedTuple):
    """A finding that is or was in an alert; `left_at` None while it fails."""

    check: str
    account_id: str
    region: str
    state: str
    last_failed_at: datetime
    interruption: str
    left_at: datetime | None
    resource: str

    @property
    def key(self) -> Key:
        """Return its resource."""
        return Key(self.account_id, self.region, self.resource)


def runs() -> dict[tuple[UUID, str], Run]:
    """Return the newest run of every check, by (connection, check)."""
    rows = CheckRun.objects.filter(latest=True).values_list(
        "connection_id", "check_id", "observed_at", "sweep_id", "sweep__manifest", "reason"
    )
    return {(owner, check): Run(*rest) for owner, check, *rest in rows}


def resources(alerts: Sequence[UUID]) -> Mapping[UUID, list[Inside]]:
    """Return alert → the findings that are or were in it."""
    found: dict[UUID, list[Inside]] = {}
    rows = AlertResource.objects.filter(alert_id__in=alerts).values_list(
        "alert_id",
        "finding__check_id",
        "finding__account_id",
        "finding__region",
        "finding__state",
        "finding__last_failed_at",
        "finding__interruption",
        "ended_at",
        "finding__resource",
    )
    for alert, *rest in rows.iterator(chunk_size=2000):
        found.setdefault(alert, []).append(Inside(*rest))
    return found


def unread(connection: UUID | None, places: Iterable[tuple[str, str, str]]) -> bool:
    """Tell whether the newest run of a check did not read one of the places, as (check, account, region)."""
    wanted = set(places)
    checks = {check for check, _, _ in wanted}
    rows = CheckRun.objects.filter(latest=True, connection_id=connection, check_id__in=checks)
    return any(
        (check, account, region) in wanted
        for check, unread in rows.values_list("check_id", "unread")
        for account, region, *_ in unread
    )


def manifest_at(row: Alert) -> str:
    """Return the manifest of the sweep that saw the last failure."""
    sweeps = Sweep.objects.filter(connection_id=row.connection_id, observed_at=row.last_failed_at)
    return str(sweeps.values_list("manifest", flat=True).first() or "")
