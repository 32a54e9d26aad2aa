"""Second calls: what a listing leaves out, asked row by row or in batches, a few rows at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import groupby, islice
from typing import Any

from proofwatch.connectors.aws import errors, models
from proofwatch.connectors.aws.caller import Caller, Raw, paging, reason
from proofwatch.connectors.aws.declare import AwsTable, Call
from proofwatch.connectors.aws.schema import call_permission, label
from proofwatch.connectors.base import Table, Unread
from proofwatch.connectors.naming import MissingMember, column_name, dig, fill, holes

WORKERS = 4
"""Rows asked about at once in one table; other tables and places are read at the same time."""

GIVE_UP_AFTER = 3
"""Failures of one call in a row, of a kind that no other row would change, before it is made no more."""

_SAME_FOR_ALL = frozenset(
    {"timeout", "connection", "credentials", "region", "subscription", "not_offered", "server"}
)
"""Kinds of failure that concern the service and not the row. A denial is the row's: policies differ."""


@dataclass(slots=True)
class _Work:
    """One row in work, with the reasons of what could not be read of it."""

    raw: Raw
    unread: dict[str, str]


def enrich(declaration: AwsTable, table: Table, caller: Caller, raws: Iterable[Raw]) -> Iterator[Raw]:
    """Yield each raw row with what its second calls answered, in the same order.

    Only a few rows are in work at a time, however many there are. Columns that a call could not fill
    are named in the row's `_unread`.
    """
    if not declaration.calls:
        yield from raws
        return
    questions = [_Question(declaration, table, call, caller) for call in declaration.calls]
    size = max((call.batch for call in declaration.calls), default=0) or 1
    source = iter(raws)
    pool = ThreadPoolExecutor(WORKERS, thread_name_prefix=declaration.name)
    waiting: deque[Future[list[Raw]]] = deque()
    try:
        while True:
            while len(waiting) < 2 * WORKERS and (group := list(islice(source, size))):
                waiting.append(pool.submit(_complete, questions, group))
            if not waiting:
                return
            yield from waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _complete(questions: list[_Question], raws: list[Raw]) -> list[Raw]:
    works = [_Work(raw, raw.pop("_unread", {})) for raw in raws]
    # Of what does not exist there is nothing more to ask.
    real = [work for work in works if work.raw.get("exists") is not False]
    for question in questions:
        question.ask(real)
    for work in works:
        if work.unread:
            work.raw["_unread"] = work.unread
    return raws


class _Question:
    """One second call over a whole table."""

    def __init__(self, declaration: AwsTable, table: Table, call: Call, caller: Caller) -> None:
        self.call = call
        self.caller = caller
        self.service = call.service or declaration.service
        self.label = label(declaration, call)
        self.permission = call_permission(declaration, call)
        self.columns = (
            (call.into,) if call.into else tuple(c.name for c in table.columns if c.call == self.label)
        )
        self.condition, _, self.expected = call.when.partition("=")
        self.needs = {column_name(member) for member in holes(call.params) | {self.condition}}
        self.failures = 0
        self.given_up = ""

    def ask(self, works: list[_Work]) -> None:
        """Ask about the rows that the call is for, and put each answer into its row."""
        ready = [(work, params) for work in works if (params := self._params(work)) is not None]
        if not self.call.batch:
            for work, params in ready:
                self._ask_one(work, params)
            return
        listed = _list_parameter(self.service, self.call.op, self.call.params)
        for _, group in groupby(ready, key=lambda each: repr({**each[1], listed: None})):
            rows = list(group)
            for start in range(0, len(rows), self.call.batch):
                self._ask_batch(rows[start : start + self.call.batch], listed)

    def _params(self, work: _Work) -> Raw | None:
        """Return the request about a row; None if there is nothing to ask or it cannot be asked."""
        unknown = next((work.unread[name] for name in self.needs if name in work.unread), None)
        if unknown is not None:
            self._mark(work, unknown)
            return None
        if self.condition and not self._holds(work.raw):
            return None
        if self.given_up:
            self._mark(work, self.given_up)
            return None
        try:
            filled: Raw = fill(self.call.params, {**work.raw, **self.caller.names})
        except MissingMember as error:
            self._mark(work, f"{self.label} cannot be asked: AWS did not tell {error}")
            return None
        return filled

    def _holds(self, raw: Mapping[str, Any]) -> bool:
        value = dig(raw, self.condition)
        return str(value) == self.expected if self.expected else bool(value)

    def _ask_one(self, work: _Work, params: Raw) -> None:
        try:
            value = self._value(work.raw, params)
        except Unread as error:
            self._failed([work], error)
        else:
            self.failures = 0
            self._put(work.raw, value)

    def _ask_batch(self, rows: list[tuple[_Work, Raw]], listed: str) -> None:
        first = rows[0][1]
        params = {**first, listed: [_only(each[listed]) for _, each in rows]}
        try:
            items = self._value(rows[0][0].raw, params)
        except Unread as error:
            if len(rows) > 1 and error.code and errors.describe(_cause(error)).kind == "request":
                # One that vanished meanwhile makes AWS refuse them all.
                for row in rows:
                    self._ask_batch([row], listed)
                return
            self._failed([work for work, _ in rows], error)
            return
        self.failures = 0
        theirs, ours = self.call.match
        found = {item.get(theirs): item for item in items or ()}
        for work, _ in rows:
            item = found.get(dig(work.raw, ours))
            if item is None:
                self._mark(work, f"the answer of {self.label} leaves it out")
            else:
                self._put(work.raw, item)

    def _value(self, raw: Raw, params: Raw) -> Any:
        region = ""
        if self.call.region:
            try:
                region = str(fill(self.call.region, raw))
            except MissingMember:
                region = ""
        where = {"region": region, "permission": self.permission}
        if not paging(self.service, self.call.op).pairs:
            return dig(self.caller.call(self.service, self.call.op, params, **where), self.call.take)
        gathered: list[Any] = []
        pages = self.caller.pages(self.service, self.call.op, params, listing=False, **where)
        for number, page in enumerate(pages):
            value = dig(page, self.call.take)
            if value is not None and not isinstance(value, list):
                if number or next(pages, None) is not None:
                    problem = "the answer has several pages, of which only one can be kept"
                    raise Unread(self.caller.doing(self.label), problem)
                return value
            gathered += value or []
        return gathered

    def _failed(self, works: list[_Work], error: Unread) -> None:
        if error.code and error.code in self.call.absent:
            self.failures = 0
            if self.call.form == "present":
                for work in works:
                    work.raw[self.call.into] = False
            return
        why = reason(error)
        for work in works:
            self._mark(work, why)
        same = errors.describe(_cause(error)).kind in _SAME_FOR_ALL
        self.failures = self.failures + 1 if same else 0
        if self.failures >= GIVE_UP_AFTER:
            self.given_up = why

    def _mark(self, work: _Work, why: str) -> None:
        for name in self.columns:
            work.unread.setdefault(name, why)

    def _put(self, raw: Raw, value: Any) -> None:
        if self.call.form == "present":
            raw[self.call.into] = True
            return
        if isinstance(value, Mapping):
            value = {key: item for key, item in value.items() if key != "ResponseMetadata"}
        if self.call.into:
            raw[self.call.into] = value
            return
        for member, item in (value or {}).items():
            raw.setdefault(member, item)


def _only(value: Any) -> Any:
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _cause(error: Unread) -> BaseException:
    return error.__cause__ or error


@cache
def _input_members(service: str, op: str) -> Mapping[str, Any]:
    shape = models.operation(service, op).input_shape
    return shape.members if shape else {}


def _list_parameter(service: str, op: str, params: Mapping[str, Any]) -> str:
    """Return the parameter of a batch call that takes the rows' values."""
    members = _input_members(service, op)
    return next(name for name, value in params.items() if holes(value) and members[name].type_name == "list")
