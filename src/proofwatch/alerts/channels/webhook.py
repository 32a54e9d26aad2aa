"""A signed webhook after the Standard Webhooks specification 1.0: any receiver can prove who sent it.

`webhook-id` is the message's key, so it stays the same however often it is tried; the time and the
signature are those of the attempt. Body: see `body`, whose form is versioned.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from proofwatch.alerts.channels import wire
from proofwatch.alerts.channels.base import ChannelError, Message, Receipt
from proofwatch.alerts.channels.escaping import clean
from proofwatch.outbound.http import Client
from proofwatch.outbound.secrets import Ref

DOING = "sending to the webhook"
VERSION = 1
SHORTEST, LONGEST = 16, 128
"""Bytes of a secret; the specification asks for 24 to 64."""


class Settings(BaseModel):
    """Settings of a signed webhook."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Ref = Field(description="Address of the receiver, as env:NAME or file:/path.")
    secret: Ref = Field(description="Signing secret (whsec_ and base64), by reference.")
    previous: Ref | None = Field(
        default=None, description="The secret before it, by reference: signs too while it is replaced."
    )


class Webhook:
    """Posts the facts of messages, signed, to one address."""

    kind: ClassVar[str] = "webhook"
    title: ClassVar[str] = "Signed webhook"
    two_way: ClassVar[bool] = False
    Settings: ClassVar[type[BaseModel]] = Settings
    clock: ClassVar[Callable[[], float]] = time.time

    def __init__(self, settings: BaseModel, client: Client) -> None:
        self.settings = Settings.model_validate(settings.model_dump())
        self.client = client

    def send(self, message: Message, thread: Mapping[str, Any] | None) -> Receipt:
        """Post a message. Any 2xx is an acceptance."""
        url = wire.secret(self.settings.url, DOING)
        given = (self.settings.secret, self.settings.previous)
        keys = [wire.secret(reference, DOING) for reference in given if reference]
        content = json.dumps(body(message), ensure_ascii=False).encode("utf-8", "replace")
        stamp = str(int(type(self).clock()))
        headers = {
            "Content-Type": "application/json",
            "webhook-id": identifier(message.key),
            "webhook-timestamp": stamp,
            "webhook-signature": " ".join(sign(key, identifier(message.key), stamp, content) for key in keys),
        }
        hidden = [url, *keys, *(key.removeprefix("whsec_") for key in keys)]
        answer = wire.post(self.client, url, doing=DOING, secrets=hidden, content=content, headers=headers)
        if not answer.ok:
            raise wire.refused(answer, DOING, hidden)
        return Receipt(headers["webhook-id"], wire.accepted(answer, hidden))


def sign(key: str, message_id: str, stamp: str, content: bytes) -> str:
    """Return the signature `v1,…` of `id.timestamp.content`. Raises ChannelError for a bad secret."""
    try:
        raw = base64.b64decode(key.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if not key.startswith("whsec_") or not SHORTEST <= len(raw) <= LONGEST:
        remedy = 'Make one: echo "whsec_$(openssl rand -base64 32)".'
        raise ChannelError(DOING, "the signing secret is not whsec_ and base64 of 16 to 128 bytes", remedy)
    signed = f"{message_id}.{stamp}.".encode() + content
    return "v1," + base64.b64encode(hmac.new(raw, signed, hashlib.sha256).digest()).decode()


def identifier(key: str) -> str:
    """Return the `webhook-id` of a message: its key, or its hash where that is no header's text."""
    if key.isascii() and key.isprintable() and key and " " not in key and len(key) <= 100:
        return f"msg_{key}"
    return f"msg_{hashlib.sha256(key.encode('utf-8', 'replace')).hexdigest()}"


def body(message: Message) -> dict[str, Any]:
    """Return the facts for programs: `type`, `version`, `timestamp`, and the message under `data`.

    Nothing is escaped or written out: names are as the source system gave them, and the receiver has
    to treat them as untrusted. Times are RFC 3339 in UTC; what is not known is "" or null.
    """
    data = {
        "key": message.key,
        "thread": message.thread,
        "happened": str(message.happened),
        "mark": message.mark,
        "number": message.number,
        "headline": message.headline,
        "severity": message.severity,
        "state": message.state,
        "control": {
            "id": message.control,
            "title": message.control_title,
            "criteria": list(message.criteria),
        },
        "connection": message.connection,
        "failing": [
            {
                "resource": item.resource,
                "reason": item.reason,
                "account_id": item.account_id,
                "region": item.region,
            }
            for item in message.failing
        ],
        "more": message.more,
        "since": _time(message.since),
        "due": _time(message.due),
        "owner": message.owner,
        "actor": message.actor,
        "why": message.why,
        "fix": message.fix,
        "note": message.note,
        "lines": list(message.lines),
        "link": message.link,
        "evidence": message.evidence,
        "checks": [{"id": name, "version": version} for name, version in message.checks],
    }
    kind = "alert." + clean(str(message.happened), 60).replace(" ", "_")
    return {"type": kind, "version": VERSION, "timestamp": _time(message.at), "data": data}


def _time(at: datetime | None) -> str | None:
    if at is None:
        return None
    known = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    return known.isoformat(timespec="seconds").replace("+00:00", "Z")
