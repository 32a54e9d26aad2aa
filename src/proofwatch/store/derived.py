"""Tables made from what was read: accounts held against people, verdicts against verdicts.

Most are made from what other connections read, those of `OWN_MAKERS` from what the same sweep read. Their
rows are kept in snapshots like those of every other table, so what was compared, and when it was read, can be
shown and judged again. What cannot be had of a connection is unread in the place of that connection.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from proofwatch.connectors.base import Place, Row, Scope, Shard, Table, Unread
from proofwatch.errors import ProofwatchError
from proofwatch.snapshots.base import Objects
from proofwatch.snapshots.collect import Reading
from proofwatch.snapshots.engine import connect, identifier, lock, quote
from proofwatch.snapshots.rebuild import materialise
from proofwatch.snapshots.spool import write_some
from proofwatch.store.models import Connection
from proofwatch.store.services import connections, reads, sweeps

if TYPE_CHECKING:
    from proofwatch.checks.load import Catalog
    from proofwatch.store.judgement import Judged

MAKERS = {
    "accounts": "proofwatch.store.accounts",
    "comparison": "proofwatch.store.comparison",
}
"""How rows are made of other connections → the module that does it."""

OWN_MAKERS = {"beside": "proofwatch.store.beside"}
"""How rows are made of the connection's own tables, in their places → the module that does it."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a maker works with.

    Attributes:
        objects: the write-once store.
        cache: folder of rebuilt tables.
        catalog: checks and tables.
        now: the sweep's time of observation.
        own: table → manifest of what this very sweep read of its own connection.
        owner: that connection.
        read: all that this sweep read of it, also in part.
        folder: the sweep's working folder.
        kept: what a maker wants to have again in the next place of this sweep.
    """

    objects: Objects
    cache: Path
    catalog: Catalog
    now: datetime
    own: Mapping[str, str] = field(default_factory=dict)
    owner: str = ""
    read: Judged | None = None
    folder: Path = Path()
    kept: dict[str, Any] = field(default_factory=dict)


class OwnMaker(Protocol):
    """A module that makes rows of what the same sweep read."""

    def rows(self, table: Table, connection: Connection, shard: Shard, work: Work) -> Iterator[Row]:
        """Yield rows of one place without their key's account and region. Raises Unread."""
        ...


class Maker(Protocol):
    """A module that makes rows."""

    def sources(self, connection: Connection, catalog: Catalog) -> list[Connection]:
        """Return the connections that rows are made from."""
        ...

    def rows(self, connection: Connection, source: Connection, work: Work) -> Iterator[Row]:
        """Yield rows without their key's account and region. Raises Unread."""
        ...


def with_sources(scope: Scope, connection: Connection, tables: Sequence[Table], catalog: Catalog) -> Scope:
    """Return a scope with one more place for each connection that a derived table is made from."""
    accounts = sorted({place.account_id for place in scope.places if not place.gap})
    names = {
        source.name
        for table in tables
        if table.derived in MAKERS
        for source in _maker(table.derived).sources(connection, catalog)
    }
    # Its rows are of the whole connection, so they have one account there, whatever else it has.
    own = str(connection.identity.get("account_id", ""))
    chosen = own if own in accounts else next(iter(accounts), "")
    more = [Place(chosen, name) for name in sorted(names) if chosen]
    return replace(scope, places=(*scope.places, *more)) if more else scope


def rows_of(table: Table, connection: Connection, shard: Shard, work: Work) -> Iterator[Row]:
    """Yield the rows of a derived table in one place. Raises Unread if they cannot all be had."""
    for row in _made(table, connection, shard, work):
        yield {**row, "account_id": shard.account_id, "region": shard.region}


def _made(table: Table, connection: Connection, shard: Shard, work: Work) -> Iterator[Row]:
    if table.derived in OWN_MAKERS:
        own: OwnMaker = cast(Any, import_module(OWN_MAKERS[table.derived]))
        return own.rows(table, connection, shard, work)
    source = next((item for item in connections.every() if item.name == shard.region), None)
    if source is None:
        raise Unread(f"making {table.name}", f"there is no connection {shard.region} any more")
    return _maker(table.derived).rows(connection, source, work)


def read(table: Table, connection: Connection, shard: Shard, work: Work, folder: Path) -> Reading:
    """Make the rows of a derived table in one place, and write them like what was read there.

    Args:
        table: the table.
        connection: whose table it is.
        shard: its place.
        work: what it works with.
        folder: the sweep's working folder.

    Returns:
        how it ended; what could not be had is its reason.
    """
    place = (table.name, shard.account_id, shard.region)
    try:
        made = rows_of(table, connection, shard, work)
        part = write_some(folder, table, shard.account_id, shard.region, made)
    except ProofwatchError as error:
        why, unread = " ".join(error.problem.split()), error if isinstance(error, Unread) else None
        permission, code = (unread.permission, unread.code) if unread else ("", "")
        return Reading(*place, 0, 0, 0, 0.0, "", why, permission, code)
    if part is None:
        return Reading(*place, 0, 0, 1, 0.0, "")
    name = part.path.relative_to(folder).as_posix()
    return Reading(*place, part.rows, 0, 1, 0.0, "", part=name, duplicates=part.duplicates)


def others(connection: Connection) -> list[Connection]:
    """Return every other connection that is not removed."""
    return [item for item in connections.every() if item.pk != connection.pk]


def select(source: Connection, tables: Sequence[str], sql: str, work: Work) -> Iterator[dict[str, Any]]:
    """Yield the rows of one SELECT over tables as a connection read them last.

    Raises:
        Unread: one of them was not read wholly, or too long ago.
    """
    paths = {name: path_of(source, name, work) for name in tables}
    session = connect(threads=1)
    with session:
        for name, path in paths.items():
            session.execute(
                f"CREATE TEMP VIEW {identifier(name)} AS SELECT * FROM read_parquet({quote(str(path))})"  # noqa: S608
            )
        lock(session, paths.values())
        cursor = session.execute(sql, {"now": work.now} if "$now" in sql else None)
        columns = [item[0] for item in cursor.description or ()]
        while batch := cursor.fetchmany(1000):
            for values in batch:
                yield dict(zip(columns, values, strict=True))


def path_of(source: Connection, table: str, work: Work) -> Path:
    """Return a table as a connection read it last. Raises Unread if that was not whole, or too long ago."""
    doing = f"taking {table} of {source.name}"
    if source.name == work.owner:
        if table not in work.own:
            raise Unread(doing, f"{table} could not be read wholly in this sweep", permanent=False)
        return materialise(work.own[table], work.objects, work.cache).resolve()
    state = sweeps.table_states(source).get(table)
    if state is None:
        raise Unread(
            doing, f"{source.name} has not read {table} yet", "Let its sweep finish.", permanent=False
        )
    check_fresh(source, state.sweep.observed_at, work.now, doing)
    if read := reads.rows(state.sweep, "failed").filter(table=table).first():
        problem = f"{source.name} could not read {table} in {read.account_id} {read.region}: {read.reason}"
        raise Unread(doing, problem, permission=read.permission, code=read.code)
    return materialise(state.manifest, work.objects, work.cache).resolve()


def read_at(source: Connection, table: str) -> datetime | None:
    """Return when a connection read a table last."""
    state = sweeps.table_states(source).get(table)
    return state.sweep.observed_at if state else None


def check_fresh(source: Connection, observed: datetime, now: datetime, doing: str) -> None:
    """Raise Unread if what a connection read is older than twice its interval, and than an hour."""
    most = max(timedelta(minutes=2 * source.interval_minutes), timedelta(hours=1))
    if now - observed > most:
        problem = f"{source.name} was read last at {observed:%Y-%m-%d %H:%M:%S} UTC, which is too long ago"
        raise Unread(doing, problem, f"Look why {source.name} is stale.", permanent=False, code="stale")


def is_derived(names: Sequence[str], tables: Sequence[Table]) -> bool:
    """Tell whether what is read together is made here."""
    return any(table.derived and table.name in names for table in tables)


def _maker(name: str) -> Maker:
    found: Any = import_module(MAKERS[name])
    maker: Maker = found
    return maker
