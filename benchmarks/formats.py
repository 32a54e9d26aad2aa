"""Formats of others: time and peak memory of 100,000 OSCAL observations, OCSF results, imported records.

    python -m benchmarks.formats [--number 100000] [--check-oscal SCHEMA.json]

Each part runs in a process of its own, so that its peak memory is its own; the memory before it began is
told beside it. The OSCAL state is written straight into the tables (ten connections, a hundred checks, each
named by `number` / 1,000 controls); the results are those of a real snapshot, really judged, one in ten
failing; the records are shaped like Prowler's. SQLite on local disk.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
CONNECTIONS, CHECKS = 10, 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--number", type=int, default=100_000)
    parser.add_argument("--check-oscal", type=Path, metavar="SCHEMA", help="validate, and time that too")
    given = parser.parse_args()
    for part in (oscal, ocsf, taken):
        with tempfile.TemporaryDirectory() as name:
            child = multiprocessing.get_context("spawn").Process(
                target=_run, args=(part, Path(name), given.number, given.check_oscal)
            )
            child.start()
            child.join()


def _run(part, folder: Path, number: int, schema: Path | None) -> None:
    from tests import web_settings  # noqa: F401

    from proofwatch.store import django as store

    store.setup(f"sqlite:///{folder}/state.sqlite3")
    store.migrate()
    part(folder, number, schema)


class Clock:
    """Tells the CPU and wall seconds and the peak memory of what is done inside."""

    def __init__(self, what: str) -> None:
        self.what = what

    def __enter__(self) -> Clock:
        self.before = peak()
        self.wall, self.cpu = time.monotonic(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        wall, cpu = time.monotonic() - self.wall, time.process_time() - self.cpu
        print(
            f"{self.what}: {cpu:.1f} s CPU, {wall:.1f} s wall, peak {peak():.0f} MB "
            f"(before {self.before:.0f} MB)",
            flush=True,
        )


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def oscal(folder: Path, number: int, schema: Path | None) -> None:
    from proofwatch.evidence.objects import LocalObjects
    from proofwatch.reports.oscal import write_oscal
    from proofwatch.reports.provenance import Origin

    fill(number // (CONNECTIONS * CHECKS))
    path = folder / "oscal.json"
    with Clock(f"OSCAL, {number:,} observations"):
        done = write_oscal(path, LocalObjects(folder), folder, Origin("benchmark", "bench", NOW, "lead"))
    print(f"  {done.rows:,} observations, {path.stat().st_size / 1e6:.0f} MB")
    if schema:
        import jsonschema_rs

        validator = jsonschema_rs.validator_for(json.loads(schema.read_text("utf-8")))
        body = json.loads(path.read_text("utf-8"))
        began = time.process_time()
        validator.validate(body)
        print(f"  valid by the schema, {time.process_time() - began:.1f} s CPU")


def fill(controls: int) -> None:
    """Write connections, a sweep of each, its runs, and controls that name every check."""
    from proofwatch.controls.base import Control, ControlList
    from proofwatch.store.models import CheckRun, Sweep
    from proofwatch.store.services import connections
    from proofwatch.store.services import controls as service

    checks = tuple(f"aws.bench.check-{number:03}" for number in range(CHECKS))
    for place in range(CONNECTIONS):
        owner = connections.create(f"prod-{place}", "aws", {}, actor="bench", now=NOW - timedelta(days=1))
        sweep = Sweep.objects.create(
            connection=owner, slot=NOW, trigger="schedule", state="complete", observed_at=NOW, actor="bench",
        )  # fmt: skip
        CheckRun.objects.bulk_create(
            CheckRun(
                sweep=sweep, connection=owner, observed_at=NOW, check_id=check, check_version="1" * 64,
                table="aws_bench", severity="high", passed=9, failed=number % 2, results="2" * 64,
                worst="it is not encrypted",
            )
            for number, check in enumerate(checks)
        )  # fmt: skip
    listed = tuple(
        Control(f"C-{number}", "It is so", "Really.", "lead", ("CC6.1",), checks, ("aws",), "hourly")
        for number in range(controls)
    )
    service.import_list(ControlList("soc2", "1", "t", listed, "0" * 64), actor="bench", now=NOW)


def ocsf(folder: Path, number: int, _: Path | None) -> None:
    from tests.reports.world import World, volume

    from proofwatch.reports.ocsf import write_ocsf

    world = World(folder / "objects")
    world.sweep(volume(f"vol-{item:08}", item % 10 > 0) for item in range(number))
    path = folder / "found.jsonl"
    with Clock(f"OCSF, {number:,} results"):
        done = write_ocsf(path, world.objects, world.cache, world.origin())
    print(f"  {done.rows:,} events, {path.stat().st_size / 1e6:.0f} MB")


def taken(folder: Path, number: int, _: Path | None) -> None:
    from tests.reports import prowler

    from proofwatch.evidence.objects import LocalObjects
    from proofwatch.reports.ocsf_in import import_file
    from proofwatch.store.services import imports

    path = folder / "prowler.ocsf.json"
    text = json.dumps(prowler.finding(), indent=4)
    with path.open("w", encoding="utf-8") as out:
        out.write("[")
        for item in range(number):
            out.write(f"{',' if item else ''}{text.replace('vol-1', f'vol-{item}')}")
        out.write("]")
    real = imports.take_in

    def timed(*arguments, **values):
        with Clock("  of which in the transaction"):
            return real(*arguments, **values)

    imports.take_in = timed
    with Clock(f"Import, {number:,} records, {path.stat().st_size / 1e6:.0f} MB"):
        import_file(path, LocalObjects(folder / "objects"), product="", actor="bench", now=NOW)


if __name__ == "__main__":
    main()
