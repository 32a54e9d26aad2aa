"""News of tickets by web hook: verified by the tracker's kind, then the ticket itself is read again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime

from django.db import IntegrityError, transaction

from proofwatch.outbound.http import Client
from proofwatch.remediation import polling, trackerbook
from proofwatch.remediation.tickets import build
from proofwatch.store.models import TrackerConfig, WebhookDelivery


def hear(name: str, headers: Mapping[str, str], body: bytes, client: Client, now: datetime) -> int:
    """Verify a web hook and read the tickets that it names again; return how many changed.

    Raises:
        TrackerError: not signed by the tracker, or too old; nothing is done.
        StoreError: there is no such tracker.
    """
    config = trackerbook.get(name)
    events = build(config, client).webhook(headers, body, now)
    wanted = [item.ticket for item in events if _first_time(config, item.delivery, now)]
    return polling.read(config, client, now, only=wanted) if wanted else 0


def _first_time(config: TrackerConfig, delivery: str, now: datetime) -> bool:
    if not delivery:
        return True
    digest = hashlib.sha256(delivery.encode("utf-8", "surrogatepass")).hexdigest()
    try:
        with transaction.atomic():
            WebhookDelivery.objects.create(source=f"tracker:{config.name}", delivery=digest, at=now)
    except IntegrityError:
        return False
    return True
