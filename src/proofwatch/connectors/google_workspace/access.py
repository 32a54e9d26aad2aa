"""How we are let in at Google Workspace, and what that identity may do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from proofwatch.connectors.base import ConnectorError, Identity, ReadOnlyProof, Unread
from proofwatch.connectors.google.signin import DOING, SCOPE, Addresses, SignIn, limited
from proofwatch.connectors.google_workspace.settings import GoogleWorkspaceSettings
from proofwatch.connectors.rest.api import Api
from proofwatch.connectors.rest.paging import token
from proofwatch.outbound.session import Session

USER = "admin.directory.user.readonly"
GROUP = "admin.directory.group.readonly"
MEMBER = "admin.directory.group.member.readonly"
ROLE = "admin.directory.rolemanagement.readonly"
MOBILE = "admin.directory.device.mobile.readonly"
ORG_UNIT = "admin.directory.orgunit.readonly"
DOMAIN = "admin.directory.domain.readonly"
REPORTS = "admin.reports.audit.readonly"
SCOPES = (USER, GROUP, MEMBER, ROLE, MOBILE, ORG_UNIT, DOMAIN, REPORTS)
WRITING = (
    "admin.directory.user", "admin.directory.user.security", "admin.directory.group",
    "admin.directory.group.member", "admin.directory.rolemanagement", "admin.directory.device.mobile",
    "admin.directory.device.mobile.action", "admin.directory.orgunit", "admin.directory.domain",
    "admin.directory.customer", "apps.groups.settings", "cloud-platform",
)  # fmt: skip
"""Scopes that write, each asked for once when proving: delegation that does not cover them is refused."""


class Access:
    """The credential of one connection."""

    def __init__(self, settings: GoogleWorkspaceSettings) -> None:
        self.settings = settings
        addresses = [settings.base_url, settings.token_url, settings.tokeninfo_url]
        self.session = Session(addresses, ca=settings.ca_file)
        where = Addresses(settings.token_url, settings.tokeninfo_url)
        # A table that is not read needs no scope, and a scope that was not delegated refuses all others.
        self.scopes = tuple(name for name in SCOPES if settings.mobile_devices or name != MOBILE)
        self.signin = SignIn(self.session, settings.key, self.scopes, where, settings.admin_email)
        self._admin: Mapping[str, Any] | None = None

    def api(self, account: str = "") -> Api:
        """Return the interface."""
        return Api(
            "Google", self.settings.base_url, self.session, self.signin.auth,
            token("nextPageToken", "pageToken"), account=account, limited=limited,
        )  # fmt: skip

    def admin(self) -> Mapping[str, Any]:
        """Return what Google says of the administrator that we act for. Raises ConnectorError."""
        if self._admin is None:
            path = f"/admin/directory/v1/users/{quote(self.settings.admin_email, safe='@')}"
            try:
                found = self.api().get(path, permission=USER).body
            except Unread as error:
                raise ConnectorError(DOING, error.problem, error.remedy, permanent=error.permanent) from None
            if not isinstance(found, Mapping) or not isinstance(found.get("customerId"), str):
                raise ConnectorError(DOING, "Google's answer has no 'customerId'")
            self._admin = found
        return self._admin


def read_identity(access: Access) -> Identity:
    """Ask Google who we are. Raises ConnectorError with Google's words."""
    admin = access.admin()
    details = {
        "kind": "service account with domain-wide delegation",
        "acts_for": access.settings.admin_email,
        "role": _role(admin),
        "scopes": " ".join(access.scopes),
    }
    principal = f"{access.signin.email} for {access.settings.admin_email}"
    return Identity(str(admin["customerId"]), principal, details)


def prove(access: Access) -> ReadOnlyProof:
    """Say what the identity could write, from Google's own answers.

    First what our token may do; then each writing scope is asked for. Google refuses those that were not
    delegated, and a token that it gives is thrown away unused.
    """
    method = "scopes that Google says the token has, and its refusal of each scope that writes"
    try:
        granted = access.signin.granted()
        asked = {name: access.signin.refused([name]) for name in WRITING}
        role = _role(access.admin())
    except ConnectorError as error:
        return ReadOnlyProof(None, method, reason=error.problem)
    names = [name.removeprefix(SCOPE) for name in granted]
    writes = [f"token: {name}" for name in names if not name.endswith(".readonly")]
    writes += [f"delegated: {name}" for name, why in asked.items() if not why]
    reason = (
        f"The account acted for is {role}. Whoever holds the key and widens the delegation could do what "
        "that administrator may: give it a role that only reads."
    )
    refused = sorted(name for name, why in asked.items() if why)
    evidence = {"granted": names, "refused": refused, "role": role}
    return ReadOnlyProof(not writes, method, tuple(writes), reason, evidence)


def _role(admin: Mapping[str, Any]) -> str:
    if admin.get("isAdmin"):
        return "a super administrator, which is more than reading needs"
    if admin.get("isDelegatedAdmin"):
        return "an administrator with a role of its own"
    return "no administrator"
