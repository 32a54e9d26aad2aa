"""Answers as JSON, each with a tag that tells whether it is still the same."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse

from proofwatch.store import log

Body = Mapping[str, Any]


def encode(body: Any) -> str:
    """Return JSON; times are RFC 3339 in UTC."""
    return json.dumps(body, default=_plain, separators=(",", ":"), allow_nan=False)


def tag(body: Body) -> str:
    """Return the ETag of a body: of what it says, not of when it was asked, nor of who looked at it."""
    said = {key: value for key, value in body.items() if key != "as_of"}
    if isinstance(said.get("events"), list):
        said["events"] = [item for item in said["events"] if item["kind"] != "viewed"]
    return f'"{hashlib.sha256(encode(said).encode()).hexdigest()[:40]}"'


def send(request: HttpRequest, body: Body, status: int = 200) -> HttpResponse:
    """Return a body; or 304 if the caller has the same already."""
    made = tag(body)
    if request.method == "GET" and matches(request.headers.get("If-None-Match", ""), made):
        answer = HttpResponse(status=304)
    else:
        answer = HttpResponse(encode(body), status=status, content_type="application/json")
    answer["ETag"] = made
    answer["Cache-Control"] = "private, no-cache"
    answer["Vary"] = "Authorization, Cookie"
    return answer


def matches(header: str, made: str) -> bool:
    """Tell whether a header names a tag. Weak ones count: compression on the way makes tags weak."""
    return header.strip() == "*" or made in re.findall(r'"[^"]*"', header)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return log.text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, tuple | set | frozenset):
        return sorted(value) if isinstance(value, set | frozenset) else list(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
