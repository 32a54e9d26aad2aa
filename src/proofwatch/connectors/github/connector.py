"""The GitHub connector: one connection's settings behind the interface that every later stage uses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel

from proofwatch.connectors.base import (
    EVERY,
    GLOBAL,
    ConnectorError,
    Document,
    Identity,
    Place,
    ReadOnlyProof,
    Scope,
    Unread,
)
from proofwatch.connectors.github.access import Access, prove, read_identity
from proofwatch.connectors.github.documents import documents
from proofwatch.connectors.github.settings import GithubSettings
from proofwatch.connectors.github.tables import TABLES
from proofwatch.connectors.rest.api import Api
from proofwatch.connectors.rest.auth import Fetched
from proofwatch.connectors.rest.connector import RestConnector
from proofwatch.connectors.rest.declare import RestTable
from proofwatch.connectors.rest.paging import Request


class GithubConnector(RestConnector):
    """One GitHub connection. Cheap to construct: nothing is sent before the first question."""

    kind: ClassVar[str] = "github"
    title: ClassVar[str] = "GitHub"
    Settings: ClassVar[type[BaseModel]] = GithubSettings
    DECLARED: ClassVar[Sequence[RestTable]] = TABLES

    def __init__(self, settings: BaseModel) -> None:
        super().__init__(settings)
        self._tokens: dict[int, Fetched] = {}

    @property
    def access(self) -> Access:
        """The credentials, read anew by each sweep; tokens live until they end, as GitHub's ETags do."""
        return self._held.once("access", lambda: Access(self.settings, self._tokens))

    @classmethod
    def documents(cls) -> Sequence[Document]:
        """Return the manifest of a GitHub App that may read what the tables need, and the steps."""
        return documents(list(cls.tables().values()))

    def make_api(self, account: str) -> Api:
        """Return the interface for an organisation. Raises ConnectorError."""
        return self.access.of(account)

    def names(self, account: str) -> Mapping[str, Any]:
        """Return what paths and readers may name."""
        return {
            "account": account,
            "graphql": self.settings.graphql_url,
            "pull_request_days": self.settings.pull_request_days,
            "audit_log_days": self.settings.audit_log_days,
        }

    def applies(self, table: RestTable, account: str) -> bool:
        """Leave out what was not asked for: the audit log of Enterprise, webhooks of each repository."""
        asked = {
            "github_audit_log_event": self.settings.audit_log,
            "github_repository_webhook": self.settings.repository_webhooks,
        }
        return bool(asked.get(table.name, True))

    def identity(self) -> Identity:
        """Ask GitHub who we are. Raises ConnectorError with GitHub's own words."""
        return read_identity(self.access, self._chosen())

    def prove_read_only(self) -> ReadOnlyProof:
        """Ask GitHub what this identity could write."""
        return prove(self.access, [place.account_id for place in self.scope().places if not place.gap])

    def scope(self) -> Scope:
        """List the organisations that we may see, and say of each why it is not read, if it is not."""
        excluded = {item.id.lower(): item.reason for item in self.settings.exclude_organizations}
        wanted = {login.lower(): login for login in self.settings.organizations}
        try:
            seen, unknown = self._seen()
        except Unread as error:
            if not wanted:
                return Scope((), (f"organisations: {error.problem}",), (EVERY,))
            seen, unknown = {}, [f"other organisations: {error.problem}"]
        places = []
        for key, (login, name) in sorted(
            {**{key: (login, "") for key, login in wanted.items()}, **seen}.items()
        ):
            gap, chosen = "", not wanted or key in wanted
            if key in excluded:
                gap = excluded[key]
            elif not chosen:
                gap = "it was not chosen in the settings"
            elif key not in seen and not unknown:
                gap = "we may not see it: the App is not installed there, or the token is of no member"
            places.append(
                Place(login, GLOBAL, name, gap, wanted=bool(gap) and key in wanted and key not in excluded)
            )
        return Scope(tuple(places), tuple(unknown))

    def _chosen(self) -> list[str]:
        return list(self.settings.organizations) or [place.account_id for place in self.scope().places]

    def _seen(self) -> tuple[dict[str, tuple[str, str]], list[str]]:
        """Return the organisations that GitHub shows us, and what of them it keeps from us."""
        if not self.settings.token:
            found, unknown = {}, []
            for login, item in self.access.installations().items():
                if str(item.get("target_type", "Organization")) == "User":
                    continue
                found[login.lower()] = (login, "")
                if item.get("repository_selection") == "selected":
                    unknown.append(f"repositories of {login}: the App was installed for selected ones only")
            return found, unknown
        api = self.access.of("")
        items = api.items(Request("/user/orgs", {"per_page": 100}), ("login",))
        return {str(item["login"]).lower(): (str(item["login"]), "") for item in items}, []


__all__ = ["ConnectorError", "GithubConnector"]
