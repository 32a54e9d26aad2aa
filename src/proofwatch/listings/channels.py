"""The list of channels: on which people are told, and whether the newest test was accepted."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Max

from proofwatch.alerts import channelbook
from proofwatch.listings.base import Column, Filter, Listing, Row
from proofwatch.listings.sources import Held
from proofwatch.store.models import Delivery
from proofwatch.store.models.deliveries import WAITING


def rows() -> Sequence[Row]:
    """Return a row for each channel. Settings hold references to secrets, never secrets."""
    deliveries = Delivery.objects.order_by()
    newest = dict(deliveries.values("channel").annotate(last=Max("sent_at")).values_list("channel", "last"))
    waiting: dict[str, int] = {}
    for name in deliveries.filter(state__in=WAITING).values_list("channel", flat=True):
        waiting[name] = waiting.get(name, 0) + 1
    return [
        {
            "channel": row.name,
            "kind": row.kind,
            "state": "enabled" if row.enabled else "disabled",
            "enabled": row.enabled,
            "reason": row.reason,
            "settings": dict(row.settings),
            "accepted_at": newest.get(row.name),
            "waiting": waiting.get(row.name, 0),
            "tested_at": row.tested_at,
            "tested": row.tested,
            "by": row.by,
            "at": row.at,
            "url": f"/rules/channels/{row.name}",
        }
        for row in channelbook.every()
    ]


LISTING = Listing(
    name="channels",
    title="Channels",
    question="How people are told, and what came of the newest test.",
    columns=(
        Column("channel", "Channel", "name"),
        Column("kind", "Kind"),
        Column("state", "State", "status", filed=False),
        Column("enabled", "On", "flag", shown=False),
        Column("reason", "Why off"),
        Column("accepted_at", "Last accepted", "moment", "When its provider accepted a message last."),
        Column("waiting", "Waiting", "number", "Messages that are queued or tried again."),
        Column("tested_at", "Tested", "moment"),
        Column("tested", "Answer to the test"),
        Column("settings", "Settings", "code", "Secrets only as references.", shown=False),
        Column("by", "By", shown=False),
        Column("at", "Changed", "moment", shown=False),
    ),
    source=Held(rows, "channel"),
    sorts=("channel", "kind", "state", "accepted_at"),
    sort="channel",
    filters=(
        Filter(
            "q",
            "Search",
            lambda chosen, text: [
                row for row in chosen if text.lower() in f"{row['channel']} {row['kind']}".lower()
            ],
        ),
    ),
)
