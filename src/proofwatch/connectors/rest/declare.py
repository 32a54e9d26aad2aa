"""The form in which a table of a REST source is declared: where it is listed, and its typed columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from proofwatch.connectors.base import COMMON, Column, Table

if TYPE_CHECKING:
    from proofwatch.connectors.rest.collect import Place

Raw = dict[str, Any]
"""One item as it was answered."""

Reader = Callable[["Place"], Iterator[Raw]]
EXISTS = Column("exists", "BOOLEAN", "Whether there is one at all; without one the other columns are NULL")
RAW = Column("raw", "JSON", "The item as it was answered, without secrets and without what changes by itself")


@dataclass(frozen=True, slots=True)
class Col:
    """One column: `path` is where its value stands in the item (`a.b`, `list[].c`); its own name by default.

    `type` is DuckDB's type text; members of a STRUCT are found by their snake-cased names.
    """

    name: str
    type: str = "VARCHAR"
    about: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A second call made for every listed row.

    Attributes:
        path: template over the raw row, e.g. `/repos/{full_name}/keys`. A slash in a value is quoted, but
            where the placeholder is written `{+full_name}`.
        columns: what it fills; paths are of the answer. Where the answer is a list, it stands under `items`.
        params: query parameters, templates too.
        pages: whether all pages are read; the items of all of them stand under `items`.
        rows: where the items stand in a page, with `pages`.
        absent: statuses that mean "there is none": the columns become NULL without being unread.
        present: BOOLEAN column that is true where the call answered and false where there is none.
        when: name of a raw member that must be truthy, or `member=value`, for the call to be made at all.
        permission: that it needs, in the provider's own words.
        headers: further headers.
    """

    path: str
    columns: tuple[Col, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)
    pages: bool = False
    rows: str = ""
    absent: tuple[int, ...] = ()
    present: str = ""
    when: str = ""
    permission: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RestTable:
    """One table.

    Attributes:
        name: `<connector>_<thing>`, singular.
        about: one sentence.
        service: which of the connector's services answers; tables of one service are read one after another.
        path: template of the listing's path, over the place's names and the parent's members; `{+x}` keeps
            slashes. Absolute addresses of the connection's own hosts are possible.
        resource: template of the resource identifier over the raw members, unique within a place.
        columns: its own.
        rows: dotted path to the list in an answer; "" where the answer is the list.
        omits_empty: whether the provider leaves a list without items out of its answer, as Google does. With
            any other, an answer without the list is not what was asked for.
        params: query parameters; templates.
        body: sent as JSON by POST instead of GET, where the listing wants that; templates.
        permission: that the listing needs, in the provider's own words.
        also: further permissions that a reader needs.
        parent: table whose raw rows drive this one.
        keep: members of the parent copied into the item, as `parent_<member>`.
        absent: statuses of the listing's first page that mean "there is none".
        single: the listing answers one thing, not a list; the table gains `exists BOOLEAN`.
        calls: second calls.
        reader: Python function that yields the items instead, where a listing is more than pages.
        derived: how its rows are made from what other connections read; see `connectors.base.Table`.
        shared: whether its items serve other tables of the same place, and are therefore kept for a while.
        drop: members that are left out of `raw`, because they change although nothing changed.
        source: name of the call in the documentation of the provider; by default `GET path`.
        headers: further headers.
    """

    name: str
    about: str
    path: str
    resource: str
    columns: tuple[Col, ...]
    service: str = "api"
    rows: str = ""
    omits_empty: bool = False
    params: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    permission: str = ""
    also: tuple[str, ...] = ()
    parent: str = ""
    keep: tuple[str, ...] = ()
    absent: tuple[int, ...] = ()
    single: bool = False
    calls: tuple[Call, ...] = ()
    reader: Reader | None = None
    shared: bool = False
    derived: str = ""
    drop: tuple[str, ...] = ()
    source: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def typed(self) -> Table:
        """Return the table as later stages know it."""
        source = self.source or f"{'POST' if self.body is not None else 'GET'} {self.path}"
        own = [Column(item.name, item.type, item.about) for item in self.columns]
        kept = [Column(f"parent_{name}", "VARCHAR", f"Of its {self.parent}") for name in self.keep]
        called = []
        for call in self.calls:
            label = f"GET {call.path}"
            if call.present:
                called.append(Column(call.present, "BOOLEAN", "Whether there is one", label))
            called += [Column(item.name, item.type, item.about, label) for item in call.columns]
        needed = [self.permission, *(call.permission for call in self.calls), *self.also]
        return Table(
            self.name, self.about, self.service, "region" if self.derived else "global",
            COMMON + ((EXISTS,) if self.single else ()) + (*own, *kept, *called, RAW),
            tuple(dict.fromkeys(filter(None, needed))), source, self.derived,
        )  # fmt: skip
