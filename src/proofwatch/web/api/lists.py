"""Every list of the registry as an operation: filtered, sorted, counted, page by page."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Schema
from pydantic import BaseModel, Field, create_model

from proofwatch.listings.base import LARGEST, LONGEST_TEXT, SMALLEST, USUAL, Column, Listing, asked_of
from proofwatch.listings.registry import LISTINGS
from proofwatch.web.access import Needs
from proofwatch.web.api.answers import send
from proofwatch.web.api.guard import Refused, needs
from proofwatch.web.api.router import router

TYPES: dict[str, Any] = {
    "moment": datetime | None,
    "number": int | None,
    "flag": bool | None,
    "names": list[str],
}
"""Kind of a column → type; every other kind is a text."""
ODD: dict[tuple[str, str], Any] = {
    ("checks", "params"): dict[str, Any],
    ("channels", "settings"): dict[str, Any],
    ("trackers", "settings"): dict[str, Any],
    ("silences", "matcher"): dict[str, Any],
}
OWN: dict[str, Needs] = {"tokens": Needs.OWN}
"""Lists that not everybody who reads may read."""
PLACE = 2000


def row_type(listing: Listing) -> type[BaseModel]:
    """Return the type of a list's rows, made from its columns."""
    fields = {item.name: (_type(listing, item), Field(description=_about(item))) for item in listing.columns
              if item.filed}  # fmt: skip
    name = f"{_camel(listing.name)}Row"
    return create_model(name, __doc__=listing.question, **fields)  # type: ignore[call-overload]


def facts(listing: Listing, row: Any) -> dict[str, Any]:
    """Return a row's values by the names of the list's columns."""
    return {item.name: _value(item, row.get(item.name)) for item in listing.columns if item.filed}


def _value(column: Column, value: Any) -> Any:
    """Return a value in its column's type: a text that is missing is empty."""
    if value is None:
        return [] if column.kind == "names" else None if column.kind in TYPES else ""
    return value


def _type(listing: Listing, column: Column) -> Any:
    return ODD.get((listing.name, column.name)) or TYPES.get(column.kind, str)


def _about(column: Column) -> str:
    return f"{column.title}. {column.about}".strip()


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.replace("-", "_").split("_"))


def _page_type(listing: Listing) -> type[BaseModel]:
    row = row_type(listing)
    fields = {
        "rows": (list[row], ...),  # type: ignore[valid-type]
        "matching": (int, Field(ge=0, description="Rows that the filters choose.")),
        "population": (int, Field(ge=0, description="All rows there are.")),
        "after": (str, Field(description="Give it as `after` for the next page; empty on the last.")),
        "before": (str, Field(description="Give it as `before` for the previous page; empty on the first.")),
        "as_of": (datetime, Field(description="When this was read.")),
    }
    return create_model(f"{_camel(listing.name)}Page", **fields)  # type: ignore[call-overload]


def _asked_type(listing: Listing) -> type[Schema]:
    about = f"{', '.join(listing.sorts)}; with - before it: descending. Usual: {listing.sort}."
    fields: dict[str, Any] = {
        item.name: (str, Field(default="", max_length=LONGEST_TEXT, description=f"{item.title}."))
        for item in listing.filters
    }
    fields |= {
        "sort": (str, Field(default="", max_length=100, description=about)),
        "size": (int, Field(default=USUAL, ge=SMALLEST, le=LARGEST, description="Rows of a page.")),
        "after": (str, Field(default="", max_length=PLACE, description="The next page's place.")),
        "before": (str, Field(default="", max_length=PLACE, description="The previous page's place.")),
    }  # fmt: skip
    return create_model(f"{_camel(listing.name)}Asked", __base__=Schema, **fields)


def add(listing: Listing) -> None:
    """Make a list's operation."""
    asked_type = _asked_type(listing)
    known = frozenset(asked_type.model_fields)

    def read(request: HttpRequest, given: Any) -> HttpResponse:
        if wrong := sorted(set(request.GET) - known):
            raise Refused(
                400,
                f"{listing.title} have no filter {wrong[0][:100]!r}.",
                f"Known: {', '.join(sorted(known))}.",
            )
        values = {key: str(value) for key, value in given.model_dump().items()}
        page = listing.page(asked_of(listing, values))
        body = {
            "rows": [facts(listing, row) for row in page.rows],
            "matching": page.matching,
            "population": page.population,
            "after": page.after,
            "before": page.before,
            "as_of": request.now,
        }
        return send(request, body)

    read.__annotations__["given"] = Annotated[asked_type, Query()]  # type: ignore[type-arg]
    router.get(
        f"/{listing.name}",
        auth=needs(OWN.get(listing.name, Needs.READ)),
        operation_id=f"list_{listing.name.replace('-', '_')}",
        summary=listing.title,
        description=listing.question,
        response=_page_type(listing),
    )(read)


for _listing in LISTINGS.values():
    add(_listing)
