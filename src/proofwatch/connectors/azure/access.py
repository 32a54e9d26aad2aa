"""How Resource Manager is asked, who we are there, and what we could write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from proofwatch.connectors.azure.settings import AzureSettings
from proofwatch.connectors.base import ConnectorError, Identity, ReadOnlyProof, Unread
from proofwatch.connectors.microsoft import DOING, SignIn, moment, value_pages
from proofwatch.connectors.naming import dig
from proofwatch.connectors.rest.api import Api
from proofwatch.connectors.rest.paging import Request
from proofwatch.outbound.http import Answer
from proofwatch.outbound.session import Session, origin

PERMISSIONS = "/subscriptions/{}/providers/Microsoft.Authorization/permissions"
ASSIGNMENTS = "/subscriptions/{}/providers/Microsoft.Authorization/roleAssignments"
VERSION = "2022-04-01"
QUOTA = "x-ms-user-quota-resets-after"
"""Resource Graph's own word for Retry-After, as hours:minutes:seconds."""


def limited(answer: Answer) -> float | None:
    """Return the seconds after which Resource Graph answers again, where it limits us; else None."""
    if answer.status != 429:
        return None
    parts = answer.headers.get(QUOTA, "").split(":")
    if len(parts) != 3 or not all(part.isdigit() for part in parts):
        return answer.retry_after()
    hours, minutes, seconds = map(int, parts)
    return float(3600 * hours + 60 * minutes + seconds) or 1.0


class Access:
    """The credential of one connection and the interface under it."""

    def __init__(self, settings: AzureSettings) -> None:
        self.settings = settings
        self.session = Session([settings.authority, settings.management_url], ca=settings.ca_file)
        self.sign_in = SignIn(settings, settings.authority, self.session)

    @property
    def scope(self) -> str:
        """Return what a token is asked for."""
        return f"{origin(self.settings.management_url).removesuffix(':443')}/.default"

    def api(self, account: str = "") -> Api:
        """Return the interface; `account` is named in errors."""
        return Api(
            "Azure", self.settings.management_url, self.session, self.sign_in.auth(self.scope),
            value_pages("nextLink"), account=account, limited=limited,
        )  # fmt: skip

    def all(self, path: str, api_version: str, *needs: str, **params: str) -> list[Mapping[str, Any]]:
        """Return all items of a listing, each with the members that it needs. Raises Unread."""
        request = Request(path, {"api-version": api_version, **params})
        return list(self.api().items(request, needs, rows="value"))

    def subscriptions(self) -> list[Mapping[str, Any]]:
        """Return the subscriptions that we may see: those where we hold a role. Raises Unread."""
        return self.all("/subscriptions", "2022-12-01", "subscriptionId")

    def below_root(self) -> list[Mapping[str, Any]]:
        """Return everything below the tenant's root management group. Raises Unread where we may not."""
        path = f"/providers/Microsoft.Management/managementGroups/{self.settings.tenant_id}/descendants"
        return self.all(path, "2020-05-01")


def read_identity(access: Access) -> Identity:
    """Ask Azure who we are. Raises ConnectorError with Microsoft's words."""
    settings = access.settings
    try:
        found = access.subscriptions()
        claims = access.sign_in.claims(access.scope)
    except Unread as error:
        raise ConnectorError(DOING, error.problem, error.remedy, permanent=error.permanent) from None
    details = {
        "app_id": settings.client_id,
        "kind": "client certificate" if settings.client_certificate else "client secret",
        "subscriptions": str(len(found)),
    }
    if isinstance(claims.get("oid"), str):
        details["object_id"] = claims["oid"]
    certificate = access.sign_in.certificate()
    if certificate is not None:
        # When a secret ends stands in Entra ID only, which this identity may not read.
        details["credential_expires_at"] = moment(certificate.not_valid_after_utc)
    return Identity(settings.tenant_id, f"application {settings.client_id}", details)


def prove(access: Access, subscriptions: Iterable[str]) -> ReadOnlyProof:
    """Say what we could write, from Azure's own answer for each subscription and for what is in it."""
    method = "Microsoft.Authorization/permissions of each subscription, and our roles on what is in it"
    writes: list[str] = []
    told: dict[str, Any] = {}
    within: dict[str, list[Mapping[str, Any]]] = {}
    unknown: list[str] = []
    for subscription in subscriptions:
        try:
            found = access.all(PERMISSIONS.format(subscription), VERSION)
            inner = _roles_within(access, subscription)
        except (Unread, ConnectorError) as error:
            unknown.append(f"{subscription}: {error.problem}")
            continue
        told[subscription] = found
        within |= inner
        for held in found:
            writes += [f"{subscription}: {name}" for name in _writes(held)]
    writes += [f"{where}: {name}" for where, held in within.items() for one in held for name in _writes(one)]
    reason = "; ".join(unknown) or ("" if told else "we hold a role in no subscription")
    only = False if writes else None if reason else True
    return ReadOnlyProof(
        only, method, tuple(dict.fromkeys(writes)), reason, {"permissions": told, "within": within}
    )


def _roles_within(access: Access, subscription: str) -> dict[str, list[Mapping[str, Any]]]:
    """Return the permissions of each role that we hold on a part of a subscription, by that part.

    What we may do in a subscription does not tell of a role on one resource group of it. Raises Unread.
    """
    own = access.sign_in.claims(access.scope).get("oid")
    if not isinstance(own, str):
        problem = "our token does not say which principal we are, so roles within it are not found"
        raise Unread(f"looking for our roles in {subscription}", problem)
    above = f"/subscriptions/{subscription}/"
    found: dict[str, list[Mapping[str, Any]]] = {}
    needs = ("properties.scope", "properties.roleDefinitionId")
    chosen = {"$filter": f"assignedTo('{own}')"}
    for item in access.all(ASSIGNMENTS.format(subscription), VERSION, *needs, **chosen):
        where, role = item["properties"]["scope"], item["properties"]["roleDefinitionId"]
        if where.lower().startswith(above):
            body = access.api().get(role, {"api-version": VERSION}).body
            held = dig(body, "properties.permissions")
            if not isinstance(held, list) or not all(isinstance(one, Mapping) for one in held):
                raise Unread(f"reading {role}", "Azure does not say what the role may do", code="schema")
            found.setdefault(where, []).extend(held)
    return found


def _writes(held: Mapping[str, Any]) -> list[str]:
    """Return the actions of one permission that do more than read.

    What `notActions` takes away is not looked at: a role that allows everything but something writes.
    """
    named = [str(name) for key in ("actions", "dataActions") for name in held.get(key) or ()]
    return [name for name in named if not name.lower().endswith("/read")]


def name_of(subscription: Mapping[str, Any]) -> str:
    """Return the name that people gave a subscription."""
    return str(dig(subscription, "displayName") or "")
