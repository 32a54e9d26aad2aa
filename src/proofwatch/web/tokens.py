"""Tokens by which programs act in a person's name. Only the hash of a token is kept."""

from __future__ import annotations

import hashlib
import re
import secrets
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta

from proofwatch.alerts.base import AlertError
from proofwatch.store import log
from proofwatch.store.base import Missing, StoreError
from proofwatch.store.django import guarded, write
from proofwatch.store.models import Person
from proofwatch.store.models.people import Role
from proofwatch.web import access
from proofwatch.web.access import Needs
from proofwatch.web.models import ApiToken, Scope

BEGINS = "pw_"
"""Every token begins so: programs that look for leaked secrets know it."""
LONGEST = timedelta(days=365)
MOST = 50
"""Tokens that one person can have at a time."""
NOTED_EVERY = timedelta(minutes=1)
TITLE = r"[^\x00-\x1f\x7f]{1,100}"
ALLOWED: Mapping[str, frozenset[Needs]] = {
    Scope.READ: frozenset({Needs.READ}),
    Scope.ACT: frozenset({Needs.READ, Needs.ACT}),
    Scope.ADMINISTER: frozenset(Needs),
}
"""What each scope allows at most; the role of its person is the other limit."""


def make(
    person: Person, title: str, scope: str, expires: datetime, *, actor: str, now: datetime
) -> tuple[ApiToken, str]:
    """Make a token for oneself; return its row, and the token itself, which nobody can read again.

    Args:
        person: whose name it acts in.
        title: what it is for; stands beside what it does.
        scope: read, act or administer.
        expires: its end, at most a year away.
        actor: who asks; the person.
        now: the time.

    Raises:
        AlertError: one of these cannot be used, or the person may not come in any more.
    """
    doing = "making a token"
    title = title.strip()
    if actor != person.name:
        raise AlertError(
            doing, f"{actor} cannot make one that acts as {person.name}", "everybody makes theirs"
        )
    if why := access.barred(person, now):
        raise AlertError(doing, why.rstrip("."), "an administrator decides who may come in")
    if not re.fullmatch(TITLE, title):
        raise AlertError(doing, "it has no usable title", "say in 1 to 100 characters what it is for")
    if scope not in Scope.values:
        raise AlertError(doing, f"{scope!r} is no scope", f"known: {', '.join(Scope.values)}")
    if not access.may(person, strongest(scope)):
        raise AlertError(doing, f"{person.name} is {person.role} and may not {scope}", "choose less")
    if not now < expires <= now + LONGEST:
        raise AlertError(doing, "its end must lie within a year", "make a new one then")
    secret = BEGINS + secrets.token_urlsafe(32)
    with write(doing):
        log.lock()
        live = ApiToken.objects.filter(person=person, revoked_at=None, expires_at__gt=now)
        if live.count() >= MOST:
            raise AlertError(doing, f"{person.name} has {MOST} already", "revoke those that nobody needs")
        if live.filter(title=title).exists():
            raise AlertError(doing, f"there is one called {title!r} already", "give it another title")
        row: ApiToken = ApiToken.objects.create(
            person=person, title=title, sha256=_hash(secret), scope=scope, made_by=actor, made_at=now,
            expires_at=expires,
        )  # fmt: skip
        data = {**_named(row), "scope": scope, "expires_at": log.text(expires)}
        log.append("token.made", actor, data, now)
    return row, secret


def revoke(token_id: str, *, actor: str, now: datetime) -> ApiToken:
    """End a token at once: one's own, or, as an owner, anybody's.

    Raises:
        StoreError: there is no such token, or it is somebody else's.
        AlertError: it has ended already.
    """
    doing = "revoking a token"
    with write(doing):
        log.lock()
        row = _get(token_id)
        asking = Person.objects.filter(pk=actor).first()
        owner = asking is not None and asking.active and asking.role == Role.OWNER
        if row.person_id != actor and not owner:
            raise _none()  # Whose tokens there are is nobody else's business.
        if row.revoked_at is not None:
            raise AlertError(doing, f"it was revoked at {log.text(row.revoked_at)} already")
        row.revoked_at, row.revoked_by = now, actor
        row.save()
        log.append("token.revoked", actor, _named(row), now)
    return row


def find(secret: str, now: datetime) -> ApiToken | None:
    """Return the token that a program sent, with its person, if it still works; else None."""
    if not secret.startswith(BEGINS) or len(secret) > 100:
        return None
    with guarded("looking for a token"):
        rows = ApiToken.objects.select_related("person").filter(revoked_at=None, expires_at__gt=now)
        found: ApiToken | None = rows.filter(sha256=_hash(secret)).first()
    return found


def note_use(row: ApiToken, now: datetime) -> None:
    """Keep when a token was used last, to the minute. Reading goes on while the state cannot be written."""
    if row.used_at is not None and now - row.used_at < NOTED_EVERY:
        return
    try:
        with guarded("noting the use of a token"):
            ApiToken.objects.filter(pk=row.pk).update(used_at=now)
    except StoreError as error:
        if error.permanent:
            raise


def strongest(scope: str) -> Needs:
    """Return what a scope is named after."""
    return Needs(scope)


def state_of(row: ApiToken, now: datetime) -> str:
    """Return how a token stands: enabled, expired or revoked."""
    if row.revoked_at is not None:
        return "revoked"
    return "enabled" if row.expires_at > now else "expired"


def _get(token_id: str) -> ApiToken:
    try:
        key = uuid.UUID(token_id)
    except ValueError:
        raise _none() from None
    row: ApiToken | None = ApiToken.objects.filter(pk=key).first()
    if row is None:
        raise _none()
    return row


def _none() -> Missing:
    return Missing("looking for a token", "there is none", "Settings list your tokens")


def _named(row: ApiToken) -> dict[str, str]:
    return {"person": row.person_id, "token": row.title, "id": str(row.pk)}


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
