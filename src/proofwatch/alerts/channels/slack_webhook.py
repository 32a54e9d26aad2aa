"""Slack by an incoming webhook: one way, no threads, no ids. The address is the secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from proofwatch.alerts.channels.base import Message, Receipt
from proofwatch.alerts.channels.slack_blocks import blocks, fallback
from proofwatch.alerts.channels.wire import accepted, post, refused, secret
from proofwatch.outbound.http import Client
from proofwatch.outbound.secrets import Ref

DOING = "sending to Slack's webhook"


class Settings(BaseModel):
    """Settings of an incoming webhook."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Ref = Field(description="Address of the incoming webhook, as env:NAME or file:/path.")


class SlackWebhook:
    """Posts to the channel that an incoming webhook belongs to."""

    kind: ClassVar[str] = "slack-webhook"
    title: ClassVar[str] = "Slack (incoming webhook)"
    two_way: ClassVar[bool] = False
    Settings: ClassVar[type[BaseModel]] = Settings

    def __init__(self, settings: BaseModel, client: Client) -> None:
        self.settings = Settings.model_validate(settings.model_dump())
        self.client = client

    def send(self, message: Message, thread: Mapping[str, Any] | None) -> Receipt:
        """Post a message. Slack answers `200 ok`; there is no id, so a repeated message shows twice."""
        url = secret(self.settings.url, DOING)
        body = {"text": fallback(message), "blocks": blocks(message, False)}
        answer = post(self.client, url, doing=DOING, secrets=[url], body=body)
        if not answer.ok:
            raise refused(answer, DOING, [url])
        return Receipt("", accepted(answer, [url]))
