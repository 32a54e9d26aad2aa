"""What our identity may write at Okta: from scopes, grants, and admin roles, as Okta tells them.

A request of an app is allowed by its token's scopes and by the app's admin role together, one of an API token
by its owner's admin roles alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proofwatch.connectors.base import ConnectorError, ReadOnlyProof, Unread
from proofwatch.connectors.okta.access import Access
from proofwatch.connectors.rest.paging import Request

READ_ONLY = frozenset({"READ_ONLY_ADMIN"})
_MORE = 30


def prove(access: Access) -> ReadOnlyProof:
    """Say what the identity could write, from Okta's own answer."""
    try:
        return _app(access) if access.fetched is not None else _owner(access)
    except (Unread, ConnectorError) as error:
        return ReadOnlyProof(None, "Okta's answers about our identity", reason=error.problem)


def _app(access: Access) -> ReadOnlyProof:
    scopes = access.granted()
    told: dict[str, Any] = {"scopes": list(scopes)}
    writes = [f"scope {name}" for name in scopes if not reads(name)]
    client = access.settings.client_id
    grants, why = _listed(access, f"/api/v1/apps/{client}/grants", "okta.appGrants.read")
    if grants is not None:
        names = sorted({str(item.get("scopeId")) for item in grants if item.get("status") != "INACTIVE"})
        told["grants"] = names
        writes += [f"grant {name}" for name in names if not reads(name) and f"scope {name}" not in writes]
    roles, doubt = _roles(access, f"/oauth2/v1/clients/{client}/roles", told)
    method = "scopes of the token, grants of the app, and the app's admin roles"
    if writes:
        return ReadOnlyProof(False, method, tuple(writes), "", told)
    if grants is not None and scopes:
        return ReadOnlyProof(True, method, (), "", told)
    if roles == [] and not doubt:
        return ReadOnlyProof(True, method, (), "", told)
    reason = (
        f"the token's scopes only read, but which others the app was granted is not told ({why}): grant "
        "okta.appGrants.read"
    )
    return ReadOnlyProof(None, method, (), reason, told)


def _owner(access: Access) -> ReadOnlyProof:
    owner = access.api().get("/api/v1/users/me", permission="okta.users.read").body
    if not isinstance(owner, Mapping) or not owner.get("id"):
        raise ConnectorError("asking who we are at Okta", "Okta's answer about our token's owner has no id")
    told: dict[str, Any] = {"owner": str(owner["id"])}
    writes, doubt = _roles(access, f"/api/v1/users/{owner['id']}/roles", told)
    method = "admin roles of the user whose API token it is"
    if writes:
        return ReadOnlyProof(False, method, tuple(writes), "", told)
    return ReadOnlyProof(None if doubt else True, method, (), doubt, told)


def _roles(access: Access, path: str, told: dict[str, Any]) -> tuple[list[str], str]:
    """Return the roles that write, and why that is not certain ("" where it is)."""
    roles, why = _listed(access, path, "okta.roles.read")
    if roles is None:
        return [], f"the admin roles are not told ({why})"
    told["roles"] = [str(role.get("type")) for role in roles]
    if not roles:
        return [], "Okta names no admin role, so it cannot be told what may be read or written"
    writes, doubts = [], []
    for role in roles:
        kind, label = str(role.get("type")), str(role.get("label") or "")
        if kind in READ_ONLY:
            continue
        if kind != "CUSTOM" or not role.get("role"):
            writes.append(f"role {kind}")
            continue
        permissions, why = _listed(
            access, f"/api/v1/iam/roles/{role['role']}/permissions", "okta.roles.read", "permissions"
        )
        if permissions is None:
            doubts.append(f"what the role {label!r} may is not told ({why})")
            continue
        labels = [str(item.get("label")) for item in permissions]
        writes += [f"role {label}: {name}" for name in labels if not reads(name)]
    return writes[:_MORE], "; ".join(doubts)


def reads(name: str) -> bool:
    """Tell whether a scope or permission only reads, by the name that Okta gives it."""
    return name.endswith(".read")


def _listed(
    access: Access, path: str, permission: str, member: str = ""
) -> tuple[list[Mapping[str, Any]] | None, str]:
    found: list[Mapping[str, Any]] = []
    try:
        for page in access.api().pages(Request(path), permission=permission):
            items = page.body.get(member) if member and isinstance(page.body, Mapping) else page.body
            if not isinstance(items, list):
                return None, "Okta answered no list"
            found += [item for item in items if isinstance(item, Mapping)]
    except Unread as error:
        return None, error.problem
    return found, ""
