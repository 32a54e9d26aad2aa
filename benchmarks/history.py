"""What archiving a month of history costs, and what it frees: `python -m benchmarks.history [ROWS ...]`.

One month of check runs and events of findings, ROWS of each, in SQLite in a folder for temporary files, with
an hourly sweep; three days of the next month stay. Each number of rows runs in a process of its own, so that
its peak of memory is its own.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

MONTH = datetime(2025, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 6, 1, tzinfo=UTC)
SWEEPS = 720
"""One an hour."""
STAY = 72
"""Sweeps of the next month."""


def digest(*what: object) -> str:
    """Return a digest, as different from others as real ones are."""
    return hashlib.sha256(repr(what).encode()).hexdigest()


def fill(each: int, hours: int, start: datetime, connection: Any) -> None:
    """Write check runs of hourly sweeps, `each` in a sweep, and what happened to findings that ended."""
    from django.db import transaction

    from proofwatch.store.models import CheckRun, Finding, FindingEvent, Sweep

    sweeps = [
        Sweep(
            connection=connection, slot=start + timedelta(hours=hour), trigger="schedule", state="complete",
            observed_at=start + timedelta(hours=hour), actor="scheduler",
        )
        for hour in range(hours)
    ]  # fmt: skip
    Sweep.objects.bulk_create(sweeps, batch_size=500)
    with transaction.atomic():
        for sweep in sweeps:
            numbers = range(each)
            CheckRun.objects.bulk_create(
                [
                    CheckRun(
                        sweep=sweep, connection=connection, latest=False, observed_at=sweep.observed_at,
                        check_id=f"aws.service.check-{number}", check_version="a" * 64,
                        table="aws_ec2_volume", severity="high", params={"days": 90}, passed=number % 977,
                        failed=number % 13, results=digest(sweep.pk, number % 40),
                        worst=f"vol-{digest(number)[:17]} (100 GiB, eu-central-1a) is not encrypted",
                    )
                    for number in numbers
                ],
                batch_size=500,
            )  # fmt: skip
            findings = [
                Finding(
                    id=UUID(digest(sweep.pk, number)[:32]), connection=connection,
                    check_id=f"aws.service.check-{number}", account_id="111111111111", region="eu-central-1",
                    resource=f"vol-{digest(sweep.pk, number)[:17]}", state="restored",
                    severity="high", reason="not encrypted",
                    check_version="a" * 64, first_failed_at=start, last_failed_at=start,
                    last_observed_at=start,
                    opened_at=start, opened_sweep=sweep,
                )
                for number in numbers[::2]
            ]  # fmt: skip
            Finding.objects.bulk_create(findings, batch_size=500)
            events = [
                FindingEvent(
                    finding=found, kind=kind, at=sweep.observed_at, sweep=sweep, check_version="a" * 64,
                    reason=f"{found.resource} (100 GiB, eu-central-1a) is not encrypted",
                )
                for found in findings for kind in ("opened", "restored")
            ]  # fmt: skip
            FindingEvent.objects.bulk_create(events, batch_size=500)


def measured(name: str, work: Callable[[], Any]) -> dict[str, float]:
    """Run something; return its CPU seconds."""
    begun = time.process_time()
    work()
    return {name: round(time.process_time() - begun, 1)}


def one(rows: int) -> dict[str, Any]:
    """Measure one number of rows in this process."""
    from proofwatch.evidence.objects import LocalObjects
    from proofwatch.store import django
    from proofwatch.store.history import archive, asking, bring
    from proofwatch.store.history.base import Month
    from proofwatch.store.models import CheckRun, Connection, FindingEvent, HistoryPartition

    with tempfile.TemporaryDirectory(prefix="proofwatch-bench-") as folder:
        file, month = Path(folder) / "state.sqlite3", Month.of(MONTH)
        url = f"sqlite:///{file}"
        django.setup(url)
        django.migrate()
        owner = Connection.objects.create(name="aws", kind="aws", created_at=MONTH, created_by="bench")
        each = rows // SWEEPS
        fill(each, SWEEPS, MONTH, owner)
        fill(each, STAY, datetime(2025, 2, 1, tzinfo=UTC), owner)
        objects = LocalObjects(Path(folder) / "objects")
        filled = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        found: dict[str, Any] = {
            "rows_of_the_month": CheckRun.objects.filter(**within(month)).count() * 2,
            "database_mb": megabytes(file),
        }
        found |= measured("archive_cpu_s", lambda: archive.archive(month, objects, actor="bench", now=NOW))
        found["peak_mb_filling"] = round(filled / 1024)
        found["peak_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        parts = HistoryPartition.objects.values_list("table", "rows", "size")
        found["objects_mb"] = {table: round(size / 1e6, 1) for table, _, size in parts}
        found["rows_archived"] = sum(number for _, number, _ in parts)
        vacuum()
        found["database_mb_after_vacuum"] = megabytes(file)
        sql = "SELECT check_id, sum(failed) FROM check_run GROUP BY ALL ORDER BY 2 DESC LIMIT 5"
        found |= measured("query_cpu_s", lambda: asking.query(sql, url, objects))
        found |= measured("bring_cpu_s", lambda: bring.bring(month, objects, actor="bench", now=NOW))
        assert CheckRun.objects.filter(**within(month)).count() == each * SWEEPS
        assert FindingEvent.objects.filter(at__lt=month.until).count() >= (each - 1) * SWEEPS
        found["peak_mb_at_the_end"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return found


def within(month: Any) -> dict[str, datetime]:
    """Return the filter for a month's runs."""
    return {"observed_at__gte": month.first, "observed_at__lt": month.until}


def vacuum() -> None:
    """Give the room of what was deleted back to the file system."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        cursor.execute("VACUUM")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def megabytes(file: Path) -> float:
    """Return the size of a database with its log."""
    return round(sum(path.stat().st_size for path in file.parent.glob(f"{file.name}*")) / 1e6, 1)


def main() -> None:
    """Measure each number of rows in a process of its own; print one object of JSON a line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=int, nargs="*", default=[100_000, 1_000_000])
    parser.add_argument("--here", action="store_true", help="in this process")
    given = parser.parse_args()
    for rows in given.rows:
        if given.here:
            print(json.dumps(one(rows)), flush=True)
        else:
            command = [sys.executable, "-m", "benchmarks.history", "--here", str(rows)]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
