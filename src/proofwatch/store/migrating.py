"""Steps of the schema while others work: one process at a time, and none that makes everybody wait.

On PostgreSQL a step that has to wait for a table makes all who come after it wait, too. So it waits shortly,
gives up, lets the others pass, and tries again. Each step is one transaction: given up, it left nothing.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection
from django.db.utils import OperationalError

LOCK_WAIT = 3
"""Seconds that a step waits for a table."""
TRIES = 10
REST = 1.0
"""Seconds between two tries: whoever waited behind the step passes."""
NUMBER = 0x50726F6F66
"""Of the advisory lock on PostgreSQL; any number that nobody else takes."""


@contextmanager
def alone() -> Iterator[None]:
    """Wait until nobody else migrates this database, and keep it so; a process that dies lets go of it."""
    if connection.vendor != "postgresql":
        with _alone_in(Path(connection.settings_dict["NAME"]).parent):
            yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [NUMBER])
        cursor.execute(f"SET lock_timeout = '{LOCK_WAIT}s'")
    try:
        yield
    finally:
        connection.close()  # The lock and the time-out are of this session.


def patiently(step: Callable[[], object]) -> None:
    """Do what takes locks, again where it had to wait too long.

    Raises:
        OperationalError: it had to wait too long every time, or something else is wrong.
    """
    for _ in range(TRIES - 1):
        try:
            step()
        except OperationalError as error:
            if "lock timeout" not in str(error):
                raise
            time.sleep(REST)
        else:
            return
    step()


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:  # There is no such folder: what is wrong, the database says itself.
        yield
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
