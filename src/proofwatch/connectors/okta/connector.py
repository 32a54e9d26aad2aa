"""The Okta connector: one organisation, whose id is the account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from proofwatch.connectors.base import GLOBAL, Document, Identity, Place, ReadOnlyProof, Scope
from proofwatch.connectors.okta.access import Access, organisation, pipeline, read_identity
from proofwatch.connectors.okta.documents import documents
from proofwatch.connectors.okta.proof import prove
from proofwatch.connectors.okta.settings import OktaSettings
from proofwatch.connectors.okta.tables import TABLES
from proofwatch.connectors.rest.api import Api, Pace
from proofwatch.connectors.rest.connector import RestConnector
from proofwatch.connectors.rest.declare import RestTable


class OktaConnector(RestConnector):
    """One Okta connection."""

    kind = "okta"
    title = "Okta"
    Settings = OktaSettings
    DECLARED = TABLES

    def __init__(self, settings: OktaSettings) -> None:
        super().__init__(settings)
        # Okta counts on when a sweep ends.
        self._pace = Pace(settings.requests_per_minute, f"okta {settings.org_url}")

    @property
    def access(self) -> Access:
        """The credential, read anew by each sweep."""
        return self._held.once("access", lambda: Access(self.settings, self._pace))

    @classmethod
    def documents(cls) -> Sequence[Document]:
        """Return how the app is made and which scopes it is granted."""
        return documents()

    def make_api(self, account: str) -> Api:
        """Return the interface of the organisation."""
        return self.access.api(account)

    def identity(self) -> Identity:
        """Ask Okta who we are."""
        return read_identity(self.access)

    def prove_read_only(self) -> ReadOnlyProof:
        """Ask Okta what this identity could write."""
        return prove(self.access)

    def scope(self) -> Scope:
        """Return the organisation: a connection has one."""
        found = organisation(self.access)
        name = str(found.get("companyName") or found.get("subdomain") or "")
        return Scope((Place(str(found["id"]), GLOBAL, name),))

    def names(self, account: str) -> Mapping[str, Any]:
        """Return what readers may know of the settings."""
        chosen = {name: getattr(self.settings, name) for name in ("factors", "group_members", "log_days")}
        return {"account": account, "pipeline": self._engine, **chosen}

    def applies(self, table: RestTable, account: str) -> bool:
        """Tell whether a table is wanted."""
        return table.name != "okta_app_assignment" or bool(self.settings.app_assignments)

    def _engine(self) -> str:
        return self._held.once("engine", lambda: pipeline(self.access))
