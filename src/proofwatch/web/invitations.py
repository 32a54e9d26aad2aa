"""Links by which a person chooses, once, how they sign in. Only the hash of a link is kept."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from proofwatch.alerts.base import AlertError
from proofwatch.store import log
from proofwatch.store.django import write
from proofwatch.store.models import Person
from proofwatch.store.models.people import Role
from proofwatch.store.services.naming import unknown
from proofwatch.web.models import Invitation, User
from proofwatch.web.sign_in import account_of

LASTS = timedelta(days=3)
DOING = "accepting an invitation"


def invite(name: str, *, actor: str, now: datetime) -> str:
    """Make a link's secret for a person; earlier ones that were not used end. Only an owner invites.

    Raises:
        StoreError: there is no such person.
        AlertError: they left, or who asks may not.
    """
    doing = f"inviting {name}"
    _owner(actor, doing)
    person = Person.objects.filter(pk=name).first()
    if person is None:
        raise unknown(doing, "person", name, Person.objects.values_list("name", flat=True))
    if not person.active:
        raise AlertError(doing, f"{name} is no longer active", "activate them first")
    token = secrets.token_urlsafe(32)
    with write(doing):
        Invitation.objects.filter(person=person, used_at=None, expires_at__gt=now).update(expires_at=now)
        Invitation.objects.create(
            person=person, sha256=_hash(token), made_by=actor, made_at=now, expires_at=now + LASTS
        )
        log.append("person.invited", actor, {"person": name, "role": person.role}, now)
    return token


def open_link(token: str, now: datetime) -> Invitation:
    """Return the invitation of a link. Raises AlertError if it is none, was used, or is too old."""
    found = Invitation.objects.filter(sha256=_hash(token)).select_related("person").first()
    if found is None or found.used_at is not None or found.expires_at <= now or not found.person.active:
        raise AlertError(
            DOING, "this link was used already, or is too old", "Ask an administrator for a new one"
        )
    return found


def accept(token: str, password: str, now: datetime) -> User:
    """Set the password of the person whom a link invites, and end the link.

    Raises:
        AlertError: the link does not work, or the password is too weak.
    """
    with write(DOING):
        log.lock()  # Two who open the same link at once: one of them is too late.
        invitation = open_link(token, now)
        user = account_of(invitation.person)
        try:
            validate_password(password, user)
        except ValidationError as error:
            raise AlertError(DOING, " ".join(error.messages), "choose a longer one") from None
        user.set_password(password)
        user.is_active = True
        user.save()
        invitation.used_at = now
        invitation.save()
        log.append("person.joined", invitation.person.name, {"person": invitation.person.name}, now)
    return user


def first_link(now: datetime) -> tuple[str, str] | None:
    """Return (person, secret) for the first administrator while nobody can sign in yet; else None."""
    if User.objects.exists():
        return None
    owner = Person.objects.filter(role=Role.OWNER, active=True).order_by("created_at").first()
    if owner is None:
        with write("naming the first administrator"):
            owner = Person.objects.create(name="admin", role=Role.OWNER, created_at=now)
            data = {"person": "admin", "before": None, "after": {"role": Role.OWNER}}
            log.append("person.changed", "setup", data, now)
    return owner.name, invite(owner.name, actor="setup", now=now)


def _owner(actor: str, doing: str) -> None:
    person = Person.objects.filter(pk=actor).first()
    if person is not None and (person.role != Role.OWNER or not person.active):
        raise AlertError(doing, f"{actor} may not decide who signs in", "an administrator (owner) does")


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
