"""The Drata connector: one tenant, with its workspaces, behind the interface that every later stage uses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from pydantic import BaseModel

from proofwatch.connectors.base import EVERY, GLOBAL, Document, Identity, Place, ReadOnlyProof, Scope, Unread
from proofwatch.connectors.drata.access import COMPANY, connect, prove, read_identity
from proofwatch.connectors.drata.settings import DrataSettings
from proofwatch.connectors.drata.tables import PAGE, TABLES
from proofwatch.connectors.rest.api import Api
from proofwatch.connectors.rest.comparison import comparison
from proofwatch.connectors.rest.connector import RestConnector
from proofwatch.connectors.rest.declare import RestTable
from proofwatch.connectors.rest.paging import Request

_HEAD = """\
Connecting Proofwatch to Drata, read only

1. Sign in to Drata as an administrator. Open Settings, API Keys, and create a key named Proofwatch.
2. Scope: Custom, and of each group the rights to list and get alone:
"""
_TAIL = """\
   ('All read' works, too, and reads more than Proofwatch does.) Drata tells nobody what a key may do, so
   this page is the proof that it only reads: a screenshot of it belongs into the evidence.
3. Give the key an end (Drata proposes twelve months) and, if Proofwatch has a fixed address, restrict it
   to that. Drata does not tell when a key ends, either: put the date into your calendar.
4. Copy the key, which is shown once, into a file or a variable that Proofwatch may read.
5. Connect:
     proofwatch connect drata --api-key env:DRATA_API_KEY --region us
"""


class DrataConnector(RestConnector):
    """One Drata tenant."""

    kind: ClassVar[str] = "drata"
    title: ClassVar[str] = "Drata"
    Settings: ClassVar[type[BaseModel]] = DrataSettings
    DECLARED: ClassVar[Sequence[RestTable]] = (*TABLES, comparison("drata", "Drata"))

    @classmethod
    def documents(cls) -> Sequence[Document]:
        """Return the steps that make a key which may read."""
        rights = sorted({name for table in cls.tables().values() for name in table.permissions} | _ALWAYS)
        text = _HEAD + "".join(f"     {name}\n" for name in rights) + _TAIL
        return (Document("drata-api-key.txt", "Follow these steps at Drata, once.", text),)

    def make_api(self, account: str) -> Api:
        """Return the interface."""
        return connect(self.settings, account)

    def identity(self) -> Identity:
        """Ask Drata whose key it is. Raises ConnectorError."""
        return read_identity(self.settings, self.api())

    def prove_read_only(self) -> ReadOnlyProof:
        """Say that Drata does not tell."""
        return prove()

    def scope(self) -> Scope:
        """List the workspaces, beside the company itself, and say of each why it is not read."""
        company = Place(COMPANY, GLOBAL)
        wanted, left_out = (
            self.settings.workspaces,
            {x.id: x.reason for x in self.settings.exclude_workspaces},
        )
        try:
            request = Request("/v2/workspaces", dict(PAGE))
            items = self.api().items(request, ("id",), rows="data", permission="Workspaces: List Workspaces")
            found = {str(item["id"]): str(item.get("name", "")) for item in items}
        except Unread as error:
            named = [Place(name, GLOBAL) for name in wanted if name not in left_out]
            unlisted = () if wanted else (EVERY,)
            return Scope((company, *named), (f"workspaces: {error.problem}",), unlisted)
        places = []
        for name in sorted({*found, *wanted}):
            gap = left_out.get(name, "")
            if not gap and wanted and name not in wanted:
                gap = "it was not chosen in the settings"
            if not gap and name not in found:
                gap = "Drata does not list it for this key"
            chosen = name in wanted and name not in left_out
            places.append(Place(name, GLOBAL, found.get(name, ""), gap, wanted=bool(gap) and chosen))
        return Scope((company, *places))

    def applies(self, table: RestTable, account: str) -> bool:
        """Tell whether a table is the company's or a workspace's, and whether it is wished."""
        if table.name == "drata_event" and not self.settings.event_days:
            return False
        return (table.service == "company") == (account == COMPANY)

    def names(self, account: str) -> Mapping[str, Any]:
        """Return what templates and readers want to know."""
        since = datetime.now(UTC) - timedelta(days=self.settings.event_days)
        return {
            "account": account,
            "workspace": account,
            "passes": self.settings.passes,
            "since": since.strftime("%Y-%m-%d"),
        }


_ALWAYS = frozenset({"Company: Get"})
