"""A table for people as files: CSV for a spreadsheet, JSON lines with raw values, and their provenance."""

from __future__ import annotations

import csv
import hashlib
import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proofwatch.errors import ProofwatchError
from proofwatch.evidence.cells import escape_cell, raw_text

NOTE = "Factual export, not an opinion."


class ReportError(ProofwatchError):
    """A report could not be written."""


@dataclass(frozen=True, slots=True)
class Written:
    """What one export left behind."""

    csv: Path
    jsonl: Path
    meta: Path
    rows: int
    sha256: str


def write_table(
    folder: Path, name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], meta: Mapping[str, Any]
) -> Written:
    """Write `name.csv` (RFC 4180, UTF-8), `name.jsonl` (raw values) and `name.meta.json`; all or nothing.

    A CSV cell that a spreadsheet would run as a formula gets a leading apostrophe; the JSON lines keep
    the value as it is.

    Args:
        folder: made if needed.
        name: base name of the three files.
        columns: stable column names.
        rows: cells in the order of `columns`, consumed once.
        meta: the five questions about the export (`provenance`); row counts, the first and the last row's
            first cell, and digests are added here.

    Raises:
        ReportError: the folder or a file cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".writing-") as made:
            work = Path(made)
            count, ends = _write_rows(work / "csv", work / "jsonl", columns, rows)
            digest = _sha256(work / "csv")
            body = {
                "note": NOTE,
                **meta,
                "rows": count,
                **ends,
                "columns": list(columns),
                "files": {
                    f"{name}.csv": {"sha256": digest},
                    f"{name}.jsonl": {"sha256": _sha256(work / "jsonl")},
                },
            }
            (work / "meta").write_text(
                json.dumps(body, indent=2, default=raw_text, ensure_ascii=False) + "\n", "utf-8"
            )
            targets = (folder / f"{name}.csv", folder / f"{name}.jsonl", folder / f"{name}.meta.json")
            for source, target in zip(("csv", "jsonl", "meta"), targets, strict=True):
                (work / source).replace(target)
    except OSError as error:
        raise ReportError(
            f"writing {folder / name}.csv", error.strerror or str(error), "Name a folder that can be written."
        ) from None
    return Written(*targets, rows=count, sha256=digest)


def _write_rows(
    csv_path: Path, jsonl_path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> tuple[int, dict[str, Any]]:
    """Write both files; return how many rows there are, and the first cells of the first and the last."""
    count = 0
    ends: dict[str, Any] = {}
    with (
        csv_path.open("w", encoding="utf-8", newline="") as csv_file,
        jsonl_path.open("w", encoding="utf-8") as raw_file,
    ):
        writer = csv.writer(csv_file, lineterminator="\r\n")
        writer.writerow(columns)
        for row in rows:
            writer.writerow([escape_cell(value) for value in row])
            raw = dict(zip(columns, row, strict=True))
            raw_file.write(json.dumps(raw, default=raw_text, ensure_ascii=False) + "\n")
            ends = {"first": ends.get("first", row[0]), "last": row[0]} if row else {}
            count += 1
    return count, ends


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
