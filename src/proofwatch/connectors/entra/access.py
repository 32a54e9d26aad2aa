"""How Microsoft Graph is asked, who we are there, and what we could write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from proofwatch.connectors.base import ConnectorError, Identity, ReadOnlyProof, Unread
from proofwatch.connectors.entra.settings import EntraSettings
from proofwatch.connectors.microsoft import DOING, SignIn, moment, value_pages
from proofwatch.connectors.naming import dig
from proofwatch.connectors.rest.api import Api
from proofwatch.connectors.rest.auth import secret
from proofwatch.connectors.rest.paging import Request
from proofwatch.outbound.http import Answer
from proofwatch.outbound.session import Session, origin

NO_LICENCE = "NonPremiumTenant"
LICENCE = "licence"
"""Code of what is not read because it was not bought; the permission may be there."""
GRAPH_APP = "00000003-0000-0000-c000-000000000000"
"""Microsoft Graph's own application, the same in every tenant."""
READER_ROLES = frozenset(
    {
        "f2ef992c-3afb-46b9-b7cf-a126ee74c451",  # Global Reader
        "88d8e3e3-8f55-4a1e-953a-9b9898b8876b",  # Directory Readers
        "5d6b6bb7-de71-4623-b4af-96380a352509",  # Security Reader
        "4a5d8f65-41da-4de4-8968-e035b65339cf",  # Reports Reader
        "790c1fb9-7f7d-4f88-86a1-ef1f95c05c1b",  # Message Center Reader
    }
)
"""Template ids of the roles that change nothing."""


class GraphApi(Api):
    """Microsoft Graph: tells a missing licence from a missing permission."""

    def refused(self, answer: Answer, doing: str, permission: str) -> Unread:
        """Return why an answer is no success."""
        if answer.status == 403 and NO_LICENCE in str(dig(answer.json(), "error.code")):
            problem = "the tenant has no licence for it: Microsoft gives it with Entra ID P1 or P2 only"
            remedy = "Buy the licence, or switch the reading off in the connection's settings."
            return Unread(doing, problem, remedy, code=LICENCE)
        return super().refused(answer, doing, permission)


class Access:
    """The credential of one connection and the interface under it."""

    def __init__(self, settings: EntraSettings) -> None:
        self.settings = settings
        self.session = Session([settings.authority, settings.graph_url], ca=settings.ca_file)
        self.sign_in = SignIn(settings, settings.authority, self.session)

    @property
    def scope(self) -> str:
        """Return what a token is asked for: everything that was granted at this Graph."""
        return f"{origin(self.settings.graph_url).removesuffix(':443')}/.default"

    def api(self) -> Api:
        """Return the interface."""
        return GraphApi(
            "Microsoft Graph", self.settings.graph_url, self.session, self.sign_in.auth(self.scope),
            value_pages("@odata.nextLink"), account=self.settings.tenant_id,
        )  # fmt: skip

    def own_application(self) -> Mapping[str, Any]:
        """Return our own application; nothing where we may not read it, or it is registered elsewhere."""
        path = f"/applications(appId='{self.settings.client_id}')"
        try:
            body = self.api().get(path, {"$select": "id,appId,displayName,passwordCredentials"}).body
        except Unread:
            return {}
        return body if isinstance(body, Mapping) else {}


def read_identity(access: Access) -> Identity:
    """Ask Graph who we are. Raises ConnectorError with Microsoft's words."""
    settings = access.settings
    try:
        body = access.api().get("/organization", permission="Organization.Read.All").body
    except Unread as error:
        raise ConnectorError(DOING, error.problem, error.remedy, permanent=error.permanent) from None
    found = dig(body, "value[]")
    if not found or not isinstance(found[0], Mapping):
        raise ConnectorError(DOING, "Microsoft Graph answered no organisation")
    application = access.own_application()
    details = {
        "tenant": str(found[0].get("displayName") or ""),
        "kind": "client certificate" if settings.client_certificate else "client secret",
        "app_id": settings.client_id,
    }
    ends = credential_ends(access, application)
    if ends:
        details["credential_expires_at"] = ends
    name = application.get("displayName") or settings.client_id
    return Identity(settings.tenant_id, f"application {name}", details)


def credential_ends(access: Access, application: Mapping[str, Any]) -> str:
    """Return when our own credential ends, in RFC 3339; "" where nobody tells.

    Microsoft shows the first three characters of a secret. Where several begin alike, the first end counts:
    a warning that comes too early does no harm.
    """
    certificate = access.sign_in.certificate()
    if certificate is not None:
        return moment(certificate.not_valid_after_utc)
    own = secret(str(access.settings.client_secret), DOING)
    ends = [
        str(item["endDateTime"])
        for item in application.get("passwordCredentials") or []
        if isinstance(item, Mapping) and item.get("endDateTime") and own[:3] == item.get("hint")
    ]
    return min(ends, default="")


def is_read(permission: str) -> bool:
    """Tell whether a permission of Graph only reads, by its name: `User.Read.All`, `User.ReadBasic.All`."""
    parts = permission.split(".")[1:]
    # ReadWrite is not the only one that does more: Application.ReadUpdate.All changes applications.
    return any(part in ("Read", "ReadBasic") for part in parts) and not any("Write" in part for part in parts)


def prove(access: Access) -> ReadOnlyProof:
    """Say what we could write: by Graph, at other interfaces, and by roles of the directory."""
    method = "roles in the access token, other app role assignments, and roles of the directory"
    try:
        claims = access.sign_in.claims(access.scope)
        principal = _principal(access, claims)
    except (Unread, ConnectorError) as error:
        return ReadOnlyProof(None, method, reason=error.problem)
    named = sorted(map(str, claims.get("roles") or ()))
    evidence: dict[str, Any] = {"object_id": principal, "roles": named}
    writes, unknown = [name for name in named if not is_read(name)], []
    try:
        evidence["elsewhere"] = _app_roles(access, principal, with_graph=not claims)
        writes += [name for name in evidence["elsewhere"] if not is_read(name.partition(": ")[2])]
    except (Unread, ConnectorError) as error:
        unknown.append(f"which app roles it holds is unknown: {error.problem}")
    try:
        evidence["directory_roles"] = _directory_roles(access, principal)
        writes += [
            f"directory role {role}" for role in evidence["directory_roles"] if role not in READER_ROLES
        ]
    except (Unread, ConnectorError) as error:
        unknown.append(f"whether it holds a role of the directory is unknown: {error.problem}")
    # What is known to write is certain already; that there is nothing else is not.
    only = False if writes else None if unknown else True
    return ReadOnlyProof(only, method, tuple(writes), "; ".join(unknown), evidence)


def _principal(access: Access, claims: Mapping[str, Any]) -> str:
    """Return the id of our own service principal: from the token, or from Graph where that tells nothing."""
    if isinstance(claims.get("oid"), str):
        return str(claims["oid"])
    path = f"/servicePrincipals(appId='{access.settings.client_id}')"
    return str(_body(access.api(), path, {"$select": "id"}).get("id"))


def _app_roles(access: Access, principal: str, *, with_graph: bool) -> list[str]:
    """Return the app roles that we hold, as `interface: role`; of Graph only if the token is silent."""
    api = access.api()
    given = _all(api, Request(f"/servicePrincipals/{principal}/appRoleAssignments"))
    names: dict[str, Mapping[str, Any]] = {}
    found = []
    for item in given:
        resource = str(item.get("resourceId"))
        if resource not in names:
            names[resource] = _body(api, f"/servicePrincipals/{resource}", {"$select": "id,appId,appRoles"})
        interface = names[resource]
        if interface.get("appId") == GRAPH_APP and not with_graph:
            continue
        values = {role.get("id"): role.get("value") for role in interface.get("appRoles") or []}
        role = values.get(item.get("appRoleId")) or item.get("appRoleId")
        found.append(f"{item.get('resourceDisplayName')}: {role}")
    return sorted(found)


def _directory_roles(access: Access, principal: str) -> list[str]:
    """Return the roles of the directory that we hold ourselves, by their ids."""
    asked = {"$filter": f"principalId eq '{principal}'"}
    found = _all(access.api(), Request("/roleManagement/directory/roleAssignments", asked))
    return sorted(str(item.get("roleDefinitionId")) for item in found)


def _body(api: Api, path: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
    body = api.get(path, params, permission="Application.Read.All").body
    return body if isinstance(body, Mapping) else {}


def _all(api: Api, request: Request) -> Sequence[Mapping[str, Any]]:
    permission = "Application.Read.All" if "appRole" in request.url else "RoleManagement.Read.Directory"
    return list(api.items(request, rows="value", permission=permission))
