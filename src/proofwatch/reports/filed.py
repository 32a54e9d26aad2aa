"""One file in a format of others: written whole or not at all, with its provenance beside it, and logged."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from proofwatch.reports.provenance import Origin
from proofwatch.reports.tables import NOTE, ReportError
from proofwatch.store import log
from proofwatch.store.django import write


@dataclass(frozen=True, slots=True)
class Filed:
    """What one export left behind.

    Attributes:
        path: the file.
        meta: its provenance, `NAME.meta.json` beside it.
        rows: records in it.
        sha256: of the file.
    """

    path: Path
    meta: Path
    rows: int
    sha256: str


def write_file(path: Path, fill: Callable[[TextIO], int], about: Mapping[str, Any]) -> Filed:
    """Write a file and its provenance; a failure half-way leaves what was there before.

    Args:
        path: the file; its folder is made if needed.
        fill: writes the text and returns how many records it has.
        about: the five questions about the export (`provenance`); rows and digest are added here.

    Raises:
        ReportError: the file cannot be written.
    """
    meta = path.with_name(f"{path.name}.meta.json")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(21, "it is a folder")
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".writing-") as made:
            body, beside = Path(made) / "body", Path(made) / "meta"
            with body.open("w", encoding="utf-8", newline="\n") as out:
                rows = fill(out)
            with body.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            said = {"note": NOTE, **about, "rows": rows, "files": {path.name: {"sha256": digest}}}
            beside.write_text(json.dumps(said, indent=2, default=_text, ensure_ascii=False) + "\n", "utf-8")
            body.replace(path)
            beside.replace(meta)
    except OSError as error:
        remedy = "Name a file in a folder that can be written."
        raise ReportError(f"writing {path}", error.strerror or str(error), remedy) from None
    return Filed(path, meta, rows, digest)


def record(subject: str, done: Filed, origin: Origin, chosen: Mapping[str, str]) -> None:
    """Write into the log that records were exported; who handed them out signs the head afterwards."""
    with write(f"recording the export of {subject}"):
        data = {"subject": subject, "rows": done.rows, "sha256": done.sha256, "filter": dict(chosen)}
        log.append("export.made", origin.by, data, origin.now)


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value)
