"""Azure Event Grid, in its own form and as CloudEvents 1.0: two handshakes, and a shared key.

Sources: learn.microsoft.com/azure/event-grid (end-point validation), and "HTTP 1.1 Web Hooks for Event
Delivery" of CloudEvents.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from proofwatch.connectors.base import GLOBAL
from proofwatch.hooks.base import Heard, Hint, HookError, Reply, Request
from proofwatch.hooks.reading import (
    check_age,
    check_body,
    check_secret,
    digest,
    mapping,
    moment,
    read_json,
    text,
)
from proofwatch.hooks.rules import Rules, words
from proofwatch.outbound.http import Client
from proofwatch.outbound.secrets import Ref

DOING = "hearing from Azure Event Grid"
OLDEST = timedelta(hours=25)
"""Event Grid tries for 24 hours at most."""
MOST = 1000
VALIDATION = "Microsoft.EventGrid.SubscriptionValidationEvent"
_ID = re.compile(r"[\x21-\x7e]{1,200}")
_CODE = re.compile(r"[\x21-\x7e]{1,200}")
_SUBSCRIPTION = re.compile(r"/subscriptions/([0-9a-fA-F-]{36})(/|$)")
_OPERATION = re.compile(r"(microsoft\.[a-z]+)/(.+)", re.IGNORECASE)
_DONE = re.compile(r"^Microsoft\.Resources\.Resource(Write|Delete|Action)Success$")


def _azure(tables: str, *lines: tuple[str, str]) -> Rules:
    insensitive = tuple((f"(?i){pattern}", found) for pattern, found in lines)
    return Rules(words(tables, "azure_"), insensitive, "azure_")


PROVIDERS: dict[str, Rules] = {
    "microsoft.authorization": _azure(
        "role_assignment role_definition policy_state",
        (r"roleAssignments", "role_assignment"),
        (r"roleDefinitions", "role_definition"),
        (r"policy", "policy_state"),
        (r"locks", ""),
    ),
    "microsoft.compute": _azure(
        "virtual_machine disk",
        (r"disks", "disk"),
        (r"snapshots", ""),
        (r"virtualMachines", "virtual_machine disk"),
    ),
    "microsoft.insights": _azure(
        "diagnostic_setting activity_log_alert",
        (r"diagnosticSettings", "diagnostic_setting"),
        (r"activityLogAlerts", "activity_log_alert"),
    ),
    "microsoft.keyvault": _azure("key_vault"),
    "microsoft.network": _azure(
        "network_security_group public_ip",
        (r"networkSecurityGroups|securityRules", "network_security_group"),
        (r"networkInterfaces", "public_ip"),
        (r"virtualNetworks", ""),
    ),
    "microsoft.policyinsights": _azure("policy_state"),
    "microsoft.resources": _azure("subscription", (r"deployments|resourceGroups|tags", "")),
    "microsoft.security": _azure("defender_plan", (r"pricings", "defender_plan")),
    "microsoft.sql": _azure("sql_server sql_database", (r"databases", "sql_database sql_server")),
    "microsoft.storage": _azure("storage_account", (r"Blob|Directory", "")),
    "microsoft.graph": Rules(
        words("user group", "entra_"), ((r"User", "user"), (r"Group", "group")), "entra_"
    ),
}
"""Resource provider → tables. A connector that does not have a table leaves it out."""


class AzureSettings(BaseModel):
    """Settings of an Event Grid subscription."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    secret: Ref = Field(description="The shared key: env:NAME or file:/path")
    previous: Ref | None = Field(default=None, description="Key before, while it is being changed")
    parameter: str = Field(
        default="key",
        pattern=r"^[A-Za-z0-9_-]{1,40}$",
        description="Name of the query parameter with the key",
    )
    header: str = Field(
        default="x-proofwatch-key",
        pattern=r"^[A-Za-z0-9-]{1,80}$",
        description="Name of the header with the key, instead of the parameter",
    )
    origins: tuple[str, ...] = Field(
        default=("eventgrid.azure.net",), description="Who may send CloudEvents (WebHook-Request-Origin)"
    )


class Azure:
    """Resource events of subscriptions and resource groups."""

    kind: ClassVar[str] = "azure"
    title: ClassVar[str] = "Azure Event Grid"
    Settings: ClassVar[type[BaseModel]] = AzureSettings

    def __init__(self, settings: BaseModel, client: Client) -> None:
        self._settings = AzureSettings.model_validate(settings.model_dump())

    def hear(self, request: Request, now: datetime) -> Heard:
        """Check the key, then answer a handshake or read the events. Raises HookError."""
        if request.method == "OPTIONS":
            self._check_key(request)
            return self._allow(request)
        body = check_body(request, DOING)
        self._check_key(request)
        events = _events(read_json(body, DOING))
        if request.header("aeg-event-type") == "SubscriptionValidation" or _type(events[0]) == VALIDATION:
            return _validate(events[0])
        hints = []
        for event in events:
            at = check_age(moment(event.get("eventTime") or event.get("time")), now, OLDEST, DOING)
            hint = _hint(event, at)
            hints += [hint] if hint else []
        ids = [text(event.get("id")) for event in events]
        if not all(_ID.fullmatch(name) for name in ids):
            raise HookError(DOING, "an event has no id")
        delivery = ids[0] if len(ids) == 1 else digest("\n".join(sorted(ids)).encode())
        return Heard(delivery, tuple(dict.fromkeys(hints)))

    def _check_key(self, request: Request) -> None:
        given = request.header(self._settings.header.lower()) or request.query.get(
            self._settings.parameter, ""
        )
        check_secret(given, [self._settings.secret, self._settings.previous or ""], DOING)

    def _allow(self, request: Request) -> Heard:
        origin = request.header("webhook-request-origin").lower()
        if origin not in {name.lower() for name in self._settings.origins}:
            raise HookError(DOING, "who asks to send is none of those in the settings", status=403)
        allowed = {"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*", "Allow": "POST, OPTIONS"}
        return Heard("", reply=Reply(200, allowed), note="allowed to send CloudEvents")


def _events(found: Any) -> list[Mapping[str, Any]]:
    events = found if isinstance(found, list) else [found]
    if not 1 <= len(events) <= MOST or not all(isinstance(event, dict) for event in events):
        raise HookError(DOING, f"the body must hold 1 to {MOST} events")
    return events


def _type(event: Mapping[str, Any]) -> str:
    return text(event.get("eventType")) or text(event.get("type"))


def _validate(event: Mapping[str, Any]) -> Heard:
    code = text(mapping(event.get("data")).get("validationCode"))
    if not _CODE.fullmatch(code):
        raise HookError(DOING, "the validation has no code")
    body = json.dumps({"validationResponse": code}).encode()
    return Heard("", reply=Reply(200, {"Content-Type": "application/json"}, body), note="validated for Azure")


def _hint(event: Mapping[str, Any], at: datetime) -> Hint | None:
    kind, data = _type(event), mapping(event.get("data"))
    if not kind:
        raise HookError(DOING, "an event has no type")
    operation = _OPERATION.fullmatch(text(data.get("operationName")))
    if kind.startswith("Microsoft.Resources."):
        if not _DONE.match(kind) or not operation:
            return None
        provider, name = operation[1].lower(), operation[2]
    else:
        provider, name = ".".join(kind.split(".")[:2]).lower(), kind.rpartition(".")[2]
    rules = PROVIDERS.get(provider)
    tables = rules.touched(name) if rules else ()
    if not tables:
        return None
    resource = text(data.get("resourceUri")) or text(event.get("subject"))
    named = _SUBSCRIPTION.match(text(event.get("topic")) or text(event.get("source")) or resource)
    account = text(data.get("subscriptionId")) or (named[1] if named else "")
    return Hint(tables, account, GLOBAL, resource, f"{kind} {text(data.get('operationName'))}".strip(), at)
