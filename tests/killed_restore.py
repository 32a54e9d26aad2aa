"""Run as a program: restores a backup into a database, and kills itself at a step.

python -m tests.killed_restore BACKUP DATABASE_URL FOLDER VKEY STAGE NUMBER   # STAGE "" never kills
"""

import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from proofwatch.evidence.note import parse_vkey
from proofwatch.evidence.objects import LocalObjects
from proofwatch.store import django, manifest
from tests import web_settings  # noqa: F401 – sets Django up


def main(backup: str, url: str, folder: str, vkey: str, stage: str, number: int) -> None:
    from proofwatch.store import restoring  # its models need Django set up

    def kill(name: str, done: int, total: int) -> None:
        if name == stage and done >= number:
            os.kill(os.getpid(), signal.SIGKILL)

    django.setup(url)
    with Path(backup).open("rb") as file:
        found = manifest.inspect(file, [parse_vkey(vkey)], kill)
        order = restoring.Order(
            file=file,
            inspected=found,
            objects=LocalObjects(Path(folder) / "objects"),
            folders={"checks": Path(folder) / "checks", "exports": Path(folder) / "exports"},
            vkeys=(vkey,),
            earlier="",
            accept_loss="",
            name=Path(backup).name,
            actor="ana",
            now=datetime.now(UTC),
        )
        restoring.restore(order, kill)
    print("restored")


if __name__ == "__main__":
    main(*sys.argv[1:6], int(sys.argv[6]))
