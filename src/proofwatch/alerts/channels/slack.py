"""Slack with a bot token: one thread for each alert, whose first message shows how the alert stands.

Source: docs.slack.dev, chat.postMessage and chat.update. Slack answers errors with status 200.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from proofwatch.alerts.channels.base import Happened, Message, NotAccepted, Receipt
from proofwatch.alerts.channels.slack_blocks import blocks, fallback
from proofwatch.alerts.channels.wire import post, refused, secret, short
from proofwatch.outbound.http import Client
from proofwatch.outbound.secrets import Ref

DOING = "sending to Slack"
NAMES = uuid.UUID("6e0c2c0e-3f0b-5d5e-9a35-0c5e8c1b7f11")
PASSING = frozenset(
    {
        "accesslimited",
        "duplicate_channel_not_found",
        "duplicate_message_not_found",
        "fatal_error",
        "internal_error",
        "message_limit_exceeded",
        "rate_limited",
        "ratelimited",
        "request_timeout",
        "service_unavailable",
        "team_added_to_org",
    }
)
"""Slack's error codes that end by themselves; every other one needs somebody to change something."""
SEEN_BY_ALL = frozenset({Happened.REGRESSED, Happened.REPEATED, Happened.ESCALATED, Happened.NOT_CONFIRMED})
"""Replies that are shown in the channel, too: nobody may have the thread open."""
NOT_A_STATE = frozenset({Happened.DIGEST, Happened.TEST, Happened.REPEATED})


class Settings(BaseModel):
    """Settings of a Slack channel."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    channel: str = Field(min_length=1, max_length=80, description="Id of the Slack channel, e.g. C0123ABCD.")
    token: Ref = Field(description="Bot token (xoxb-…), as env:NAME or file:/path.")
    interactive: bool = Field(
        default=False, description="Buttons that answer; Slack must reach /slack/NAME. Else links only."
    )
    signing_secret: Ref | None = Field(
        default=None, description="The app's signing secret, by reference; needed when interactive."
    )
    api: str = Field(default="https://slack.com/api", description="Where the Web API is.")

    @model_validator(mode="after")
    def _answers_can_be_proven(self) -> Self:
        if self.interactive and self.signing_secret is None:
            raise ValueError("interactive needs signing_secret: else anybody could press the buttons")
        return self


class Slack:
    """Posts to one Slack channel."""

    kind: ClassVar[str] = "slack"
    title: ClassVar[str] = "Slack (bot)"
    two_way: ClassVar[bool] = True
    Settings: ClassVar[type[BaseModel]] = Settings

    def __init__(self, settings: BaseModel, client: Client) -> None:
        self.settings = Settings.model_validate(settings.model_dump())
        self.client = client

    def send(self, message: Message, thread: Mapping[str, Any] | None) -> Receipt:
        """Post a message; in a thread that exists, reply, and bring its first message up to date."""
        token = secret(self.settings.token, DOING)
        known = dict(thread or {})
        body = {
            **self._content(message),
            "channel": known.get("channel") or self.settings.channel,
            "unfurl_links": False,
            "unfurl_media": False,
            # Slack drops a message whose id it has had; only what it gave no answer to is sent again.
            "client_msg_id": str(uuid.uuid5(NAMES, message.key)),
        }
        if known.get("ts"):
            body |= {"thread_ts": known["ts"], "reply_broadcast": message.happened in SEEN_BY_ALL}
        said = self._call("chat.postMessage", body, token)
        made, channel = str(said.get("ts", "")), str(said.get("channel", body["channel"]))
        answer = "200 ok"
        if known.get("ts") and message.happened not in NOT_A_STATE:
            answer += self._update(message, channel, str(known["ts"]), token)
        start = {"channel": channel, "ts": str(known.get("ts") or made)}
        return Receipt(f"{channel}:{made}", answer, start)

    def _content(self, message: Message) -> dict[str, Any]:
        return {
            "text": fallback(message),
            "blocks": blocks(message, self.settings.interactive),
            "parse": "none",
            "link_names": False,
        }

    def _update(self, message: Message, channel: str, first: str, token: str) -> str:
        """Show the new state in the thread's first message; return what to add to the answer.

        The reply has arrived, so that this fails must not make it sent again: it is only said.
        """
        try:
            self._call("chat.update", {**self._content(message), "channel": channel, "ts": first}, token)
        except NotAccepted as error:
            return short(f"; the first message keeps its old state: {error.answer}", [token])
        return ""

    def _call(self, method: str, body: Mapping[str, Any], token: str) -> Mapping[str, Any]:
        url = f"{self.settings.api.rstrip('/')}/{method}"
        headers = {"Authorization": f"Bearer {token}"}
        answer = post(self.client, url, doing=DOING, secrets=[token], body=body, headers=headers)
        if not answer.ok:
            raise refused(answer, DOING, [token])
        said = answer.json()
        if not isinstance(said, dict) or not isinstance(said.get("ok"), bool):
            words = short(f"{answer.status} and no answer of Slack's: {answer.text}", [token])
            raise NotAccepted(DOING, words, answer=words, unanswered=True)
        if not said["ok"]:
            error = str(said.get("error", "unknown"))
            raise refused(answer, DOING, [token], f"error={error}", permanent=error not in PASSING)
        return said
