"""Deliver what is due, and kill this process at a step: … -m tests.alerts.killed_delivery URL STEP HOST."""

import os
import signal
import sys

from proofwatch.alerts import outbox
from proofwatch.outbound.guard import Allowed
from proofwatch.outbound.http import Client
from proofwatch.store import django


def main() -> None:
    url, wanted, allowed = sys.argv[1:]
    django.setup(url)

    def step(name: str) -> None:
        if name == wanted:
            os.kill(os.getpid(), signal.SIGKILL)

    outbox.drain(outbox.Sender(Client(Allowed.of([allowed])), f"worker-{os.getpid()}", step=step))


if __name__ == "__main__":
    main()
