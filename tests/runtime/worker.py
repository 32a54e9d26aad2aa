"""A real worker process for the tests: claims jobs and writes what it did to a file.

Usage: python -m tests.runtime.worker DATABASE_URL OUT LEASE_SECONDS
A job whose key starts with `slow` says so and then never ends by itself.
"""

from __future__ import annotations

import os
import sys
import time
from datetime import timedelta
from pathlib import Path

from proofwatch.runtime import jobs
from proofwatch.store import django as store
from proofwatch.store.models import Job


def main(url: str, out: str, seconds: str) -> None:
    store.setup(url)
    file = os.open(Path(out), os.O_CREAT | os.O_APPEND | os.O_WRONLY)

    def say(word: str, lease: jobs.Lease) -> None:
        os.write(file, f"{word} {lease.key} {os.getpid()} {lease.attempt}\n".encode())

    def work(lease: jobs.Lease) -> None:
        say("start", lease)
        while lease.key.startswith("slow") and lease.attempt == 1:
            time.sleep(0.05)
        time.sleep(0.02)
        say("end", lease)

    owner = jobs.owner_name()
    while Job.objects.exclude(state__in=("done", "dead")).exists():
        if jobs.run_one(owner, {"test": work}, lease=timedelta(seconds=float(seconds))) is None:
            time.sleep(0.05)


if __name__ == "__main__":
    main(*sys.argv[1:])
