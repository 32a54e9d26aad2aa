"""What one sweep costs the state database, from 1,000 to 1,000,000 findings, on SQLite and PostgreSQL.

    python -m benchmarks.state [--findings 1000 10000 100000 1000000] [--engine sqlite|postgresql]

A made-up outcome of 40 checks is applied by `store.reconcile.apply`, as the pipeline does after judging. Each
engine and number has a process of its own and a new database. CPU seconds are of the process that applies,
and of the database's server. Rows: how many more there are, and how many were added or changed. "DB MB" is
what the sweep added to the pages or files of the database, "log MB" PostgreSQL's WAL beside it; objects are
the sweep's manifest and its list of changes in the evidence store. "1 % changed": half of them pass, half
fail with another reason. The last lines tell the rows by table.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from benchmarks.reconcile import CHECKS, HERE, NOW, arn, database
from benchmarks.snapshot_world import FolderObjects

if TYPE_CHECKING:
    from proofwatch.store.outcome import Failure, Key, Outcome, Verdict

NAMES = [f"aws.ec2.check-{number:02}" for number in range(CHECKS)]
HEADS = (
    f"{'engine':10} {'findings':>9} {'sweep':12} {'CPU s':>7} {'server':>7} {'wall s':>7} {'µs each':>8} "
    f"{'added':>10} {'written':>10} {'DB MB':>8} {'log MB':>8} {'objects MB':>10} {'RSS MB':>7}"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--findings", type=int, nargs="+", default=[1_000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--engine", choices=("sqlite", "postgresql"))
    parser.add_argument("--folder", type=Path, help="existing folder to work in, on a disk with room")
    options = parser.parse_args()
    print(HEADS)
    context = multiprocessing.get_context("spawn")
    for engine in [options.engine] if options.engine else ["sqlite", "postgresql"]:
        for findings in options.findings:
            folder = Path(tempfile.mkdtemp(prefix="state-", dir=options.folder))
            child = context.Process(target=run, args=(engine, folder, findings))
            try:
                child.start()
                child.join()
            finally:
                shutil.rmtree(folder, ignore_errors=True)
            if child.exitcode:
                raise SystemExit(f"{engine}, {findings:,} findings: the process ended with {child.exitcode}")


def run(engine: str, folder: Path, findings: int) -> None:
    from proofwatch.runtime.memory import calm_collector

    calm_collector()  # As every process of the product does first.
    with database(engine, folder) as server:
        measure(engine, folder, findings, server)


def measure(engine: str, folder: Path, findings: int, server: int | None) -> None:
    from proofwatch.store.services import connections

    owner = connections.create("prod", "aws", {}, actor="bench", now=NOW)
    objects, tables = FolderObjects(folder / "objects"), {}
    stages = (
        ("first", lambda number: "wrong"),
        ("unchanged", lambda number: "wrong"),
        (
            "1 % changed",
            lambda number: ("", "still wrong")[number % 2] if number // 2 % 100 == 0 else "wrong",
        ),
        ("all restored", lambda number: ""),
    )
    for minute, (name, reason) in enumerate(stages):
        tables[name] = applied(engine, owner, objects, findings, server, name, reason, minute)
    for name, (added, wrote) in tables.items():
        print(f"  {name}: added {told(added)}; written {told(wrote)}", flush=True)


def applied(engine, owner, objects, findings, server, name, reason, minute):  # type: ignore[no-untyped-def]
    """Apply one sweep, print its line, and return the rows that it added and wrote by table."""
    from proofwatch.store import reconcile
    from proofwatch.store.services import sweeps

    at = NOW + timedelta(minutes=15 * minute)
    sweep = sweeps.begin(sweeps.plan(owner, slot=at, trigger="manual", actor="bench", now=at), now=at)
    found = outcome(findings, reason)
    rows, wrote = counted(), written()
    size, log, stored, spent = held(), logged(), objects.size(), served(server)
    began, cpu = time.perf_counter(), time.process_time()
    reconcile.apply(sweep, found, objects, now=at)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    spent = served(server) - spent
    added, wrote = counted() - rows, written() - wrote
    print(
        f"{engine:10} {findings:>9,} {name:12} {cpu:7.2f} {spent:7.2f} {seconds:7.2f} "
        f"{(cpu + spent) / findings * 1e6:8.1f} {added.total():>10,} {wrote.total():>10,} "
        f"{(held() - size) / 1e6:8.2f} {(logged() - log) / 1e6:8.2f} {(objects.size() - stored) / 1e6:10.3f} "
        f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:7.0f}",
        flush=True,
    )
    return added, wrote


def outcome(findings: int, reason) -> Outcome:  # type: ignore[no-untyped-def]
    """Return what a sweep found whose resources fail for `reason(number)`, or pass where it is empty."""
    from proofwatch.checks.base import Counts
    from proofwatch.store.outcome import CheckOutcome, Failure, Outcome, Verdict

    def failures() -> Iterable[Failure]:
        for number in range(findings):
            if why := reason(number):
                yield Failure(NAMES[number % CHECKS], *HERE, arn(number), f"{arn(number)} is {why}")

    def verdicts(check: str, keys: Sequence[Key]) -> dict[Key, Verdict]:
        return {key: Verdict("pass", "encrypted with key-1") for key in keys}

    places = frozenset({HERE})
    return Outcome(
        checks=tuple(CheckOutcome(name, "v1", "high", "aws_ec2_volume", Counts(), places) for name in NAMES),
        failures=failures,
        verdicts=verdicts,
        complete=True,
        objects_read=findings,
    )


def counted() -> Counter[str]:
    """Return the rows of every table."""
    from django.apps import apps

    models = apps.get_app_config("store").get_models()
    return Counter({model._meta.db_table: model.objects.count() for model in models})


def written() -> Counter[str]:
    """Return the rows that were written so far, as the database counts them: SQLite in all."""
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            return Counter({"rows": connection.connection.total_changes})
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_user_tables")
        return Counter(dict(cursor.fetchall()))


def held() -> int:
    """Return the bytes of the database's pages or files."""
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            pages = [
                cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count")
            ]
            size: int = cursor.execute("PRAGMA page_size").fetchone()[0]
            return (pages[0] - pages[1]) * size
        cursor.execute("SELECT pg_database_size(current_database())")
        return int(cursor.fetchone()[0])


def logged() -> int:
    """Return how many bytes PostgreSQL has written to its log so far."""
    from django.db import connection

    if connection.vendor == "sqlite":
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
        return int(cursor.fetchone()[0])


def served(server: int | None) -> float:
    """Return the CPU seconds of the database's server so far, of its processes that ended, too."""
    if server is None:
        return 0.0
    main = psutil.Process(server)
    own = main.cpu_times()
    spent = own.user + own.system + own.children_user + own.children_system
    for child in main.children(recursive=True):
        times = child.cpu_times()
        spent += times.user + times.system
    return spent


def told(rows: Counter[str]) -> str:
    return ", ".join(f"{table} {count:,}" for table, count in rows.most_common() if count) or "nothing"


if __name__ == "__main__":
    main()
