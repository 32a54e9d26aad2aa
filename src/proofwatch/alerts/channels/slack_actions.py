"""Requests of Slack: proven to be Slack's, then read. Source: Slack, "Verifying requests from Slack"."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qs

from proofwatch.alerts.channels.base import ChannelError

DOING = "hearing an answer from Slack"
WINDOW = 300
"""Seconds that a request may be old, or its clock be ahead."""
KNOWN = ("acknowledge", "review", "open")


@dataclass(frozen=True, slots=True)
class Action:
    """A button that somebody pressed; `alert` is `AL-12`. Names are Slack's and not believed."""

    alert: str
    action: str
    user_id: str
    user_name: str = ""
    text: str = ""


def verify(headers: Mapping[str, str], body: bytes, signing_secret: str, now: datetime) -> None:
    """Return if Slack signed this body within the last five minutes.

    Args:
        headers: lower-case names.
        body: exactly as it came.
        signing_secret: the app's.
        now: the time.

    Raises:
        ChannelError: not signed, wrongly signed, or too old.
    """
    stamp = headers.get("x-slack-request-timestamp", "")
    given = headers.get("x-slack-signature", "")
    if not stamp.isascii() or not stamp.isdigit() or len(stamp) > 12 or not given:
        raise ChannelError(DOING, "the request is not signed")
    if abs(now.timestamp() - int(stamp)) > WINDOW:
        raise ChannelError(DOING, "the request is more than five minutes old", "Check this machine's clock.")
    signed = b"v0:" + stamp.encode() + b":" + body
    expected = "v0=" + hmac.new(signing_secret.encode(), signed, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace")):
        raise ChannelError(DOING, "the signature is wrong", "Set signing_secret to the app's.")


def parse(body: bytes) -> Action:
    """Return the button that a verified request is about. Raises ChannelError if it is about none."""
    try:
        payload = json.loads(parse_qs(body.decode("utf-8"), max_num_fields=20)["payload"][0])
        pressed = payload["actions"][0]
        user = payload["user"]
        action, alert = str(pressed["action_id"]), str(pressed.get("value") or "")
        found = Action(alert[:40], action, str(user["id"])[:40], str(user.get("username") or "")[:80])
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError):
        raise ChannelError(DOING, "it is not understood") from None
    if action not in KNOWN or (action != "open" and not alert):
        raise ChannelError(DOING, "the button is not known")
    return found
