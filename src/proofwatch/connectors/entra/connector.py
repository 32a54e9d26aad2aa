"""The Entra ID connector: one tenant behind the interface that every later stage uses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from pydantic import BaseModel

from proofwatch.connectors.base import GLOBAL, Document, Identity, Place, ReadOnlyProof, Scope, Unread
from proofwatch.connectors.entra.access import Access, prove, read_identity
from proofwatch.connectors.entra.documents import documents
from proofwatch.connectors.entra.settings import EntraSettings
from proofwatch.connectors.entra.tables import TABLES
from proofwatch.connectors.microsoft import moment
from proofwatch.connectors.naming import dig
from proofwatch.connectors.rest.api import Api
from proofwatch.connectors.rest.connector import RestConnector
from proofwatch.connectors.rest.declare import RestTable

SIGN_INS = timedelta(days=1)


class EntraConnector(RestConnector):
    """One tenant. Cheap to construct: nothing is sent before the first question."""

    kind: ClassVar[str] = "entra"
    title: ClassVar[str] = "Microsoft Entra ID"
    Settings: ClassVar[type[BaseModel]] = EntraSettings
    DECLARED: ClassVar[Sequence[RestTable]] = TABLES

    @property
    def access(self) -> Access:
        """The credential, read anew by each sweep."""
        return self._held.once("access", lambda: Access(self.settings))

    @classmethod
    def documents(cls) -> Sequence[Document]:
        """Return the steps to follow, and the permissions as a manifest."""
        return documents(list(cls.tables().values()))

    def make_api(self, account: str) -> Api:
        """Return the interface: one for the tenant."""
        return self.access.api()

    def names(self, account: str) -> Mapping[str, Any]:
        """Return what paths and readers may name."""
        return {
            "account": account,
            "sign_in_activity": self.settings.sign_in_activity,
            "since": moment(datetime.now(UTC) - SIGN_INS),
        }

    def applies(self, table: RestTable, account: str) -> bool:
        """Leave out what was switched off, because the tenant has no licence for it."""
        asked = {
            "entra_sign_in": self.settings.sign_ins,
            "entra_user_registration": self.settings.registration_details,
        }
        return bool(asked.get(table.name, True))

    def identity(self) -> Identity:
        """Ask Graph who we are. Raises ConnectorError with Microsoft's own words."""
        return read_identity(self.access)

    def prove_read_only(self) -> ReadOnlyProof:
        """Read in our own token what we could write."""
        return prove(self.access)

    def scope(self) -> Scope:
        """Return the tenant: an application sees no other."""
        tenant = self.settings.tenant_id
        try:
            named = dig(self.api().get("/organization").body, "value[].displayName")
        except Unread:
            # Its tables say why nothing can be read there; the tenant exists all the same.
            named = []
        name = named[0] if named and isinstance(named[0], str) else ""
        return Scope((Place(tenant, GLOBAL, name),))
