"""How Drata is asked: by an API key, at one pace for this address, in two versions of its interface."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from proofwatch.connectors.base import ConnectorError, Identity, ReadOnlyProof, ReadStats, Unread
from proofwatch.connectors.drata.settings import DrataSettings
from proofwatch.connectors.rest.api import Api, Pace
from proofwatch.connectors.rest.auth import Static
from proofwatch.connectors.rest.paging import Page, Request
from proofwatch.outbound.session import Session

DOING = "signing in at Drata"
COMPANY = "company"
"""Account of what belongs to no workspace: a connection has one company."""
LARGEST, SMALLER = 500, 50
"""Items of a page now, and in the interface as it was documented before."""
UNTOLD = (
    "Drata tells nobody what an API key may do. Look at the key in Drata under Settings, API Keys: its scope "
    "must be 'All read', or Custom with the rights to list and get alone"
)
_LOCK = threading.Lock()
_PACES: dict[tuple[str, int], Pace] = {}


class DrataApi(Api):
    """Drata's interface; where large pages are refused, smaller ones are asked for from then on."""

    large = True

    def send(self, request: Request, *, permission: str = "", stats: ReadStats | None = None) -> Page:
        """Send a request and return what was answered. Raises Unread."""
        if request.params.get("size") != LARGEST:
            return super().send(request, permission=permission, stats=stats)
        if self.large:
            try:
                return super().send(request, permission=permission, stats=stats)
            except Unread as error:
                if error.code != "400":
                    raise
                self.large = False
        smaller = Request(request.url, {**request.params, "size": SMALLER}, None, request.headers)
        return super().send(smaller, permission=permission, stats=stats)


def connect(settings: DrataSettings, account: str) -> DrataApi:
    """Return the interface."""
    with _LOCK:
        key = (settings.host, settings.requests_per_minute)
        pace = _PACES.setdefault(key, Pace(settings.requests_per_minute, f"drata {key}"))
    session = Session([settings.host], ca=settings.ca_file)
    auth = Static(settings.api_key, DOING)
    return DrataApi("Drata", f"{settings.host}/public", session, auth, following, pace=pace, account=account)


def following(request: Request, page: Page) -> Request | None:
    """Ask for the next page: by cursor in version 2, by number in version 1.

    Raises:
        Unread: the answer has neither form, and would be an empty listing.
    """
    body = page.body
    if isinstance(body, Mapping) and isinstance(body.get("data"), list):
        pagination, total = body.get("pagination"), body.get("total")
        if isinstance(pagination, Mapping):
            cursor = pagination.get("cursor")
            return _with(request, cursor=cursor) if cursor else None
        if isinstance(total, int):
            number, limit = int(request.params.get("page", 1)), int(request.params.get("limit", 20))
            more = number * limit < total
            if more and not body["data"]:
                problem = f"Drata counts {total} items, and page {number} holds none"
                raise Unread(f"reading {request.url}", problem, "Try again.", permanent=False, code="schema")
            return _with(request, page=number + 1) if more else None
    problem = "Drata's answer is no list with its pages"
    raise Unread(f"reading {request.url}", problem, "Try again.", code="schema")


def _with(request: Request, **params: Any) -> Request:
    return Request(request.url, {**request.params, **params}, None, request.headers)


def read_identity(settings: DrataSettings, api: Api) -> Identity:
    """Ask Drata whose key it is. Raises ConnectorError with Drata's words."""
    try:
        company = api.get("/v2/company", permission="Company: Get").body
    except Unread as error:
        raise ConnectorError(DOING, error.problem, error.remedy, permanent=error.permanent) from None
    if not isinstance(company, Mapping):
        raise ConnectorError(DOING, "Drata's answer about the company is no object")
    name = str(company.get("name") or company.get("legalName") or company.get("id"))
    details = {"kind": "API key", "company": name, "address": settings.host}
    # The key itself is named nowhere in Drata's answers, nor when it ends.
    return Identity(name, "an API key, which Drata does not name", details)


def prove() -> ReadOnlyProof:
    """Say that it cannot be told, and where a person sees it."""
    return ReadOnlyProof(None, "none: Drata has no question for it", reason=UNTOLD)
