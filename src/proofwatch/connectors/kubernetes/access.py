"""How we are let in at a cluster, who we are there, and until when."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from proofwatch.connectors.base import ConnectorError, Identity, Unread
from proofwatch.connectors.kubernetes.kubeconfig import Target, target
from proofwatch.connectors.kubernetes.settings import KubernetesSettings
from proofwatch.connectors.naming import dig
from proofwatch.connectors.rest.api import Api, Pace
from proofwatch.connectors.rest.auth import Auth, Static, Unsigned, secret
from proofwatch.connectors.rest.paging import Request, token
from proofwatch.outbound.session import Session

DOING = "signing in at the cluster"
WHO_AM_I = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
MAY_I = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
WHAT_MAY_I = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"


@dataclass(frozen=True, slots=True)
class Inline:
    """A token that stands in the kubeconfig itself."""

    text: str = field(repr=False)

    def headers(self) -> Mapping[str, str]:
        """Return the header."""
        return {"Authorization": f"Bearer {self.text}"}

    def renew(self) -> bool:
        """Return False: there is no other."""
        return False

    def secrets(self) -> tuple[str, ...]:
        """Return the token."""
        return (self.text,)


class Access:
    """The credential of one connection; the kubeconfig is read when it is first needed."""

    def __init__(self, settings: KubernetesSettings, pace: Pace) -> None:
        self.settings = settings
        self._pace = pace

    @cached_property
    def target(self) -> Target:
        """Where the cluster is. Raises ConnectorError."""
        return target(self.settings)

    @cached_property
    def session(self) -> Session:
        """Connections to the cluster. Raises ConnectorError."""
        found = self.target
        try:
            return Session([found.server], only_ca=found.authorities, cert=found.cert)
        except ValueError as error:
            raise ConnectorError(DOING, str(error), "Correct the kubeconfig, or ca_file.") from None

    @property
    def auth(self) -> Auth:
        """What a request carries."""
        if not self.target.token:
            return Unsigned()
        if self.target.reference:
            return Static(self.target.token, DOING)
        return Inline(self.target.token)

    def api(self, account: str = "") -> Api:
        """Return the interface of the cluster."""
        return Api(
            "Kubernetes", self.target.server, self.session, self.auth, token("metadata.continue", "continue"),
            account=account, pace=self._pace,
        )  # fmt: skip

    def review(self, path: str, kind: str, group: str, spec: Mapping[str, Any] | None = None) -> Any:
        """Ask about ourselves; nothing is written by that. Raises Unread."""
        body = {"apiVersion": f"{group}/v1", "kind": kind, **({"spec": spec} if spec is not None else {})}
        said = self.api().send(Request(path, body=body)).body
        if not isinstance(dig(said, "status"), Mapping):
            raise Unread("asking about ourselves", f"the answer to {kind} has no status", code="schema")
        return said["status"]

    def may(self, verb: str, resource: str, group: str = "", sub: str = "") -> bool:
        """Ask whether we may, in the whole cluster. Raises Unread."""
        asked = {"verb": verb, "group": group, "resource": resource, **({"subresource": sub} if sub else {})}
        spec = {"resourceAttributes": asked}
        status = self.review(MAY_I, "SelfSubjectAccessReview", "authorization.k8s.io", spec)
        if not isinstance(status.get("allowed"), bool):
            raise Unread("asking what we may", "the answer does not say whether it is allowed", code="schema")
        # Where an authorizer failed, a no may be wrong; a yes is one.
        if not status["allowed"] and status.get("evaluationError"):
            raise Unread("asking what we may", f"the cluster cannot tell: {status['evaluationError']}")
        return bool(status["allowed"])

    def ends(self) -> datetime | None:
        """Return when the credential ends, where it tells. Raises ConnectorError."""
        found = self.target
        if found.token:
            text = secret(found.token, DOING) if found.reference else found.token
            return _end_of_token(text)
        return _end_of_certificate(found.cert[0]) if found.cert else None


def read_identity(access: Access) -> Identity:
    """Ask the cluster who we are. Raises ConnectorError with its words."""
    try:
        version = access.api().get("/version").body
        user = _user(access)
    except Unread as error:
        raise ConnectorError(DOING, error.problem, error.remedy, permanent=error.permanent) from None
    details = {"server": access.target.server, "version": str(dig(version, "gitVersion") or "not told")}
    groups = user.get("groups")
    if isinstance(groups, list) and groups:
        details["groups"] = ", ".join(map(str, groups))
    ends = access.ends()
    if ends:
        details["credential_expires_at"] = ends.strftime("%Y-%m-%dT%H:%M:%SZ")
    details["kind"] = "token" if access.target.token else "client certificate"
    who = user.get("username")
    return Identity(
        access.target.name, str(who) if who else "not told by this version of Kubernetes", details
    )


def _user(access: Access) -> Mapping[str, Any]:
    try:
        status = access.review(WHO_AM_I, "SelfSubjectReview", "authentication.k8s.io")
    except Unread as error:
        # It came with 1.28. /version is open to everybody, so another question shows whether we are let in.
        if error.code != "404":
            raise
        access.may("list", "namespaces")
        return {}
    user = status.get("userInfo")
    return user if isinstance(user, Mapping) else {}


def _end_of_token(text: str) -> datetime | None:
    parts = text.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return datetime.fromtimestamp(claims["exp"], UTC)
    except (ValueError, KeyError, TypeError, OverflowError, OSError):
        # A token of another make, or one without an end.
        return None


def _end_of_certificate(chain: str) -> datetime | None:
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificate(chain.encode()).not_valid_after_utc
    except ValueError:
        return None
