"""Tables of lists: sorting, filters, "N of M", pages by keyset; each a plain link or form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from proofwatch.listings.base import Asked, Column, Listing, Page, Row, asked_of

if TYPE_CHECKING:
    from django.http import HttpRequest


@dataclass(frozen=True, slots=True)
class Head:
    """A heading of a column, with the link that sorts by it."""

    column: Column
    link: str
    order: str
    """ascending, descending or none, as ARIA says it."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A filter as it stands in the form above the table."""

    name: str
    title: str
    value: str
    options: Sequence[tuple[str, str]] | None


@dataclass(frozen=True, slots=True)
class Table:
    """What `parts/table.html` draws."""

    listing: Listing
    page: Page
    asked: Asked
    heads: Sequence[Head]
    choices: Sequence[Choice]
    links: Mapping[str, str]
    next: str
    previous: str
    first: str
    export: str
    empty: str
    fixed: Mapping[str, str]
    select: str = ""
    """Column whose value the form with the id `chosen` sends for each row that is ticked; "" for none."""
    chosen: frozenset[str] = frozenset()
    """Values that are ticked already."""

    @property
    def columns(self) -> Sequence[Column]:
        """Return the columns that are shown."""
        return [head.column for head in self.heads]

    @property
    def filtered(self) -> bool:
        """Tell whether a filter is set that the reader can take away."""
        return any(item.value for item in self.choices)


def table(
    request: HttpRequest,
    listing: Listing,
    *,
    fixed: Mapping[str, str] | None = None,
    links: Mapping[str, str] | None = None,
    hide: Sequence[str] = (),
    empty: str = "",
    select: str = "",
    chosen: frozenset[str] = frozenset(),
) -> Table:
    """Read the page of a list that a request asks for.

    Args:
        request: its query holds filters, sort, size and place.
        listing: the list.
        fixed: filters that this page sets and the reader does not choose.
        links: column → key of the row that holds the address its cell leads to.
        hide: columns that this page leaves out.
        empty: the sentence shown when there is nothing at all.
        select: column by which rows can be ticked for the form with the id `chosen`.
        chosen: which are ticked.

    Raises:
        ListingError: the query asks for what the list does not know.
    """
    fixed = fixed or {}
    given = asked_of(listing, request.GET.dict())
    asked = replace(given, filters={**given.filters, **fixed})
    page = listing.page(asked)
    shown = [item for item in listing.columns if item.shown and item.name not in hide]
    parameters = {key: value for key, value in asked.without_place().items() if key not in fixed}
    if given.size != Asked().size:
        parameters["size"] = str(given.size)
    return Table(
        listing=listing,
        page=page,
        asked=asked,
        heads=[_head(item, listing, parameters) for item in shown],
        choices=[
            Choice(
                item.name,
                item.title,
                asked.filters.get(item.name, ""),
                item.choices() if item.choices else None,
            )
            for item in listing.filters
            if item.name not in fixed
        ],
        links=links or {},
        next=_link({**parameters, "after": page.after}) if page.after else "",
        previous=_link({**parameters, "before": page.before}) if page.before else "",
        first=_link(parameters) if page.before else "",
        export=urlencode(asked.without_place()),
        empty=empty,
        fixed=fixed,
        select=select,
        chosen=chosen,
    )


def cells(row: Row, shown: Table) -> list[tuple[Column, Any, str]]:
    """Return (column, value, address or "") for each cell of a row."""
    return [
        (column, row.get(column.name), str(row.get(shown.links.get(column.name, ""), "") or ""))
        for column in shown.columns
    ]


def _head(column: Column, listing: Listing, parameters: Mapping[str, str]) -> Head:
    if column.name not in listing.sorts:
        return Head(column, "", "")
    now = parameters.get("sort", "") or listing.sort
    order = {column.name: "ascending", f"-{column.name}": "descending"}.get(now, "none")
    then = f"-{column.name}" if order == "ascending" else column.name
    return Head(column, _link({**parameters, "sort": then}), order)


def _link(parameters: Mapping[str, str]) -> str:
    return f"?{urlencode(parameters)}" if parameters else "?"
