"""Every kind of channel, and where its class stands. A new channel is one file and one line here."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from proofwatch.alerts.channels.base import Channel, ChannelError

CHANNELS: dict[str, str] = {
    "slack": "slack:Slack",
    "slack-webhook": "slack_webhook:SlackWebhook",
    "email": "email:Email",
    "pagerduty": "pagerduty:PagerDuty",
    "teams": "teams:Teams",
    "webhook": "webhook:Webhook",
    "apprise": "apprise:Apprise",
}
"""Kind → module:class in this package; a module is imported when its channel is used first."""


def kinds() -> tuple[str, ...]:
    """Return the kinds of channels."""
    return tuple(CHANNELS)


def channel_class(kind: str) -> type[Channel]:
    """Return the class of a kind. Raises ChannelError, naming the kinds there are."""
    if kind not in CHANNELS:
        raise ChannelError(
            "choosing a channel", f"there is no kind {kind!r}", f"known: {', '.join(CHANNELS)}"
        )
    module, _, name = CHANNELS[kind].partition(":")
    found = getattr(import_module(f"proofwatch.alerts.channels.{module}"), name)
    return cast("type[Channel]", found)
