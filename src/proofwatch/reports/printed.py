"""A table on paper: what each cell says, and how much room the columns take."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from proofwatch.evidence.cells import escape_cell
from proofwatch.reports.answers import counted, moment
from proofwatch.reports.glyphs import breakable, face
from proofwatch.reports.looks import SIGNS, look
from proofwatch.reports.widths import Extent, fit

LONGEST_CELL = 600
"""Characters of a cell; more of them are cut, and how many is said."""
DIGEST = 12
SIZE, SMALLEST_SIZE = 7.0, 5.5
"""Points of letters: usual, and where there are very many columns."""
INSET = 3.0
"""Points left and right of what stands in a cell."""
TALLEST = 20
"""Lines of a row that is still kept on one page."""
RIGID = frozenset({"status", "severity", "moment", "number", "flag"})
BOLD = frozenset({"status", "severity"})
EMPTY = "–"
SAFETY = 1.02
"""Kerning and rounding: a measured word is given a little more."""

Cell = str | dict[str, str]


class PdfColumn(Protocol):
    """One fact of each row, as in a listing: its name in a row, its title, and how it is shown."""

    @property
    def name(self) -> str:
        """Key of the row."""

    @property
    def title(self) -> str:
        """Heading for people."""

    @property
    def kind(self) -> str:
        """Form of its value: text, name, status, severity, moment, number, flag, names, digest or code."""


def words(kind: str, value: Any) -> str:
    """Return what a cell says, as on the page but whole; not yet cleaned."""
    if value is None or value == "" or value == [] or value == ():
        return EMPTY
    if kind in BOLD:
        return f"{SIGNS[look(str(value)).icon]}\u00a0{value}"
    if kind == "moment":
        return moment(value)
    if kind == "flag":
        return "yes" if value else "no"
    if kind == "number" and isinstance(value, int):
        return counted(value)
    if kind == "digest":
        text = str(value)
        return f"{text[:DIGEST]}…" if len(text) > DIGEST else text
    if kind == "names" and isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=escape_cell)
    return str(value)


def clean(text: str, longest: int = LONGEST_CELL) -> str:
    """Return a text that can be drawn, cut where it is too long; the cut says how much is missing."""
    kept = text[:longest]
    drawn = face().clean(kept)
    while len(drawn) > longest:
        kept = kept[: max(1, len(kept) * longest // len(drawn) - 1)]
        drawn = face().clean(kept)
    left = len(text) - len(kept)
    return f"{drawn}… ({counted(left)} more)" if left else drawn


class Table:
    """The columns of a printed table; it measures each row that it is asked to draw."""

    def __init__(self, columns: Sequence[PdfColumn]) -> None:
        self.columns = columns
        self.heads = ["#", *(clean(column.title) for column in columns)]
        self._rigid = [True, *(column.kind in RIGID for column in columns)]
        self._extents = [Extent(rigid) for rigid in self._rigid]
        self._faces = [
            face(),
            *(face("Inter-SemiBold" if column.kind in BOLD else "Inter-Regular") for column in columns),
        ]
        bold = face("Inter-SemiBold")
        for extent, head in zip(self._extents, self.heads, strict=True):
            extent.word = max(map(bold.width, head.split(" ")))
            extent.longest = bold.width(head)

    def row(self, number: int, values: Mapping[str, Any]) -> list[str]:
        """Return the cells of a row, the number of the row first, and take its widths into account."""
        cells = [counted(number)]
        cells += [clean(words(column.kind, values.get(column.name))) for column in self.columns]
        for extent, its_face, text in zip(self._extents, self._faces, cells, strict=True):
            widths = [its_face.width(word) for word in text.split(" ")]
            extent.see(sum(widths) + its_face.width(" ") * (len(widths) - 1), max(widths))
        return cells

    def room(self, points: float) -> Room:
        """Return how the columns share a width, now that all rows were measured."""
        inner = points - 2 * INSET * len(self._extents)
        need = sum(extent.need for extent in self._extents) * SAFETY
        size = min(SIZE, max(SMALLEST_SIZE, inner / need))
        widths = fit(self._extents, inner / size / SAFETY)
        lines = max(
            extent.longest / width for extent, width in zip(self._extents, widths, strict=True)
        )  # fmt: skip
        return Room(self, size, widths, 1.4 * lines > TALLEST)


class Room:
    """The room that the columns have on a page.

    Attributes:
        size: of letters, in points.
        widths: of the columns with what surrounds a cell, in points.
        breakable: whether rows are so tall that one may go on on the next page.
    """

    def __init__(self, table: Table, size: float, widths: Sequence[float], tall: bool) -> None:
        self.size = round(size, 3)
        self.widths = [round(width * size * SAFETY + 2 * INSET, 3) for width in widths]
        self.breakable = tall
        self._ems = widths
        self._table = table
        self._kinds = ["", *(column.kind for column in table.columns)]

    def heads(self) -> list[str]:
        """Return the headings, with the places where a long word may be broken."""
        bold = face("Inter-SemiBold")
        return [breakable(bold, text, em) for text, em in zip(self._table.heads, self._ems, strict=True)]

    def cells(self, row: Sequence[str]) -> list[Cell]:
        """Return the cells of a row as `list.typ` draws them."""
        placed = zip(self._kinds, self._table._faces, row, self._ems, strict=True)
        return [_drawn(kind, breakable(its_face, text, em)) for kind, its_face, text, em in placed]


def _drawn(kind: str, text: str) -> Cell:
    if kind in BOLD and text != EMPTY:
        word = text.split("\u00a0", 1)[-1].replace("\u200b", "")
        return {"tone": look(word).tone, "words": text}
    return text
