"""From a wish to a file: write the binder that somebody asked for, and keep what became of it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from proofwatch.binder.base import Progress, Tools
from proofwatch.binder.write import write_binder
from proofwatch.errors import ProofwatchError
from proofwatch.reports.provenance import Origin
from proofwatch.store.models import Export
from proofwatch.store.services import exports

TOLD_EVERY = 1.0
"""Seconds between two updates of how far a binder is."""


def make(
    row: Export,
    tools: Tools,
    folder: Path,
    *,
    where: str,
    clock: Callable[[], datetime],
    path: Path | None = None,
    progress: Progress | None = None,
) -> Export:
    """Write the binder of an export, and record it; return the export as it ended.

    Args:
        row: what was asked for.
        tools: of the installation.
        folder: where the files of exports are.
        where: the command or address that makes the same again.
        clock: the time.
        path: another place for the file; the folder's own by default.
        progress: also told how far it is.

    Raises:
        BaseException: it could not be written, or was interrupted; the reason is recorded before.
    """
    now = clock()
    origin = Origin(where, row.by, now, row.role, tools.organization, tools.mark)
    target = path or folder / file_name(row, now)
    exports.begin(row)
    try:
        made = write_binder(
            exports.audit_of(row), target, tools, origin, kind=row.kind, progress=_teller(row, progress)
        )
        facts = {
            "file": target.name, "size": target.stat().st_size, "sha256": _sha256(target),
            "log_size": made.log_size, "files": made.files,
        }  # fmt: skip
        return exports.finish(row, facts, now=clock())
    except BaseException as error:
        # That it could not be noted either, as where the state is away, must not hide why it failed.
        with suppress(ProofwatchError):
            exports.fail(row, _words(error), now=clock())
        raise


def _words(error: BaseException) -> str:
    name = type(error).__name__
    if isinstance(error, ProofwatchError | OSError):
        return str(error)
    return "it was interrupted" if isinstance(error, KeyboardInterrupt) else f"{name}: {error}".rstrip(": ")


def file_name(row: Export, now: datetime) -> str:
    """Return what the file of an export is called."""
    span = f"{row.first:%Y-%m}" if row.kind == exports.BUNDLE else f"{row.audit or row.first}"
    return f"proofwatch-{row.kind}-{span}-{now:%Y%m%dT%H%M%SZ}.zip"


def _teller(row: Export, also: Progress | None) -> Progress:
    last = [0.0]

    def tell(stage: str, done: int, total: int) -> None:
        if also:
            also(stage, done, total)
        if time.monotonic() - last[0] >= TOLD_EVERY:
            last[0] = time.monotonic()
            exports.tell(row, stage, done, total)

    return tell


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
