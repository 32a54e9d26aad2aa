"""A state of some months: sweeps with everything that grows, findings that open and end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from proofwatch.connectors.base import Place
from proofwatch.evidence.objects import LocalObjects
from proofwatch.snapshots.base import State
from proofwatch.store import reconcile
from proofwatch.store.history import archive
from proofwatch.store.history.base import HISTORY, Month
from proofwatch.store.models import HistoryPartition, Sweep
from proofwatch.store.outcome import TableOutcome
from proofwatch.store.services import sweeps
from proofwatch.store.services.reads import keep
from tests.store.samples import CHECK, HERE, THERE, connection, outcome

OLD, NEXT = Month(2025, 1), Month(2025, 2)
NOW = datetime(2026, 4, 2, 12, tzinfo=UTC)
FAIL, PASS = ("fail", "not encrypted"), ("pass", "encrypted")
A, B, C = ((*HERE, f"vol-{name}") for name in "abc")
TABLE = "aws_ec2_volume"


class World:
    """One connection, swept at given days."""

    def __init__(self, folder: Path, name: str = "prod") -> None:
        self.objects = LocalObjects(folder / "objects")
        self.owner = connection(name)

    def sweep(self, at: datetime, rows: Mapping[Any, Any], **values: Any) -> Sweep:
        """Read, judge and apply at a moment."""
        run = sweeps.plan(self.owner, slot=at, trigger="manual", actor="owner", now=at)
        run = sweeps.begin(run, now=at)
        reads = [
            sweeps.Read(*HERE, TABLE, rows=len(rows), calls=2, pages=1),
            sweeps.Read(*THERE, TABLE, reason="denied “✓”", permission="ec2:DescribeVolumes"),
        ]
        keep(run, reads, len(reads), self.objects, self.objects.folder.parent)
        sweeps.record_gaps(
            run, [Place("222222222222", "eu-west-1", account_name="Ünï", gap="nobody reads it")]
        )
        state = State(TABLE, "1" * 64, "2" * 64, len(rows), 1, 0, 0, {})
        sweeps.record_states(run, [state])
        tables = (TableOutcome(TABLE, "0" * 64, "1" * 64, ((CHECK, "v1"),)),)
        found = outcome({CHECK: rows}, tables=tables, **values)
        reconcile.apply(run, found, self.objects, now=at)
        run.refresh_from_db()
        return run

    def months(self) -> list[Sweep]:
        """Sweep four times: vol-a fails and is restored, vol-b stays open, vol-c fails lately."""
        days = [datetime(2025, 1, 10, tzinfo=UTC), datetime(2025, 1, 20, 3, tzinfo=UTC)]
        days += [datetime(2025, 2, 5, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)]
        found = [
            {A: FAIL, B: FAIL, C: PASS}, {A: PASS, B: FAIL, C: PASS}, {A: PASS, B: FAIL, C: PASS},
            {A: PASS, B: FAIL, C: FAIL},
        ]  # fmt: skip
        return [self.sweep(day, rows) for day, rows in zip(days, found, strict=True)]

    def archive(self, month: Month = OLD) -> list[HistoryPartition]:
        """Archive a month as somebody would."""
        return archive.archive(month, self.objects, actor="ana", now=NOW)


def everything() -> dict[str, list[dict[str, Any]]]:
    """Return every row of history that is in the database."""
    return {name: list(item.model.objects.order_by("pk").values()) for name, item in HISTORY.items()}


def of(month: Month) -> dict[str, int]:
    """Return how many rows of a month are in the database."""
    return {name: item.model.objects.filter(**item.within(month)).count() for name, item in HISTORY.items()}
