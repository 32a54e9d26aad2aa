"""Who may act: every human step names one of these people, with the role that they had then."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from proofwatch.alerts.base import AlertError
from proofwatch.store import log
from proofwatch.store.django import guarded, write
from proofwatch.store.models import Person
from proofwatch.store.models.people import Role
from proofwatch.store.services.actors import ADMINISTERING, administering
from proofwatch.store.services.naming import unknown

ACTING = (Role.OWNER, Role.LEAD, Role.RESPONDER)
"""Roles that may change something; an auditor reads."""
NAME = r"[a-z0-9][a-z0-9._-]{0,59}"
LIMITS = ("access_until", "period_from", "period_to")
EMAIL = r"[^@\s,;<>\"]+@[^@\s,;<>\"]+"


def every() -> list[Person]:
    """Return the people, by name."""
    with guarded("listing the people"):
        return list(Person.objects.order_by("name"))


def add(
    name: str,
    *,
    actor: str,
    now: datetime,
    role: str | None = None,
    full_name: str | None = None,
    email: str | None = None,
    zone: str | None = None,
    handles: Mapping[str, str] | None = None,
) -> Person:
    """Add a person (a responder in UTC unless said otherwise), or change what is given of one.

    `handles` are joined with those that are known; an empty one is removed.

    Raises:
        AlertError: the name, address, role or time zone cannot be used.
        StoreError: who asks may not change this.
    """
    doing = f"adding {name}"
    administering(actor, doing)
    if not re.fullmatch(NAME, name):
        raise AlertError(doing, f"{name!r} cannot be a name", "use lower-case letters, digits, . _ and -")
    given = {"role": role, "full_name": full_name, "email": email, "zone": zone}
    values: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    _check(doing, values)
    with write(doing):
        log.lock()
        known = Person.objects.filter(pk=name).first()
        person: Person = known or Person(name=name, created_at=now, role=Role.RESPONDER, zone="UTC")
        if handles is not None:
            joined = {**person.handles, **{key: str(value) for key, value in handles.items()}}
            values["handles"] = {key: value for key, value in joined.items() if value}
        before = {key: getattr(known, key) for key in values} if known else None
        for key, value in values.items():
            setattr(person, key, value)
        person.save(force_insert=known is None)
        # The log outlives people's addresses: it says that there is one, and not which.
        data = {"person": name, "before": _told(before) if before is not None else None}
        log.append("person.changed", actor, {**data, "after": _told({"role": person.role, **values})}, now)
    return person


def limit(name: str, *, actor: str, now: datetime, **given: datetime | date | None) -> Person:
    """Change until when a person may come in, and which days they look at; what is given only.

    Args:
        name: the person's.
        actor: who decides.
        now: the time.
        given: any of access_until (a moment), period_from, period_to (days); None takes the limit away.

    Raises:
        AlertError: the days end before they begin, or nobody would be left who may decide.
        StoreError: there is no such person, or who asks may not change this.
    """
    doing = f"limiting the access of {name}"
    administering(actor, doing)
    if wrong := sorted(set(given) - set(LIMITS)):
        raise AlertError(doing, f"{wrong[0]!r} is no limit", f"known: {', '.join(LIMITS)}")
    with write(doing):
        log.lock()
        person: Person | None = Person.objects.filter(pk=name).first()
        if person is None:
            raise unknown(doing, "person", name, Person.objects.values_list("name", flat=True))
        before = {key: getattr(person, key) for key in given}
        if before == given:
            return person
        for key, value in given.items():
            setattr(person, key, value)
        if person.period_from and person.period_to and person.period_to < person.period_from:
            raise AlertError(doing, "the days end before they begin", "change one of them")
        staying = Person.objects.filter(active=True, access_until=None, role__in=ADMINISTERING)
        if person.access_until and person.role in ADMINISTERING and not staying.exclude(pk=name).exists():
            raise AlertError(doing, "nobody would be left who may decide", "add another owner or lead first")
        person.save()
        data = {"person": name, "before": _days(before), "after": _days(given)}
        log.append("person.changed", actor, data, now)
    return person


def _days(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: log.text(value) if isinstance(value, datetime) else value.isoformat() if value else None
        for key, value in values.items()
    }


def switch(name: str, active: bool, *, actor: str, now: datetime, reason: str) -> Person:
    """Let a person act no more, or again. What they did stays theirs; their tasks need another owner.

    Raises:
        AlertError: there is no reason, or nobody would be left who may decide.
        StoreError: there is no such person, or who asks may not change this.
    """
    doing = f"{'activating' if active else 'deactivating'} {name}"
    administering(actor, doing)
    if not reason.strip():
        raise AlertError(doing, "a decision needs a reason", "say why")
    with write(doing):
        log.lock()
        person: Person | None = Person.objects.filter(pk=name).first()
        if person is None:
            raise unknown(doing, "person", name, Person.objects.values_list("name", flat=True))
        others = Person.objects.filter(active=True, role__in=ADMINISTERING).exclude(pk=name)
        if not active and person.role in ADMINISTERING and not others.exists():
            raise AlertError(doing, "nobody would be left who may decide", "add another owner or lead first")
        before, person.active = person.active, active
        person.save()
        data = {"person": name, "before": {"active": before}, "after": {"active": active}}
        log.append("person.changed", actor, {**data, "reason": reason.strip()}, now)
    return person


def _check(doing: str, values: Mapping[str, Any]) -> None:
    role, email, zone = (values.get(key, "") for key in ("role", "email", "zone"))
    if role and role not in Role.values:
        raise AlertError(doing, f"{role!r} is no role", f"known: {', '.join(Role.values)}")
    if email and not re.fullmatch(EMAIL, email):
        raise AlertError(doing, f"{email!r} is no e-mail address", "write it as ana@example.com")
    try:
        ZoneInfo(zone or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise AlertError(doing, f"{zone!r} is no time zone", "write it as Europe/Berlin") from None


def _told(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: bool(value) if key == "email" else value for key, value in values.items()}


def reading(name: str, doing: str) -> Person:
    """Return the person who looks, in whatever role. Raises StoreError or AlertError as `acting` does."""
    person: Person | None
    with guarded(doing):
        person = Person.objects.filter(pk=name).first()
    if person is None:
        error = unknown(doing, "person", name, Person.objects.values_list("name", flat=True))
        error.remedy += "; name who acts with --by, and add them with `proofwatch people add`"
        raise error
    if not person.active:
        raise AlertError(doing, f"{name} is no longer active", "somebody else has to act")
    return person


def acting(name: str, doing: str) -> Person:
    """Return the person who acts.

    Raises:
        StoreError: nobody is called so.
        AlertError: their role only reads, or they left.
    """
    person = reading(name, doing)
    if person.role not in ACTING:
        raise AlertError(
            doing, f"{name} is {person.role} and may only read", "an owner, lead or responder acts"
        )
    return person
