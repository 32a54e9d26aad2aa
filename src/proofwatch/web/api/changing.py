"""A change: one transaction with its entries, its condition, and the answer to the same request again."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse

from proofwatch.store import log
from proofwatch.store.django import write
from proofwatch.store.models import LogHead
from proofwatch.web.api.answers import matches, send, tag
from proofwatch.web.api.guard import Refused
from proofwatch.web.context import installation
from proofwatch.web.models import Idempotency

KEPT = timedelta(days=1)
"""How long the answer to a request with an Idempotency-Key is kept."""
KEY = r"[\x21-\x7e]{1,200}"
Body = dict[str, Any]


def change(
    request: HttpRequest,
    act: Callable[[], Any],
    body: Callable[[Any], Mapping[str, Any]],
    *,
    current: Callable[[], Mapping[str, Any]] | None = None,
    status: int = 200,
) -> HttpResponse:
    """Do something, and answer with what came of it.

    Whoever changes anything holds the log's lock, so two requests with one key come one after the other:
    the second finds the answer of the first. What was refused is not kept.

    Args:
        request: may name Idempotency-Key and If-Match.
        act: calls a service.
        body: makes the answer of what `act` returned, in the same transaction.
        current: makes the object as it stands before, where If-Match is known.
        status: of the answer.

    Raises:
        Refused: the condition does not hold, or the key belongs to another request.
        ProofwatchError: of the service.
    """
    key = request.headers.get("Idempotency-Key", "")
    if key and not re.fullmatch(KEY, key):
        raise Refused(400, "The Idempotency-Key is no key.", "Send 1 to 200 visible ASCII characters.")
    wanted = request.headers.get("If-Match", "")
    with write(f"answering {request.method} {request.path[:200]}"):
        head = log.lock()
        if key and (known := _answered(request, key)) is not None:
            answer = send(request, json.loads(known.body), known.status)
            answer["Idempotency-Replayed"] = "true"
            return answer
        if wanted and current is not None and not matches(wanted, tag(current())):
            raise Refused(412, "It has changed since you read it.", "Read it again, and decide anew.")
        done = act()
        _note_token(request, head.size)
        made = body(done)
        answer = send(request, made, status)
        if key:
            _keep(request, key, status, answer.content.decode())
    installation().sign()
    return answer


def _answered(request: HttpRequest, key: str) -> Idempotency | None:
    """Return the answer to the same request. Raises Refused if the key belongs to another one."""
    rows = Idempotency.objects.filter(actor=request.person.name, key=key)
    found: Idempotency | None = rows.filter(at__gt=request.now - KEPT).first()
    if found is not None and found.request != _digest(request):
        raise Refused(409, "This Idempotency-Key belongs to another request.", "Choose a new key.")
    return found


def _keep(request: HttpRequest, key: str, status: int, body: str) -> None:
    Idempotency.objects.filter(at__lte=request.now - KEPT).delete()
    Idempotency.objects.create(
        actor=request.person.name, key=key, request=_digest(request), status=status, body=body, at=request.now
    )


def _digest(request: HttpRequest) -> str:
    said = f"{request.method}\n{request.get_full_path()}\n".encode() + request.body
    return hashlib.sha256(said).hexdigest()


def _note_token(request: HttpRequest, before: int) -> None:
    """Write down that it was a program that asked: the entries before this one name its person only."""
    token = getattr(request, "token", None)
    after = LogHead.objects.values_list("size", flat=True).get(pk=1)
    if token is None or after == before:
        return
    data = {
        "person": request.person.name, "token": token.title, "id": str(token.pk),
        "request": f"{request.method} {request.path[:400]}", "first": before, "last": after - 1,
    }  # fmt: skip
    log.append("token.acted", request.person.name, data, request.now)
