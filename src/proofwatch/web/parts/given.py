"""What people send with forms: texts, moments, and whether somebody else did something meanwhile."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from proofwatch.errors import ProofwatchError

if TYPE_CHECKING:
    from django.http import HttpRequest

UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class GivenError(ProofwatchError):
    """What was typed cannot be read."""


def text(request: HttpRequest, name: str) -> str:
    """Return what was typed into a field, without spaces around it; "" for nothing."""
    return request.POST.get(name, "").replace("\0", "").strip()


def moment(request: HttpRequest, name: str, doing: str) -> datetime:
    """Return a moment from a field: `4h`, `30d`, `2026-12-01` or `2026-12-01T09:00Z`, always in UTC.

    Raises:
        GivenError: it is none of these.
    """
    said = text(request, name)
    span = re.fullmatch(r"([0-9]{1,5})\s*([mhd])", said)
    try:
        if span:
            return request.now + timedelta(**{UNITS[span[2]]: int(span[1])})
        found = datetime.fromisoformat(said)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        problem = f"{said!r} is no time" if said else "there is no end"
        raise GivenError(doing, problem, "write 4h, 30d or 2026-12-01") from None


def typed(request: HttpRequest) -> dict[str, Mapping[str, Any]]:
    """Return form → field → what was typed into it: sent just now, or before a session expired."""
    said = request.POST.dict() if request.method == "POST" else dict(request.kept)
    return {str(said.get("do", "")): said}


def meanwhile(request: HttpRequest, happened: Sequence[Any]) -> list[Any]:
    """Return what others did since the page was made that a form stands on; looking is not doing.

    Args:
        request: its field `seen` holds how much had happened then.
        happened: everything that ever happened, oldest first; each has `kind` and `actor`.
    """
    said = request.POST.get("seen", "")
    seen = int(said) if said.isascii() and said.isdigit() and len(said) < 9 else 0
    mine = request.person.name
    return [item for item in happened[seen:] if item.kind != "viewed" and item.actor != mine]


def day_given(request: HttpRequest, name: str, doing: str) -> date:
    """Return a day from a field, as 2026-12-01.

    Raises:
        GivenError: it is none.
    """
    said = text(request, name)
    try:
        return date.fromisoformat(said)
    except ValueError:
        problem = f"{said[:20]!r} is no day" if said else "a day is missing"
        raise GivenError(doing, problem, "write it as 2026-12-01") from None
