"""What every connector of a REST source has in common: declared tables, shards, permissions by trying."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel

from proofwatch.connectors.base import (
    GLOBAL,
    ConnectorError,
    Document,
    Identity,
    Permission,
    ReadOnlyProof,
    ReadStats,
    Row,
    Scope,
    Shard,
    Table,
    Unread,
)
from proofwatch.connectors.naming import MissingMember
from proofwatch.connectors.rest.api import Api
from proofwatch.connectors.rest.collect import Place, first_request, list_rows, read_table
from proofwatch.connectors.rest.declare import RestTable
from proofwatch.connectors.rest.settings import parse
from proofwatch.connectors.sweepcache import SweepCache


class RestConnector(ABC):
    """One connection to a REST source. A connector says where, as whom and what; the rest is here.

    A subclass has kind, title, Settings, DECLARED, and the abstract methods.
    """

    kind: ClassVar[str]
    title: ClassVar[str]
    one_worker: ClassVar[bool] = False
    Settings: ClassVar[type[BaseModel]]
    DECLARED: ClassVar[Sequence[RestTable]]

    _by_name: ClassVar[Mapping[str, RestTable]]
    _typed: ClassVar[Mapping[str, Table]]

    def __init_subclass__(cls) -> None:
        """Type the declared tables once."""
        cls._by_name = {table.name: table for table in sorted(cls.DECLARED, key=lambda table: table.name)}
        cls._typed = {name: table.typed() for name, table in cls._by_name.items()}

    def __init__(self, settings: BaseModel) -> None:
        self.settings: Any = settings
        self._held = SweepCache()

    @classmethod
    def parse_settings(cls, given: Mapping[str, Any]) -> BaseModel:
        """Validate settings as a person gave them. Raises ConnectorError naming each wrong field."""
        return parse(cls.Settings, given, cls.kind, cls.title)

    @classmethod
    def tables(cls) -> Mapping[str, Table]:
        """Return every table by name, without any network."""
        return cls._typed

    @classmethod
    @abstractmethod
    def documents(cls) -> Sequence[Document]:
        """Return what a person gives to the provider so that we may read there."""

    @abstractmethod
    def make_api(self, account: str) -> Api:
        """Return the interface for an account ("" for what belongs to none). Raises ConnectorError."""

    @abstractmethod
    def identity(self) -> Identity:
        """Ask the provider who we are."""

    @abstractmethod
    def prove_read_only(self) -> ReadOnlyProof:
        """Ask the provider what this identity could write."""

    @abstractmethod
    def scope(self) -> Scope:
        """List what exists."""

    def names(self, account: str) -> Mapping[str, Any]:
        """Return what templates may name in an account."""
        return {"account": account}

    def api(self, account: str = "") -> Api:
        """Return the interface for an account, made once in a sweep. Raises ConnectorError."""
        return self._held.once(("api", account), lambda: self.make_api(account))

    def place(
        self, account: str, stats: ReadStats | None = None, cache: dict[Any, Any] | None = None
    ) -> Place:
        """Return where a table is read."""
        tables, counted = self._by_name, stats or ReadStats()
        return Place(
            self.api(account), account, self.names(account), tables, counted, {} if cache is None else cache
        )

    def applies(self, table: RestTable, account: str) -> bool:
        """Tell whether a table exists in an account at all; by default each does in every one."""
        return True

    def permissions(self, tables: Sequence[str]) -> list[Permission]:
        """Try every permission that `tables` need: the first page of each listing, in each account read."""
        found: dict[tuple[str, str], Permission] = {}
        for account in _accounts(self.scope()):
            place = self.place(account)
            for name in tables:
                declared = self._declared(name)
                if not declared.permission or not self.applies(declared, account):
                    continue
                key = (account, declared.permission)
                known = found.get(key)
                if known and known.allowed is not None:
                    merged = tuple(dict.fromkeys((*known.tables, name)))
                    found[key] = Permission(known.name, known.allowed, known.how, merged, account)
                    continue
                allowed, how = _tried(declared, place)
                found[key] = Permission(
                    declared.permission, allowed, how, (*(known.tables if known else ()), name), account
                )
        return [found[key] for key in sorted(found)]

    def shards(self, scope: Scope, tables: Sequence[str]) -> list[Shard]:
        """Split `tables` into one shard per account and service."""
        groups: dict[str, list[str]] = {}
        derived = [name for name in tables if self._declared(name).derived]
        for name in tables:
            if name not in derived:
                groups.setdefault(self._declared(name).service, []).append(name)
        made = [
            Shard(place.account_id, place.region, "derived", tuple(derived))
            for place in scope.places
            if derived and place.region != GLOBAL
        ]
        return made + [
            Shard(account, GLOBAL, service, chosen)
            for account in _accounts(scope)
            for service, names in groups.items()
            if (chosen := tuple(name for name in names if self.applies(self._declared(name), account)))
        ]

    def begin(self, sweep: str) -> None:
        """Forget what an earlier sweep listed, and how it was let in: keys may have been renewed."""
        self._held.begin(sweep)

    def read(self, shard: Shard, table: str, stats: ReadStats) -> Iterator[Row]:
        """Yield every row of `table` in the shard's place. Raises Unread if it cannot complete."""
        place = self.place(shard.account_id, stats, self._held.rows)
        return read_table(self._declared(table), self.tables()[table], place)

    def _declared(self, name: str) -> RestTable:
        found = self._by_name.get(name)
        if found is None:
            problem = f"{self.title} has no table {name!r}"
            raise ConnectorError("choosing tables", problem, "See `proofwatch connectors --json`.")
        return found


def _accounts(scope: Scope) -> list[str]:
    return sorted({place.account_id for place in scope.places if not place.gap or place.wanted})


def _tried(declared: RestTable, place: Place) -> tuple[bool | None, str]:
    """Ask for the first page of a listing; tell whether we may, and how that is known."""
    try:
        if declared.reader:
            next(list_rows(declared, place), None)
            return True, "its first items were read"
        parent = {}
        if declared.parent:
            found = next(place.rows(declared.parent), None)
            if found is None:
                return None, f"there is no {declared.parent} to try it with"
            parent = found
        request = first_request(declared, place, parent)
        place.api.send(request, permission=declared.permission, stats=place.stats)
    except Unread as error:
        if error.code in map(str, declared.absent):
            return True, "it was answered that there is none"
        return (False if error.code in ("401", "403", "404") else None), " ".join(error.problem.split())
    except MissingMember as error:
        return None, f"its parent has no {error}"
    return True, "its first page was read"
