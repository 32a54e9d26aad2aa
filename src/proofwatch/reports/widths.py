"""How wide the columns of a printed table are, from all that stands in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SMALLEST_SOFT = 4.5
"""Em that a column of sentences keeps, however many columns there are."""
LONGEST_WORD = 11.0
"""Em for which a column of sentences is widened so that a word stays whole; longer words are broken."""


@dataclass(slots=True)
class Extent:
    """What was seen of a column, in em.

    Attributes:
        rigid: whether its words are never broken, as those of moments and statuses.
        longest: the widest cell on one line.
        word: the widest word.
        total: of all cells.
        cells: how many there are.
    """

    rigid: bool
    longest: float = 0.0
    word: float = 0.0
    total: float = 0.0
    cells: int = 0

    def see(self, whole: float, word: float) -> None:
        """Take one more cell into account."""
        self.longest = max(self.longest, whole)
        self.word = max(self.word, word)
        self.total += whole
        self.cells += 1

    @property
    def need(self) -> float:
        """Return the width below which words are broken that should not be."""
        return self.word if self.rigid else max(SMALLEST_SOFT, min(self.word, LONGEST_WORD))

    @property
    def want(self) -> float:
        """Return the width with which most of its cells take few lines."""
        if self.rigid:
            return self.longest
        usual = self.total / self.cells if self.cells else 0.0
        return max(self.need, min(self.longest, 1.3 * usual + 2))


def fit(columns: Sequence[Extent], available: float) -> list[float]:
    """Return the width of each column, in em; together they fill what is available.

    Args:
        columns: what stands in them.
        available: the width of the page, without what surrounds each cell.
    """
    widths = [column.need for column in columns]
    over = sum(widths) - available
    if over > 0:
        return _narrowed(columns, widths, over)
    widths = _widened(widths, [column.want for column in columns], available)
    widths = _widened(widths, [max(column.longest, column.need) for column in columns], available)
    left = available - sum(widths)
    soft = sum(width for column, width in zip(columns, widths, strict=True) if not column.rigid)
    if left > 0 and soft:
        return [
            width + (0 if column.rigid else left * width / soft)
            for column, width in zip(columns, widths, strict=True)
        ]
    return widths


def _widened(widths: Sequence[float], wanted: Sequence[float], available: float) -> list[float]:
    missing = [max(0.0, want - width) for width, want in zip(widths, wanted, strict=True)]
    left, total = available - sum(widths), sum(missing)
    share = min(1.0, left / total) if total > 0 and left > 0 else 0.0
    return [width + share * more for width, more in zip(widths, missing, strict=True)]


def _narrowed(columns: Sequence[Extent], widths: Sequence[float], over: float) -> list[float]:
    """Take what is too much from the columns of sentences, and only then from all."""
    spare = [
        0.0 if column.rigid else width - SMALLEST_SOFT
        for column, width in zip(columns, widths, strict=True)
    ]  # fmt: skip
    share = min(1.0, over / sum(spare)) if sum(spare) > 0 else 0.0
    found = [width - share * less for width, less in zip(widths, spare, strict=True)]
    left = sum(widths) - over
    scale = min(1.0, left / sum(found))
    return [width * scale for width in found]
