"""From a change of one resource to the message that a receiver took, by the size of the table, step by step.

    python -m benchmarks.latency_sizes [--resources 10000 100000] [--changes 3]

A Google Workspace of so many people, served by a process of its own; one of them at a time turns two-step
verification off. An event says only that people changed, so the whole table is read again: read → snapshot →
judge → findings → rules → log → message to a local receiver of Slack's webhook, with one thread and SQLite,
as `proofwatch worker` does it. Wall is what a person waits, CPU that of the process which does it. To both
come the worker's looks: every half second for events, and every half second for messages.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.latency import RULES, Receiver, command

KIND, TABLE, CHECK = "google_workspace", "google_workspace_user", "google_workspace.user.two-step-enrolled"
STEPS = ("plan", "read", "snapshot", "judge", "findings", "rules", "log", "message")
MARKS = {
    "planned": "plan", "collected": "read", "snapshotted": "snapshot", "evaluated": "judge",
    "applied": "findings", "signed": "log",
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--resources", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--changes", type=int, default=3)
    given = parser.parse_args()
    print(f"{'resources':>10} {'seconds':8} {'all':>7} " + " ".join(f"{step:>9}" for step in STEPS))
    for resources in given.resources:
        folder = Path(tempfile.mkdtemp(prefix="pw-latency-"))
        child = multiprocessing.get_context("spawn").Process(
            target=measure, args=(folder, resources, given.changes)
        )
        try:
            child.start()
            child.join()
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        if child.exitcode:
            raise SystemExit(f"{resources:,} resources: the process ended with {child.exitcode}")


def email(number: int) -> str:
    """Return the address of a person, which the receiver finds in a message."""
    return f"latency-{number // 0x1000000:03}-{number % 0x1000000:06x}@acme.example"


def serve(people: int, careless: Any, pipe: Any) -> None:
    """Serve the people; the one whose number `careless` holds has no two-step verification."""
    from benchmarks.connector_sources import Lazy, front
    from proofwatch.demo.fakes.google import paged
    from proofwatch.demo.fakes.google_workspace import V1, FakeGoogleWorkspace

    with FakeGoogleWorkspace() as fake:
        one = {**fake.users[0], "isEnrolledIn2Sv": True}

        def person(number: int) -> dict[str, Any]:
            enrolled = number != careless.value
            same = {**one, "id": str(10**20 + number), "primaryEmail": email(number)}
            return same | {"isEnrolledIn2Sv": enrolled}

        front(fake, f"GET {V1}/users", partial(paged, Lazy(people, person), name="users", most=500))
        pipe.send((fake.settings(), fake.environment()))
        pipe.recv()


class Clock:
    """Adds up the wall and CPU seconds of each step of a change."""

    def __init__(self) -> None:
        self.wall = dict.fromkeys(STEPS, 0.0)
        self.cpu = dict.fromkeys(STEPS, 0.0)
        self._at = time.monotonic(), time.process_time()

    def mark(self, name: str) -> None:
        """End a step."""
        if name in MARKS or name in STEPS:
            step, now = MARKS.get(name, name), (time.monotonic(), time.process_time())
            self.wall[step] += now[0] - self._at[0]
            self.cpu[step] += now[1] - self._at[1]
            self._at = now

    def around(self, name: str, before: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return a call that is a step of its own; what was since the last mark belongs to `before`."""

        def marked(*args: Any, **named: Any) -> Any:
            self.mark(before)
            try:
                return call(*args, **named)
            finally:
                self.mark(name)

        return marked


def measure(folder: Path, resources: int, changes: int) -> None:
    context = multiprocessing.get_context("spawn")
    careless = context.Value("q", -1)
    ours, theirs = context.Pipe()
    server = context.Process(target=serve, args=(resources, careless, theirs), daemon=True)
    server.start()
    try:
        settings, environment = ours.recv()
        receiver = Receiver()
        os.environ.update(
            environment, PROOFWATCH_HOME=str(folder / "home"), PROOFWATCH_ALLOW_HOSTS="127.0.0.1",
            PROOFWATCH_EXECUTOR="threads:1", PW_SLACK=f"http://127.0.0.1:{receiver.port}/T/B/x",
        )  # fmt: skip
        (folder / "rules.yaml").write_text(RULES.format(check=CHECK))
        for words in (
            ["init"],
            ["channels", "add", "ops", "slack-webhook", "--set", "url=env:PW_SLACK"],
            ["channels", "test", "ops"],
            ["rules", "apply", str(folder / "rules.yaml"), "--reason", "bench"],
        ):
            subprocess.run(command(words), check=True, stdout=subprocess.DEVNULL)
        alerted(settings, resources, changes, careless, receiver)
        ours.send("end")
    finally:
        server.terminate()
        server.join()


def alerted(settings, resources, changes, careless, receiver) -> None:  # type: ignore[no-untyped-def]
    from proofwatch import connecting, pipeline
    from proofwatch.app import App
    from proofwatch.cli import worker
    from proofwatch.cli.sweeps import resume_sweep, run_sweep
    from proofwatch.config import load_settings
    from proofwatch.store.services import connections, sweeps

    app = App(load_settings(os.environ)).open()
    connecting.connect(app.objects, KIND, "google", settings, actor="bench", now=datetime.now(UTC))
    owner = connections.get("google")
    run_sweep(app, owner, tables=(TABLE,), trigger="event", quiet=True)
    worker.send(app)
    observe, clocks = pipeline.observe, []
    for change in range(changes):
        number = (change + 1) * resources // (changes + 1)
        word = email(number).partition("@")[0]
        careless.value, clock, now = number, Clock(), datetime.now(UTC)
        pipeline.observe = clock.around("rules", "findings", observe)
        run = sweeps.plan(owner, slot=now, trigger="event", actor="bench", now=now, tables=(TABLE,))
        resume_sweep(app, run, quiet=True, step=clock.mark)
        worker.send(app)
        clock.mark("message")
        if word not in receiver.at:
            sys.exit(f"nobody was told of {word}")
        clocks.append(clock)
    for name in ("wall", "cpu"):
        means = {step: statistics.mean(getattr(clock, name)[step] for clock in clocks) for step in STEPS}
        cells = " ".join(f"{means[step]:>9.2f}" for step in STEPS)
        print(f"{resources:>10,} {name:8} {sum(means.values()):>7.2f} {cells}", flush=True)


if __name__ == "__main__":
    main()
