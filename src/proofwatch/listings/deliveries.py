"""The list of messages about alerts: who accepted each and when, or why it was not sent."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from proofwatch.alerts.base import utc_text
from proofwatch.listings.base import Column, Filter, Listing, ListingError, Row, one_of
from proofwatch.listings.sources import Stored
from proofwatch.listings.spans import span
from proofwatch.store.models import ChannelConfig, Delivery
from proofwatch.store.models.deliveries import DeliveryState


def told(item: Delivery) -> str:
    """Return why a message waits or was not sent, where it was told instead, and whether it may be twice."""
    words = [item.reason] if item.reason else []
    if item.into is not None:
        when = f"accepted {utc_text(item.into.sent_at)}" if item.into.sent_at else item.into.state
        words.append(f"that message on {item.into.channel}: {when}")
    if item.perhaps_twice:
        words.append("a second copy may have arrived")
    return "; ".join(words)


def _rows() -> QuerySet[Any]:
    return Delivery.objects.filter(alert__isnull=False).select_related("alert", "into")


def _body(row: Delivery) -> Row:
    assert row.alert is not None
    return {
        "alert": row.alert.name,
        "what": row.happened,
        "channel": row.channel,
        "state": row.state,
        "queued_at": row.created_at,
        "accepted_at": row.sent_at,
        "told_at": row.into.sent_at if row.into else None,
        "attempts": row.attempts,
        "perhaps_twice": row.perhaps_twice,
        "why": told(row),
        "answer": str(row.receipt.get("answer", "")),
        "url": f"/alerts/{row.alert.name}" if row.alert.number else f"/alerts/{row.alert.pk}",
    }


def of_alert(chosen: QuerySet[Any], text: str) -> QuerySet[Any]:
    """Choose the rows about one alert, `AL-12` or `12`. Raises ListingError for another text."""
    number = text.upper().removeprefix("AL-")
    if not (number.isascii() and number.isdigit() and len(number) < 9):
        raise ListingError("listing messages", f"{text!r} names no alert", "write AL-12")
    return chosen.filter(alert__number=int(number))


def _state(chosen: QuerySet[Any], text: str) -> QuerySet[Any]:
    return chosen.filter(state=one_of("messages", "state", DeliveryState.values, text))


LISTING = Listing(
    name="deliveries",
    title="Messages",
    question="Every message about an alert: accepted by whom and when, or why it was not sent.",
    columns=(
        Column("alert", "Alert", "name"),
        Column("what", "Tells", "name"),
        Column("channel", "Channel", "name"),
        Column("state", "State", "status"),
        Column("queued_at", "Queued", "moment"),
        Column("accepted_at", "Accepted", "moment", "When the provider accepted it."),
        Column("told_at", "Told with another message", "moment", shown=False),
        Column("attempts", "Attempts", "number"),
        Column("perhaps_twice", "Perhaps twice", "flag", "An attempt got no answer.", shown=False),
        Column("why", "Answer or reason"),
        Column("answer", "Answer", "text", "The provider's words in short.", shown=False),
    ),
    source=Stored(_rows, _body, {"queued_at": "order"}),
    sorts=("queued_at",),
    sort="-queued_at",
    filters=(
        Filter("alert", "Alert", of_alert),
        Filter(
            "channel",
            "Channel",
            lambda chosen, text: chosen.filter(channel=text),
            lambda: [
                (name, name) for name in ChannelConfig.objects.order_by("name").values_list("name", flat=True)
            ],
        ),
        Filter("state", "State", _state, lambda: [(item, item) for item in DeliveryState.values]),
        *span("deliveries", "created_at"),
    ),
)
