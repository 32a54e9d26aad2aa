"""Whether a listing goes round in circles, told with one mark however many pages it has (Brent, 1980)."""

from __future__ import annotations


class Rounds:
    """Compares each page with one from before; which one that is moves on after 1, 2, 4, 8, … pages.

    A circle is noticed after at most some three times the pages before and in it.
    """

    def __init__(self) -> None:
        self._kept = ""
        self._pages = 0
        self._moves_at = 1

    def again(self, asked: str) -> bool:
        """Tell whether what is asked for now was asked for before."""
        if self._pages and asked == self._kept:
            return True
        self._pages += 1
        if self._pages == self._moves_at:
            self._kept, self._moves_at = asked, 2 * self._moves_at
        return False
