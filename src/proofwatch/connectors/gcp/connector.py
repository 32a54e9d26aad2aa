"""The Google Cloud connector: organisations or single projects, read from Cloud Asset Inventory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel

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
from proofwatch.connectors.gcp.access import Access, parent_of, prove, read_identity
from proofwatch.connectors.gcp.documents import documents
from proofwatch.connectors.gcp.settings import GcpSettings
from proofwatch.connectors.gcp.tables import TABLES
from proofwatch.connectors.rest.api import Api, Pace
from proofwatch.connectors.rest.connector import RestConnector
from proofwatch.connectors.rest.declare import RestTable

NOT_CHOSEN = "it was not chosen in the settings"


class GcpConnector(RestConnector):
    """One Google Cloud connection. Cheap to construct: nothing is sent before the first question."""

    kind: ClassVar[str] = "gcp"
    title: ClassVar[str] = "Google Cloud"
    Settings: ClassVar[type[BaseModel]] = GcpSettings
    DECLARED: ClassVar[Sequence[RestTable]] = TABLES

    def __init__(self, settings: BaseModel) -> None:
        super().__init__(settings)
        # Google counts on when a sweep ends.
        self._pace = Pace(
            self.settings.requests_per_minute, f"gcp {self.settings.asset_url} {self.settings.key}"
        )

    @property
    def access(self) -> Access:
        """The credential, read anew by each sweep."""
        return self._held.once("access", lambda: Access(self.settings, self._pace))

    @classmethod
    def documents(cls) -> Sequence[Document]:
        """Return the steps at Google and a role with exactly what is needed."""
        return documents(list(cls.tables().values()))

    def make_api(self, account: str) -> Api:
        """Return the interface for an organisation or project."""
        return self.access.api(account)

    def names(self, account: str) -> Mapping[str, Any]:
        """Return what paths and readers may name."""
        url = self.settings.security_center_url
        return {"account": account, "parent": parent_of(account), "security_center": url}

    def applies(self, table: RestTable, account: str) -> bool:
        """Leave out findings where the settings say that Security Command Center is not active."""
        return bool(self.settings.security_center) or table.name != "gcp_scc_finding"

    def identity(self) -> Identity:
        """Ask Google who we are. Raises ConnectorError with Google's own words."""
        return read_identity(self.access, self._read())

    def prove_read_only(self) -> ReadOnlyProof:
        """Ask Google what this identity could write."""
        return prove(self.access, self._read())

    def scope(self) -> Scope:
        """List the organisations that we may see and the projects chosen; say why one is not read."""
        excluded = {item.id: item.reason for item in self.settings.exclude_organizations}
        organizations, projects = list(self.settings.organizations), list(self.settings.projects)
        everything = not organizations and not projects
        unknown: list[str] = []
        seen = self._seen("organizations", "displayName", unknown)
        if seen is None and everything:
            return Scope((), tuple(unknown), (EVERY,))
        if not seen and everything:
            unknown.append("no organisation is visible to us: grant its reading, or choose projects")
        places = []
        for name in sorted({*organizations, *(seen or {})}):
            gap = excluded.get(name, "")
            if not gap and not everything and name not in organizations:
                gap = NOT_CHOSEN
            wanted = not gap and name in organizations
            if wanted and seen is not None and name not in seen:
                gap = "we may not see it: resourcemanager.organizations.get is not granted, or it is gone"
            places.append(Place(name, GLOBAL, (seen or {}).get(name, ""), gap, wanted=bool(gap) and wanted))
        places += self._projects(projects, unknown) if projects else []
        return Scope(tuple(places), tuple(unknown))

    def _projects(self, chosen: list[str], unknown: list[str]) -> list[Place]:
        """Return the projects chosen, and those that we see beside them as gaps."""
        seen = self._seen("projects", "displayName", unknown)
        places = []
        for name in sorted({*chosen, *(seen or {})}):
            gap = "" if name in chosen else NOT_CHOSEN
            if not gap and seen is not None and name not in seen:
                gap = "we may not see it: resourcemanager.projects.get is not granted, or it is gone"
            title = (seen or {}).get(name, "")
            places.append(Place(name, GLOBAL, title, gap, wanted=bool(gap) and name in chosen))
        return places

    def _seen(self, what: str, title: str, unknown: list[str]) -> dict[str, str] | None:
        """Return id → title of what Google shows us; None where it does not, with the reason in `unknown`."""
        try:
            found = self.access.search(
                f"/v3/{what}:search", what, f"resourcemanager.{what}.get", pageSize=500
            )
        except Unread as error:
            unknown.append(f"other {what}: {' '.join(error.problem.split())}")
            return None
        key = "projectId" if what == "projects" else "name"
        return {
            str(item[key]).rpartition("/")[2]: str(item.get(title, ""))
            for item in found
            if item.get(key) and item.get("state", "ACTIVE") == "ACTIVE"
        }

    def _read(self) -> list[str]:
        return [place.account_id for place in self.scope().places if not place.gap]
