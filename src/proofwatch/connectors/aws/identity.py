"""Who we are at AWS, and which policies are attached to us."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import unquote

from proofwatch.connectors.aws import errors
from proofwatch.connectors.aws.clients import Clients
from proofwatch.connectors.aws.policy import Document, make_document
from proofwatch.connectors.base import GLOBAL, Identity


@dataclass(frozen=True, slots=True)
class Principal:
    """The IAM principal behind a set of credentials.

    Attributes:
        kind: `user`, `role`, `root` or `other` (a federated session).
        arn: the IAM ARN whose policies count; for an assumed role that of the role.
        caller: STS's own answer, session name and all.
    """

    account_id: str
    kind: str
    name: str
    arn: str
    caller: str


@dataclass(slots=True)
class Policies:
    """The policies attached to a principal. `unread` names what could not be read, and why."""

    documents: list[Document] = field(default_factory=list)
    boundary: Document | None = None
    unread: list[str] = field(default_factory=list)

    def facts(self) -> dict[str, Any]:
        """Return what goes into evidence."""
        found: dict[str, Any] = {"policies": [document.facts() for document in self.documents]}
        if self.boundary is not None:
            found["permissions_boundary"] = self.boundary.facts()
        if self.unread:
            found["unread"] = list(self.unread)
        return found


def read_identity(clients: Clients) -> Identity:
    """Ask STS who we are, and IAM for the account's alias where that is permitted.

    Raises:
        ConnectorError: STS did not answer; without it nothing else can be trusted.
    """
    principal = read_principal(clients)
    details = {
        "kind": principal.kind,
        "name": principal.name,
        "policy_source": principal.arn,
        "user_id": clients.caller["UserId"].partition(":")[0],
        "partition": clients.partition,
        "home_region": clients.home_region,
    }
    alias = _alias(clients)
    if alias:
        details["account_alias"] = alias
    return Identity(principal.account_id, principal.caller, details)


def read_principal(clients: Clients, account_id: str = "") -> Principal:
    """Return the principal that reads `account_id` (empty: the identity's own account)."""
    if account_id in ("", clients.caller["Account"]):
        return _principal(clients, clients.caller["Account"], clients.caller["Arn"])
    call = _guard(clients, account_id, "sts:GetCallerIdentity")
    answer = call(lambda: clients.client(account_id, clients.home_region, "sts").get_caller_identity())
    return _principal(clients, account_id, str(answer["Arn"]))


def read_policies(clients: Clients, principal: Principal) -> Policies:
    """Read every policy attached to `principal`: managed, inline, by group, and its boundary."""
    found = Policies()
    if principal.kind not in ("user", "role"):
        found.unread.append(f"{principal.arn}: policies of a {principal.kind} principal cannot be listed")
        return found
    iam = clients.client(principal.account_id, GLOBAL, "iam")
    reader = _PolicyReader(iam, found)
    reader.attached(principal.kind, principal.name)
    reader.boundary(principal.kind, principal.name)
    if principal.kind == "user":
        for group in reader.groups(principal.name):
            reader.attached("group", group)
    return found


class _PolicyReader:
    """Reads policies into a `Policies`; a refusal is recorded there and never hidden."""

    def __init__(self, iam: Any, found: Policies) -> None:
        self._iam = iam
        self._found = found

    def attached(self, kind: str, name: str) -> None:
        key = {f"{kind.title()}Name": name}
        for item in self._pages(f"list_attached_{kind}_policies", "AttachedPolicies", key):
            self._add(partial(self._managed, item["PolicyArn"], f"managed policy of {kind} {name}"))
        for policy in self._pages(f"list_{kind}_policies", "PolicyNames", key):
            self._add(partial(self._inline, kind, key, policy))

    def boundary(self, kind: str, name: str) -> None:
        def read() -> None:
            answer = getattr(self._iam, f"get_{kind}")(**{f"{kind.title()}Name": name})
            limit = answer[kind.title()].get("PermissionsBoundary")
            if limit:
                self._found.boundary = self._managed(limit["PermissionsBoundaryArn"], "permissions boundary")

        self._try(f"iam:Get{kind.title()}", read)

    def groups(self, user: str) -> list[str]:
        return [
            item["GroupName"] for item in self._pages("list_groups_for_user", "Groups", {"UserName": user})
        ]

    def _managed(self, arn: str, kind: str) -> Document:
        policy = self._iam.get_policy(PolicyArn=arn)["Policy"]
        version = policy["DefaultVersionId"]
        answer = self._iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]
        return make_document(policy["PolicyName"], kind, _text(answer["Document"]), arn=arn, version=version)

    def _inline(self, kind: str, key: dict[str, str], policy: str) -> Document:
        answer = getattr(self._iam, f"get_{kind}_policy")(**key, PolicyName=policy)
        owner = next(iter(key.values()))
        return make_document(policy, f"inline policy of {kind} {owner}", _text(answer["PolicyDocument"]))

    def _add(self, read: Callable[[], Document]) -> None:
        self._try("iam:GetPolicyVersion", lambda: self._found.documents.append(read()))

    def _pages(self, method: str, member: str, key: dict[str, str]) -> Iterator[Any]:
        items: list[Any] = []

        def read() -> None:
            for page in self._iam.get_paginator(method).paginate(**key):
                items.extend(page[member])

        self._try("iam:" + "".join(word.title() for word in method.split("_")), read)
        return iter(items)

    def _try(self, permission: str, read: Callable[[], None]) -> None:
        try:
            read()
        except errors.failures() as error:
            found = errors.unread(error, permission, permission)
            self._found.unread.append(f"{permission}: {found.problem}")


def _principal(clients: Clients, account_id: str, arn: str) -> Principal:
    """Map STS's ARN to the ARN that IAM knows; the path of a role is only known to iam:GetRole."""
    resource = arn.split(":", 5)[5]
    kind, _, rest = resource.partition("/")
    if resource == "root":
        return Principal(account_id, "root", "root", arn, arn)
    if kind == "user":
        partition = arn.split(":")[1]
        # moto says sts where AWS says iam; the rest is the same.
        return Principal(
            account_id, "user", rest.rpartition("/")[2], f"arn:{partition}:iam::{account_id}:user/{rest}", arn
        )
    if kind == "assumed-role":
        role = rest.partition("/")[0]
        return Principal(account_id, "role", role, _role_arn(clients, account_id, arn, role), arn)
    return Principal(account_id, "other", rest or resource, arn, arn)


def _role_arn(clients: Clients, account_id: str, arn: str, role: str) -> str:
    try:
        answer = clients.client(account_id, GLOBAL, "iam").get_role(RoleName=role)
        return str(answer["Role"]["Arn"])
    except errors.failures():
        return f"arn:{arn.split(':')[1]}:iam::{account_id}:role/{role}"


def _alias(clients: Clients) -> str:
    try:
        names = clients.client("", GLOBAL, "iam").list_account_aliases()["AccountAliases"]
    except errors.failures():
        return ""
    return str(names[0]) if names else ""


def _guard(clients: Clients, account_id: str, permission: str) -> Callable[[Callable[[], Any]], Any]:
    def call(read: Callable[[], Any]) -> Any:
        try:
            return read()
        except errors.failures() as error:
            doing = f"calling {permission} in {account_id}"
            raise errors.refused(error, doing, permission) from None

    return call


def _text(document: Any) -> Any:
    """Return a policy document as AWS gave it: botocore decodes most, and leaves some URL-encoded."""
    return unquote(document) if isinstance(document, str) and document.startswith("%7B") else document
