"""What archiving a month of history costs, and what it frees: `python -m benchmarks.history [ROWS ...]`.

One month of check runs and events of findings, ROWS of each, in SQLite in a folder for temporary files, with
an hourly sweep; three days of the next month stay. Each number of rows runs in a process of its own, so that
its peak of memory is its own.
"""

from __future__ import annotations

import argparse
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

MONTH = datetime(2025, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 6, 1, tzinfo=UTC)
SWEEPS = 720
"""One an hour."""
STAY = 72
"""Sweeps of the next month."""


def fill(each: int, hours: int, start: datetime, owner: Any) -> None:
    """Write check runs of hourly sweeps, `each` in a sweep, and what happened to findings that ended.

    By the database itself: making a million objects would take most of the time.
    """
    from django.db import connection, transaction

    from proofwatch.store.models import Sweep

    moments = [start + timedelta(hours=hour) for hour in range(hours)]
    sweeps = [
        Sweep(
            connection=owner, slot=at, trigger="schedule", state="complete", observed_at=at, actor="scheduler"
        )
        for at in moments
    ]
    Sweep.objects.bulk_create(sweeps, batch_size=500)
    with transaction.atomic(), connection.cursor() as cursor:
        for sweep in sweeps:
            at = f"{sweep.observed_at:%Y-%m-%d %H:%M:%S}"
            for statement in FILL:
                cursor.execute(statement, {"n": each, "sweep": sweep.pk.hex, "owner": owner.pk.hex, "at": at})


COUNT = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < %(n)s) "
VOLUME, ENDING = "'vol-' || lower(hex(randomblob(8)))", "' (100 GiB, eu-central-1a) is not encrypted'"
FILL = (
    f"""{COUNT} INSERT INTO store_checkrun
    (sweep_id, connection_id, latest, observed_at, check_id, check_version, "table", severity, params, passed,
    failed, inconclusive, not_applicable, accepted, results, reason, worst, unread)
    SELECT %(sweep)s, %(owner)s, 0, %(at)s, 'aws.service.check-' || i, hex(zeroblob(32)), 'aws_ec2_volume',
    'high', '{{"days": 90}}', i %% 977, i %% 13, 0, 0, 0, lower(hex(randomblob(32))), '',
    {VOLUME} || {ENDING}, '[]' FROM n""",
    f"""{COUNT} INSERT INTO store_finding
    (id, connection_id, check_id, account_id, region, resource, state, severity, reason, check_version, rule,
    acceptance, first_failed_at, last_failed_at, last_observed_at, opened_at, opened_sweep_id, regressions,
    interruption)
    SELECT lower(hex(randomblob(16))), %(owner)s, 'aws.service.check-' || i, '111111111111', 'eu-central-1',
    {VOLUME}, 'restored', 'high', 'not encrypted', hex(zeroblob(32)), '', '', %(at)s, %(at)s, %(at)s, %(at)s,
    %(sweep)s, 0, '' FROM n WHERE i %% 2 = 0""",
    f"""INSERT INTO store_findingevent (finding_id, kind, at, sweep_id, reason, check_version)
    SELECT id, k.kind, %(at)s, %(sweep)s, resource || {ENDING}, check_version
    FROM store_finding JOIN (SELECT 'opened' AS kind UNION ALL SELECT 'restored') k
    WHERE store_finding.rowid > (SELECT max(rowid) FROM store_finding) - (%(n)s + 1) / 2""",
)
"""Runs, findings and events of one sweep; half of the runs fail anew."""


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
