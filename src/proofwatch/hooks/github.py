"""GitHub's web hooks: an HMAC over the body, and the event's name in a header.

Source: docs.github.com/webhooks (validating deliveries; events and payloads).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from proofwatch.connectors.base import GLOBAL
from proofwatch.hooks.base import Heard, Hint, HookError, Request
from proofwatch.hooks.reading import check_body, mapping, read_object, secret, text
from proofwatch.hooks.rules import words
from proofwatch.outbound.http import Client
from proofwatch.outbound.secrets import Ref

DOING = "hearing from GitHub"
_SIGNATURE = re.compile(r"sha256=([0-9a-f]{64})")
_DELIVERY = re.compile(r"[A-Za-z0-9-]{8,72}")
_EVENT = re.compile(r"[a-z_]{2,80}")

_REPOSITORY = "repository repository_security branch_protection organization_ruleset"
EVENTS: dict[str, str] = {
    "branch_protection_configuration": "branch_protection",
    "branch_protection_rule": "branch_protection",
    "code_scanning_alert": "code_scanning_alert",
    "custom_property_values": "repository repository_security",
    "dependabot_alert": "dependabot_alert",
    "deploy_key": "deploy_key",
    "installation": "app_installation",
    "installation_repositories": "repository repository_security",
    "member": "repository_collaborator outside_collaborator",
    "membership": "team team_member member",
    "meta": "",
    "org_block": "member",
    "organization": "organization member outside_collaborator",
    "ping": "",
    "public": _REPOSITORY,
    "repository": _REPOSITORY,
    "repository_advisory": "",
    "repository_ruleset": "organization_ruleset branch_protection",
    "repository_vulnerability_alert": "dependabot_alert",
    "secret_scanning_alert": "secret_scanning_alert",
    "secret_scanning_alert_location": "secret_scanning_alert",
    "security_and_analysis": "repository repository_security",
    "team": "team team_member repository_collaborator",
    "team_add": "team team_member repository_collaborator",
}
"""Event → tables without their prefix. What is not here (push, issues, …) changes nothing that is read."""


class GitHubSettings(BaseModel):
    """Settings of a GitHub web hook of an organisation, a repository or an App."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    secret: Ref = Field(description="The web hook's secret: env:NAME or file:/path")
    previous: Ref | None = Field(default=None, description="Secret before, while it is being changed")


class GitHub:
    """Events of an organisation, signed with the web hook's secret."""

    kind: ClassVar[str] = "github"
    title: ClassVar[str] = "GitHub web hook"
    Settings: ClassVar[type[BaseModel]] = GitHubSettings

    def __init__(self, settings: BaseModel, client: Client) -> None:
        self._settings = GitHubSettings.model_validate(settings.model_dump())

    def hear(self, request: Request, now: datetime) -> Heard:
        """Check the signature and return the tables of the event's name. Raises HookError.

        GitHub signs the body only: the headers with the delivery's id and the event's name are as the
        sender wrote them, and no time is signed. Both can only make the same tables be read again.
        """
        body = check_body(request, DOING)
        self._check_signature(request.header("x-hub-signature-256"), body)
        delivery, event = request.header("x-github-delivery"), request.header("x-github-event")
        if not _DELIVERY.fullmatch(delivery) or not _EVENT.fullmatch(event):
            raise HookError(DOING, "X-GitHub-Delivery or X-GitHub-Event is missing or malformed")
        if request.header("content-type").partition(";")[0].strip().lower() != "application/json":
            remedy = "Choose application/json as the web hook's content type."
            raise HookError(DOING, "the content type is not application/json", remedy, status=415)
        tables = words(EVENTS.get(event, ""), "github_")
        said = read_object(body, DOING)
        return Heard(delivery, (_hint(event, tables, said),) if tables else ())

    def _check_signature(self, given: str, body: bytes) -> None:
        found = _SIGNATURE.fullmatch(given)
        if not found:
            remedy = "Set a secret at the web hook; SHA-1 signatures are not taken."
            raise HookError(DOING, "X-Hub-Signature-256 is missing or malformed", remedy, status=401)
        right = False
        for reference in filter(None, (self._settings.secret, self._settings.previous)):
            expected = hmac.new(secret(reference, DOING), body, hashlib.sha256).hexdigest()
            right |= hmac.compare_digest(expected, found[1])
        if not right:
            raise HookError(
                DOING, "the signature is wrong", "Set the same secret there and here.", status=401
            )


def _hint(event: str, tables: tuple[str, ...], said: Mapping[str, Any]) -> Hint:
    repository = mapping(said.get("repository"))
    owner = text(mapping(said.get("organization")).get("login"))
    action = text(said.get("action"))
    return Hint(
        tables,
        account_id=owner or text(mapping(repository.get("owner")).get("login")),
        region=GLOBAL,
        resource=text(repository.get("full_name")) or owner,
        name=f"{event}.{action}" if action else event,
    )
