"""The Google Workspace connector: one customer, read as an administrator that a service account acts for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel

from proofwatch.connectors.base import (
    GLOBAL,
    Document,
    Identity,
    Place,
    ReadOnlyProof,
    Scope,
    Unread,
)
from proofwatch.connectors.google_workspace.access import DOMAIN, Access, prove, read_identity
from proofwatch.connectors.google_workspace.documents import documents
from proofwatch.connectors.google_workspace.settings import GoogleWorkspaceSettings
from proofwatch.connectors.google_workspace.tables import BASE, DEVICES, TABLES
from proofwatch.connectors.rest.api import Api
from proofwatch.connectors.rest.connector import RestConnector
from proofwatch.connectors.rest.declare import RestTable

_DEVICES = frozenset(table.name for table in DEVICES)


class GoogleWorkspaceConnector(RestConnector):
    """One Google Workspace connection. Cheap to construct: nothing is sent before the first question."""

    kind: ClassVar[str] = "google_workspace"
    title: ClassVar[str] = "Google Workspace"
    Settings: ClassVar[type[BaseModel]] = GoogleWorkspaceSettings
    DECLARED: ClassVar[Sequence[RestTable]] = TABLES

    @property
    def access(self) -> Access:
        """The credential, read anew by each sweep."""
        return self._held.once("access", lambda: Access(self.settings))

    @classmethod
    def documents(cls) -> Sequence[Document]:
        """Return the steps at Google and the scopes to delegate."""
        return documents()

    def make_api(self, account: str) -> Api:
        """Return the interface."""
        return self.access.api(account)

    def names(self, account: str) -> Mapping[str, Any]:
        """Return what readers may name."""
        settings = self.settings
        return {"account": account, "login_days": settings.login_days, "admin_days": settings.admin_days}

    def applies(self, table: RestTable, account: str) -> bool:
        """Leave out mobile devices where the settings say that Google does not manage them."""
        return bool(self.settings.mobile_devices) or table.name not in _DEVICES

    def identity(self) -> Identity:
        """Ask Google who we are. Raises ConnectorError with Google's own words."""
        return read_identity(self.access)

    def prove_read_only(self) -> ReadOnlyProof:
        """Ask Google what this identity could write."""
        return prove(self.access)

    def scope(self) -> Scope:
        """Return the customer: a credential sees one, and all of it. Raises ConnectorError."""
        customer = str(self.access.admin()["customerId"])
        path = f"{BASE}/customer/my_customer/domains"
        try:
            body = self.api(customer).get(path, permission=DOMAIN).body
        except Unread:
            # Only the name is missing; the table of domains tells why.
            return Scope((Place(customer, GLOBAL),))
        found = body.get("domains") if isinstance(body, Mapping) else None
        names = [item.get("domainName", "") for item in found or [] if item.get("isPrimary")]
        return Scope((Place(customer, GLOBAL, names[0] if names else ""),))
