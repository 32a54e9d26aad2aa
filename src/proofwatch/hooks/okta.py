"""Okta's event hooks: a one-time question whether we listen, then events with a secret in a header.

Source: developer.okta.com/docs/concepts/event-hooks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from proofwatch.connectors.base import GLOBAL
from proofwatch.hooks.base import Heard, Hint, HookError, Reply, Request
from proofwatch.hooks.reading import (
    check_age,
    check_body,
    check_secret,
    items,
    mapping,
    moment,
    read_object,
    text,
)
from proofwatch.hooks.rules import Rules, words
from proofwatch.outbound.http import Client
from proofwatch.outbound.secrets import Ref

DOING = "hearing from Okta"
OLDEST = timedelta(hours=24)
MOST = 1000
_CHALLENGE = re.compile(r"[\x21-\x7e]{1,512}")
_ID = re.compile(r"[\x21-\x7e]{1,200}")

EVENTS = Rules(
    words("user group group_member app policy policy_rule user_factor admin_assignment group_role", "okta_"),
    (
        (r"^user\.(session|authentication)\.", ""),
        (r"^(policy\.evaluate|app\.oauth2|app\.access_request|security\.|system\.(email|sms|voice)\.)", ""),
        (r"^user\.mfa\.|^device\.user\.", "user_factor user"),
        (r"privilege|^iam\.|^group\.privilege", "admin_assignment group_role user group group_member"),
        (r"^group\.user_membership\.", "group group_member user"),
        (r"^group\.application_assignment\.", "app app_assignment group group_member"),
        (r"^group\.", "group group_member"),
        (r"^application\.user_membership\.|^application\.provision\.", "app_assignment app"),
        (r"^application\.policy\.", "policy policy_rule app"),
        (r"^application\.", "app app_assignment"),
        (r"^policy\.", "policy policy_rule"),
        (r"^zone\.", "network_zone"),
        (r"^system\.api_token\.", "api_token"),
        (r"^system\.(idp|agent|import|ldapi|directory)", "user"),
        (r"^(core\.user_auth|org\.|system\.org|support\.)", "org"),
        (r"^authenticator\.|^system\.mfa\.factor\.", "authenticator"),
        (
            r"^user\.lifecycle\.delete",
            "user user_factor group group_member app_assignment admin_assignment group_role",
        ),
        (r"^user\.", "user"),
    ),
    prefix="okta_",
)


class OktaSettings(BaseModel):
    """Settings of an Okta event hook."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    secret: Ref = Field(description="Value of the authentication field: env:NAME or file:/path")
    previous: Ref | None = Field(default=None, description="Secret before, while it is being changed")
    header: str = Field(
        default="authorization", pattern=r"^[A-Za-z0-9-]{1,80}$", description="The authentication field"
    )


class Okta:
    """Events of an Okta organisation."""

    kind: ClassVar[str] = "okta"
    title: ClassVar[str] = "Okta event hook"
    Settings: ClassVar[type[BaseModel]] = OktaSettings

    def __init__(self, settings: BaseModel, client: Client) -> None:
        self._settings = OktaSettings.model_validate(settings.model_dump())

    def hear(self, request: Request, now: datetime) -> Heard:
        """Answer the verification, or check the secret and read the events. Raises HookError."""
        if request.method == "GET":
            return _verify(request.header("x-okta-verification-challenge"))
        body = check_body(request, DOING)
        given = request.header(self._settings.header.lower())
        check_secret(given, [self._settings.secret, self._settings.previous or ""], DOING)
        said = read_object(body, DOING)
        delivery = text(said.get("eventId"))
        if said.get("eventType") != "com.okta.event_hook" or not _ID.fullmatch(delivery):
            raise HookError(DOING, "it is no event hook of Okta")
        check_age(moment(said.get("eventTime")), now, OLDEST, DOING)
        events = items(mapping(said.get("data")).get("events"))
        if not events or len(events) > MOST:
            raise HookError(DOING, f"data.events: it must hold 1 to {MOST} events")
        host = _host(said.get("source"))
        found = (_hint(mapping(event), host) for event in events)
        return Heard(delivery, tuple(dict.fromkeys(hint for hint in found if hint)))


def _verify(challenge: str) -> Heard:
    """Return Okta's own words to Okta; this proves only that we are meant to be asked."""
    if not _CHALLENGE.fullmatch(challenge):
        raise HookError(DOING, "there is no X-Okta-Verification-Challenge", status=405)
    body = json.dumps({"verification": challenge}).encode()
    return Heard("", reply=Reply(200, {"Content-Type": "application/json"}, body), note="verified for Okta")


def _host(source: Any) -> str:
    try:
        return text(urlsplit(text(source)).hostname or "")
    except ValueError:
        return ""


def _hint(event: Mapping[str, Any], host: str) -> Hint | None:
    name = text(event.get("eventType"))
    tables = EVENTS.touched(name)
    if not tables:
        return None
    target = mapping(next(iter(items(event.get("target"))), None))
    return Hint(tables, host, GLOBAL, text(target.get("id")), name, moment(event.get("published")))
