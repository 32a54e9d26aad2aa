"""What a connector is, and the words that every later stage uses for what it reads.

A table yields all its rows or raises `Unread`. A value that could not be read is NULL *and* its
column is named in the row's `_unread`, so that "absent" and "unknown" can never be confused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

from pydantic import BaseModel

from proofwatch.errors import ProofwatchError

Row = dict[str, Any]
"""Column name → value (None, bool, int, float, str, datetime, list, dict), as the column's type wants."""

GLOBAL = "global"
"""The region of everything that has none."""

CONNECTION_NAME = r"^[a-z0-9][a-z0-9-]{0,39}$"
"""What a connection may be called: it stands in commands, files and URLs."""

EVERY = "*"
"""Stands for all accounts in `Scope.unlisted`."""


def usual_name(kind: str) -> str:
    """Return what a connection of a kind is called where nobody gives it a name."""
    return kind.replace("_", "-")


class ConnectorError(ProofwatchError):
    """A connection could not be set up, identified or planned."""


class Unread(ConnectorError):
    """A table (or one call of it) could not be read completely in one place.

    Attributes:
        permission: the missing permission by the provider's own name, where that is the reason.
        code: the provider's own error code, or "" where there was no answer at all.
    """

    def __init__(
        self,
        doing: str,
        problem: str,
        remedy: str = "",
        *,
        permanent: bool = True,
        permission: str = "",
        code: str = "",
    ) -> None:
        super().__init__(doing, problem, remedy, permanent=permanent)
        self.permission = permission
        self.code = code

    def __reduce__(self) -> tuple[object, ...]:
        """Survive pickling between worker processes with every field intact."""
        state = (self.doing, self.problem, self.remedy, self.permanent, self.permission, self.code)
        return (_rebuild_unread, state)


def _rebuild_unread(
    doing: str, problem: str, remedy: str, permanent: bool, permission: str, code: str
) -> Unread:
    return Unread(doing, problem, remedy, permanent=permanent, permission=permission, code=code)


@dataclass(frozen=True, slots=True)
class Column:
    """One typed column: `type` is DuckDB's type text, e.g. `STRUCT(a VARCHAR, b BIGINT)[]`."""

    name: str
    type: str
    about: str = ""
    call: str = ""
    """The second call that fills it, e.g. `s3:GetBucketPolicy`; empty for the listing call."""


COMMON: tuple[Column, ...] = (
    Column("account_id", "VARCHAR", "Account, organisation or tenant the resource belongs to"),
    Column("region", "VARCHAR", "Region, or 'global'"),
    Column("resource", "VARCHAR", "The resource's own identifier: its ARN where it has one"),
    Column("_unread", "MAP(VARCHAR, VARCHAR)", "Column → why it could not be read; NULL when all were"),
)
"""The first columns of every table; (account_id, region, resource) is the key of every table and view."""

KEY = ("account_id", "region", "resource")


@dataclass(frozen=True, slots=True)
class Table:
    """A declared table. `columns` holds COMMON first, then the table's own, in a fixed order."""

    name: str
    about: str
    service: str
    place: Literal["region", "global"]
    columns: tuple[Column, ...]
    permissions: tuple[str, ...]
    source: str = ""
    """The listing call by its provider's name, e.g. `ec2:DescribeVolumes`."""
    derived: str = ""
    """How its rows are made from what other connections read (`store.derived`); "" for a table of the source.

    Such a table has one place for each connection that it is made from: its account, and as region the
    connection's name.
    """

    def column(self, name: str) -> Column | None:
        """Return the column called `name`, or None."""
        return next((column for column in self.columns if column.name == name), None)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who we are at the provider, in the provider's own words."""

    account_id: str
    principal: str
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Permission:
    """One permission of the identity. `allowed` None means that it cannot be told."""

    name: str
    allowed: bool | None
    how: str
    tables: tuple[str, ...] = ()
    account_id: str = ""


@dataclass(frozen=True, slots=True)
class ReadOnlyProof:
    """What the identity may write, from the provider's answer. `read_only` None: cannot be told."""

    read_only: bool | None
    method: str
    writes: tuple[str, ...] = ()
    reason: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Place:
    """One (account, region) that exists at the provider; `gap` says why it is not read, if it is not.

    `wanted` marks a gap that was chosen to be read: its tables are planned and end as unread, so that every
    check says inconclusive there instead of staying silent.
    """

    account_id: str
    region: str
    account_name: str = ""
    gap: str = ""
    wanted: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """Everything that exists, read or not. `unknown` names what could not be enumerated, and why."""

    places: tuple[Place, ...]
    unknown: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()
    """Where the settings say "all" and the list could not be read: account ids (their regions), or EVERY.

    What an earlier sweep read there is read again, and the sweep is not complete.
    """

    def gaps(self) -> tuple[Place, ...]:
        """Return the places that exist and are not read."""
        return tuple(place for place in self.places if place.gap)


@dataclass(frozen=True, slots=True)
class Shard:
    """A piece of collecting that one worker does: some tables of one service in one place."""

    account_id: str
    region: str
    service: str
    tables: tuple[str, ...]

    @property
    def id(self) -> str:
        """Return a name that is stable between runs and safe in a path."""
        return f"{self.account_id}.{self.region}.{self.service}"


@dataclass(slots=True)
class ReadStats:
    """What one reading cost; the reader adds to it. `pages` counts listing pages only."""

    calls: int = 0
    pages: int = 0
    throttled: int = 0


@dataclass(frozen=True, slots=True)
class Document:
    """What a person gives to the provider so that we may read there, and nothing else.

    Attributes:
        name: of the file that it is saved as.
        about: what to do with it.
        text: the whole of it, ready to be pasted.
    """

    name: str
    about: str
    text: str


class Connector(Protocol):
    """One source system, under one connection's settings. Cheap to construct; picklable settings."""

    kind: ClassVar[str]
    title: ClassVar[str]
    Settings: ClassVar[type[BaseModel]]
    one_worker: ClassVar[bool]
    """Whether a sweep must be read by one worker: another sign-in would end the one before."""

    def __init__(self, settings: BaseModel) -> None: ...

    @staticmethod
    def parse_settings(given: Mapping[str, Any]) -> BaseModel:
        """Validate settings as a person gave them. Raises ConnectorError naming each wrong field."""
        ...

    @classmethod
    def tables(cls) -> Mapping[str, Table]:
        """Return every table this connector can read, by name, without any network or SDK import."""
        ...

    @classmethod
    def documents(cls) -> Sequence[Document]:
        """Return what lets an identity read every table and nothing else, without any network."""
        ...

    def identity(self) -> Identity:
        """Ask the provider who we are. Raises ConnectorError with the provider's own words."""
        ...

    def permissions(self, tables: Sequence[str]) -> list[Permission]:
        """Test every permission that `tables` need, by name."""
        ...

    def prove_read_only(self) -> ReadOnlyProof:
        """Ask the provider what this identity could write."""
        ...

    def scope(self) -> Scope:
        """List what exists and say of each place why it is not read, if it is not."""
        ...

    def shards(self, scope: Scope, tables: Sequence[str]) -> list[Shard]:
        """Split the reading of `tables` over `scope` into independent pieces.

        Those of one account rest on its own places alone: large scopes are asked for account by account.
        """
        ...

    def begin(self, sweep: str) -> None:
        """Say which sweep reads from now on: what an earlier one listed must not be shown as its state.

        Several shards of one sweep say so, each before it reads.
        """
        ...

    def read(self, shard: Shard, table: str, stats: ReadStats) -> Iterator[Row]:
        """Yield every row of `table` in the shard's place. Raises Unread if it cannot complete."""
        ...
