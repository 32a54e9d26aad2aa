"""Where source systems say that something changed: added by someone, checked by its kind, kept as hints."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from proofwatch.connectors.base import CONNECTION_NAME
from proofwatch.connectors.registry import connector_class
from proofwatch.hooks.base import Heard, HookError, Request, Source
from proofwatch.hooks.registry import open_source
from proofwatch.outbound.http import Client
from proofwatch.store import log
from proofwatch.store.base import StoreError
from proofwatch.store.django import guarded, write
from proofwatch.store.models import Hook, WebhookDelivery
from proofwatch.store.services import connections, hints
from proofwatch.store.services.actors import administering
from proofwatch.store.services.naming import missing


def every() -> list[Hook]:
    """Return the hooks by name."""
    with guarded("listing the web hooks"):
        return list(
            Hook.objects.filter(removed_at__isnull=True).select_related("connection").order_by("name")
        )


def get(name: str) -> Hook:
    """Return a hook. Raises StoreError with the nearest name if there is none."""
    found = {row.name: row for row in every()}
    if name not in found:
        raise missing("web hook", name, found)
    return found[name]


def save(
    name: str,
    connection: str,
    kind: str,
    settings: Mapping[str, Any],
    *,
    actor: str,
    now: datetime,
    client: Client,
) -> Hook:
    """Add a hook for a connection, or change the one of that name.

    Raises:
        HookError: the kind is unknown or a setting is wrong.
        StoreError: the name cannot be used, or there is no such connection.
    """
    doing = f"saving web hook {name}"
    administering(actor, doing)
    if not re.fullmatch(CONNECTION_NAME, name):
        raise StoreError(doing, f"{name!r} cannot be a name", "use letters, digits, . _ and -")
    open_source(kind, settings, client)
    owner = connections.get(connection)
    with write(doing):
        log.lock()
        known = Hook.objects.filter(pk=name).first()
        row = known or Hook(name=name)
        before = {"kind": row.kind, "settings": row.settings} if known else None
        row.connection, row.kind, row.settings = owner, kind, dict(settings)
        row.by, row.at, row.removed_at = actor, now, None
        row.save(force_insert=known is None)
        after = {"kind": kind, "settings": dict(settings)}
        data = {"hook": name, "connection": owner.name, "before": before, "after": after}
        log.append("hook.changed", actor, data, now)
    return row


def remove(name: str, *, actor: str, now: datetime, reason: str) -> Hook:
    """Remove a hook: its address answers 404 from now on."""
    doing = f"removing web hook {name}"
    if not reason.strip():
        raise StoreError(doing, "a decision needs a reason", "say why")
    administering(actor, doing)
    with write(doing):
        log.lock()
        row = get(name)
        row.removed_at, row.by, row.at = now, actor, now
        row.save()
        log.append("hook.changed", actor, {"hook": name, "removed": True, "reason": reason}, now)
    return row


class Listener:
    """Hears requests for all hooks. One per process: kinds keep the keys and certificates they fetched."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._sources: dict[str, tuple[datetime, Source]] = {}

    def hear(self, name: str, request: Request, now: datetime) -> Heard:
        """Check a request and keep what it says should be read again.

        Raises:
            HookError: refused; nothing was done. Status 404 where there is no such hook.
        """
        if not re.fullmatch(CONNECTION_NAME, name):
            raise HookError("hearing an event", "there is no such address", status=404)
        row = Hook.objects.filter(pk=name, removed_at__isnull=True, enabled=True)
        hook = row.select_related("connection").first()
        if hook is None or hook.connection.removed_at:
            raise HookError("hearing an event", "there is no such address", status=404)
        try:
            heard = self._source(hook).hear(request, now)
        except HookError as error:
            row.update(refused_at=now, refused=error.problem[:500])
            raise
        known = connector_class(hook.connection.kind).tables()
        places = [
            (table, hint.account_id, hint.region)
            for hint in heard.hints
            for table in hint.tables
            if table in known
        ]
        with write("keeping what an event said"):
            # Together: an id that is remembered without its hint would turn the sender's next try away.
            if heard.delivery and not _first_time(hook, heard.delivery, now):
                return heard
            if places:
                hints.add(hook.connection, places, now)
            row.update(heard_at=now)
        return heard

    def _source(self, hook: Hook) -> Source:
        kept = self._sources.get(hook.name)
        if kept is None or kept[0] != hook.at:
            kept = (hook.at, open_source(hook.kind, hook.settings, self.client))
            self._sources[hook.name] = kept
        return kept[1]


def _first_time(hook: Hook, delivery: str, now: datetime) -> bool:
    """Remember a delivery; False if it was heard before. Its name may be long, so its digest is kept."""
    digest = hashlib.sha256(delivery.encode("utf-8", "surrogatepass")).hexdigest()
    try:
        with transaction.atomic():
            WebhookDelivery.objects.create(source=f"hook:{hook.name}", delivery=digest, at=now)
    except IntegrityError:
        return False
    return True
