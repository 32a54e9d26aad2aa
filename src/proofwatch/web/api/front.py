"""Around every operation: HEAD, methods that do not exist, and what is left of the rate."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern

from proofwatch.web.api import problem

View = Callable[..., HttpResponse]


def before(pattern: URLPattern) -> URLPattern:
    """Put this in front of the view of a URL."""
    view: View = pattern.callback

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **given: Any) -> HttpResponse:
        head = request.method == "HEAD"
        if head:
            request.method = "GET"
        answer = view(request, *args, **given)
        if answer.status_code == 405 and answer["Content-Type"] != problem.MEDIA:
            allowed = answer["Allow"]
            said = f"{request.method} is not known here."
            answer = problem.answer(
                request, 405, said, f"Use {allowed.replace(', ', ' or ')}.", headers={"Allow": allowed}
            )
        if head:
            request.method = "HEAD"
            answer["Content-Length"] = str(len(answer.content))
            answer.content = b""
        left = getattr(request, "rate", None)
        for name, value in left.headers().items() if left else ():
            answer[name] = value
        return answer

    # Forms of other sites are kept out by the guard, which knows whether a session or a token asks.
    guarded.csrf_exempt = True  # type: ignore[attr-defined]
    pattern.callback = guarded
    return pattern


def unknown(request: HttpRequest, rest: str = "") -> HttpResponse:
    """Answer an address that is none."""
    return problem.answer(request, 404, "This address leads nowhere.", "/api/v1/openapi.json names all.")


unknown.csrf_exempt = True  # type: ignore[attr-defined]
