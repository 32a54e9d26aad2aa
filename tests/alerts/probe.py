"""A channel that keeps what it is given, and answers as a test tells it to."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel

from proofwatch.alerts.channels.base import NotAccepted, Receipt
from proofwatch.store.models import ChannelConfig
from tests.store.samples import NOW


class Settings(BaseModel):
    answers: str = ""


class Probe:
    kind: ClassVar[str] = "probe"
    title: ClassVar[str] = "Probe"
    two_way: ClassVar[bool] = False
    Settings: ClassVar[type[BaseModel]] = Settings
    sent: ClassVar[list[Any]] = []
    refuse: ClassVar[list[NotAccepted]] = []

    def __init__(self, settings: Any, client: Any) -> None:
        self.settings = settings

    def send(self, message: Any, thread: Any) -> Receipt:
        if self.refuse:
            raise self.refuse.pop(0)
        self.sent.append((message, thread))
        return Receipt(f"m{len(self.sent)}", "200 ok", {"last": len(self.sent)})


def install(monkeypatch: Any, name: str = "ops", **values: Any) -> ChannelConfig:
    """Make the kind `probe` known, and add a channel of it."""
    from proofwatch.alerts import channelbook

    real = channelbook.channel_class
    monkeypatch.setattr(
        channelbook, "channel_class", lambda kind: Probe if kind in ("probe", "email") else real(kind)
    )
    monkeypatch.setattr(Probe, "sent", [])
    monkeypatch.setattr(Probe, "refuse", [])
    values = {"kind": "probe", "settings": {}, "by": "owner", "at": NOW, **values}
    return ChannelConfig.objects.create(name=name, **values)
