"""One WSGI application: web hooks as before, everything else by Django."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from proofwatch.app import App
from proofwatch.web import context
from proofwatch.web.hooks import Hooks

PLACES = ("/hooks/", "/slack/", "/trackers/")


def application(app: App) -> Callable[[Mapping[str, Any], Any], Iterable[bytes]]:
    """Return the application that serves an installation; its state is open already."""
    from django.core.handlers.wsgi import WSGIHandler

    context.serve(app)
    _warm(app)
    hooks, pages = Hooks(app.client), WSGIHandler()

    def serve(environ: Mapping[str, Any], start: Any) -> Iterable[bytes]:
        if environ.get("PATH_INFO", "").startswith(PLACES):
            return hooks(environ, start)
        return pages(environ, start)

    return serve


def _warm(app: App) -> None:
    """Read what every page needs: the first visitor would wait a second for it."""
    from django.template.loader import get_template
    from django.urls import get_resolver

    from proofwatch.web import settings

    get_resolver().url_patterns  # noqa: B018 – imports every page
    folder = settings.HERE / "templates"
    for path in sorted(folder.rglob("*.html")):
        get_template(str(path.relative_to(folder)))
    _ = app.catalog, app.criteria
