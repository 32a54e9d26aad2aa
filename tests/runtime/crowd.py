"""Worker processes that do everything at once on one database.

Usage: python -m tests.runtime.crowd DATABASE_URL OUT HOST START WORKERS

Each looks at the clock, does jobs and sends messages until nothing is left, and writes to OUT what it did.
The first one is killed (SIGKILL) when the provider has taken its second message and nobody has written that
down. Its lease would end by itself after two minutes; it is ended here.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from proofwatch.alerts import outbox
from proofwatch.outbound.guard import Allowed
from proofwatch.outbound.http import Client
from proofwatch.runtime import jobs, scheduler
from proofwatch.store import django as store
from proofwatch.store.models import Delivery, Job
from proofwatch.store.models.deliveries import WAITING

MINUTES = range(0, 61, 5)


def work(url: str, out: str, host: str, start: datetime, number: int) -> None:
    store.setup(url)
    file = os.open(Path(out), os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    owner, sent = f"worker-{number}", 0

    def done(lease: jobs.Lease) -> None:
        os.write(file, f"{lease.kind} {lease.key} {number}\n".encode())

    def step(name: str) -> None:
        nonlocal sent
        sent += name == "sent"
        if number == 0 and sent == 2:
            os.kill(os.getpid(), signal.SIGKILL)

    sender = outbox.Sender(Client(Allowed.of([host])), owner, step=step)
    handlers = {"test": done, scheduler.SWEEP: done}
    for minute in MINUTES:
        scheduler.tick(start + timedelta(minutes=minute))
        jobs.run_one(owner, handlers)
        outbox.drain(sender, most=2)
    while Job.objects.exclude(state="done").exists() or Delivery.objects.filter(state__in=WAITING).exists():
        jobs.run_one(owner, handlers)
        outbox.drain(sender, most=2)
        time.sleep(0.05)


def main(url: str, out: str, host: str, start: str, workers: str) -> None:
    crowd = []
    for number in range(int(workers)):
        child = os.fork()
        if not child:
            try:
                work(url, out, host, datetime.fromisoformat(start), number)
            except BaseException as error:  # noqa: BLE001 – said, and the process ends
                print(f"worker {number}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
                os._exit(1)
            os._exit(0)
        crowd.append(child)
    ends = [os.waitpid(crowd[0], 0)[1]]
    store.setup(url)
    held = Delivery.objects.filter(lease_owner="worker-0", state__in=WAITING)
    assert held.update(leased_until=datetime.now(UTC) - timedelta(seconds=1)) == 1
    ends += [os.waitpid(child, 0)[1] for child in crowd[1:]]
    assert os.WTERMSIG(ends[0]) == signal.SIGKILL, ends
    assert ends[1:] == [0] * (len(ends) - 1), ends


if __name__ == "__main__":
    main(*sys.argv[1:])
