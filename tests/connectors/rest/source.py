"""A small source of things, told by each test how to answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from proofwatch.connectors.base import (
    GLOBAL,
    Document,
    Identity,
    Place,
    ReadOnlyProof,
    ReadStats,
    Row,
    Scope,
    Unread,
)
from proofwatch.connectors.rest.api import Api
from proofwatch.connectors.rest.auth import Static
from proofwatch.connectors.rest.connector import RestConnector
from proofwatch.connectors.rest.declare import Call, Col, RestTable
from proofwatch.connectors.rest.paging import link_header
from proofwatch.connectors.rest.settings import Address
from proofwatch.demo.fakes.base import Fake
from proofwatch.outbound.session import Session

SECRET = "TOP-SECRET-TOKEN"


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: Address


THING = RestTable(
    name="things_thing",
    about="Things.",
    path="/things",
    resource="{id}",
    permission="things: read",
    drop=("seen",),
    columns=(
        Col("id"),
        Col("size", "BIGINT"),
        Col("owner", "VARCHAR", "", "owner.name"),
        Col("made", "TIMESTAMPTZ"),
    ),
)
PART = RestTable(
    name="things_part",
    about="Parts of things.",
    path="/things/{id}/parts",
    parent="things_thing",
    keep=("id",),
    resource="{parent_id}/{no}",
    permission="parts: read",
    columns=(Col("no", "BIGINT"),),
)
DETAIL = RestTable(
    name="things_detail",
    about="Things with what a second call says.",
    path="/things",
    resource="{id}",
    columns=(Col("id"),),
    calls=(
        Call(path="/things/{id}/lock", present="is_locked", absent=(404,), permission="locks: read"),
        Call(path="/things/{id}/keys", columns=(Col("keys", "VARCHAR[]", "", "items[].k"),), pages=True),
    ),
)
POLICY = RestTable(
    name="things_policy",
    about="The one policy.",
    path="/policy",
    single=True,
    resource="policy",
    absent=(404,),
    columns=(Col("level"),),
)
BOXED = RestTable(
    name="things_boxed",
    about="Things that stand in a member of the answer.",
    path="/boxed",
    rows="result.data",
    resource="{id}",
    absent=(404,),
    columns=(Col("id"),),
)
SPARING = replace(BOXED, name="things_sparing", omits_empty=True)


class Things(RestConnector):
    kind: ClassVar[str] = "things"
    title: ClassVar[str] = "Things"
    Settings: ClassVar[type[BaseModel]] = Settings
    DECLARED: ClassVar[Sequence[RestTable]] = (THING, PART, DETAIL, POLICY, BOXED, SPARING)

    @classmethod
    def documents(cls) -> Sequence[Document]:
        return ()

    def make_api(self, account: str) -> Api:
        session = Session([self.settings.base_url], read=2)
        auth = Static("env:THINGS_TOKEN", "reading things")
        return Api(
            "Things", self.settings.base_url, session, auth, link_header, account=account,
            conditional=True, most_wait=2.5,
        )  # fmt: skip

    def identity(self) -> Identity:
        return Identity("a", "me")

    def prove_read_only(self) -> ReadOnlyProof:
        return ReadOnlyProof(None, "none")

    def scope(self) -> Scope:
        return Scope((Place("a", GLOBAL),))


def rows(fake: Fake, table: str, stats: ReadStats | None = None) -> list[Row]:
    """Read a table wholly. Raises Unread."""
    connector = Things(Things.parse_settings({"base_url": fake.url}))
    shard = connector.shards(connector.scope(), [table])[0]
    return list(connector.read(shard, table, stats or ReadStats()))


def refused(fake: Fake, table: str = "things_thing") -> Unread:
    """Read a table that must be unread, and return why."""
    try:
        found: Any = rows(fake, table)
    except Unread as error:
        return error
    raise AssertionError(f"it was read: {found}")
