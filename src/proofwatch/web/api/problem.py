"""Errors of the API, as RFC 9457 writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from pydantic import BaseModel, Field

MEDIA = "application/problem+json"
MOST_ERRORS = 20


class Wrong(BaseModel):
    """One value of a request that cannot be used."""

    where: str = Field(description="Where it stands: `body.reason`, `query.size`.")
    problem: str


class Problem(BaseModel):
    """Why a request was not answered as asked."""

    type: str = Field(description="Always about:blank: the status says which kind of problem it is.")
    title: str = Field(description="The status in words.")
    status: int = Field(ge=400, le=599)
    detail: str = Field(description="What is wrong.")
    instance: str = Field(description="Names the request; the server's log has it under the same id.")
    remedy: str | None = Field(default=None, description="What can be done about it.")
    errors: list[Wrong] | None = None


def answer(
    request: HttpRequest,
    status: int,
    detail: str,
    remedy: str = "",
    *,
    errors: Sequence[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """Return an error."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": f"urn:proofwatch:request:{getattr(request, 'id', '')}",
    }
    if remedy:
        body["remedy"] = remedy
    if errors:
        body["errors"] = list(errors)[:MOST_ERRORS]
    return HttpResponse(json.dumps(body), status=status, content_type=MEDIA, headers=headers)
