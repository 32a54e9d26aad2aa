"""Amazon EventBridge through an API destination: a shared secret in the header of its connection."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from proofwatch.hooks.aws_events import hints_of
from proofwatch.hooks.base import Heard, Request
from proofwatch.hooks.reading import (
    check_age,
    check_body,
    check_secret,
    digest,
    mapping,
    moment,
    read_object,
    text,
)
from proofwatch.outbound.http import Client
from proofwatch.outbound.secrets import Ref

DOING = "hearing from EventBridge"
OLDEST = timedelta(hours=25)
"""EventBridge tries for 24 hours at most."""
_ID = re.compile(r"[\x21-\x7e]{1,200}")


class EventBridgeSettings(BaseModel):
    """Settings of an API destination."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    secret: Ref = Field(description="Value of the connection's API key: env:NAME or file:/path")
    previous: Ref | None = Field(default=None, description="Secret before, while it is being changed")
    header: str = Field(
        default="x-proofwatch-key",
        pattern=r"^[A-Za-z0-9-]{1,80}$",
        description="Name of the connection's API key, i.e. of the header",
    )


class EventBridge:
    """Events of an event bus, as they are (no input transformer), or only their detail."""

    kind: ClassVar[str] = "eventbridge"
    title: ClassVar[str] = "AWS EventBridge API destination"
    Settings: ClassVar[type[BaseModel]] = EventBridgeSettings

    def __init__(self, settings: BaseModel, client: Client) -> None:
        self._settings = EventBridgeSettings.model_validate(settings.model_dump())

    def hear(self, request: Request, now: datetime) -> Heard:
        """Check the secret and read the event. Raises HookError."""
        body = check_body(request, DOING)
        given = request.header(self._settings.header.lower())
        check_secret(given, [self._settings.secret, self._settings.previous or ""], DOING)
        event = read_object(body, DOING)
        detail = mapping(event.get("detail"))
        at = moment(event.get("time")) or moment(event.get("eventTime")) or moment(detail.get("eventTime"))
        check_age(at, now, OLDEST, DOING)
        name = text(event.get("id")) or text(event.get("eventID"))
        return Heard(name if _ID.fullmatch(name) else digest(body), hints_of(event, DOING))
