"""The installation that this server serves, and what every page shows around its own."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from proofwatch.listings import catalogue
from proofwatch.web.access import Needs, may
from proofwatch.web.navigation import PLACES

if TYPE_CHECKING:
    from django.http import HttpRequest

    from proofwatch.app import App

_serving: list[App] = []


def serve(app: App) -> None:
    """Name the installation that the pages of this process are about."""
    _serving[:] = [app]
    catalogue.tell_from(lambda: app.catalog.checks)


def installation() -> App:
    """Return it."""
    return _serving[0]


def shell(request: HttpRequest) -> dict[str, Any]:
    """Return what the frame around every page needs (a template context processor)."""
    person = getattr(request, "person", None)
    return {
        "person": person,
        "now": getattr(request, "now", None) or datetime.now(UTC),
        "mark": installation().settings.mark if _serving else "",
        "places": PLACES if person else (),
        "here": getattr(getattr(request, "resolver_match", None), "url_name", "") or "",
        "may": {need.value: may(person, need) for need in Needs} if person else {},
        "kept": defaultdict(str, getattr(request, "kept", {})),
    }
