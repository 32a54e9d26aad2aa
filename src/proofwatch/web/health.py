"""What machines ask: is it alive, is it ready, what does it measure."""

from __future__ import annotations

import hmac
import os
from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import split_domain_port

from proofwatch.outbound.secrets import reveal
from proofwatch.store import django as store
from proofwatch.store.base import StoreError
from proofwatch.web import metrics as measured
from proofwatch.web.context import installation

LOCAL = frozenset({"127.0.0.1", "::1"})
LOCAL_NAMES = frozenset({"127.0.0.1", "[::1]", "localhost"})


def alive(request: HttpRequest) -> HttpResponse:
    """Answer that this process runs."""
    return JsonResponse({"status": "ok"})


def ready(request: HttpRequest) -> HttpResponse:
    """Answer whether the state can be reached and has our schema, or a newer one during an update."""
    try:
        store.check(running=True)
    except StoreError:
        return JsonResponse({"status": "the state cannot be used"}, status=503)
    return JsonResponse({"status": "ok"})


def metrics(request: HttpRequest) -> HttpResponse:
    """Answer the measurements: on this machine, or with the token in PROOFWATCH_METRICS_TOKEN."""
    token = metrics_token()
    said = request.headers.get("Authorization", "").removeprefix("Bearer ")
    known = bool(token) and hmac.compare_digest(said.encode(), token.encode())
    if not known and (token or not _from_here(request)):
        return JsonResponse({"error": "give the token of PROOFWATCH_METRICS_TOKEN"}, status=401)
    told = measured.text(datetime.now(UTC), str(installation().settings.home))
    return HttpResponse(told, content_type="text/plain; version=0.0.4; charset=utf-8")


def _from_here(request: HttpRequest) -> bool:
    """Tell whether this machine asks, and not somebody elsewhere through a proxy that stands on it.

    The server strips what a proxy says of whom it asks for, so the name that was asked for is looked at.
    """
    name, _ = split_domain_port(request.get_host())
    through = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
    return request.META.get("REMOTE_ADDR") in LOCAL and name in LOCAL_NAMES and not through


def metrics_token() -> str:
    """Return the token that `/metrics` asks for; "" where only this machine is told.

    Raises:
        SecretError: the file that it stands in cannot be read. Nobody is told anything then.
    """
    said = os.environ.get("PROOFWATCH_METRICS_TOKEN", "")
    return reveal(said, "reading PROOFWATCH_METRICS_TOKEN") if said.startswith("file:") else said
