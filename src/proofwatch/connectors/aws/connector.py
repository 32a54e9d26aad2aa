"""The AWS connector: one connection's settings behind the interface that every later stage uses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from pydantic import BaseModel

from proofwatch.connectors.aws import schema
from proofwatch.connectors.aws.clients import Clients
from proofwatch.connectors.aws.settings import AwsSettings, read_settings
from proofwatch.connectors.aws.tables.comparison import compared
from proofwatch.connectors.aws.tables.config import INVENTORY
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
)
from proofwatch.connectors.sweepcache import SweepCache


class AwsConnector:
    """One AWS connection. Cheap to construct: nothing is sent or imported before the first question."""

    kind: ClassVar[str] = "aws"
    title: ClassVar[str] = "Amazon Web Services"
    one_worker: ClassVar[bool] = False
    Settings: ClassVar[type[BaseModel]] = AwsSettings

    parse_settings = staticmethod(read_settings)

    def __init__(self, settings: BaseModel) -> None:
        self.settings = (
            settings if isinstance(settings, AwsSettings) else read_settings(settings.model_dump())
        )
        self._held = SweepCache()

    @property
    def clients(self) -> Clients:
        """The clients of this connection, shared by all threads of a sweep.

        A later sweep makes its own: who we are, keys in AWS's files, and an external id may have changed.
        """
        return self._held.once("clients", lambda: Clients(self.settings))

    @classmethod
    def tables(cls) -> Mapping[str, Table]:
        """Return every AWS table by name, from the generated list: no network, no SDK."""
        return compared(schema.load_tables())

    @classmethod
    def documents(cls) -> Sequence[Document]:
        """Return the CloudFormation template of a role, and the same permissions as plain policies."""
        from proofwatch.connectors.aws.template import documents

        return documents(list(schema.load_tables().values()))

    def identity(self) -> Identity:
        """Ask STS who we are. Raises ConnectorError with AWS's own words."""
        from proofwatch.connectors.aws.identity import read_identity

        return read_identity(self.clients)

    def permissions(self, tables: Sequence[str]) -> list[Permission]:
        """Test every permission that `tables` need, in the identity's own account, by name."""
        from proofwatch.connectors.aws.permissions import check_permissions

        return check_permissions(self.clients, [self._table(name) for name in tables])

    def prove_read_only(self) -> ReadOnlyProof:
        """Ask AWS what this identity could write."""
        from proofwatch.connectors.aws.readonly import prove

        return prove(self.clients)

    def scope(self) -> Scope:
        """List the accounts and regions that exist, and say of each why it is not read, if it is not."""
        from proofwatch.connectors.aws.scope import read_scope

        return read_scope(self.clients)

    def shards(self, scope: Scope, tables: Sequence[str]) -> list[Shard]:
        """Split `tables` into one shard per account, region and service.

        Tables of global services are read once per account, whatever regions were chosen. The inventory of
        AWS Config's aggregators is read only where the settings want it.
        """
        wanted = self.settings.config_inventory
        chosen = [self._table(name) for name in tables if wanted or name != INVENTORY]
        places = sorted({(p.account_id, p.region) for p in scope.places if not p.gap or p.wanted})
        accounts = sorted({account for account, _ in places})
        shards: list[Shard] = []
        for where, at in (("global", [(account, GLOBAL) for account in accounts]), ("region", places)):
            groups: dict[str, list[str]] = {}
            for table in chosen:
                if table.place == where:
                    groups.setdefault(table.service, []).append(table.name)
            shards += [
                Shard(account, region, service, tuple(names))
                for account, region in at
                if where == "global" or region != GLOBAL
                for service, names in groups.items()
            ]
        return shards

    def begin(self, sweep: str) -> None:
        """Forget what an earlier sweep listed, and how it was let in."""
        self._held.begin(sweep)

    def read(self, shard: Shard, table: str, stats: ReadStats) -> Iterator[Row]:
        """Yield every row of `table` in the shard's place. Raises Unread if it cannot complete."""
        from proofwatch.connectors.aws.collect import read_table
        from proofwatch.connectors.aws.tables import declaration

        place = (shard.account_id, shard.region)
        return read_table(declaration(table), self.clients, *place, stats, self._held.rows)

    def _table(self, name: str) -> Table:
        found = self.tables().get(name)
        if found is None:
            raise ConnectorError(
                "choosing tables", f"AWS has no table {name!r}", "See `proofwatch connectors --json`."
            )
        return found
