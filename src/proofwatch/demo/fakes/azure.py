"""Azure of the simulated company: Resource Manager and Resource Graph. All of it is DEMO DATA.

Deliberate faults: `acmelegacy` shows blobs to everybody and speaks TLS 1.0; `jump-nsg` lets the internet
in by RDP; the vault `acme-dev-vault` can be purged; Defender for Key Vault is off in production. The
subscription `sandbox` exists, and nobody let us in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from proofwatch.demo.fakes import azure_shapes as shapes
from proofwatch.demo.fakes.azure_watch import watch
from proofwatch.demo.fakes.base import Asked, Fake, Said
from proofwatch.demo.fakes.microsoft_login import CLIENT, SECRET, TENANT, lets_in, token_answer

PAGE = 2
"""Rows of a page, so that a small company has several."""
_TYPE = re.compile(r"type =~ '([^']+)'")


class FakeAzure(Fake):
    """The company's Azure: sign-in and Resource Manager under one address.

    Args:
        now: the time that ages are counted from; the real one by default.
        kept: whether only the faults that `seeds.kept` lists are left.

    Attributes:
        permissions: what the application holds in each subscription.
        root: whether it may read the tenant's root management group.
        unseen: subscriptions that Resource Graph does not answer for.
    """

    def __init__(self, now: datetime | None = None, kept: bool = False) -> None:
        super().__init__()
        self.now = (now or datetime.now(UTC)).replace(microsecond=0)
        self.permissions: list[dict[str, Any]] = [
            {"actions": ["*/read"], "notActions": [], "dataActions": [], "notDataActions": []}
        ]
        self.root = True
        self.unseen: set[str] = set()
        self.assertions: list[Mapping[str, Any]] = []
        self.data = shapes.Cloud(self.now)
        watch(self.data)
        if kept:
            self.data.tidy()
        self.route(
            "POST /{tenant}/oauth2/v2.0/token",
            token_answer("https://management.azure.com", tuple, self.assertions),
        )
        self.route("POST /providers/Microsoft.ResourceGraph/resources", self._graph)
        self.route(
            "GET /subscriptions", lambda asked: self._listed(asked, list(self.data.subscriptions.values()))
        )
        self.route(f"GET /providers/Microsoft.Management/managementGroups/{TENANT}/descendants", self._below)
        provider = "GET /subscriptions/{subscription}/providers"
        self.route(f"{provider}/Microsoft.Authorization/permissions", self._permissions)
        for path in self.data.lists:
            self.route(f"{provider}{path}", self._of_subscription)
        self.route("GET /subscriptions/{rest...}", self._detail)

    def settings(self) -> dict[str, Any]:
        """Return what connects to it."""
        return {
            "tenant_id": TENANT, "client_id": CLIENT, "client_secret": "env:DEMO_AZURE_SECRET",
            "authority": self.url, "management_url": self.url,
        }  # fmt: skip

    @staticmethod
    def environment() -> dict[str, str]:
        """Return the variables that its settings name."""
        return {"DEMO_AZURE_SECRET": SECRET}

    def answer(self, asked: Asked) -> Said:
        """Answer whoever brings a token, and names a version."""
        if asked.path.endswith("/oauth2/v2.0/token"):
            return super().answer(asked)
        refusal = None
        if not lets_in(asked):
            refusal = error(401, "AuthenticationFailed", "Authentication failed. The header is missing.")
        elif "api-version" not in asked.query:
            refusal = error(400, "MissingApiVersionParameter", "The api-version query parameter is required.")
        if refusal:
            self.asked.append(asked)
            return refusal
        return super().answer(asked)

    def unknown(self, asked: Asked) -> Said:
        """Answer as Resource Manager does for what is not there."""
        return error(404, "ResourceNotFound", f"The Resource '{asked.path}' was not found.")

    def _graph(self, asked: Asked) -> Said:
        """Answer a query: the type and the table of its text decide which rows."""
        body = asked.json() or {}
        found = _TYPE.search(body.get("query", ""))
        if not found or not body.get("subscriptions"):
            return error(400, "BadRequest", "Please provide below info when asking for support.")
        seen = {item for item in body["subscriptions"] if item in self.data.subscriptions} - self.unseen
        if not seen:
            return error(
                403, "NoValidSubscriptionsInQueryRequest", "There must be at least one subscription."
            )
        rows = sorted(
            (row for row in self.data.rows.get(found[1].lower(), ()) if row["subscriptionId"] in seen),
            key=lambda row: str(row["id"]),
        )
        options = body.get("options", {})
        at, size = int(options.get("$skipToken", "0")), min(int(options.get("$top", 100)), PAGE)
        page = rows[at : at + size]
        said = {"totalRecords": len(rows), "count": len(page), "data": page, "facets": []}
        said["resultTruncated"] = "false"
        if at + size < len(rows):
            said["$skipToken"] = str(at + size)
        return Said(
            said, 200, {"x-ms-user-quota-remaining": "14", "x-ms-user-quota-resets-after": "00:00:05"}
        )

    def _below(self, asked: Asked) -> Said:
        if not self.root:
            return error(403, "AuthorizationFailed", "The client does not have authorization.")
        return self._listed(asked, self.data.below)

    def _permissions(self, asked: Asked) -> Said:
        return self._listed(asked, self.permissions)

    def _of_subscription(self, asked: Asked) -> Said:
        path = asked.path.partition("/providers")[2]
        items = self.data.lists[path].get(asked.parts["subscription"], ())
        assigned = re.fullmatch(r"assignedTo\('(.+)'\)", asked.query.get("$filter", ""))
        if assigned:
            items = [item for item in items if item["properties"]["principalId"] == assigned[1]]
        return self._listed(asked, items)

    def _detail(self, asked: Asked) -> Said:
        """Answer for one resource and what belongs to it, whatever the case of its name."""
        found = self.data.details.get(asked.path.lower())
        if found is None:
            return self.unknown(asked)
        return self._listed(asked, found) if isinstance(found, list) else Said(found)

    def _listed(self, asked: Asked, items: Sequence[Mapping[str, Any]]) -> Said:
        at = int(asked.query.get("$skiptoken", "0"))
        said: dict[str, Any] = {"value": list(items[at : at + PAGE])}
        if at + PAGE < len(items):
            version = asked.query["api-version"]
            said["nextLink"] = f"{asked.base}{asked.path}?api-version={version}&$skiptoken={at + PAGE}"
        return Said(said)


def error(status: int, code: str, words: str) -> Said:
    """Return a refusal as Resource Manager writes it."""
    return Said({"error": {"code": code, "message": words}}, status)
