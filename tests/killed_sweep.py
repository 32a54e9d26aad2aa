"""Run as a program: goes on with the unfinished sweep of a home, or plans one, and kills itself at a step.

python -m tests.killed_sweep STEP [NUMBER]   # STEP "" never kills; NUMBER is which one of that name
"""

import os
import signal
import sys
from datetime import UTC, datetime

from proofwatch.app import App
from proofwatch.cli.sweeps import resume_sweep
from proofwatch.store.services import connections, reads, sweeps

TABLES = ("aws_ec2_volume", "aws_ec2_security_group", "aws_s3_bucket", "aws_kms_key", "aws_logs_log_group")
SLOT = datetime(2026, 1, 1, tzinfo=UTC)


def main(step: str, number: int) -> None:
    seen = 0

    def kill(name: str) -> None:
        nonlocal seen
        if name.startswith(step) and step:
            seen += 1
            if seen == number:
                os.kill(os.getpid(), signal.SIGKILL)

    if "READS_LIMIT" in os.environ:
        reads.LIMIT = int(os.environ["READS_LIMIT"])  # From then on a sweep is a large one.
    app = App().open()
    name = os.environ.get("CONNECTION", "aws")
    connection, tables = connections.get(name), TABLES if name == "aws" else ()
    now = datetime.now(UTC)
    slot = datetime.fromisoformat(os.environ["SLOT"]) if "SLOT" in os.environ else SLOT
    run = sweeps.plan(connection, slot=slot, trigger="manual", actor="test", now=now, tables=tables)
    print(resume_sweep(app, run, quiet=True, step=kill).state)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1)
