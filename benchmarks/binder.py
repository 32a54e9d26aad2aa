"""The binder of a large state: minutes and memory to write, MB/s to verify, seconds to judge a day again.

Run: python -m benchmarks.binder [--days N] [--alerts N] [--objects MB] [--resources N] [--checks N]
The state is that of benchmarks.pages (100 controls whose checks run hourly, 20,000 alerts), with
objects of 1 MB that its log names; the day that is judged again is a real snapshot with real verdicts.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

MB = 1 << 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--alerts", type=int, default=20_000)
    parser.add_argument("--findings", type=int, default=20_000)
    parser.add_argument("--objects", type=int, default=1000, help="MB of objects that the period names")
    parser.add_argument("--resources", type=int, default=100_000)
    parser.add_argument("--checks", type=int, default=100)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="pw-binder-"))
    try:
        zipped = folder / "binder.zip"
        if options.days:
            _child(folder, "fill", options.days, options.alerts, options.findings, options.objects)
            told = _child(folder, "write", zipped)
            print(
                f"binder: {told['seconds']:.0f} s, {told['cpu']:.0f} CPU s, {told['peak']:.0f} MB at most; "
                f"{zipped.stat().st_size / MB:.0f} MB, {told['files']} files, {told['rows']} rows of runs"
            )
            told = _child(folder, "verify", zipped)
            print(
                f"verify: {told['seconds']:.1f} s, {told['cpu']:.1f} CPU s, {told['peak']:.0f} MB at most: "
                f"{told['bytes'] / MB / told['seconds']:.0f} MB/s of objects ({told['bytes'] / MB:.0f} MB)"
            )
            told = _child(folder, "hash", zipped)
            print(
                f"of that, hashing every file: {told['cpu']:.1f} CPU s, "
                f"{told['bytes'] / MB / told['cpu']:.0f} MB per CPU s, "
                f"{told['bytes'] / MB / told['seconds']:.0f} MB/s ({told['bytes'] / MB:.0f} MB)"
            )
            told = _child(folder, "alone", zipped)
            print(
                f"verify.py: {told['seconds']:.1f} s, {told['cpu']:.1f} CPU s, {told['peak']:.0f} MB: "
                f"{told['bytes'] / MB / told['cpu']:.0f} MB per CPU s"
            )
        told = _child(folder, "again", options.resources, options.checks)
        print(
            f"reperform: {told['verdicts']} verdicts of {options.resources} resources x {options.checks} "
            f"checks: "
            f"{told['seconds']:.1f} s with the readings rebuilt, {told['cpu']:.1f} CPU s, "
            f"{told['peak']:.0f} MB; "
            f"the same: {told['same']}"
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _child(folder: Path, part: str, *given: object) -> dict:
    env = {**os.environ, "PROOFWATCH_HOME": str(folder / "home"), "PROOFWATCH_ACTOR": "bench"}
    env.pop("DATABASE_URL", None)
    command = [sys.executable, "-m", "benchmarks.binder", part, *map(str, given)]
    done = subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def told(began: float, **more: object) -> None:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    facts = {
        "seconds": time.perf_counter() - began,
        "cpu": sum(item.ru_utime + item.ru_stime for item in (own, children)),
        "peak": max(own.ru_maxrss, children.ru_maxrss) / 1024,
    }
    print(json.dumps({**facts, **more}))


def fill(days: int, alerts: int, findings: int, objects: int) -> None:
    from proofwatch.app import App
    from proofwatch.cli.setup import initialise

    app, began = App(), time.perf_counter()
    initialise(app)
    app.open()
    from benchmarks.binder_log import record
    from benchmarks.pages_state import fill as write_state
    from proofwatch.evidence.entry import object_ref
    from proofwatch.store import log
    from proofwatch.store.django import write

    now = datetime.now(UTC)
    write_state(now, findings=findings, alerts=alerts, days=days, resources=300_000)
    record(app.objects, now)
    for number in range(objects):
        data = os.urandom(MB)
        with write("naming an object"):
            ref = object_ref(app.objects.put(data), MB, "benchmark")
            log.append("log.noted", "bench", {"number": number, "object": ref}, now)
    app.sign()
    told(began)


def write_zip(path: str) -> None:
    from datetime import timedelta

    from proofwatch.app import App
    from proofwatch.binder.write import write_binder
    from proofwatch.cli.binder import tools_of
    from proofwatch.reports.provenance import Origin
    from proofwatch.store.models import CheckRun, LogEntry

    app = App().open()
    from proofwatch.store.models import Audit

    now = datetime.now(UTC)
    first = LogEntry.objects.order_by("index").first().at.date()
    begun = (CheckRun.objects.order_by("observed_at").first() or now).observed_at.date()
    audit = Audit(
        name="bench", framework="soc2", first=min(first, begun), last=now.date() + timedelta(days=1)
    )
    began = time.perf_counter()
    made = write_binder(audit, Path(path), tools_of(app), Origin("bench", "bench", now))
    told(began, files=made.files, rows=CheckRun.objects.count())


def verify(path: str) -> None:
    from proofwatch.evidence.binder import verify_binder
    from proofwatch.evidence.bundle import OBJECTS, Bundle

    began = time.perf_counter()
    with Bundle(Path(path)) as bundle:
        size = sum(bundle.size(name) for name in bundle.names if name.startswith(OBJECTS))
        report = verify_binder(bundle)
    if report.wrong:
        raise SystemExit(report.wrong[:3])
    told(began, bytes=size)


def hash_files(path: str) -> None:
    """Do the first step of verifying alone: every byte read, unpacked and hashed."""
    from proofwatch.evidence import binder
    from proofwatch.evidence.bundle import Bundle
    from proofwatch.evidence.verify import Report

    began = time.perf_counter()
    before = resource.getrusage(resource.RUSAGE_SELF)
    with Bundle(Path(path)) as bundle:
        size = sum(map(bundle.size, bundle.names))
        binder._hash_files(Report(), bundle, binder.Opened(), lambda done, total: None)
    after = resource.getrusage(resource.RUSAGE_SELF)
    told(began, bytes=size, cpu=after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def alone(path: str) -> None:
    """Run the verifier that is in the binder, as whoever receives it does."""
    from proofwatch.evidence.bundle import Bundle
    from proofwatch.reports import verifiers

    with Bundle(Path(path)) as bundle:
        size = sum(map(bundle.size, bundle.names))
    began = time.perf_counter()
    command = [sys.executable, str(verifiers.path("verify.py")), path, "--json"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if json.loads(done.stdout)["wrong"]:
        raise SystemExit(done.stdout[:2000])
    told(began, bytes=size)


def again(resources: int, checks: int) -> None:
    """Make a snapshot with verdicts as a sweep would, then judge it again from nothing but the objects."""
    from benchmarks import snapshot_world as world
    from proofwatch.checks.base import Check, TableInput
    from proofwatch.checks.evaluate import evaluate
    from proofwatch.checks.load import Catalog
    from proofwatch.checks.validate import verdict_version
    from proofwatch.evidence.evaluations import store_evaluation
    from proofwatch.evidence.objects import LocalObjects
    from proofwatch.evidence.reperform import Reperformer
    from proofwatch.snapshots.rebuild import materialise

    folder = Path(os.environ["PROOFWATCH_HOME"]).parent / "again"
    objects = LocalObjects(folder / "objects")
    declared = world.table(40)
    state = world.committed(declared, resources, objects, folder)
    kinds = {column.name: column.type for column in declared.columns}
    numbers = [name for name, kind in kinds.items() if kind == "BIGINT"]
    flags = [name for name, kind in kinds.items() if kind == "BOOLEAN"]
    made = {}
    for number in range(checks):
        flag, value = flags[number % len(flags)], numbers[number % len(numbers)]
        plain = Check(
            id=f"bench.check-{number:03}", title="t", table=declared.name, criteria=(), severity="low",
            why="",
            applies="true", passes=f"{flag} OR {value} > {number * 50}", on_pass="", on_fail="", fix="",
            params={}, same_as={}, cases=(), columns=(flag, value), version="", path=Path("bench"), source="",
        )  # fmt: skip
        version = verdict_version(plain, plain.id, plain.columns, {}, kinds, None)
        made[plain.id] = Check(
            **{name: getattr(plain, name) for name in plain.__slots__} | {"version": version}
        )
    catalog, now = Catalog(made, {}, {declared.name: declared}), datetime(2026, 11, 1, tzinfo=UTC)
    places = ((world.ACCOUNT, world.REGION),)
    (folder / "out").mkdir()
    rows = materialise(state.manifest, objects, folder / "cache")
    inputs = {declared.name: TableInput(declared.name, rows, places)}
    found = evaluate(catalog, list(made.values()), inputs, {}, now, folder / "out")
    stored = {
        declared.name: {
            "results": objects.put_file(found.tables[declared.name].path),
            "manifest": state.manifest,
            "rows_object": "",
        }
    }
    digest = store_evaluation(found, stored, catalog, inputs, {declared.name: state.manifest}, objects)
    fresh = folder / "fresh"
    fresh.mkdir()
    began = time.perf_counter()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    done = Reperformer(objects, fresh).again(digest)
    seconds = time.perf_counter() - began
    cpu = resource.getrusage(resource.RUSAGE_SELF).ru_utime - before
    told(began, verdicts=done.verdicts, same=done.same, seconds=seconds, cpu=cpu)


PARTS = {
    "fill": fill, "write": write_zip, "verify": verify, "hash": hash_files, "alone": alone, "again": again,
}  # fmt: skip

if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1] in PARTS:
        words = [int(word) if word.isdigit() else word for word in sys.argv[2:]]
        PARTS[sys.argv[1]](*words)
    else:
        main()
