"""Microsoft Entra ID of the simulated company, over Graph. All of it is DEMO DATA.

Deliberate faults: Mary, who left, can still sign in; linus has registered no second factor; `ci-deployer` has
a secret that has ended and one that lasts for two years; everybody may register applications; a guest was
invited a year ago and never came.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

from proofwatch.demo.fakes import entra_shapes as shapes
from proofwatch.demo.fakes.base import Asked, Fake, Said
from proofwatch.demo.fakes.microsoft_login import (
    CLIENT,
    OBJECT,
    SECRET,
    TENANT,
    guid,
    lets_in,
    token_answer,
)

PERMISSIONS = (
    "Application.Read.All", "AuditLog.Read.All", "Device.Read.All", "Domain.Read.All", "Group.Read.All",
    "Organization.Read.All", "Policy.Read.All", "RoleManagement.Read.Directory", "User.Read.All",
)  # fmt: skip
PAGE = 3
"""Items of a page, so that a small company has several."""


class FakeEntra(Fake):
    """The company's tenant: sign-in and Graph under one address.

    Args:
        now: the time that ages are counted from; the real one by default.
        kept: whether only the faults that `seeds.kept` lists are left.

    Attributes:
        granted: what the application may do.
        premium: whether the tenant has Entra ID P1.
        links: where the next pages are said to be; below the asker's own address by default.
    """

    def __init__(self, now: datetime | None = None, kept: bool = False) -> None:
        super().__init__()
        self.now = (now or datetime.now(UTC)).replace(microsecond=0)
        self.granted: Sequence[str] = PERMISSIONS
        self.premium = True
        self.links = ""
        self.assertions: list[Mapping[str, Any]] = []
        self.data = shapes.Tenant(self.now)
        if kept:
            self.data.welcome_guest()
        self.route(
            "POST /{tenant}/oauth2/v2.0/token",
            token_answer("https://graph.microsoft.com", lambda: self.granted, self.assertions),
        )
        for path, items in self.data.lists.items():
            self.route(f"GET /v1.0{path}", partial(self._listed, items))
        for path, item in self.data.singles.items():
            self.route(f"GET /v1.0{path}", partial(_said, item))
        self.route("GET /v1.0/groups/{group}/members", self._members)
        held = [
            {
                "id": "a",
                "appRoleId": OBJECT,
                "resourceDisplayName": "Microsoft Graph",
                "resourceId": guid(404),
            }
        ]
        self.data.lists[f"/servicePrincipals/{OBJECT}/appRoleAssignments"] = held
        self.route(f"GET /v1.0/servicePrincipals/{OBJECT}/appRoleAssignments", partial(self._listed, held))
        graph = {"id": guid(404), "appId": "00000003-0000-0000-c000-000000000000", "appRoles": []}
        self.route(f"GET /v1.0/servicePrincipals/{guid(404)}", partial(_said, graph))
        self.route(f"GET /v1.0/applications(appId='{CLIENT}')", lambda asked: Said(self.data.own))
        self.route(f"GET /v1.0/servicePrincipals(appId='{CLIENT}')", lambda asked: Said({"id": OBJECT}))

    def settings(self) -> dict[str, Any]:
        """Return what connects to it."""
        return {
            "tenant_id": TENANT, "client_id": CLIENT, "client_secret": "env:DEMO_ENTRA_SECRET",
            "authority": self.url, "graph_url": f"{self.url}/v1.0",
        }  # fmt: skip

    @staticmethod
    def environment() -> dict[str, str]:
        """Return the variables that its settings name."""
        return {"DEMO_ENTRA_SECRET": SECRET}

    def answer(self, asked: Asked) -> Said:
        """Answer whoever brings a token."""
        if asked.path.startswith("/v1.0/") and not lets_in(asked):
            self.asked.append(asked)
            return _error(401, "InvalidAuthenticationToken", "Access token is empty.")
        if not self.premium and self._paid(asked):
            self.asked.append(asked)
            words = "Neither tenant is B2C or tenant doesn't have premium license"
            return _error(403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant", words)
        return super().answer(asked)

    def unknown(self, asked: Asked) -> Said:
        """Answer as Graph does for what it does not know."""
        return _error(404, "Request_ResourceNotFound", f"Resource '{asked.path}' does not exist.")

    def _paid(self, asked: Asked) -> bool:
        paid = ("/v1.0/auditLogs/", "/v1.0/reports/")
        return asked.path.startswith(paid) or "signInActivity" in asked.query.get("$select", "")

    def _members(self, asked: Asked) -> Said:
        found = self.data.members.get(asked.parts["group"])
        return self.unknown(asked) if found is None else self._listed(found, asked)

    def _listed(self, items: Sequence[Mapping[str, Any]], asked: Asked) -> Said:
        """Answer a page as OData has it, with what was selected and filtered."""
        most = int(asked.query.get("$top", "100"))
        field, _, value = asked.query.get("$filter", "").partition(" ")
        kept = [item for item in items if _fits(item, field, value)]
        chosen = [name for name in asked.query.get("$select", "").split(",") if name]
        at, size = int(asked.query.get("$skiptoken", "0")), min(most, PAGE)
        page = kept[at : at + size]
        if chosen:
            page = [{name: item[name] for name in chosen if name in item} for item in page]
        base = self.links or f"{asked.base}/v1.0"
        path = asked.path.removeprefix("/v1.0")
        said: dict[str, Any] = {
            "@odata.context": f"https://graph.microsoft.com/v1.0/$metadata#{path[1:]}", "value": page
        }  # fmt: skip
        if at + size < len(kept):
            query = urlencode({**asked.query, "$skiptoken": str(at + size)})
            said["@odata.nextLink"] = f"{base}{path}?{query}"
        return Said(said)


def _said(item: Mapping[str, Any], asked: Asked) -> Said:
    return Said(item)


def _fits(item: Mapping[str, Any], field: str, rest: str) -> bool:
    if not field:
        return True
    operator, _, value = rest.partition(" ")
    found = str(item.get(field))
    return found >= value if operator == "ge" else found == value.strip("'")


def _error(status: int, code: str, words: str) -> Said:
    inner = {"date": "2026-11-28T00:00:00", "request-id": OBJECT, "client-request-id": OBJECT}
    return Said({"error": {"code": code, "message": words, "innerError": inner}}, status)
