"""The configured channels: added, changed, turned off and on, each by someone, as an entry."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from proofwatch.alerts.base import AlertError
from proofwatch.alerts.channels.base import Channel, Happened, Message
from proofwatch.alerts.channels.registry import channel_class
from proofwatch.alerts.messages import to_body
from proofwatch.outbound.http import Client
from proofwatch.store import log
from proofwatch.store.django import guarded, write
from proofwatch.store.models import ChannelConfig, Delivery
from proofwatch.store.services.actors import administering
from proofwatch.store.services.naming import missing

NAME = r"[a-z0-9][a-z0-9._-]{0,59}"


def every() -> list[ChannelConfig]:
    """Return the channels by name."""
    with guarded("listing the channels"):
        return list(ChannelConfig.objects.filter(removed_at__isnull=True).order_by("name"))


def get(name: str) -> ChannelConfig:
    """Return a channel. Raises StoreError with the nearest name if there is none."""
    found = {row.name: row for row in every()}
    if name not in found:
        raise missing("channel", name, found)
    return found[name]


def build(kind: str, settings: Mapping[str, Any], client: Client, doing: str) -> Channel:
    """Return the channel that a kind and settings describe. Raises AlertError naming each wrong field."""
    cls = channel_class(kind)
    try:
        return cls(cls.Settings.model_validate(dict(settings)), client)
    except ValidationError as error:
        # Pydantic repeats the value; a value in the wrong field may be a secret, so only its place is told.
        wrong = "; ".join(
            f"{'.'.join(map(str, item['loc'])) or 'the settings'}: {item['msg']}" for item in error.errors()
        )
        raise AlertError(doing, f"{kind}: {wrong}", "See docs/channels.md for the settings.") from None


def save(
    name: str, kind: str, settings: Mapping[str, Any], *, actor: str, now: datetime, client: Client
) -> ChannelConfig:
    """Add a channel, or change the one of that name. Raises AlertError for what cannot be used."""
    doing = f"saving channel {name}"
    administering(actor, doing)
    if not re.fullmatch(NAME, name):
        raise AlertError(doing, f"{name!r} cannot be a name", "use lower-case letters, digits, . _ and -")
    build(kind, settings, client, doing)
    with write(doing):
        log.lock()
        known = ChannelConfig.objects.filter(pk=name).first()
        row = known or ChannelConfig(name=name)
        before = {"kind": row.kind, "settings": row.settings, "enabled": row.enabled} if known else None
        if row.removed_at is not None:
            row.enabled, row.reason, row.tested, row.tested_at = True, "", "", None  # It begins anew.
        row.kind, row.settings, row.by, row.at, row.removed_at = kind, dict(settings), actor, now, None
        row.save(force_insert=known is None)
        after = {"kind": kind, "settings": dict(settings), "enabled": row.enabled}
        log.append("channel.changed", actor, {"channel": name, "before": before, "after": after}, now)
    return row


def switch(name: str, enabled: bool, *, actor: str, now: datetime, reason: str) -> ChannelConfig:
    """Turn a channel on or off, at once: what waits on one that is off is not sent, and says so."""
    return _change(name, {"enabled": enabled, "reason": "" if enabled else reason}, actor, now, reason)


def remove(name: str, *, actor: str, now: datetime, reason: str) -> ChannelConfig:
    """Remove a channel; its deliveries stay as they are recorded."""
    return _change(name, {"enabled": False, "reason": reason, "removed_at": now}, actor, now, reason)


def queue_test(name: str, *, actor: str, now: datetime) -> Delivery:
    """Queue a message marked TEST on one channel; return its row."""
    doing = f"testing channel {name}"
    channel = get(name)
    thread = f"test-{uuid.uuid4().hex}"
    message = Message(
        key=thread[5:],
        thread=thread,
        happened=Happened.TEST,
        headline="Proofwatch can reach this channel",
        at=now,
        mark="TEST",
        actor=actor,
        note=f"{actor} asked for this test. Nothing is wrong, and nobody has to do anything.",
    )
    with write(doing):
        made: Delivery = Delivery.objects.create(
            key=f"{thread}:{name}", channel=channel.name, thread=thread, happened=str(Happened.TEST),
            message=to_body(message), created_at=now, due_at=now,
        )  # fmt: skip
        log.append("channel.tested", actor, {"channel": name, "delivery": str(made.pk)}, now)
    return made


def _change(name: str, values: Mapping[str, Any], actor: str, now: datetime, reason: str) -> ChannelConfig:
    doing = f"changing channel {name}"
    administering(actor, doing)
    if not reason.strip():
        raise AlertError(doing, "a decision needs a reason", "say why")
    with write(doing):
        log.lock()
        row = get(name)
        before = {key: str(getattr(row, key)) for key in values}
        for key, value in {**values, "by": actor, "at": now}.items():
            setattr(row, key, value)
        row.save()
        after = {key: str(value) for key, value in values.items()}
        data = {"channel": name, "before": before, "after": after, "reason": reason}
        log.append("channel.changed", actor, data, now)
    return row
