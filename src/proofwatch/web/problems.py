"""Errors as people see them: what was being done, what is wrong, what to do. A page or a fragment."""

from __future__ import annotations

import sys
from typing import Any

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from proofwatch.errors import ProofwatchError
from proofwatch.store.base import Missing, StoreError
from proofwatch.web.api import problem as api_problem

AWAY = "The state cannot be reached now. Try again in a minute."
TITLES = {
    400: "This cannot be done",
    403: "You may not do this",
    404: "There is nothing here",
    409: "Somebody was faster",
    422: "This cannot be used",
    429: "Too many requests",
    500: "Something is broken",
    503: "Not available now",
}


def show(request: HttpRequest, status: int, problem: str, remedy: str = "") -> HttpResponse:
    """Return an error as a whole page, as a fragment for htmx, or as JSON for the API."""
    if request.path.startswith("/api/"):
        return api_problem.answer(request, status, problem, remedy)
    values = {"title": TITLES.get(status, "This did not work"), "problem": problem, "remedy": remedy}
    name = "parts/problem.html" if request.headers.get("HX-Request") else "pages/problem.html"
    response = render(request, name, values, status=status)
    if request.headers.get("HX-Request"):
        response["HX-Retarget"], response["HX-Reswap"] = "#problem", "innerHTML"
    return response


def status_of(error: ProofwatchError) -> int:
    """Return the HTTP status of an error of ours."""
    if isinstance(error, StoreError) and not error.permanent:
        return 503
    if isinstance(error, Missing):
        return 404
    return 400


def of_error(request: HttpRequest, error: ProofwatchError) -> HttpResponse:
    """Return an error of ours, in its own words."""
    doing = error.doing[:1].upper() + error.doing[1:]
    return show(request, status_of(error), f"{doing}: {error.problem}.", error.remedy or "")


def csrf(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form whose token is missing or old."""
    return show(
        request, 403, "This form is too old or came from another site.", "Load the page again and repeat it."
    )


def not_found(request: HttpRequest, exception: Any = None) -> HttpResponse:
    """Answer an address that leads nowhere."""
    return show(request, 404, "This address leads nowhere.", "Go on from the navigation.")


def broken(request: HttpRequest) -> HttpResponse:
    """Answer when even the frame of a page cannot be made, or nobody can say who asks."""
    error = sys.exc_info()[1]
    if isinstance(error, DatabaseError) or (isinstance(error, StoreError) and not error.permanent):
        answer = HttpResponse(f"{AWAY}\n", status=503, content_type="text/plain")
        answer["Retry-After"] = "10"
        return answer
    return HttpResponse(
        "Proofwatch made a mistake; its log says more.", status=500, content_type="text/plain"
    )
