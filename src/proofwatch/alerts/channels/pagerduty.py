"""PagerDuty by Events API v2: an alert is an incident, known to both sides by its dedup key.

Source: PagerDuty's description of the Events API v2 (`/enqueue`, `/change/enqueue`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from proofwatch.alerts.channels.base import ENDS, Happened, Message, Receipt
from proofwatch.alerts.channels.escaping import clean, cut
from proofwatch.alerts.channels.templates import named, parts, title
from proofwatch.alerts.channels.wire import accepted, post, refused, secret
from proofwatch.outbound.http import Client
from proofwatch.outbound.secrets import Ref

DOING = "sending to PagerDuty"
SUMMARY, KEY = 1024, 255
SEVERITIES = {"critical": "critical", "high": "error", "medium": "warning", "low": "info"}
IN_HAND = frozenset(
    {Happened.ACKNOWLEDGED, Happened.REVIEWED, Happened.TASK, Happened.CLAIMED, Happened.ACCEPTED}
)
"""Somebody looks after it: nobody has to be woken, and the incident stays until it is restored."""


class Settings(BaseModel):
    """Settings of a PagerDuty service."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    routing_key: Ref = Field(description="Integration key (Events API v2), as env:NAME or file:/path.")
    api: str = Field(
        default="https://events.pagerduty.com/v2",
        description="Where the Events API is; for the EU: https://events.eu.pagerduty.com/v2.",
    )


class PagerDuty:
    """Triggers, acknowledges and resolves incidents of one service."""

    kind: ClassVar[str] = "pagerduty"
    title: ClassVar[str] = "PagerDuty"
    two_way: ClassVar[bool] = False
    Settings: ClassVar[type[BaseModel]] = Settings

    def __init__(self, settings: BaseModel, client: Client) -> None:
        self.settings = Settings.model_validate(settings.model_dump())
        self.client = client

    def send(self, message: Message, thread: Mapping[str, Any] | None) -> Receipt:
        """Send one event. Sending it again changes nothing: PagerDuty joins events of one dedup key."""
        key = secret(self.settings.routing_key, DOING)
        path, body = event(message, key)
        url = self.settings.api.rstrip("/") + path
        answer = post(self.client, url, doing=DOING, secrets=[key], body=body)
        if not answer.ok:
            raise refused(answer, DOING, [key])
        dedup = str(body.get("dedup_key", ""))
        return Receipt(dedup, accepted(answer, [key]), {"dedup_key": dedup} if dedup else {})


def event(message: Message, routing_key: str) -> tuple[str, dict[str, Any]]:
    """Return the path and the body for a message; a digest is a change event, which wakes nobody."""
    if message.happened == Happened.DIGEST:
        return "/change/enqueue", {
            "routing_key": routing_key,
            "payload": {
                "summary": title(message, SUMMARY),
                "timestamp": message.at.astimezone(UTC).isoformat(timespec="seconds"),
                "source": "proofwatch",
                "custom_details": details(message),
            },
            "links": _links(message),
        }
    action = "acknowledge" if message.happened in IN_HAND else "trigger"
    body: dict[str, Any] = {
        "routing_key": routing_key,
        "event_action": "resolve" if message.happened in ENDS else action,
        "dedup_key": dedup_key(message.thread),
    }
    if body["event_action"] == "trigger":
        body |= {"client": "Proofwatch", "links": _links(message), "payload": _payload(message)}
    return "/enqueue", body


def dedup_key(thread: str) -> str:
    """Return the key of an alert's incident; a thread that is too long for one is hashed."""
    plain = f"proofwatch-{thread}"
    return plain if len(plain) <= KEY else f"proofwatch-{hashlib.sha256(thread.encode()).hexdigest()}"


def details(message: Message) -> dict[str, Any]:
    """Return what the incident shows beside its summary; PagerDuty shows it as text."""
    found = parts(message)
    made: dict[str, Any] = dict(found.facts)
    if found.resources:
        made[found.listed] = [named(item) for item in found.resources]
        made[found.listed] += [found.more] if found.more else []
    if found.lines:
        made["Lines"] = list(found.lines)
    made |= {label: "\n".join(lines) for label, lines in found.texts}
    return {**made, **dict(found.ground)}


def _payload(message: Message) -> dict[str, Any]:
    # A test must not ring louder than it has to.
    severity = "info" if message.happened == Happened.TEST else SEVERITIES.get(message.severity, "warning")
    payload = {
        "summary": title(message, SUMMARY),
        "timestamp": message.at.astimezone(UTC).isoformat(timespec="seconds"),
        "source": clean(message.connection, 200) or "proofwatch",
        "severity": severity,
        "component": cut(clean(message.control, 200), 200),
        "class": str(message.happened),
        "custom_details": details(message),
    }
    return {name: value for name, value in payload.items() if value}


def _links(message: Message) -> list[dict[str, str]]:
    url = parts(message).link
    return [{"href": url, "text": "Open in Proofwatch"}] if url else []
