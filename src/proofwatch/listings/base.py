"""The form of a list, and how one page of it is read: filtered, sorted, counted, by keyset."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

from proofwatch.errors import ProofwatchError

Kind = Literal[
    "text", "name", "status", "severity", "moment", "number", "flag", "names", "digest", "code", "strip"
]
Row = Mapping[str, Any]
SMALLEST, USUAL, LARGEST = 1, 50, 200
LONGEST_TEXT = 200


class ListingError(ProofwatchError):
    """A list was asked for in a way that it does not know."""


@dataclass(frozen=True, slots=True)
class Column:
    """One fact of each row.

    Attributes:
        name: stable: as in CSV, JSON and the API.
        title: for people.
        kind: how it is shown.
        about: what it means, for the API's description.
        shown: whether the page's table has it.
        filed: whether files and the API have it; a drawing has no place there.
    """

    name: str
    title: str
    kind: Kind = "text"
    about: str = ""
    shown: bool = True
    filed: bool = True


@dataclass(frozen=True, slots=True)
class Filter:
    """One way to choose rows.

    Attributes:
        name: of the parameter.
        title: for people.
        choices: values that can be chosen with their words, asked for when shown; None: any text.
        use: takes the source and the text, returns what is left of the source.
    """

    name: str
    title: str
    use: Callable[[Any, str], Any]
    choices: Callable[[], Sequence[tuple[str, str]]] | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants to see of a list."""

    filters: Mapping[str, str] = field(default_factory=dict)
    sort: str = ""
    """A sort's name; `-name` for the other direction; "" for the list's own."""
    size: int = USUAL
    after: str = ""
    before: str = ""

    def without_place(self) -> dict[str, str]:
        """Return filters and sort as parameters, without the page."""
        found = dict(self.filters)
        if self.sort:
            found["sort"] = self.sort
        return found


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, with the counts of the whole."""

    rows: Sequence[Row]
    matching: int
    population: int
    after: str = ""
    """Cursor of the next page; "" on the last."""
    before: str = ""
    """Cursor of the previous page; "" on the first."""


class Source(Protocol):
    """Where the rows of a list come from."""

    def count(self, chosen: Any) -> int:
        """Return how many rows are chosen."""

    def everything(self) -> Any:
        """Return all rows, not yet chosen from."""

    def page(
        self, chosen: Any, sort: str, backwards: bool, place: Sequence[Any] | None, back: bool, size: int
    ) -> list[tuple[Sequence[Any], Row]]:
        """Return up to `size` rows with their places, from the one after (or before) a place on."""

    def every(self, chosen: Any, sort: str, backwards: bool) -> Iterator[Row]:
        """Yield all chosen rows, without holding them all."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A list.

    Attributes:
        name: of the address, the file and the API's path.
        title: for people.
        question: what it answers, in a sentence.
        columns: in the order in which they are shown and written.
        source: where its rows come from.
        sorts: names of the columns that it can be sorted by.
        sort: the usual one.
        filters: how rows are chosen.
    """

    name: str
    title: str
    question: str
    columns: Sequence[Column]
    source: Source
    sorts: Sequence[str]
    sort: str
    filters: Sequence[Filter] = ()

    @property
    def filed(self) -> list[str]:
        """Return the names of the columns of files and of the API."""
        return [item.name for item in self.columns if item.filed]

    def page(self, asked: Asked) -> Page:
        """Return one page. Raises ListingError for a filter, sort, size or cursor that it does not know."""
        chosen = self._chosen(asked)
        sort, backwards = self._sort(asked.sort)
        if not SMALLEST <= asked.size <= LARGEST:
            raise self._error(f"{asked.size} rows are not {SMALLEST} to {LARGEST}")
        back = bool(asked.before) and not asked.after
        place = self._place(asked.after or asked.before, asked.sort)
        found = self.source.page(chosen, sort, backwards, place, back, asked.size + 1)
        more, found = len(found) > asked.size, found[: asked.size]
        if back:
            found = found[::-1]
        matching = self.source.count(chosen)
        population = self.source.count(self.source.everything()) if asked.filters else matching
        first, last = (found[0][0], found[-1][0]) if found else (None, None)
        has_next, has_previous = (True, more) if back else (more, bool(place))
        return Page(
            [row for _, row in found], matching, population,
            _cursor(asked.sort, last) if has_next and last else "",
            _cursor(asked.sort, first) if has_previous and first else "",
        )  # fmt: skip

    def every(self, asked: Asked) -> Iterator[Row]:
        """Yield every matching row, in the asked order."""
        sort, backwards = self._sort(asked.sort)
        return self.source.every(self._chosen(asked), sort, backwards)

    def count(self, asked: Asked) -> tuple[int, int]:
        """Return (matching, population)."""
        chosen = self._chosen(asked)
        return self.source.count(chosen), self.source.count(self.source.everything())

    def _chosen(self, asked: Asked) -> Any:
        known = {item.name: item for item in self.filters}
        chosen = self.source.everything()
        for name, text in asked.filters.items():
            if name not in known:
                raise self._error(f"it has no filter {name!r}", f"known: {', '.join(known) or 'none'}")
            if len(text) > LONGEST_TEXT or "\0" in text:
                raise self._error(f"the text of {name} is too long or no text")
            if text:
                chosen = known[name].use(chosen, text)
        return chosen

    def _sort(self, text: str) -> tuple[str, bool]:
        said = text or self.sort
        name, backwards = said.removeprefix("-"), said.startswith("-")
        if name not in self.sorts:
            raise self._error(f"it cannot be sorted by {name!r}", f"known: {', '.join(self.sorts)}")
        return name, backwards

    def _place(self, text: str, sort: str) -> Sequence[Any] | None:
        if not text:
            return None
        try:
            said, *place = json.loads(base64.urlsafe_b64decode(text.encode("ascii") + b"=="))
        except (ValueError, TypeError, UnicodeError, binascii.Error, RecursionError):
            raise self._error("this is no place in it", "begin at its first page") from None
        if said != sort or len(place) != 2 or not all(isinstance(item, str | int | float) for item in place):
            raise self._error("this place belongs to another order", "begin at its first page")
        return place

    def _error(self, problem: str, remedy: str = "") -> ListingError:
        return ListingError(f"listing {self.title.lower()}", problem, remedy)


def asked_of(listing: Listing, given: Mapping[str, str]) -> Asked:
    """Read what is asked for from parameters; those that are no filter of the list are left out.

    Raises:
        ListingError: the size is no number.
    """
    names = [item.name for item in listing.filters]
    text = given.get("size", "") or str(USUAL)
    if not (text.isascii() and text.isdigit()) or len(text) > 4:
        raise ListingError(f"listing {listing.title.lower()}", "the size of a page is a number")
    filters = {name: given[name].strip() for name in names if given.get(name, "").strip()}
    return Asked(filters, given.get("sort", ""), int(text), given.get("after", ""), given.get("before", ""))


def one_of(listing: str, what: str, known: Iterable[str], text: str) -> str:
    """Return the text if it is known. Raises ListingError naming what is."""
    names = list(known)
    if text not in names:
        raise ListingError(f"listing {listing}", f"{text!r} is no {what}", f"known: {', '.join(names)}")
    return text


def day(listing: str, text: str) -> datetime:
    """Return a day or moment in UTC. Raises ListingError."""
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise ListingError(f"listing {listing}", f"{text!r} is no day", "write 2026-12-01") from None


def _cursor(sort: str, place: Sequence[Any]) -> str:
    text = json.dumps([sort, *place], separators=(",", ":"), ensure_ascii=True)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
