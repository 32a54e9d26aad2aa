"""Resource Graph as the bulk path: one query lists one kind of thing in all subscriptions.

Its quota counts queries of the whole application (15 in 5 seconds), so a query for each subscription and
table would not do. One listing is made and split. But what we may not see it leaves out without a word; so it
is asked first which subscriptions it answers for, and one that it does not name is unread, never empty.
That a listing is whole is told by its own count.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

from proofwatch.connectors.base import Unread
from proofwatch.connectors.ondisk import RowsOnDisk
from proofwatch.connectors.rest.collect import Place
from proofwatch.connectors.rest.declare import Raw, Reader
from proofwatch.connectors.rest.paging import Page, Request

PATH = "/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01"
READ = "*/read"
"""What the role Reader holds; Resource Graph shows what it allows."""
SIZE = 1000
MOST_SUBSCRIPTIONS = 1000
"""Subscriptions that one query may name."""
FRESH = 300.0
"""Seconds for which one listing serves all subscriptions."""
ANSWERS_FOR = (
    "resourcecontainers | where type =~ 'microsoft.resources/subscriptions' "
    "| project id, name, subscriptionId, tenantId, tags, properties | order by id asc"
)


def of_type(kind: str, table: str = "resources", where: str = "", project: str = "") -> str:
    """Return the query that lists one kind of thing."""
    more = f" | where {where}" if where else ""
    members = (
        project
        or "id, name, type, location, subscriptionId, resourceGroup, kind, sku, identity, tags, managedBy"
    )
    return f"{table} | where type =~ '{kind}'{more} | project {members}, properties | order by id asc"


def listed(query: str, *, alone: bool = False) -> Reader:
    """Return a reader of what a query lists in the place's subscription.

    Args:
        query: text in the language of Resource Graph; each row has `id` and `subscriptionId`.
        alone: whether each subscription is asked about alone. Sums are not given in pages, so there must not
            be more than a thousand of them.
    """

    def read(place: Place) -> Iterator[Raw]:
        if place.account not in rows_of(place, ANSWERS_FOR):
            problem = "Resource Graph does not answer for this subscription: we may not read it, or not yet"
            remedy = "Give the application the role Reader there; a new one is seen after some minutes."
            raise Unread(_doing(place), problem, remedy, permission=READ, code="403")
        found = _by_subscription(place, query, [place.account]) if alone else rows_of(place, query)
        yield from found.rows(place.account)

    return read


def rows_of(place: Place, query: str) -> RowsOnDisk:
    """Return the rows of a query by subscription, asked once for all. Raises Unread."""
    lock = place.cache.setdefault(("lock", query), threading.Lock())
    with lock:
        held = place.cache.get(("rows", query))
        if held is None or time.monotonic() - held[0] >= FRESH:
            began = time.monotonic()
            subscriptions = list(place.names["subscriptions"]())
            held = (began, _by_subscription(place, query, subscriptions))
            place.cache[("rows", query)] = held
        found: RowsOnDisk = held[1]
        return found


def _by_subscription(place: Place, query: str, subscriptions: list[str]) -> RowsOnDisk:
    """Return rows by subscription: they wait until their subscription is read."""
    kept = RowsOnDisk()
    for start in range(0, len(subscriptions), MOST_SUBSCRIPTIONS):
        for page in _pages(place, query, subscriptions[start : start + MOST_SUBSCRIPTIONS]):
            found: dict[str, list[Raw]] = {}
            for row in page:
                owner = row.get("subscriptionId")
                if not isinstance(owner, str) or not isinstance(row.get("id"), str):
                    raise _odd(place, "a row has no id or no subscription")
                # Ids are the same in any case, and Azure itself writes them in several.
                found.setdefault(owner.lower(), []).append({**row, "parent_key": row["id"].lower()})
            for owner, rows in found.items():
                kept.add(owner, rows)
    return kept


def _pages(place: Place, query: str, subscriptions: list[str]) -> Iterator[list[Mapping[str, Any]]]:
    options = {"resultFormat": "objectArray", "$top": SIZE}
    request = Request(PATH, body={"query": query, "subscriptions": subscriptions, "options": options})
    read: int = 0
    total: object = 0
    for page in place.api.pages(request, permission=READ, stats=place.stats, pager=_next):
        body = page.body if isinstance(page.body, Mapping) else {}
        items, total = body.get("data"), body.get("totalRecords")
        if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
            raise _odd(place, "data is no list of objects")
        read += len(items)
        yield items
    if read != total:
        problem = f"Resource Graph says that there are {total} rows and gave {read}"
        remedy = "It is read again by the next sweep: something may have changed meanwhile."
        raise Unread(_doing(place), problem, remedy, permanent=False, code="count")


def _next(request: Request, page: Page) -> Request | None:
    token = page.body.get("$skipToken") if isinstance(page.body, Mapping) else None
    if not token or request.body is None:
        return None
    options = {**request.body["options"], "$skipToken": token}
    return Request(request.url, body={**request.body, "options": options})


def _doing(place: Place) -> str:
    return f"asking Resource Graph about {place.account}"


def _odd(place: Place, what: str) -> Unread:
    problem = f"Resource Graph answered what it does not document: {what}"
    remedy = "Try again; check the proxy. If it stays, the provider changed its interface."
    return Unread(_doing(place), problem, remedy, code="schema")
