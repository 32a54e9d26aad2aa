"""The API: its operations, its errors, and its description in OpenAPI 3.1."""

from __future__ import annotations

import json
from functools import cache
from http import HTTPStatus
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.urls import URLPattern, re_path
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.parser import Parser

from proofwatch import __version__
from proofwatch.errors import ProofwatchError
from proofwatch.web import problems
from proofwatch.web.access import Needs
from proofwatch.web.api import alerts, front, lists, objects, problem, setting
from proofwatch.web.api.guard import MOST_PER_MINUTE, Refused, needs
from proofwatch.web.api.router import router

PREFIX = "/api/v1/"
ABOUT = f"""Everything that the pages show and let people do.

Sign in with `Authorization: Bearer pw_…`; tokens are made under Settings, My account. At most
{MOST_PER_MINUTE} requests a minute for each token, counted by each server process for itself. Times are
RFC 3339 in UTC. Errors are application/problem+json (RFC 9457). Lists are paged: give `after` of one answer,
with the same filters and sort, to get the next page. A change may carry `Idempotency-Key`: the same request
with the same key within a day is answered from memory; and `If-Match`: it is refused with 412 if the object
changed since. Requests that an auditor makes are entries of the evidence log."""
DEEPEST = 40
logger = structlog.get_logger("proofwatch.web")


class Strict(Parser):
    """Reads JSON, and refuses what only Python takes for JSON, and what is nested without end."""

    def parse_body(self, request: HttpRequest) -> Any:
        """Return the body. Whatever is raised is a 400."""
        found = json.loads(request.body, parse_constant=_refuse)
        _measure(found, DEEPEST)
        return found


def _refuse(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


def _measure(value: Any, left: int) -> None:
    if left == 0:
        raise ValueError("it is nested too deeply")
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in inner:
        _measure(item, left - 1)


api = NinjaAPI(
    title="Proofwatch", version=__version__, description=ABOUT, auth=needs(Needs.OWN), docs_url=None,
    openapi_url=None, parser=Strict(), urls_namespace="api",
)  # fmt: skip
PARTS = (lists, alerts, setting, objects)
"""Modules whose operations stand in the router once they are imported."""
api.add_router("", router)


@api.get("/openapi.json", auth=needs(Needs.READ), include_in_schema=False)
def openapi(request: HttpRequest) -> HttpResponse:
    """Return the description of the API."""
    return HttpResponse(description(), content_type="application/json")


@cache
def description() -> str:
    """Return the description in OpenAPI 3.1, with the errors that every operation can answer."""
    made = api.get_openapi_schema(path_prefix=PREFIX)
    made["components"]["schemas"]["Problem"] = _problem_schema(made["components"]["schemas"])
    for path, operations in made["paths"].items():
        for method, operation in operations.items():
            operation["tags"] = [path.removeprefix(PREFIX).split("/")[0]]
            _complete(method, operation)
    return json.dumps(made)


def _problem_schema(schemas: dict[str, Any]) -> dict[str, Any]:
    found = problem.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= found.pop("$defs", {})
    return found


def _complete(method: str, operation: dict[str, Any]) -> None:
    content = {problem.MEDIA: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    statuses = [400, 401, 403, 404, 405, 415, 422, 429, 500, 503]
    headers = [("If-None-Match", "Answered with 304 if this tag still holds.")]
    if method == "get":
        operation["responses"][304] = {"description": "Nothing has changed."}
    else:
        statuses += [409, 412, 413]
        headers = [
            ("Idempotency-Key", "1 to 200 visible characters: the same request again gets the same answer."),
            ("If-Match", "The object's ETag, as it was read."),
        ]
    for status in sorted(statuses):
        operation["responses"][status] = {
            "description": HTTPStatus(status).phrase,
            "content": content,
        }
    operation["parameters"] += [
        {"in": "header", "name": name, "description": about, "required": False, "schema": {"type": "string"}}
        for name, about in headers
    ]


@api.exception_handler(Refused)
def _refused(request: HttpRequest, error: Refused) -> HttpResponse:
    return problem.answer(request, error.status, error.detail, error.remedy, headers=_rated(request, error))


def _rated(request: HttpRequest, error: Refused) -> dict[str, str]:
    left = getattr(request, "rate", None)
    return {**error.headers, **(left.headers() if left and error.status == 429 else {})}


@api.exception_handler(AuthenticationError)
def _stranger(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    return problem.answer(
        request, 401, "Nobody is signed in.", "Send Authorization: Bearer pw_… with a token from Settings.",
        headers={"WWW-Authenticate": "Bearer"},
    )  # fmt: skip


@api.exception_handler(ProofwatchError)
def _ours(request: HttpRequest, error: ProofwatchError) -> HttpResponse:
    detail = f"{error.doing[:1].upper()}{error.doing[1:]}: {error.problem}."
    return problem.answer(request, problems.status_of(error), detail, error.remedy or "")


@api.exception_handler(ValidationError)
def _unfit(request: HttpRequest, error: ValidationError) -> HttpResponse:
    wrong = [
        {
            "where": ".".join(str(part)[:100] for part in item["loc"] if part != "given"),
            "problem": item["msg"],
        }
        for item in error.errors
    ]
    return problem.answer(request, 422, "The request holds values that cannot be used.", errors=wrong)


@api.exception_handler(HttpError)
def _http(request: HttpRequest, error: HttpError) -> HttpResponse:
    return problem.answer(request, error.status_code, f"{error}.".replace("..", "."))


@api.exception_handler(Http404)
def _missing(request: HttpRequest, error: Http404) -> HttpResponse:
    return problem.answer(request, 404, str(error) or "There is nothing here.")


@api.exception_handler(PermissionDenied)
def _denied(request: HttpRequest, error: PermissionDenied) -> HttpResponse:
    return problem.answer(request, 403, str(error) or "You may not do this.")


@api.exception_handler(SuspiciousOperation)
def _suspicious(request: HttpRequest, error: SuspiciousOperation) -> HttpResponse:
    too_big = isinstance(error, RequestDataTooBig)
    return problem.answer(
        request,
        413 if too_big else 400,
        "The request is too large." if too_big else "The request cannot be read.",
    )


@api.exception_handler(UnreadablePostError)
def _cut_off(request: HttpRequest, error: UnreadablePostError) -> HttpResponse:
    return problem.answer(request, 400, "The body of the request ended before its end.")


@api.exception_handler(DatabaseError)
def _database(request: HttpRequest, error: DatabaseError) -> HttpResponse:
    logger.error("database", request=request.id, error=type(error).__name__)
    return problem.answer(request, 503, "The state cannot be reached now.", "Try again in a minute.")


@api.exception_handler(Exception)
def _fault(request: HttpRequest, error: Exception) -> HttpResponse:
    logger.error("fault", request=request.id, error=type(error).__name__, exc_info=error)
    return problem.answer(request, 500, "Proofwatch made a mistake.", f"Its log has it under {request.id}.")


def _urls() -> list[URLPattern]:
    made = [front.before(item) for item in api.urls[0] if item.name != "api-root"]
    return [*made, re_path("^(?P<rest>.*)$", front.unknown)]


URLS = _urls()
