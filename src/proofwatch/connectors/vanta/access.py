"""How we are let in at Vanta.

An application has one live token: asking for a second one revokes the first. So all connections of this
process that use one application share one token, and its pace.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from proofwatch.connectors.base import ConnectorError, Identity, ReadOnlyProof, Unread
from proofwatch.connectors.naming import dig
from proofwatch.connectors.rest.api import Api, Pace
from proofwatch.connectors.rest.auth import EARLY, Token, Unsigned, ends_of, secret
from proofwatch.connectors.rest.paging import Page, Request, single
from proofwatch.connectors.vanta.settings import VantaSettings
from proofwatch.outbound.session import Session

DOING = "signing in at Vanta"
SCOPE = "vanta-api.all:read"
YOUNG = 60.0
"""Seconds. A token that is refused so soon was revoked by another program, and a new one would be, too."""
PAUSE = 15.0
"""Seconds before a token is asked for again that was not given: Vanta takes five such requests a minute."""


class OneToken:
    """The one token of an application, for all threads: fetched by one of them at a time, and kept.

    Args:
        fetch: asks for one. Raises ConnectorError.
    """

    def __init__(self, fetch: Callable[[], Token]) -> None:
        self.fetch = fetch
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._since = 0.0
        self._refused: tuple[float, ConnectorError] | None = None
        self._used = threading.local()

    def token(self) -> Token:
        """Return the token. Raises ConnectorError."""
        with self._lock:
            if self._token is None or self._token.ends - time.time() < EARLY:
                self._token, self._since = self._fetched(), time.monotonic()
            return self._token

    def _fetched(self) -> Token:
        if self._refused and time.monotonic() - self._refused[0] < PAUSE:
            error = self._refused[1]
            raise ConnectorError(error.doing, error.problem, error.remedy, permanent=error.permanent)
        try:
            return self.fetch()
        except ConnectorError as error:
            self._refused = (time.monotonic(), error)
            raise

    def headers(self) -> Mapping[str, str]:
        """Return the header, and remember which token this thread went with."""
        self._used.text = self.token().text
        return {"Authorization": f"Bearer {self._used.text}"}

    def renew(self) -> bool:
        """Tell whether it helps to come again: another thread renewed the token, or it may be renewed now."""
        with self._lock:
            if self._token is None or self._token.text != getattr(self._used, "text", ""):
                return True
            if time.monotonic() - self._since < YOUNG:
                return False
            self._token = None
            return True

    def secrets(self) -> tuple[str, ...]:
        """Return the token."""
        held = self._token
        return (held.text,) if held else ()


_LOCK = threading.Lock()
_TOKENS: dict[tuple[str, str, str], OneToken] = {}
_PACES: dict[tuple[str, str, int], Pace] = {}


def token_of(settings: VantaSettings, session: Session) -> OneToken:
    """Return the token that this process shares for an application."""
    key = (settings.token_url, settings.client_id, settings.client_secret)
    with _LOCK:
        token = _TOKENS.setdefault(key, OneToken(lambda: _fetch(settings, session)))
        # It is renewed over the connections of whoever came last: a certificate authority may have changed.
        token.fetch = lambda: _fetch(settings, session)
        return token


def pace_of(settings: VantaSettings) -> Pace:
    """Return the pace that this process shares for an application."""
    key = (settings.token_url, settings.client_id, settings.requests_per_minute)
    with _LOCK:
        return _PACES.setdefault(key, Pace(settings.requests_per_minute, f"vanta {key}"))


def forget() -> None:
    """Forget every token and pace, as a process does that ends."""
    with _LOCK:
        _TOKENS.clear()
        _PACES.clear()


def connect(settings: VantaSettings) -> tuple[Api, OneToken]:
    """Return the interface under the application's token, and the token."""
    session = Session([settings.base_url, settings.token_url], ca=settings.ca_file)
    auth = token_of(settings, session)
    api = Api(
        "Vanta", settings.base_url, session, auth, by_cursor, pace=pace_of(settings), account=settings.account
    )
    return api, auth


def by_cursor(request: Request, page: Page) -> Request | None:
    """Ask for the next page while Vanta says that there is one. Raises Unread where the form is another."""
    info, doing = dig(page.body, "results.pageInfo"), f"reading /{request.url.lstrip('/')}"
    if not isinstance(dig(page.body, "results.data"), list):
        # Without this, an answer of another form would be an empty listing.
        raise Unread(doing, "Vanta's answer has no results.data", "Try again.", code="schema")
    if not isinstance(info, Mapping) or not isinstance(info.get("hasNextPage"), bool):
        raise Unread(doing, "Vanta's answer does not say whether there is more", "Try again.", code="schema")
    if not info["hasNextPage"]:
        return None
    if not info.get("endCursor"):
        problem = "Vanta says that there is more, and gives no cursor"
        raise Unread(doing, problem, "Try again.", permanent=False, code="schema")
    return Request(request.url, {**request.params, "pageCursor": info["endCursor"]}, None, request.headers)


def _fetch(settings: VantaSettings, session: Session) -> Token:
    own = secret(settings.client_secret, DOING)
    api = Api("Vanta", settings.token_url, session, Unsigned((own,)), single)
    body = {
        "client_id": settings.client_id,
        "client_secret": own,
        "grant_type": "client_credentials",
        "scope": SCOPE,
    }
    answer = api.send(Request(settings.token_url, body=body)).body
    if not isinstance(answer, Mapping) or not isinstance(answer.get("access_token"), str):
        raise ConnectorError(DOING, "Vanta gave no token", "Check base_url, client_id and client_secret.")
    told = {key: value for key, value in answer.items() if key != "access_token"}
    return Token(answer["access_token"], ends_of(answer), told)


def read_identity(settings: VantaSettings, api: Api) -> Identity:
    """Ask Vanta for one test: it tells nobody who they are. Raises ConnectorError with Vanta's words."""
    try:
        api.get("/tests", {"pageSize": 1}, permission=SCOPE)
    except Unread as error:
        raise ConnectorError(DOING, error.problem, error.remedy, permanent=error.permanent) from None
    details = {"kind": "application", "base_url": settings.base_url}
    return Identity(settings.account, f"application {settings.client_id}", details)


def prove(auth: OneToken) -> ReadOnlyProof:
    """Say what the token may write, from the scope that Vanta wrote beside it."""
    method = "scope in the answer with which Vanta gave the token"
    try:
        told: Mapping[str, Any] = auth.token().told
    except ConnectorError as error:
        return ReadOnlyProof(None, method, reason=error.problem)
    granted = told.get("scope")
    if not isinstance(granted, str) or not granted.strip():
        reason = (
            f"Vanta's answer names no scope; {SCOPE} was asked for, and where an answer names none, RFC 6749 "
            "(5.1) lets the token have the one that was asked for; but Vanta did not say so itself"
        )
        return ReadOnlyProof(None, method, reason=reason, evidence={"requested": SCOPE})
    scopes = granted.split()
    writes = tuple(item for item in scopes if not item.endswith((":read", ":read-resource")))
    return ReadOnlyProof(not writes, method, writes, "", {"requested": SCOPE, "granted": scopes})
