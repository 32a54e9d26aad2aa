"""Who may open what. A page that does not say what it needs is shown to nobody."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from functools import wraps
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.urls import path

from proofwatch.store.models.people import Role

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse
    from django.urls import URLPattern

    from proofwatch.store.models import Person

View = Callable[..., Any]


class Needs(StrEnum):
    """What a person must be allowed to."""

    READ = "read"
    """Look and export."""
    ACT = "act"
    """Acknowledge, review, repair, upload."""
    ADMINISTER = "administer"
    """Change what is watched and who is told."""
    OWN = "own"
    """Decide who may sign in, and with what."""


ALLOWED: Mapping[str, frozenset[Needs]] = {
    Role.OWNER: frozenset(Needs),
    Role.LEAD: frozenset({Needs.READ, Needs.ACT, Needs.ADMINISTER}),
    Role.RESPONDER: frozenset({Needs.READ, Needs.ACT}),
    Role.AUDITOR: frozenset({Needs.READ}),
}
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def may(person: Person, need: Needs) -> bool:
    """Tell whether a person's role allows something."""
    return need in ALLOWED.get(person.role, frozenset())


def barred(person: Person, now: datetime) -> str:
    """Return why a person may not come in at all, or ""."""
    if not person.active:
        return f"{person.name} is no longer active."
    if person.access_until is not None and person.access_until <= now:
        return f"The access of {person.name} ended at {person.access_until:%Y-%m-%d %H:%M}Z."
    return ""


def at(
    route: str, view: View, name: str, *, read: Needs = Needs.READ, write: Needs | None = None
) -> URLPattern:
    """Return a URL of a page.

    Args:
        route: as in Django's `path`.
        view: takes the request, with `person` and `now` set by the middleware.
        name: of the URL; its beginning says which place of the navigation it belongs to.
        read: what looking needs.
        write: what sending a form needs; None: the page takes no form.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **given: Any) -> HttpResponse:
        need = read if request.method in SAFE else write
        if need is None:
            from django.http import HttpResponseNotAllowed

            return HttpResponseNotAllowed(sorted(SAFE))
        person = request.person
        if not may(person, need):
            raise PermissionDenied(f"{person.name} is {person.role}: this needs somebody who may {need}.")
        return view(request, *args, **given)

    guarded.needs = (read, write)  # type: ignore[attr-defined]
    return path(route, guarded, name=name)
