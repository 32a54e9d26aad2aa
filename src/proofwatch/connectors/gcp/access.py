"""How we are let in at Google Cloud, and what that identity may do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from proofwatch.connectors.base import ConnectorError, Identity, ReadOnlyProof, Unread
from proofwatch.connectors.gcp.settings import GcpSettings
from proofwatch.connectors.google.signin import SCOPE, Addresses, SignIn, limited
from proofwatch.connectors.rest.api import Api, Pace
from proofwatch.connectors.rest.paging import Request, token
from proofwatch.outbound.session import Session

READ = "cloud-platform.read-only"
NODES = "//cloudresourcemanager.googleapis.com/"
SEARCH = "cloudasset.assets.searchAllIamPolicies"
WRITING = (
    "resourcemanager.projects.setIamPolicy", "resourcemanager.projects.delete",
    "resourcemanager.projects.update", "iam.roles.create", "iam.serviceAccounts.create",
    "iam.serviceAccounts.actAs", "iam.serviceAccounts.getAccessToken", "iam.serviceAccounts.setIamPolicy",
    "iam.serviceAccountKeys.create", "storage.buckets.create", "storage.buckets.delete",
    "storage.buckets.setIamPolicy", "storage.buckets.update", "storage.objects.create",
    "storage.objects.delete", "compute.instances.create", "compute.instances.delete",
    "compute.instances.setMetadata", "compute.firewalls.create", "compute.firewalls.update",
    "compute.disks.delete", "compute.networks.create", "cloudsql.instances.create",
    "cloudsql.instances.update", "cloudsql.instances.delete", "cloudkms.cryptoKeys.create",
    "cloudkms.cryptoKeys.setIamPolicy", "cloudkms.cryptoKeyVersions.destroy", "logging.sinks.create",
    "logging.sinks.delete", "logging.buckets.delete", "bigquery.datasets.create", "pubsub.topics.create",
    "container.clusters.create", "cloudfunctions.functions.create", "run.services.create",
    "secretmanager.versions.add", "serviceusage.services.enable",
)  # fmt: skip
"""What a monitor must not be able to do. A fixed list: Google tells only of what it is asked for."""
READING_ROLES = frozenset(
    {
        "roles/cloudasset.viewer", "roles/browser", "roles/iam.securityReviewer",
        "roles/securitycenter.findingsViewer", "roles/logging.viewer", "roles/viewer",
        "roles/serviceusage.serviceUsageConsumer", "roles/cloudasset.serviceAgent",
    }
)  # fmt: skip
"""Roles of Google that write nothing; whatever else is bound to us outside of projects is told as a write."""


def parent_of(account: str) -> str:
    """Return a place as Google names it: an organisation's id is digits, a project's begins with a letter."""
    return f"{'organizations' if account.isdecimal() else 'projects'}/{account}"


class Access:
    """The credential of one connection, whose requests keep a pace."""

    def __init__(self, settings: GcpSettings, pace: Pace) -> None:
        self.settings = settings
        self.session = Session(
            [
                settings.asset_url, settings.resource_manager_url, settings.security_center_url,
                settings.token_url, settings.tokeninfo_url, settings.sts_url, settings.iam_credentials_url,
            ],
            ca=settings.ca_file,
        )  # fmt: skip
        where = Addresses(
            settings.token_url, settings.tokeninfo_url, settings.sts_url, settings.iam_credentials_url
        )
        self.signin = SignIn(self.session, settings.key, (READ,), where)
        self._pace = pace

    def api(self, account: str = "") -> Api:
        """Return the interface for an account."""
        project = self.settings.quota_project
        return Api(
            "Google Cloud", self.settings.asset_url, self.session, self.signin.auth,
            token("nextPageToken", "pageToken"), {"x-goog-user-project": project} if project else {},
            self._pace, account, limited,
        )  # fmt: skip

    def search(self, path: str, rows: str, permission: str, **params: Any) -> list[Mapping[str, Any]]:
        """Return everything that Resource Manager finds. Raises Unread."""
        found: list[Mapping[str, Any]] = []
        request = Request(f"{self.settings.resource_manager_url}{path}", params)
        for page in self.api().pages(request, permission=permission):
            found += listed_in(page.body, rows, path)
        return found


def listed_in(body: Any, rows: str, where: str) -> list[Mapping[str, Any]]:
    """Return the items of an answer; Google leaves an empty list out. Raises Unread where it is none."""
    found = body.get(rows, []) if isinstance(body, Mapping) else None
    if not isinstance(found, list) or not all(isinstance(item, Mapping) for item in found):
        problem = f"Google Cloud answered what it does not document: no list of {rows}"
        raise Unread(f"reading {where}", problem, "Try again; check the proxy.", code="schema")
    return found


def read_identity(access: Access, accounts: Iterable[str]) -> Identity:
    """Ask Google who we are. Raises ConnectorError with Google's words."""
    known = access.signin.credential()
    scopes = [name.removeprefix(SCOPE) for name in access.signin.granted()]
    kind = "key of a service account"
    if known["type"] == "external_account":
        kind = "workload identity: no key is kept"
    details = {"kind": kind, "scopes": " ".join(scopes)}
    return Identity(", ".join(accounts), access.signin.email, details)


def prove(access: Access, accounts: Iterable[str]) -> ReadOnlyProof:
    """Say what the identity could write, from Google's own answers.

    In every organisation or project read Google is asked which of a fixed list of writing permissions we
    have. A role may also be bound further down, which Google does not tell there: so every binding of ours
    is searched for, each folder and project that has one is asked, too, and each role is judged by its name.
    """
    method = (
        "testIamPermissions with a fixed list of writing permissions, where we read and where we are bound"
    )
    writes: list[str] = []
    told: dict[str, Any] = {"tested": list(WRITING), "asked": [], "bound": []}
    reason = "roles that come through a group further down than where we read are not seen"
    try:
        for account in accounts:
            bound = _bindings(access, account)
            told["bound"] += [f"{role} on {name}" for name, role in bound]
            inner = sorted({name.removeprefix(NODES) for name, _ in bound if _plain(name)})
            places = dict.fromkeys([parent_of(account), *inner])
            for place in places:
                told["asked"].append(place)
                writes += [f"{place}: {name}" for name in _tested(access, place)]
            writes += [
                f"{name.removeprefix(NODES)}: {role}" for name, role in bound if _more(role, _plain(name))
            ]
    except (Unread, ConnectorError) as error:
        return ReadOnlyProof(None, method, tuple(writes), error.problem, told)
    if not told["asked"]:
        return ReadOnlyProof(None, method, (), "there is nothing that we read", told)
    return ReadOnlyProof(not writes, method, tuple(writes), reason, told)


def _more(role: str, asked: bool) -> bool:
    """Tell whether a role may do more than read; `asked`: whether Google was asked where it is bound, too.

    The list that Google is asked about is not all that writes: a role of Google's own that is no viewer tells
    of itself (roles/pubsub.publisher). A custom role has any name, so there the list alone counts.
    """
    if role in READING_ROLES:
        return False
    return not asked or (role.startswith("roles/") and not role.lower().endswith("viewer"))


def _plain(name: str) -> bool:
    """Tell whether a full resource name is of an organisation, folder or project itself."""
    return name.startswith(NODES)


def _tested(access: Access, place: str) -> list[str]:
    url = f"{access.settings.resource_manager_url}/v3/{place}:testIamPermissions"
    answer = access.api(place).send(Request(url, body={"permissions": list(WRITING)})).body
    found = answer.get("permissions", []) if isinstance(answer, Mapping) else None
    if not isinstance(found, list):
        problem = "Google Cloud does not say which of the permissions asked about we have"
        raise Unread(f"asking what we may do in {place}", problem, "Try again.", code="schema")
    return sorted(map(str, found))


def _bindings(access: Access, account: str) -> list[tuple[str, str]]:
    """Return each resource with each role that is bound to us by name."""
    email = access.signin.email
    params = {"query": f'policy:"{email}"', "pageSize": 500}
    request = Request(f"/v1/{parent_of(account)}:searchAllIamPolicies", params)
    found = []
    for page in access.api(account).pages(request, permission=SEARCH):
        for item in listed_in(page.body, "results", request.url):
            for binding in (item.get("policy") or {}).get("bindings") or []:
                if any(str(member).endswith(f":{email}") for member in binding.get("members") or []):
                    found.append((str(item.get("resource")), str(binding.get("role"))))
    return sorted(set(found))
