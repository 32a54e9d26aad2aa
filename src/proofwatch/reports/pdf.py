"""A list as a PDF for keeping: PDF/A-2a and PDF/UA-1, the same bytes for the same rows on every machine."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from proofwatch.reports.answers import READING, Part, answers, moment
from proofwatch.reports.glyphs import breakable, face
from proofwatch.reports.printed import PdfColumn, Room, Table, clean
from proofwatch.reports.tables import NOTE, ReportError
from proofwatch.reports.typeset import TypesettingFailed, typeset

__all__ = ["MOST_ROWS", "MOST_TEXT", "PdfColumn", "Printed", "write_pdf"]

MOST_ROWS = 5_000
"""Rows of one file: some 0.8 GB while it is made."""
MOST_TEXT = 2_500_000
"""Characters of one file, where rows are longer than usual."""
MARGIN, WIDE = 10.0, 297.0
"""Margin and width of the page, in mm."""
POINTS = 72 / 25.4
LONGEST_END = 32
LONGEST_LINE = 1_000
ANSWER = 78
"""Em of a line of the five answers."""


class Printed(list[Path]):
    """The files of one export, in order.

    Attributes:
        rows: how many there are in all of them.
    """

    def __init__(self, files: Iterable[Path], rows: int) -> None:
        super().__init__(files)
        self.rows = rows

    def digests(self) -> dict[str, str]:
        """Return file name → SHA-256."""
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in self}


@dataclass
class _Spool:
    """Rows of one file as they will be printed, a JSON array a line."""

    path: Path
    rows: int = 0
    text: int = 0
    first: str = ""
    last: str = ""


def write_pdf(
    folder: Path,
    name: str,
    columns: Sequence[PdfColumn],
    rows: Iterable[Mapping[str, Any]],
    meta: Mapping[str, Any],
) -> Printed:
    """Write `name.pdf`, or `name-1-of-N.pdf` … where there are too many rows for one; all or nothing.

    The same arguments give the same bytes: the moment of the document is `generated_at`, and the fonts are
    ours. A cell is shown whatever is in it; what cannot be drawn is named by its code point.

    Args:
        folder: made if needed.
        name: base name of the files.
        columns: in the order in which they are printed; the first one names a row.
        rows: consumed once, and never held all at once.
        meta: the answers to the five questions (`provenance`). How many rows there are is counted here.

    Returns:
        The files, in order; also how many rows they hold.

    Raises:
        ReportError: a file cannot be written or set.
    """
    doing = f"writing {folder / name}.pdf"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".writing-") as made:
            work = Path(made)
            table = Table(columns)
            spools = _spool(work, table, rows)
            room = table.room((WIDE - 2 * MARGIN) * POINTS)
            for which, spool in _parts(spools):
                job = {**_about(meta, which), **_drawn(room, spool)}
                with tempfile.TemporaryDirectory(dir=work) as place:
                    typeset(Path(place), job).replace(work / f"{which.number}.pdf")
            number = len(spools)
            endings = (
                [f"-{item}-of-{number}.pdf" for item in range(1, number + 1)] if number > 1 else [".pdf"]
            )
            targets = [folder / f"{name}{ending}" for ending in endings]
            for item, target in enumerate(targets, 1):
                (work / f"{item}.pdf").replace(target)
    except OSError as error:
        raise ReportError(doing, error.strerror or str(error), "Name a folder that can be written.") from None
    except TypesettingFailed as error:
        raise ReportError(doing, str(error), "Choose fewer rows by a filter, or export CSV.") from None
    return Printed(targets, sum(spool.rows for spool in spools))


def _spool(work: Path, table: Table, rows: Iterable[Mapping[str, Any]]) -> list[_Spool]:
    """Write the cells of every row into files, one for each PDF; at least one, perhaps empty."""
    spools = [_Spool(work / "1.jsonl")]
    file = spools[0].path.open("w", encoding="utf-8")
    try:
        for number, row in enumerate(rows, 1):
            cells = table.row(number, row)
            size = sum(map(len, cells))
            now = spools[-1]
            if now.rows and (now.rows >= MOST_ROWS or now.text + size > MOST_TEXT):
                file.close()
                now = _Spool(work / f"{len(spools) + 1}.jsonl")
                spools.append(now)
                file = now.path.open("w", encoding="utf-8")
            file.write(json.dumps(cells, ensure_ascii=False) + "\n")
            now.rows, now.text = now.rows + 1, now.text + size
            now.first, now.last = now.first or cells[1], cells[1]
    finally:
        file.close()
    return spools


def _parts(spools: Sequence[_Spool]) -> Iterator[tuple[Part, _Spool]]:
    total, before = sum(spool.rows for spool in spools), 0
    for number, spool in enumerate(spools, 1):
        ends = (spool.first, spool.last)
        first, last = (text if len(text) <= LONGEST_END else f"{text[:LONGEST_END]}…" for text in ends)
        yield Part(number, len(spools), before + 1, before + spool.rows, total, first, last), spool
        before += spool.rows


def _about(meta: Mapping[str, Any], part: Part) -> dict[str, Any]:
    """Return all that a PDF says beside its rows."""
    at = meta["generated_at"]
    at = at if isinstance(at, datetime) else datetime.fromisoformat(str(at).replace("Z", "+00:00"))
    title = clean(str(meta.get("title") or "List"))
    whose = clean(str(meta.get("organization") or ""))
    return {
        "title": f"{title}, part {part.number} of {part.of}" if part.of > 1 else title,
        "question": clean(str(meta.get("question") or "")),
        "whose": f" · {whose}" if whose else "",
        "author": clean(str(meta.get("system") or "Proofwatch")),
        "keywords": [clean(str(item)) for item in (meta.get("subject"), meta.get("mark")) if item],
        "mark": clean(str(meta.get("mark") or "")),
        "at": moment(at),
        "timestamp": int(at.timestamp()),
        "note": NOTE,
        "reading": READING,
        "range": part.range[:1].upper() + part.range[1:],
        "answers": [
            [question, [breakable(face(), clean(line, LONGEST_LINE), ANSWER) for line in lines]]
            for question, lines in answers(meta, part)
        ],
    }


def _drawn(room: Room, spool: _Spool) -> dict[str, Any]:
    """Return the rows of one file, and how they are laid out."""
    with spool.path.open(encoding="utf-8") as file:
        rows = [room.cells(json.loads(line)) for line in file]
    return {
        "margin": MARGIN,
        "size": room.size,
        "widths": room.widths,
        "breakable": room.breakable,
        "heads": room.heads(),
        "rows": rows,
    }
