"""The two filters that choose what belongs to a span of time, for every list that has times."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from proofwatch.listings.base import Filter, day


def span(listing: str, begins: str, ends: str = "") -> tuple[Filter, Filter]:
    """Return the filters `from` and `to` of a list.

    Args:
        listing: its name, for errors.
        begins: field of the moment at which a row begins.
        ends: field of the moment at which it ends, or NULL while it goes on; "" if a row is one moment.
    """

    def since(chosen: Any, text: str) -> Any:
        moment = day(listing, text)
        if not ends:
            return chosen.filter(**{f"{begins}__gte": moment})
        return chosen.filter(Q(**{f"{ends}__isnull": True}) | Q(**{f"{ends}__gte": moment}))

    def until(chosen: Any, text: str) -> Any:
        return chosen.filter(**{f"{begins}__lt": day(listing, text)})

    return Filter("from", "From", since), Filter("to", "Before", until)
