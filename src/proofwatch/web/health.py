"""What machines ask: is it alive, is it ready, what does it measure."""

from __future__ import annotations

import hmac
import os
from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse, JsonResponse

from proofwatch.store import django as store
from proofwatch.store.base import StoreError
from proofwatch.web import metrics as measured

LOCAL = frozenset({"127.0.0.1", "::1"})


def alive(request: HttpRequest) -> HttpResponse:
    """Answer that this process runs."""
    return JsonResponse({"status": "ok"})


def ready(request: HttpRequest) -> HttpResponse:
    """Answer whether the state can be reached and has the right schema."""
    try:
        store.check()
    except StoreError:
        return JsonResponse({"status": "the state cannot be used"}, status=503)
    return JsonResponse({"status": "ok"})


def metrics(request: HttpRequest) -> HttpResponse:
    """Answer the measurements: on this machine, or with the token in PROOFWATCH_METRICS_TOKEN."""
    token = os.environ.get("PROOFWATCH_METRICS_TOKEN", "")
    said = request.headers.get("Authorization", "").removeprefix("Bearer ")
    forwarded = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
    known = bool(token) and hmac.compare_digest(said.encode(), token.encode())
    if not known and (token or forwarded or request.META.get("REMOTE_ADDR") not in LOCAL):
        return JsonResponse({"error": "give the token of PROOFWATCH_METRICS_TOKEN"}, status=401)
    return HttpResponse(
        measured.text(datetime.now(UTC)), content_type="text/plain; version=0.0.4; charset=utf-8"
    )
