"""The people list: from a CSV that the personnel department writes, or over SCIM 2.0 (RFC 7643, RFC 7644)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from proofwatch.connectors.base import (
    GLOBAL,
    ConnectorError,
    Document,
    Identity,
    Permission,
    Place,
    ReadOnlyProof,
    ReadStats,
    Row,
    Scope,
    Shard,
    Table,
    Unread,
)
from proofwatch.connectors.people.csvfile import COLUMNS, read_csv
from proofwatch.connectors.rest.api import Api
from proofwatch.connectors.rest.auth import Static
from proofwatch.connectors.rest.collect import Place as Reading
from proofwatch.connectors.rest.connector import RestConnector
from proofwatch.connectors.rest.declare import Col, Raw, RestTable
from proofwatch.connectors.rest.paging import Page, Request
from proofwatch.connectors.rest.settings import Address, CaFile
from proofwatch.outbound.secrets import Ref
from proofwatch.outbound.session import Session

DOING = "reading the people list"
LIST = "people"
"""The one account of this source."""
SIZE = 100
EXAMPLE = """\
email,name,title,department,manager,started_on,ended_on,logins
ada@acme.example,Ada Marlowe,Engineering Lead,Engineering,,2019-03-01,,github:ada-m aws:ada
mary@acme.example,Mary Departed,Contractor,,ada@acme.example,2024-05-06,2026-08-31,
"""


class PeopleSettings(BaseModel):
    """Where the people list is: a CSV file, or a SCIM service."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str = Field(default="", description="Absolute path of the CSV that is written anew by the export")
    scim_url: Address | None = Field(default=None, description="Or a SCIM 2.0 service: https://HOST/scim/v2")
    scim_token: Ref | None = Field(default=None, description="Its bearer token: env:NAME or file:/path")
    max_age_hours: int = Field(
        default=48, ge=1, le=2400, description="An older file is not believed: the export has stopped"
    )
    ca_file: CaFile = Field(default="", description="Certificate authority of the service, as PEM")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if bool(self.file) == bool(self.scim_url):
            raise ValueError("give file, or scim_url with scim_token")
        if self.scim_url and not self.scim_token:
            raise ValueError("scim_url needs scim_token")
        if self.file and not self.file.startswith("/"):
            raise ValueError("file needs an absolute path, as in /var/lib/people.csv")
        return self


def _next(request: Request, page: Page) -> Request | None:
    """Ask for what comes after, by SCIM's count from 1."""
    body = page.body if isinstance(page.body, Mapping) else {}
    begin, given = int(request.params.get("startIndex", 1)), len(body.get("Resources") or [])
    after = begin + given
    if not given or after > int(body.get("totalResults") or 0):
        return None
    return replace(request, params={**request.params, "startIndex": after})


def _people(place: Reading) -> Iterator[Raw]:
    """Yield the people of a SCIM service. Raises Unread where fewer came than it says there are."""
    seen, total = 0, 0
    params = {"startIndex": 1, "count": SIZE}
    for page in place.pages("/Users", "SCIM: read users", params=params):
        told = page.body.get("totalResults") if isinstance(page.body, Mapping) else None
        if not isinstance(told, int) or isinstance(told, bool):
            raise Unread(DOING, "the service does not say how many people there are", code="schema")
        total = told
        for item in page.body.get("Resources") or []:
            seen += 1
            yield _person(item)
    if not total:
        raise Unread(DOING, "the service names nobody", "A list without people is taken for a broken one.")
    if seen < total:
        raise Unread(DOING, f"the service has {total} people and sent {seen}", permanent=False, code="schema")


def _person(item: Mapping[str, Any]) -> Raw:
    enterprise = item.get("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User") or {}
    mails = item.get("emails") or []
    first = next((mail for mail in mails if mail.get("primary")), mails[0] if mails else {})
    name = item.get("name") or {}
    words = " ".join(filter(None, (name.get("givenName"), name.get("familyName"))))
    return {
        "email": first.get("value") or item.get("userName"),
        "emails": [mail["value"] for mail in mails if mail.get("value")],
        "name": item.get("displayName") or name.get("formatted") or words,
        "title": item.get("title"),
        "department": enterprise.get("department"),
        "manager": (enterprise.get("manager") or {}).get("displayName"),
        "logins": [item["userName"]] if item.get("userName") else [],
        "is_active": item.get("active"),
        "scim": dict(item),
    }


PERSON = RestTable(
    name="people_person",
    about="Who works here, and who did.",
    service="people",
    path="/Users",
    source="the people list",
    reader=_people,
    resource="{email}",
    permission="SCIM: read users",
    columns=(
        Col("email"),
        Col("emails", "VARCHAR[]", "Further addresses"),
        Col("name"),
        Col("title"),
        Col("department"),
        Col("manager"),
        Col("started_on", "TIMESTAMPTZ", "First day"),
        Col("ended_on", "TIMESTAMPTZ", "Last day; NULL for who works here"),
        Col("is_active", "BOOLEAN", "Whether they work here today, where the list says so itself"),
        Col("logins", "VARCHAR[]", "Names of accounts, as login or system:login"),
    ),
)
ACCOUNT = RestTable(
    name="people_account",
    about="Every account of every connected system, as it was last read there.",
    service="accounts",
    path="/",
    source="the last sweeps of the other connections",
    derived="accounts",
    resource="{account}/{login}",
    columns=(
        Col("connection"),
        Col("system", "VARCHAR", "Kind of the connection"),
        Col("account", "VARCHAR", "Account, organisation or tenant it belongs to"),
        Col("login"),
        Col("name"),
        Col("emails", "VARCHAR[]"),
        Col("is_active", "BOOLEAN", "Whether it can sign in"),
        Col("is_person", "BOOLEAN", "Whether it is a person's and not a machine's"),
        Col("is_admin", "BOOLEAN"),
        Col("last_used_at", "TIMESTAMPTZ"),
        Col("read_at", "TIMESTAMPTZ", "When that system was read"),
    ),
)


class PeopleConnector(RestConnector):
    """One people list."""

    kind: ClassVar[str] = "people"
    title: ClassVar[str] = "People list"
    Settings: ClassVar[type[BaseModel]] = PeopleSettings
    DECLARED: ClassVar[Sequence[RestTable]] = (PERSON, ACCOUNT)

    @classmethod
    def documents(cls) -> Sequence[Document]:
        """Return the form of the file."""
        told = "".join(f"- {name}: {about}\n" for name, about in COLUMNS.items())
        return (
            Document("people-columns.txt", "The columns of the file; only email is a must.", told),
            Document("people.csv", "An example.", EXAMPLE),
        )

    def make_api(self, account: str) -> Api:
        """Return the SCIM service. Raises ConnectorError where the list is a file."""
        if not self.settings.scim_url:
            raise ConnectorError(DOING, "the list is a file")
        session = Session([self.settings.scim_url], ca=self.settings.ca_file)
        return Api(
            "SCIM", self.settings.scim_url, session, Static(self.settings.scim_token, DOING), _next,
            {"Accept": "application/scim+json, application/json"}, account=account,
        )  # fmt: skip

    def identity(self) -> Identity:
        """Say what is read. Raises ConnectorError where it cannot be."""
        try:
            if self.settings.file:
                found = read_csv(self.settings.file, self.settings.max_age_hours)
                return Identity(LIST, f"file {self.settings.file}", {"people": str(len(found))})
            next(self.api(LIST).pages(Request("/Users", {"startIndex": 1, "count": 1})), None)
        except Unread as error:
            raise ConnectorError(DOING, error.problem, error.remedy) from None
        return Identity(LIST, f"SCIM service {self.settings.scim_url}")

    def prove_read_only(self) -> ReadOnlyProof:
        """Say what can be told: a file is opened for reading, and SCIM tells nobody what a token may do."""
        if self.settings.file:
            return ReadOnlyProof(True, "a file that is opened for reading")
        return ReadOnlyProof(None, "SCIM", reason="SCIM does not tell what a token may write")

    def scope(self) -> Scope:
        """Return the list; the connections whose accounts are held against it are added by the sweep."""
        return Scope((Place(LIST, GLOBAL),))

    def permissions(self, tables: Sequence[str]) -> list[Permission]:
        """Try to read the list."""
        try:
            self.identity()
        except ConnectorError as error:
            return [Permission("read the people list", False, error.problem, (PERSON.name,), LIST)]
        return [Permission("read the people list", True, "it was read", (PERSON.name,), LIST)]

    def read(self, shard: Shard, table: str, stats: ReadStats) -> Iterator[Row]:
        """Yield the people. Raises Unread."""
        if not self.settings.file:
            yield from super().read(shard, table, stats)
            return
        stats.calls += 1
        typed: Table = self.tables()[table]
        for person in read_csv(self.settings.file, self.settings.max_age_hours):
            row: Row = dict.fromkeys(column.name for column in typed.columns)
            yield {**row, "account_id": LIST, "region": GLOBAL, "resource": person["email"], **person}
