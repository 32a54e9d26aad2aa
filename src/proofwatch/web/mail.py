"""A plain e-mail about somebody's own account, through the first e-mail channel that is on."""

from __future__ import annotations

from proofwatch.alerts import channelbook
from proofwatch.alerts.base import AlertError
from proofwatch.alerts.channels.email import Email
from proofwatch.store.models import ChannelConfig
from proofwatch.web.context import installation

DOING = "sending an e-mail about an account"


def can_send() -> bool:
    """Tell whether there is a channel that could send it."""
    return _channel() is not None


def send(to: str, subject: str, text: str) -> str:
    """Send it; return the server's answer.

    Raises:
        AlertError: there is no e-mail channel.
        NotAccepted: the server did not take it.
    """
    row = _channel()
    if row is None:
        raise AlertError(
            DOING, "there is no e-mail channel that is on", "proofwatch channels add mail email …"
        )
    channel = channelbook.build(row.kind, row.settings, installation().client, DOING)
    assert isinstance(channel, Email)
    return channel.post([to], subject, text)


def _channel() -> ChannelConfig | None:
    rows = ChannelConfig.objects.filter(kind="email", enabled=True, removed_at=None)
    found: ChannelConfig | None = rows.order_by("name").first()
    return found
