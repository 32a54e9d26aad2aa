"""Read one declared table in one place: all of its rows, or `Unread`.

A listing that fails anywhere fails the table. A second call that fails leaves its row, with the call's
columns NULL and named in `_unread`; so does a value that does not fit its column.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import Any

from proofwatch.connectors.aws import second
from proofwatch.connectors.aws.caller import Caller, ClientSource, Raw
from proofwatch.connectors.aws.declare import AwsTable
from proofwatch.connectors.aws.schema import listing_permission, load_tables
from proofwatch.connectors.base import COMMON, ReadStats, Row, Table, Unread
from proofwatch.connectors.naming import MissingMember, dig, fill, holes
from proofwatch.connectors.values import Shaper

PARENT_SECONDS = 300.0
"""How long a parent's listing serves its children; they are read one after the other in one shard."""

PARENT_ROWS = 20_000
"""Parents held in memory; a longer listing is made again for each child."""

Cache = MutableMapping[Any, Any]


def read_table(
    declaration: AwsTable,
    clients: ClientSource,
    account: str,
    region: str,
    stats: ReadStats,
    cache: Cache,
    table: Table | None = None,
) -> Iterator[Row]:
    """Yield every row of a table, in the order AWS lists them, while they come.

    Args:
        declaration: the table.
        clients: where botocore's clients come from.
        account: twelve digits.
        region: a region, or 'global'.
        stats: counts calls and pages.
        cache: keeps the listings of parents for a while, for the other tables of a shard.
        table: its typed columns, where they do not stand in the catalogue.

    Raises:
        Unread: the listing could not be completed.
    """
    caller = Caller(clients, account, region, stats)
    typed = table or load_tables()[declaration.name]
    shaper = Shaper(typed.columns[len(COMMON) :])
    raws = list_rows(declaration, caller, cache)
    for raw in second.enrich(declaration, typed, caller, raws):
        yield _row(declaration, typed, caller, shaper, raw)


def list_rows(declaration: AwsTable, caller: Caller, cache: Cache) -> Iterator[Raw]:
    """Yield the raw items of a table's listing, before any second call. Raises Unread."""
    if declaration.reader:
        from proofwatch.connectors.aws.tables import reader

        yield from reader(declaration)(caller)
        return
    if not declaration.parent:
        yield from _listing(declaration, caller, {})
        return
    for parent in _parents(declaration, caller, cache):
        yield from _listing(declaration, caller, parent)


def _listing(declaration: AwsTable, caller: Caller, parent: Mapping[str, Any]) -> Iterator[Raw]:
    kept = {member: parent[member] for member in declaration.keep if parent.get(member) is not None}
    given = _given(declaration, parent)
    params = fill(declaration.params, {**parent, **caller.names})
    pages = caller.pages(
        declaration.service, declaration.op, params, permission=listing_permission(declaration)
    )
    try:
        if declaration.single:
            yield _single(declaration, next(pages)) | kept
            return
        for page in pages:
            for item in _items(declaration, caller, page):
                yield {**given, **kept, **item}
    except Unread as error:
        if error.code not in declaration.absent:
            raise
        if declaration.single:
            yield {"exists": False, **kept}


def _given(declaration: AwsTable, parent: Mapping[str, Any]) -> Raw:
    """Return the parent's members that the resource's template needs and the item may lack."""
    wanted = holes(declaration.resource).union(*(holes(call.params) for call in declaration.calls))
    return {name: parent[name] for name in wanted if name in parent}


def _single(declaration: AwsTable, page: Mapping[str, Any]) -> Raw:
    found = dig(page, declaration.rows) if declaration.rows else page
    if found is None:
        return {"exists": False}
    return {key: value for key, value in found.items() if key != "ResponseMetadata"} | {"exists": True}


def _items(declaration: AwsTable, caller: Caller, page: Mapping[str, Any]) -> Iterable[Raw]:
    first = declaration.rows.partition(".")[0].removesuffix("[]")
    if first not in page and not set(page) - {"ResponseMetadata"} and not _is_json(declaration, caller):
        # In XML even an empty list has its element; a page without any is not AWS's answer.
        action = f"{declaration.service}:{declaration.op}"
        problem = f"the answer broke off or is not what AWS documents: it has no {first}"
        raise Unread(caller.doing(action), problem, "Try again; check the proxy.", permanent=False)
    found = dig(page, declaration.rows)
    if found is None:
        return []
    items = found if isinstance(found, list) else [found]
    return [{declaration.item: item} for item in items] if declaration.item else items


def _is_json(declaration: AwsTable, caller: Caller) -> bool:
    client = caller.clients.client(caller.account, caller.region, declaration.service)
    return "json" in client.meta.service_model.metadata.get("protocol", "")


def _parents(declaration: AwsTable, caller: Caller, cache: Cache) -> Iterator[Raw]:
    """Yield the parent table's raw rows, listed once for all of its children."""
    from proofwatch.connectors.aws.tables import declaration as declared

    key = (caller.account, caller.region, declaration.parent)
    held = cache.get(key)
    if held is not None and time.monotonic() - held[0] < PARENT_SECONDS:
        yield from held[1]
        return
    for old in [name for name, (at, _) in list(cache.items()) if time.monotonic() - at >= PARENT_SECONDS]:
        cache.pop(old, None)
    began = time.monotonic()
    rows: list[Raw] | None = []
    for raw in list_rows(declared(declaration.parent), caller, cache):
        if rows is not None:
            rows.append(raw)
            if len(rows) > PARENT_ROWS:
                rows = None
        yield raw
    if rows is not None:
        cache[key] = (began, rows)


def _row(declaration: AwsTable, table: Table, caller: Caller, shaper: Shaper, raw: Raw) -> Row:
    unread: dict[str, str] = raw.pop("_unread", {})
    try:
        resource = str(fill(declaration.resource, {**raw, **caller.names}))
    except MissingMember as error:
        action = f"{declaration.service}:{declaration.op}"
        problem = f"a row of {declaration.name} has no {error}, so it cannot be told which resource it is"
        raise Unread(caller.doing(action), problem) from None
    row: Row = {
        "account_id": caller.account,
        "region": caller.region,
        "resource": resource,
        "_unread": None,
    }
    for column in table.columns[len(COMMON) :]:
        row[column.name] = None
    shaper.fill(row, raw, unread)
    for name in unread:
        row[name] = None
    row["_unread"] = unread or None
    return row
