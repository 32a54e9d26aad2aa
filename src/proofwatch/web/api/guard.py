"""Who asks, whether they may, and how often. An operation that names no need is for owners only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from ninja.utils import check_csrf

from proofwatch.store.models import Person
from proofwatch.web import access, tokens
from proofwatch.web.access import SAFE, Needs
from proofwatch.web.api.limits import Window

MOST_PER_MINUTE = 600
JSON = "application/json"
window = Window(MOST_PER_MINUTE)


class Refused(Exception):
    """A request that is not let in, with the status and headers that say so."""

    def __init__(
        self, status: int, detail: str, remedy: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.remedy, self.headers = status, detail, remedy, headers or {}


class Guard:
    """What both ways in have in common.

    Args:
        need: what the operation needs.
    """

    def __init__(self, need: Needs) -> None:
        self.need = need

    def admit(self, request: HttpRequest, person: Person, key: str) -> Person:
        """Let a person pass who is known by now. Raises Refused."""
        left = window.take(key)
        request.rate = left
        if not left.allowed:
            raise Refused(
                429, f"More than {left.most} requests in a minute.", "Wait as long as Retry-After says."
            )
        if not access.may(person, self.need):
            why = f"{person.name} is {person.role}: this needs somebody who may {self.need}."
            raise Refused(403, why)
        if request.method not in SAFE and request.META.get("CONTENT_LENGTH") not in (None, "", "0"):
            said = request.content_type
            if said != JSON:
                raise Refused(415, f"The body is {said or 'of no type'}, not {JSON}.", f"Send {JSON}.")
        return person


class Token(Guard):
    """`Authorization: Bearer pw_…`: a program, in the name of the person who made its token."""

    openapi_security_schema: Mapping[str, str] = {
        "type": "http",
        "scheme": "bearer",
        "description": "A token from Settings, My account. It may do what its scope and its person may.",
    }

    def __call__(self, request: HttpRequest) -> Person | None:
        """Return the person; None if no token was sent. Raises Refused."""
        said = request.headers.get("Authorization")
        if said is None:
            return None
        kind, _, secret = said.partition(" ")
        row = tokens.find(secret.strip(), request.now) if kind.lower() == "bearer" else None
        if row is None:
            raise Refused(
                401, "This token is unknown, has expired or was revoked.", "Make one under Settings.",
                {"WWW-Authenticate": 'Bearer error="invalid_token"'},
            )  # fmt: skip
        if why := access.barred(row.person, request.now):
            raise Refused(403, why)
        request.person, request.token = row.person, row
        person = self.admit(request, row.person, f"token {row.pk}")
        if self.need not in tokens.ALLOWED[row.scope]:
            raise Refused(
                403, f"The token {row.title!r} may {row.scope}: this needs one that may {self.need}."
            )
        tokens.note_use(row, request.now)
        return person


class Session(Guard):
    """The session of the pages; a change needs the token of their forms, too."""

    @property
    def openapi_security_schema(self) -> Mapping[str, str]:
        """Describe it."""
        about = "The session of the pages. A change also needs the header X-CSRFToken."
        return {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME, "description": about}

    def __call__(self, request: HttpRequest) -> Person | None:
        """Return the person; None if nobody is signed in. Raises Refused."""
        person: Person | None = request.person
        if person is None or "Authorization" in request.headers:
            return None
        if request.method not in SAFE and check_csrf(request) is not None:
            raise Refused(
                403, "The token of the pages' forms is missing.", "Send X-CSRFToken, or use a token."
            )
        return self.admit(request, person, f"person {person.name}")


def needs(need: Needs) -> Sequence[Any]:
    """Return the ways in to an operation."""
    return [Token(need), Session(need)]
