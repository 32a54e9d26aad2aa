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
    hooks, pages = Hooks(app.client), WSGIHandler()

    def serve(environ: Mapping[str, Any], start: Any) -> Iterable[bytes]:
        if environ.get("PATH_INFO", "").startswith(PLACES):
            return hooks(environ, start)
        return pages(environ, start)

    return serve
