"""One WSGI application: web hooks by what hears them, everything else by Django."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from proofwatch.app import App
from proofwatch.web import context, metrics
from proofwatch.web.health import metrics_token
from proofwatch.web.hooks import Hooks

PLACES = ("/hooks/", "/slack/", "/trackers/")
PROBES = ("/healthz", "/readyz")


def application(app: App, threads: int = 0) -> metrics.Application:
    """Return the application that serves an installation; its state is open already.

    Args:
        app: the installation.
        threads: how many requests are answered at once, for the measurements; 0 where no server asks.
    """
    from django.core.handlers.wsgi import WSGIHandler

    context.serve(app)
    _warm(app)
    if threads:
        metrics.THREADS.set(threads)
    hooks, pages = Hooks(app.client), WSGIHandler()

    def serve(environ: Mapping[str, Any], start: Any) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        with metrics.busy():
            if path.startswith(PLACES):
                return _counted(hooks, environ, start)
            return pages(_by_any_name(environ) if _is_for_machines(path) else environ, start)

    return serve


def _is_for_machines(path: str) -> bool:
    """Tell whether a place may be asked by any name, as probes do, which know a container's address only.

    `/metrics` only with a token: without one it trusts this machine, and so the name must be this machine's,
    or a page elsewhere could make a browser here ask for it.
    """
    return path in PROBES or (path == "/metrics" and bool(metrics_token()))


def _by_any_name(environ: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**environ, "HTTP_HOST": "localhost"}


def _counted(hooks: Hooks, environ: Mapping[str, Any], start: Any) -> Iterable[bytes]:
    """Let web hooks answer, and measure that like every page; of the address, only its first part is told."""
    began, said = time.perf_counter(), [500]

    def starting(status: str, headers: list[tuple[str, str]]) -> Any:
        said[0] = int(status[:3])
        return start(status, headers)

    try:
        return hooks(environ, starting)
    finally:
        route = environ["PATH_INFO"].split("/")[1]
        metrics.answered(environ.get("REQUEST_METHOD"), route, said[0], time.perf_counter() - began)


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
