"""The Azure connector: the subscriptions of one tenant behind the interface that every later stage uses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel

from proofwatch.connectors.azure.access import Access, name_of, prove, read_identity
from proofwatch.connectors.azure.documents import documents
from proofwatch.connectors.azure.settings import AzureSettings
from proofwatch.connectors.azure.tables import TABLES
from proofwatch.connectors.base import (
    EVERY,
    GLOBAL,
    Document,
    Identity,
    Place,
    ReadOnlyProof,
    Scope,
    Unread,
)
from proofwatch.connectors.rest.api import Api
from proofwatch.connectors.rest.connector import RestConnector
from proofwatch.connectors.rest.declare import RestTable

ASLEEP = frozenset({"disabled", "deleted"})
"""States of a subscription in which nothing runs, though it can still be read for a while."""
NOT_SEEN = "we hold no role there: give the application the role Reader"


class AzureConnector(RestConnector):
    """Subscriptions of one tenant. Cheap to construct: nothing is sent before the first question."""

    kind: ClassVar[str] = "azure"
    title: ClassVar[str] = "Microsoft Azure"
    Settings: ClassVar[type[BaseModel]] = AzureSettings
    DECLARED: ClassVar[Sequence[RestTable]] = TABLES

    @property
    def access(self) -> Access:
        """The credential, read anew by each sweep."""
        return self._held.once("access", lambda: Access(self.settings))

    @classmethod
    def documents(cls) -> Sequence[Document]:
        """Return the steps to follow."""
        return documents()

    def make_api(self, account: str) -> Api:
        """Return the interface for a subscription."""
        return self.access.api(account)

    def names(self, account: str) -> Mapping[str, Any]:
        """Return what paths and readers may name."""
        return {"account": account, "subscriptions": self._chosen}

    def identity(self) -> Identity:
        """Ask Azure who we are. Raises ConnectorError with Microsoft's own words."""
        return read_identity(self.access)

    def prove_read_only(self) -> ReadOnlyProof:
        """Ask Azure for each subscription what we could write there."""
        return prove(self.access, [place.account_id for place in self.scope().places if not place.gap])

    def scope(self) -> Scope:
        """List the subscriptions that exist, and say of each why it is not read, if it is not."""
        excluded = {item.id: item.reason for item in self.settings.exclude_subscriptions}
        wanted = set(self.settings.subscriptions)
        try:
            seen = {str(item["subscriptionId"]).lower(): item for item in self.access.subscriptions()}
        except Unread as error:
            if not wanted:
                return Scope((), (f"subscriptions: {error.problem}",), (EVERY,))
            chosen = tuple(Place(key, GLOBAL, gap=excluded.get(key, "")) for key in sorted(wanted))
            return Scope(chosen, (f"other subscriptions: {error.problem}",))
        existing, unknown = self._existing()
        places = []
        for key in sorted({*seen, *existing, *wanted}):
            gap = ""
            if key in excluded:
                gap = excluded[key]
            elif wanted and key not in wanted:
                gap = "it was not chosen in the settings"
            elif key not in seen:
                gap = NOT_SEEN
            elif str(seen[key].get("state")).lower() in ASLEEP:
                gap = f"its state is {seen[key].get('state')}"
            name = name_of(seen[key]) if key in seen else existing.get(key, "")
            asked = bool(gap) and key in wanted and key not in excluded
            places.append(Place(key, GLOBAL, name, gap, wanted=asked))
        return Scope(tuple(places), tuple(unknown))

    def _existing(self) -> tuple[dict[str, str], list[str]]:
        """Return every subscription below the tenant's root by its name, or why they cannot be listed."""
        try:
            found = self.access.below_root()
        except Unread as error:
            return {}, [
                "subscriptions where we hold no role: Azure lists them only to a Reader of the tenant's root "
                f"management group ({error.problem})"
            ]
        return {
            str(item.get("name")).lower(): str((item.get("properties") or {}).get("displayName") or "")
            for item in found
            if str(item.get("type")).lower().endswith("/subscriptions")
        }, []

    def _chosen(self) -> list[str]:
        """Return the subscriptions that one query of Resource Graph names. Raises Unread."""
        return self._held.once("chosen", self._choose)

    def _choose(self) -> list[str]:
        scope = self.scope()
        chosen = [place.account_id for place in scope.places if not place.gap]
        if not chosen:
            problem = "; ".join(scope.unknown) or "there is no subscription that we may read"
            raise Unread("choosing subscriptions", problem, NOT_SEEN, permanent=False)
        return chosen
