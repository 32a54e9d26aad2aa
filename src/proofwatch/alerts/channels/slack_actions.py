"""Requests of Slack when somebody presses a button: proven to be Slack's, then read. No input or output.

Source: docs.slack.dev, "Verifying requests from Slack" (signature version v0) and "block_actions payloads".
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from proofwatch.alerts.channels.base import ChannelError

DOING = "reading an answer from Slack"
WINDOW = 300
"""Seconds that a request may be old, or that clocks may differ."""
LARGEST = 256 * 1024
ACTIONS = frozenset({"acknowledge", "review", "open"})
NUMBER = re.compile(r"[A-Z]{1,5}-[0-9]{1,12}")
PERSON = re.compile(r"[UW][A-Z0-9]{1,40}")
SLACK_HOSTS = frozenset({"hooks.slack.com", "hooks.slack-gov.com"})


@dataclass(frozen=True, slots=True)
class Action:
    """A button that somebody pressed.

    Attributes:
        alert: the alert's number, AL-12; "" where a digest was opened.
        action: acknowledge, review or open.
        user_id: Slack's id of the person; it is signed, so it can be believed.
        user_name: a name for people to read; never to decide by.
        response_url: where an answer may be sent for half an hour, or "" if it is none of Slack's.
        text: what was written into an input beside the button, or "".
    """

    alert: str
    action: str
    user_id: str
    user_name: str = ""
    response_url: str = ""
    text: str = ""


def verify(headers: Mapping[str, str], body: bytes, signing_secret: str, now: datetime) -> None:
    """Check that Slack sent this body within the last five minutes.

    Raises:
        ChannelError: it is not signed, too old, or by somebody else.
    """
    named = {key.lower(): value for key, value in headers.items()}
    stamp, given = named.get("x-slack-request-timestamp", ""), named.get("x-slack-signature", "")
    if not re.fullmatch(r"[0-9]{1,12}", stamp) or not given.startswith("v0="):
        raise ChannelError(DOING, "it is not signed by Slack")
    if abs(now.timestamp() - int(stamp)) > WINDOW:
        raise ChannelError(DOING, "it was signed more than five minutes ago", "Check the clocks.")
    signed = b"v0:" + stamp.encode() + b":" + body
    right = "v0=" + hmac.new(signing_secret.encode(), signed, hashlib.sha256).hexdigest()
    if not signing_secret or not hmac.compare_digest(right.encode(), given.encode("utf-8", "replace")):
        raise ChannelError(DOING, "its signature is wrong", "Compare signing_secret with the app's settings.")


def parse(body: bytes) -> Action:
    """Return the button that a verified body tells of. Raises ChannelError if it tells of none of ours."""
    if len(body) > LARGEST:
        raise ChannelError(DOING, "it is too long")
    try:
        form = parse_qs(body.decode("utf-8"), strict_parsing=True, max_num_fields=20)
        payload = json.loads(form["payload"][0])
        return _action(payload)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        raise ChannelError(DOING, "it is not a button that was pressed") from None


def _action(payload: Any) -> Action:
    if payload.get("type", "block_actions") != "block_actions":
        raise ValueError("another kind of request")
    pressed, user = payload["actions"][0], payload["user"]
    action, alert, person = pressed["action_id"], pressed.get("value", ""), user["id"]
    # A digest's link to open belongs to no alert; Slack tells of it all the same.
    known = NUMBER.fullmatch(alert) or (action == "open" and not alert)
    if action not in ACTIONS or not known or not PERSON.fullmatch(person):
        raise ValueError("none of our buttons")
    name = user.get("username") or user.get("name") or ""
    return Action(
        alert=alert,
        action=action,
        user_id=person,
        user_name=str(name)[:80],
        response_url=_slacks(payload.get("response_url")),
        text=_text(payload),
    )


def _slacks(url: Any) -> str:
    if not isinstance(url, str):
        return ""
    parts = urlsplit(url)
    plain = parts.scheme == "https" and parts.port in (None, 443) and not parts.username
    return url if plain and parts.hostname in SLACK_HOSTS else ""


def _text(payload: Mapping[str, Any]) -> str:
    """Return the first text that was written into the message's inputs."""
    for block in ((payload.get("state") or {}).get("values") or {}).values():
        for item in block.values():
            if item.get("type") == "plain_text_input" and item.get("value"):
                return str(item["value"])[:2000]
    return ""
