"""Who may act: every human step names one of these people, with the role that they had then."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from proofwatch.alerts.base import AlertError
from proofwatch.store import log
from proofwatch.store.django import guarded, write
from proofwatch.store.models import Person
from proofwatch.store.models.people import Role
from proofwatch.store.services.naming import unknown

ACTING = (Role.OWNER, Role.LEAD, Role.RESPONDER)
"""Roles that may change something; an auditor reads."""
NAME = r"[a-z0-9][a-z0-9._-]{0,59}"
EMAIL = r"[^@\s,;<>\"]+@[^@\s,;<>\"]+"


def every() -> list[Person]:
    """Return the people, by name."""
    with guarded("listing the people"):
        return list(Person.objects.order_by("name"))


def add(
    name: str,
    *,
    role: str,
    actor: str,
    now: datetime,
    full_name: str = "",
    email: str = "",
    zone: str = "UTC",
    handles: Mapping[str, str] | None = None,
) -> Person:
    """Add a person, or change one of that name.

    Raises:
        AlertError: the name, address, role or time zone cannot be used.
    """
    doing = f"adding {name}"
    if not re.fullmatch(NAME, name):
        raise AlertError(doing, f"{name!r} cannot be a name", "use lower-case letters, digits, . _ and -")
    if role not in Role.values:
        raise AlertError(doing, f"{role!r} is no role", f"known: {', '.join(Role.values)}")
    if email and not re.fullmatch(EMAIL, email):
        raise AlertError(doing, f"{email!r} is no e-mail address", "write it as ana@example.com")
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise AlertError(doing, f"{zone!r} is no time zone", "write it as Europe/Berlin") from None
    values: dict[str, Any] = {"role": role, "full_name": full_name, "email": email, "zone": zone}
    if handles is not None:
        values["handles"] = {key: str(value) for key, value in handles.items()}
    with write(doing):
        log.lock()
        known = Person.objects.filter(pk=name).first()
        before = {key: getattr(known, key) for key in values} if known else None
        person: Person = known or Person(name=name, created_at=now)
        for key, value in values.items():
            setattr(person, key, value)
        person.save(force_insert=known is None)
        # The log outlives people's addresses: it says that there is one, and not which.
        told = {**values, "email": bool(email)}
        data = {"person": name, "before": {**before, "email": bool(before["email"])} if before else None}
        log.append("person.changed", actor, {**data, "after": told}, now)
    return person


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
