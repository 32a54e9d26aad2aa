"""The Vanta connector: one Vanta account behind the interface that every later stage uses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel

from proofwatch.connectors.base import GLOBAL, Document, Identity, Place, ReadOnlyProof, Scope
from proofwatch.connectors.rest.api import Api
from proofwatch.connectors.rest.comparison import comparison
from proofwatch.connectors.rest.connector import RestConnector
from proofwatch.connectors.rest.declare import RestTable
from proofwatch.connectors.vanta.access import SCOPE, connect, prove, read_identity
from proofwatch.connectors.vanta.settings import VantaSettings
from proofwatch.connectors.vanta.tables import TABLES

_STEPS = f"""\
Connecting Proofwatch to Vanta, read only

1. Sign in to Vanta as an administrator. Open Settings, Developer Console, and create an application.
   Kind: Manage Vanta. Name: Proofwatch.
   It must be Proofwatch's alone: an application has one live token at a time, and another program that uses
   the same application would take it away.
2. Give it this scope and no other:
     {SCOPE}
3. Copy the client id. Generate a client secret, and keep it in a file or a variable that Proofwatch may read.
4. Connect:
     proofwatch connect vanta --client-id vci_... --client-secret env:VANTA_CLIENT_SECRET --organization Acme
   For an account in Europe, Australia or on Vanta Government add one of
     --base-url https://api.eu.vanta.com/v1
     --base-url https://api.aus.vanta.com/v1
     --base-url https://api.vanta-gov.com/v1
"""


class VantaConnector(RestConnector):
    """One Vanta account."""

    kind: ClassVar[str] = "vanta"
    title: ClassVar[str] = "Vanta"
    one_worker: ClassVar[bool] = True  # Vanta keeps one token of an application alive: the newest
    Settings: ClassVar[type[BaseModel]] = VantaSettings
    DECLARED: ClassVar[Sequence[RestTable]] = (*TABLES, comparison("vanta", "Vanta"))

    @classmethod
    def documents(cls) -> Sequence[Document]:
        """Return the steps that make an application which may read."""
        return (Document("vanta-application.txt", "Follow these steps at Vanta, once.", _STEPS),)

    def make_api(self, account: str) -> Api:
        """Return the interface; it is the same for every account, because there is one."""
        return connect(self.settings)[0]

    def identity(self) -> Identity:
        """Ask Vanta for something, and say by which application. Raises ConnectorError."""
        return read_identity(self.settings, self.api(self.settings.account))

    def prove_read_only(self) -> ReadOnlyProof:
        """Read the scope that Vanta wrote beside the token."""
        return prove(connect(self.settings)[1])

    def scope(self) -> Scope:
        """Return the one account that an application belongs to."""
        return Scope((Place(self.settings.account, GLOBAL, self.settings.organization),))

    def names(self, account: str) -> Mapping[str, Any]:
        """Return what readers want to know."""
        return {"account": account, "all_exclusions": self.settings.all_exclusions}
