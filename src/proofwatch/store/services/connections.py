"""Connections: made, tested, changed, paused and removed, each by someone and for a reason."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import rfc8785
from django.db.models import QuerySet

from proofwatch.connectors.base import CONNECTION_NAME, Identity, Permission, ReadOnlyProof
from proofwatch.store import log
from proofwatch.store.base import StoreError
from proofwatch.store.django import guarded, write
from proofwatch.store.models import Connection
from proofwatch.store.models.connections import ConnectionState
from proofwatch.store.services.actors import administering
from proofwatch.store.services.naming import missing

CHANGEABLE = ("settings", "interval_minutes")
"""Not the name: entries of the log say it, and what tables say of the past must stay what they say."""

READABLE = (ConnectionState.CONNECTED, ConnectionState.NEEDS_PERMISSION)
"""States in which sweeps are due: what lacks a permission is read as far as it can be, and said."""

LONGEST_PAUSE = timedelta(days=30)
"""A silence must end: the same limit as for silenced alerts."""


def every(since: datetime | None = None) -> list[Connection]:
    """Return the connections that exist, by name; with `since`, also those that did then or later."""
    with guarded("listing the connections"):
        if since is None:
            return list(_existing().order_by("name"))
        removed = Connection.objects.filter(removed_at__gte=since)
        return list((_existing() | removed).order_by("name", "created_at"))


def get(name: str) -> Connection:
    """Return a connection by name. Raises StoreError with the nearest name if there is none."""
    with guarded(f"looking for connection {name}"):
        found = _existing().filter(name=name).first()
        if found is None:
            raise missing("connection", name, _names())
        return found


def create(
    name: str,
    kind: str,
    settings: Mapping[str, Any],
    *,
    actor: str,
    now: datetime,
    interval_minutes: int = 15,
) -> Connection:
    """Make a connection that is not set up yet; `settings` as its connector writes them.

    Raises:
        StoreError: the name is taken, or the interval is not 1 minute to 31 days.
    """
    doing = f"making connection {name}"
    administering(actor, doing)
    _check_interval(doing, interval_minutes)
    with write(doing):
        log.lock()  # so that of two who take the same name at once, the second is told
        _check_name(doing, name)
        made = Connection.objects.create(
            name=name,
            kind=kind,
            settings=dict(settings),
            interval_minutes=interval_minutes,
            created_at=now,
            created_by=actor,
        )
        _log(
            "created",
            made,
            actor,
            now,
            settings=_settings_digest(settings),
            interval_minutes=interval_minutes,
        )
    return made


def change(connection: Connection, *, actor: str, now: datetime, **values: Any) -> Connection:
    """Change settings or interval_minutes. A new interval counts from the next occurrence.

    Raises:
        StoreError: something else is to change, the interval is out of bounds, or the connection is removed.
    """
    doing = f"changing connection {connection.name}"
    administering(actor, doing)
    if wrong := set(values) - set(CHANGEABLE):
        raise StoreError(
            doing, f"{', '.join(sorted(wrong))} cannot be changed", f"known: {', '.join(CHANGEABLE)}"
        )
    if "interval_minutes" in values:
        _check_interval(doing, values["interval_minutes"])
    with write(doing):
        fresh = _locked(doing, connection)
        log.lock()
        before = {key: getattr(fresh, key) for key in values}
        changed = sorted(key for key, value in values.items() if value != before[key])
        if not changed:
            return fresh
        for key in changed:
            setattr(fresh, key, values[key])
        fresh.save(update_fields=changed)
        data = {key: [before[key], values[key]] for key in changed if key != "settings"}
        if "settings" in changed:
            data["settings"] = [_settings_digest(before["settings"]), _settings_digest(values["settings"])]
        _log("changed", fresh, actor, now, changes=data)
    return fresh


def record_test(
    connection: Connection,
    *,
    actor: str,
    now: datetime,
    state: str,
    problem: str = "",
    identity: Identity | None = None,
    proof: ReadOnlyProof | None = None,
    proof_object: str = "",
    permissions: Iterable[Permission] = (),
) -> Connection:
    """Keep what a test of the connection found; once it can be read at all, sweeps are due.

    `state` is one of ConnectionState's values; `proof_object` the digest of the object that
    holds the provider's answer behind `proof`.
    """
    tested = list(permissions)
    with write(f"keeping the test of connection {connection.name}"):
        fresh = _locked("testing a connection", connection)
        fresh.state, fresh.problem = ConnectionState(state), problem
        fresh.identity = asdict(identity) if identity else {}
        fresh.read_only = proof.read_only if proof else None
        fresh.read_only_proof = proof_object
        fresh.permissions = [asdict(item) for item in tested]
        fresh.last_attempt_at = now
        if fresh.state in READABLE and fresh.next_due_at is None:
            fresh.next_due_at = now
        fresh.save()
        _log(
            "tested",
            fresh,
            actor,
            now,
            state=str(fresh.state),
            problem=problem,
            identity=fresh.identity,
            read_only=fresh.read_only,
            read_only_method=proof.method if proof else "",
            read_only_proof=proof_object,
            permissions={
                "tested": len(tested),
                "missing": sorted({item.name for item in tested if item.allowed is False})[:200],
                "unknown": sum(item.allowed is None for item in tested),
            },
        )
    return fresh


def identified(
    connection: Connection, identity: Mapping[str, Any], *, actor: str, now: datetime
) -> Connection:
    """Keep who a sweep found that we are, if that is new: a renewed credential ends later than the old."""
    if not identity or _who(connection.identity) == _who(identity):
        return connection
    with write(f"keeping the identity of connection {connection.name}"):
        fresh = _locked("sweeping a connection", connection)
        if _who(fresh.identity) != _who(identity):
            fresh.identity = dict(identity)
            fresh.save(update_fields=("identity",))
            _log("identified", fresh, actor, now, identity=fresh.identity)
    return fresh


def _who(identity: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what of an identity is worth an entry when it changes."""
    details = identity.get("details") or {}
    return identity.get("account_id"), identity.get("principal"), details.get("credential_expires_at")


def credential_ends(connection: Connection) -> datetime | None:
    """Return when the credential of a connection ends, where the provider or the credential tells."""
    details = connection.identity.get("details") or {}
    text = details.get("credential_expires_at", "") if isinstance(details, Mapping) else ""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def pause(connection: Connection, *, actor: str, now: datetime, reason: str, until: datetime) -> Connection:
    """Stop the sweeps of a connection until a time; each occurrence meanwhile is recorded as skipped.

    Raises:
        StoreError: there is no reason, or the end is not within 30 days from now.
    """
    doing = f"pausing connection {connection.name}"
    administering(actor, doing)
    if not reason.strip():
        raise StoreError(doing, "a pause needs a reason", "say why")
    if not now < until <= now + LONGEST_PAUSE:
        raise StoreError(doing, f"it must end within {LONGEST_PAUSE.days} days", "give an earlier end")
    with write(doing):
        fresh = _locked(doing, connection)
        fresh.state = ConnectionState.PAUSED
        fresh.paused_by, fresh.paused_reason, fresh.paused_until = actor, reason.strip(), until
        fresh.save(update_fields=("state", "paused_by", "paused_reason", "paused_until"))
        _log("paused", fresh, actor, now, reason=reason.strip(), until=log.text(until))
    return fresh


def resume(connection: Connection, *, actor: str, now: datetime, reason: str = "") -> Connection:
    """End a pause. Raises StoreError if the connection is not paused."""
    doing = f"resuming connection {connection.name}"
    administering(actor, doing)
    with write(doing):
        fresh = _locked(doing, connection)
        if fresh.state != ConnectionState.PAUSED:
            raise StoreError(doing, f"it is not paused but {fresh.state}")
        fresh.state = ConnectionState.CONNECTED if fresh.identity else ConnectionState.NOT_SET_UP
        fresh.paused_by = fresh.paused_reason = ""
        fresh.paused_until = None
        fresh.save(update_fields=("state", "paused_by", "paused_reason", "paused_until"))
        _log("resumed", fresh, actor, now, reason=reason)
    return fresh


def remove(connection: Connection, *, actor: str, now: datetime, reason: str) -> None:
    """Stop reading a system for good. Its evidence and findings stay as they are."""
    doing = f"removing connection {connection.name}"
    administering(actor, doing)
    if not reason.strip():
        raise StoreError(doing, "a removal needs a reason", "say why")
    with write(doing):
        fresh = _locked(doing, connection)
        fresh.removed_at, fresh.next_due_at = now, None
        fresh.save(update_fields=("removed_at", "next_due_at"))
        _log("removed", fresh, actor, now, reason=reason.strip())


def is_stale(connection: Connection, now: datetime) -> bool:
    """Tell whether a connected one has had no complete sweep for two intervals."""
    if connection.state != ConnectionState.CONNECTED:
        return False
    since = connection.last_complete_at or connection.created_at
    return bool(now - since > 2 * timedelta(minutes=connection.interval_minutes))


def _existing() -> QuerySet:
    return Connection.objects.filter(removed_at__isnull=True)


def _names() -> list[str]:
    return list(_existing().values_list("name", flat=True))


def _locked(doing: str, connection: Connection) -> Connection:
    found = _existing().select_for_update(no_key=True).filter(pk=connection.pk).first()
    if found is None:
        raise StoreError(doing, "it was removed", "make a new connection")
    return found


def _check_name(doing: str, name: str) -> None:
    if not re.fullmatch(CONNECTION_NAME, name):
        remedy = "use 1 to 40 lower-case letters, digits and dashes, beginning with a letter or digit"
        raise StoreError(doing, f"{name!r} cannot be the name of a connection", remedy)
    if _existing().filter(name=name).exists():
        raise StoreError(doing, f"there is a connection {name!r} already", "choose another name")


def _check_interval(doing: str, minutes: int) -> None:
    if not 1 <= minutes <= 31 * 24 * 60:
        raise StoreError(doing, f"an interval of {minutes} minutes", "give 1 minute to 31 days")


def _settings_digest(settings: Mapping[str, Any]) -> str:
    """Settings go into the log as a digest: they may name people and places that readers need not see."""
    return hashlib.sha256(rfc8785.dumps(dict(settings))).hexdigest()


def _log(verb: str, connection: Connection, actor: str, now: datetime, **data: Any) -> None:
    base = {"connection": str(connection.pk), "name": connection.name, "kind": connection.kind}
    log.append(f"connection.{verb}", actor, {**base, **data}, now)
