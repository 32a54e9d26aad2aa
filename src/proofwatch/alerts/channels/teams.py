"""Microsoft Teams by a workflow that waits for a webhook request: one Adaptive Card 1.4.

All text stands in RichTextBlocks: their runs know no Markdown, so nothing has to be escaped and nothing
can be. Source: adaptivecards.io, RichTextBlock and TextRun; a message may have 28 kB.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from proofwatch.alerts.channels.base import Message, Receipt
from proofwatch.alerts.channels.escaping import cut
from proofwatch.alerts.channels.templates import Parts, named, parts
from proofwatch.alerts.channels.wire import accepted, post, refused, secret
from proofwatch.outbound.http import Client
from proofwatch.outbound.secrets import Ref

DOING = "sending to Teams"
LARGEST = 26_000
"""Bytes of a message; Teams refuses 28 kB, with what the workflow adds."""
LENGTHS = (1000, 300, 120, 60)
"""Characters of one run of text, tried until the message is small enough."""
Block = dict[str, Any]


class Settings(BaseModel):
    """Settings of a Teams channel."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Ref = Field(description="Address of the workflow's webhook, as env:NAME or file:/path.")


class Teams:
    """Posts cards to the chat or channel of one workflow."""

    kind: ClassVar[str] = "teams"
    title: ClassVar[str] = "Microsoft Teams"
    two_way: ClassVar[bool] = False
    Settings: ClassVar[type[BaseModel]] = Settings

    def __init__(self, settings: BaseModel, client: Client) -> None:
        self.settings = Settings.model_validate(settings.model_dump())
        self.client = client

    def send(self, message: Message, thread: Mapping[str, Any] | None) -> Receipt:
        """Post a card. The workflow answers 202 when it has begun, not when the card is seen."""
        url = secret(self.settings.url, DOING)
        answer = post(self.client, url, doing=DOING, secrets=[url], body=card(message))
        if not answer.ok:
            raise refused(answer, DOING, [url])
        return Receipt("", accepted(answer, [url]))


def card(message: Message) -> dict[str, Any]:
    """Return the message with its card, small enough for Teams."""
    found = parts(message)
    made: dict[str, Any] = {}
    for length in LENGTHS:
        made = _message(found, length)
        if len(json.dumps(made, ensure_ascii=False).encode("utf-8", "replace")) <= LARGEST:
            break
    return made


def _message(found: Parts, length: int) -> dict[str, Any]:
    content: Block = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": cut(found.title, length),
        "body": _body(found, length),
    }
    if found.link:
        content["actions"] = [{"type": "Action.OpenUrl", "title": "Open in Proofwatch", "url": found.link}]
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": content}
    return {"type": "message", "attachments": [attachment]}


def _body(found: Parts, length: int) -> list[Block]:
    made = [_rich(_run(found.title, length, weight="Bolder", size="Medium"))]
    made += [_pair(label, value, length) for label, value in found.facts]
    rows = [named(item) for item in found.resources] + ([found.more] if found.more else [])
    made += [_rich(_run(found.listed, length, weight="Bolder"))] if rows else []
    made += [_rich(_run(f"• {row}", length)) for row in (*rows, *found.lines)]
    for label, lines in found.texts:
        made.append(_rich(_run(label, length, weight="Bolder")))
        made += [_rich(_run(line, length)) for line in lines]
    return made + [_pair(label, value, length) for label, value in found.ground]


def _pair(label: str, value: str, length: int) -> Block:
    return _rich(_run(f"{label}: ", length, weight="Bolder"), _run(value, length))


def _rich(*runs: Block) -> Block:
    return {"type": "RichTextBlock", "spacing": "Small", "inlines": list(runs)}


def _run(text: str, length: int, **how: str) -> Block:
    return {"type": "TextRun", "text": cut(text, length), **how}
