"""Read one declared table in one place: all of its rows, or `Unread`.

A listing that fails anywhere fails the table. A second call that fails leaves its row, with the call's
columns NULL and named in `_unread`; so does a value that does not fit its column. Fields that are new or
missing change nothing: `raw` keeps the item as it was answered.
"""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from proofwatch.connectors.base import GLOBAL, ReadStats, Row, Table, Unread
from proofwatch.connectors.naming import MissingMember, dig, fill, look_up
from proofwatch.connectors.ondisk import RowsOnDisk
from proofwatch.connectors.rest.api import Api
from proofwatch.connectors.rest.declare import Call, Col, Raw, RestTable
from proofwatch.connectors.rest.paging import Page, Request
from proofwatch.connectors.rest.scrub import without_secrets
from proofwatch.connectors.values import Convert, Misfit, converter

WORKERS = 4
"""Rows asked about at once in one table."""
GIVE_UP_AFTER = 3
"""Failures of one call in a row, of a kind that no other row would change, before it is made no more."""
PARENT_SECONDS = 300.0
"""How long the items of a parent's listing serve its children."""
PARENTS_WRITTEN = 100
"""Items of a parent's listing that are written to disk together."""
_SAME_FOR_ALL = frozenset({"401", "429", "no answer", "host", "credential", "500", "502", "503", "504"})
_HOLE = re.compile(r"\{(\+?)([A-Za-z_@][\w.@]*)\}")

Cache = MutableMapping[Any, Any]


@dataclass(slots=True)
class Place:
    """Where a table is read, and with what: what a reader function gets.

    Attributes:
        api: asks there.
        account: the place's account, as the key has it.
        names: what templates may name beside the members of an item.
        tables: every declared table by name, for parents.
        stats: counts requests and pages.
        cache: keeps the listings of parents for a while.
    """

    api: Api
    account: str
    names: Mapping[str, Any]
    tables: Mapping[str, RestTable]
    stats: ReadStats
    cache: Cache = field(default_factory=dict)

    def pages(self, path: str, permission: str = "", **more: Any) -> Iterator[Page]:
        """Yield every page of a listing. Raises Unread."""
        return self.api.pages(Request(path, **more), permission=permission, stats=self.stats)

    def get(self, path: str, permission: str = "", **params: Any) -> Any:
        """Return the body of one answer. Raises Unread."""
        return self.api.get(path, params, permission=permission, stats=self.stats).body

    def rows(self, table: str) -> Iterator[Raw]:
        """Yield the items of another table's listing, listed once for all who ask. Raises Unread."""
        return _parents(self.tables[table], self)


def read_table(declared: RestTable, typed: Table, place: Place) -> Iterator[Row]:
    """Yield every row of a table while pages come. Raises Unread where the listing cannot be completed."""
    shaper = _Shaper(declared, typed)
    raws = (dict(raw) for raw in place.rows(declared.name)) if declared.shared else list_rows(declared, place)
    for raw in _enriched(declared, place, raws):
        yield _row(declared, place, shaper, raw)


def list_rows(declared: RestTable, place: Place) -> Iterator[Raw]:
    """Yield the raw items of a table's listing, before any second call. Raises Unread."""
    if declared.reader:
        yield from declared.reader(place)
    elif not declared.parent:
        yield from _listing(declared, place, {})
    else:
        for parent in place.rows(declared.parent):
            yield from _listing(declared, place, parent)


def first_request(declared: RestTable, place: Place, parent: Mapping[str, Any]) -> Request:
    """Return the request of a listing's first page. Raises MissingMember."""
    known = {**place.names, **parent}
    body = None if declared.body is None else fill(declared.body, known)
    return Request(path_of(declared.path, known), fill(declared.params, known), body, declared.headers)


def path_of(template: str, known: Mapping[str, Any]) -> str:
    """Fill a path: values are quoted, so that no name of a resource leads to another path.

    Raises:
        MissingMember: a value is missing.
    """

    def one(hole: re.Match[str]) -> str:
        value = str(look_up(known, hole[2]))
        quoted = quote(value, safe="/:@!$&'()*,;=+-._~" if hole[1] else "@:!$'()*,;=-._~")
        # A name that is only dots would climb out of its folder.
        return "/".join(
            part.replace(".", "%2E") if part in (".", "..") else part for part in quoted.split("/")
        )

    if template.startswith("{+") and _HOLE.fullmatch(template):
        return str(look_up(known, template[2:-1]))
    return _HOLE.sub(one, template)


def _listing(declared: RestTable, place: Place, parent: Mapping[str, Any]) -> Iterator[Raw]:
    kept = {f"parent_{name}": parent.get(name) for name in declared.keep}
    try:
        request = first_request(declared, place, parent)
    except MissingMember as error:
        problem = f"an item of {declared.parent} has no {error}, so {declared.name} cannot be asked for"
        raise Unread(f"reading {declared.name} of {place.account}", problem) from None
    if not declared.single:
        begun = False
        try:
            for page in place.api.pages(request, permission=declared.permission, stats=place.stats):
                begun = True
                for item in items_of(declared, place, page):
                    yield {**item, **kept}
        except Unread as error:
            # A later page that is not there is a listing that broke off.
            if begun or error.code not in map(str, declared.absent):
                raise
        return
    try:
        page = place.api.send(request, permission=declared.permission, stats=place.stats)
    except Unread as error:
        if error.code not in map(str, declared.absent):
            raise
        yield {"exists": False, **kept}
        return
    found = dig(page.body, declared.rows) if declared.rows else page.body
    if not isinstance(found, Mapping):
        raise _odd(declared, place, "one thing was asked for, and it is none")
    yield {**found, "exists": True, **kept}


def items_of(declared: RestTable, place: Place, page: Page) -> list[Raw]:
    """Return the items of a page. Raises Unread where the answer is not what the provider documents."""
    found = page.body
    for step in filter(None, declared.rows.split(".")):
        if not isinstance(found, Mapping):
            raise _odd(declared, place, f"it has no {declared.rows}")
        if declared.omits_empty and found.get(step) is None:
            return []
        found = found.get(step)
    if page.status == 204:
        return []
    if not isinstance(found, list) or not all(isinstance(item, Mapping) for item in found):
        raise _odd(declared, place, f"{declared.rows or 'it'} is no list of objects")
    return [dict(item) for item in found]


def _odd(declared: RestTable, place: Place, what: str) -> Unread:
    problem = f"{place.api.title} answered what it does not document for {declared.name}: {what}"
    remedy = "Try again; check the proxy. If it stays, the provider changed its interface."
    return Unread(f"reading {declared.name} of {place.account}", problem, remedy, code="schema")


def _parents(declared: RestTable, place: Place) -> Iterator[Raw]:
    yield from once(place, declared.name, lambda: list_rows(declared, place))


def once(place: Place, name: str, read: Callable[[], Iterable[Raw]]) -> Iterator[Raw]:
    """Yield what `read` yields, read once for all tables that ask within some minutes. Raises Unread.

    The rows wait on disk: an organisation may have a million repositories.
    """
    key = (place.account, name)
    held = place.cache.get(key)
    if held is not None and time.monotonic() - held[0] < PARENT_SECONDS:
        yield from held[1].rows(name)
        return
    began, kept, some = time.monotonic(), RowsOnDisk(), list[Raw]()
    for raw in read():
        some.append(raw)
        if len(some) == PARENTS_WRITTEN:
            kept.add(name, some)
            some = []
        yield raw
    kept.add(name, some)
    place.cache[key] = (began, kept)


class _Shaper:
    """Makes the columns of a table from raw items."""

    def __init__(self, declared: RestTable, typed: Table) -> None:
        self.empty: Row = dict.fromkeys(column.name for column in typed.columns)
        self.drop = frozenset(declared.drop)
        self.own = [_shape(item) for item in declared.columns]
        self.called = {id(call): [_shape(item) for item in call.columns] for call in declared.calls}

    def fill(self, row: Row, shapes: Iterable[_Shape], item: Any, unread: dict[str, str]) -> None:
        """Set columns from an item; name in `unread` those whose value does not fit."""
        whole = isinstance(item, Mapping)
        for name, path, plain, convert in shapes:
            value = item.get(path) if plain and whole else dig(item, path)
            if value is None:
                continue
            try:
                row[name] = convert(value)
            except Misfit as error:
                unread[name] = str(error)


_Shape = tuple[str, str, bool, Convert]


def _shape(item: Col) -> _Shape:
    path = item.path or item.name
    return item.name, path, "." not in path, converter(item.type)


def _row(declared: RestTable, place: Place, shaper: _Shaper, raw: Raw) -> Row:
    answers, unread = raw.pop("_answers", {}), raw.pop("_unread", {})
    row: Row = shaper.empty.copy()
    row["account_id"], row["region"] = str(raw.pop("_account", place.account)), GLOBAL
    try:
        row["resource"] = str(fill(declared.resource, {**place.names, **raw}))
    except MissingMember as error:
        raise _odd(declared, place, f"an item has no {error}, so it cannot be told which it is") from None
    shaper.fill(row, shaper.own, raw, unread)
    if declared.single:
        row["exists"] = raw.get("exists", True)
    for name in declared.keep:
        value = raw.get(f"parent_{name}")
        row[f"parent_{name}"] = None if value is None else str(value)
    for call in declared.calls:
        answer = answers.get(id(call))
        if answer is not None:
            if call.present:
                row[call.present] = answer[0]
            shaper.fill(row, shaper.called[id(call)], answer[1], unread)
    kept = {key: value for key, value in raw.items() if not key.startswith("parent_") and key != "exists"}
    row["raw"] = without_secrets(kept, shaper.drop)
    for name in unread:
        row[name] = None
    row["_unread"] = unread or None
    return row


def _enriched(declared: RestTable, place: Place, raws: Iterable[Raw]) -> Iterator[Raw]:
    """Yield each raw item with what its second calls answered, in the same order, a few at a time."""
    if not declared.calls:
        yield from raws
        return
    asked = [_Question(call, place) for call in declared.calls]
    pool = ThreadPoolExecutor(WORKERS, thread_name_prefix=declared.name)
    waiting: deque[Future[Raw]] = deque()
    source = iter(raws)
    try:
        while True:
            while len(waiting) < 2 * WORKERS and (raw := next(source, None)) is not None:
                waiting.append(pool.submit(_complete, asked, raw))
            if not waiting:
                return
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _complete(asked: list[_Question], raw: Raw) -> Raw:
    if raw.get("exists") is not False:
        for question in asked:
            question.ask(raw)
    return raw


class _Question:
    """One second call over a whole table."""

    def __init__(self, call: Call, place: Place) -> None:
        self.call, self.place = call, place
        self.columns = [*([call.present] if call.present else []), *(item.name for item in call.columns)]
        self.failures, self.given_up = 0, ""

    def ask(self, raw: Raw) -> None:
        """Ask about one item, and put the answer beside it."""
        call, known = self.call, {**self.place.names, **raw}
        member, _, wanted = call.when.partition("=")
        if member:
            value = dig(raw, member)
            if not value or (wanted and str(value) != wanted):
                return
        if self.given_up:
            self._mark(raw, self.given_up)
            return
        try:
            request = Request(path_of(call.path, known), fill(call.params, known), headers=call.headers)
        except MissingMember as error:
            self._mark(raw, f"it has no {error}, so it cannot be asked about")
            return
        try:
            answer: Any = self._answer(request)
        except Unread as error:
            if error.code in map(str, call.absent):
                raw.setdefault("_answers", {})[id(call)] = (False, None)
                return
            self._failed(raw, error)
            return
        self.failures = 0
        raw.setdefault("_answers", {})[id(call)] = (True, answer)

    def _answer(self, request: Request) -> Any:
        api, stats, permission = self.place.api, self.place.stats, self.call.permission
        if not self.call.pages:
            body = api.send(request, permission=permission, stats=stats).body
            return {"items": body} if isinstance(body, list) else body
        found: list[Any] = []
        for page in api.pages(request, permission=permission, stats=stats):
            rows = dig(page.body, self.call.rows) if self.call.rows else page.body
            if not isinstance(rows, list):
                problem = f"{api.title} answered what it does not document: no list for {self.call.path}"
                raise Unread(f"reading {self.call.path} of {self.place.account}", problem, code="schema")
            found += rows
        return {"items": found}

    def _failed(self, raw: Raw, error: Unread) -> None:
        reason = " ".join(error.problem.split())
        self._mark(raw, reason)
        # A denial is the row's own; what concerns the whole provider is not asked ten thousand times.
        self.failures = self.failures + 1 if error.code in _SAME_FOR_ALL else 0
        if self.failures >= GIVE_UP_AFTER:
            self.given_up = f"{reason} (asked {GIVE_UP_AFTER} times in a row, then no more)"

    def _mark(self, raw: Raw, reason: str) -> None:
        marks = raw.setdefault("_unread", {})
        for name in self.columns:
            marks[name] = reason


def at_account(place: Place, account: str, api: Api | None = None, **names: Any) -> Place:
    """Return the same place for another account."""
    return replace(place, account=account, api=api or place.api, names={**place.names, **names})
