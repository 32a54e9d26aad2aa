"""How we are let in at Okta, and who we are there."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from proofwatch.connectors.base import ConnectorError, Identity, Unread
from proofwatch.connectors.naming import dig
from proofwatch.connectors.okta.keys import pem_of
from proofwatch.connectors.okta.settings import OktaSettings
from proofwatch.connectors.rest.api import Api, Pace
from proofwatch.connectors.rest.auth import (
    Auth,
    Fetched,
    Static,
    Token,
    Unsigned,
    ends_of,
    secret,
    signed_jwt,
)
from proofwatch.connectors.rest.paging import Page, Request, link_header
from proofwatch.outbound.http import Answer
from proofwatch.outbound.session import Session

DOING = "signing in at Okta"
TOKEN = "/oauth2/v1/token"  # noqa: S105 - a path
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
MOST_WAIT = 130.0
"""Okta counts requests by the minute, so that waiting for two minutes always helps."""


def limited(answer: Answer) -> float | None:
    """Return the seconds until Okta's window ends (X-Rate-Limit-Reset, by Okta's own clock)."""
    if answer.status != 429:
        return None
    reset = answer.headers.get("x-rate-limit-reset", "")
    if not reset.isdigit():
        return 10.0
    try:
        now = parsedate_to_datetime(answer.headers.get("date", "")).timestamp()
    except ValueError:
        now = time.time()
    return max(1.0, float(reset) - now)


def next_page(request: Request, page: Page) -> Request | None:
    """Follow the header Link, or `_links.next.href` where a listing stands in an object."""
    found = link_header(request, page)
    if found is None and isinstance(page.body, Mapping):
        href = dig(page.body, "_links.next.href")
        if isinstance(href, str) and href:
            return Request(href)
    return found


class Access:
    """The credential of one connection, whose requests keep a pace."""

    def __init__(self, settings: OktaSettings, pace: Pace) -> None:
        self.settings = settings
        self.session = Session([settings.org_url], ca=settings.ca_file)
        self.fetched = None if settings.api_token else Fetched(self._fetch)
        self._pace = pace

    def api(self, account: str = "") -> Api:
        """Return the interface of the organisation."""
        auth = self.fetched or Static(str(self.settings.api_token), DOING, "SSWS")
        return self._api(auth, account)

    def _api(self, auth: Auth, account: str = "") -> Api:
        return Api(
            "Okta", self.settings.org_url, self.session, auth, next_page, account=account, pace=self._pace,
            limited=limited, most_wait=MOST_WAIT,
        )  # fmt: skip

    def open_api(self) -> Api:
        """Return the interface for what Okta tells everybody."""
        return self._api(Unsigned())

    def granted(self) -> tuple[str, ...]:
        """Return the scopes that Okta wrote into our token. Raises ConnectorError; only with an app."""
        if self.fetched is None:
            return ()
        return tuple(str(self.fetched.token().told.get("scope") or "").split())

    def _fetch(self) -> Token:
        settings = self.settings
        key, kid = pem_of(secret(str(settings.private_key), DOING), DOING)
        now = int(time.time())
        claims = {
            "iss": settings.client_id, "sub": settings.client_id, "aud": f"{settings.org_url}{TOKEN}",
            "iat": now, "exp": now + 300, "jti": secrets.token_urlsafe(24),
        }  # fmt: skip
        kid = settings.key_id or kid
        assertion = signed_jwt(claims, key, DOING, **({"kid": kid} if kid else {}))
        form = {
            "grant_type": "client_credentials", "scope": " ".join(settings.scopes),
            "client_assertion_type": ASSERTION, "client_assertion": assertion,
        }  # fmt: skip
        try:
            told = self._api(Unsigned((assertion,))).send(Request(TOKEN, form=form)).body
        except Unread as error:
            raise ConnectorError(DOING, error.problem, _mend(error), permanent=error.permanent) from None
        if not isinstance(told, Mapping) or not isinstance(told.get("access_token"), str):
            raise ConnectorError(DOING, "Okta answered no token")
        return Token(
            told["access_token"], ends_of(told), {name: told[name] for name in told if name != "access_token"}
        )


def _mend(error: Unread) -> str:
    """Return what mends the refusals that everybody meets once."""
    if "dpop" in error.problem.lower():
        return "Turn off Proof of possession (DPoP) in the app's general settings: it is not spoken here yet."
    if "scope" in error.problem.lower():
        return "Grant the app every scope of the setting `scopes`, or leave it out there."
    if "client_assertion" in error.problem or "kid" in error.problem:
        return "Look at the app's public keys, at key_id, and at this machine's clock."
    return error.remedy


def organisation(access: Access) -> Mapping[str, Any]:
    """Return what Okta says of the organisation. Raises ConnectorError with Okta's words."""
    try:
        found = access.api().get("/api/v1/org", permission="okta.orgs.read").body
    except Unread as error:
        if error.code == "401":
            raise ConnectorError(DOING, error.problem, error.remedy) from None
        found = _told_to_all(access)
        if not found:
            raise ConnectorError(DOING, error.problem, error.remedy, permanent=error.permanent) from None
    if not isinstance(found, Mapping) or not isinstance(found.get("id"), str):
        raise ConnectorError(DOING, "Okta's answer about the organisation has no id", "Look at org_url.")
    return found


def pipeline(access: Access) -> str:
    """Return `idx` for Identity Engine, `v1` for Classic Engine, "" where Okta does not say."""
    return str(_told_to_all(access).get("pipeline") or "")


def _told_to_all(access: Access) -> Mapping[str, Any]:
    try:
        found = access.open_api().get("/.well-known/okta-organization").body
    except Unread:
        return {}
    return found if isinstance(found, Mapping) else {}


def read_identity(access: Access) -> Identity:
    """Ask Okta who we are. Raises ConnectorError with Okta's words."""
    found = organisation(access)
    details = {
        "organisation": str(found.get("companyName") or found.get("subdomain") or ""),
        "engine": {"idx": "Identity Engine", "v1": "Classic Engine"}.get(pipeline(access), "not told"),
    }
    if access.fetched is not None:
        details |= {"kind": "API service app", "scopes": " ".join(access.granted())}
        return Identity(str(found["id"]), f"app {access.settings.client_id}", details)
    try:
        owner = access.api().get("/api/v1/users/me", permission="okta.users.read").body
        who = f"user {dig(owner, 'profile.login') or owner['id']}"
    except (Unread, KeyError, TypeError):
        # Whoever may not read users may read the rest; the proof says that it cannot be told.
        who = "API token of an unknown owner"
    # A token that is used is renewed for 30 days each time, so it has no end that a person must know of.
    return Identity(str(found["id"]), who, details | {"kind": "API token"})
