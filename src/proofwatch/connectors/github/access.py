"""How we are let in at GitHub, and what that identity may do."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from proofwatch.connectors.base import ConnectorError, Identity, ReadOnlyProof, Unread
from proofwatch.connectors.github.settings import GithubSettings
from proofwatch.connectors.naming import dig
from proofwatch.connectors.rest.api import Api
from proofwatch.connectors.rest.auth import Auth, Fetched, Static, Token, ends_of, secret, signed_jwt
from proofwatch.connectors.rest.paging import Request, link_header
from proofwatch.outbound.http import Answer
from proofwatch.outbound.session import Session

DOING = "signing in at GitHub"
VERSION = "2022-11-28"
HEADERS = {"Accept": "application/vnd.github+json, application/json", "X-GitHub-Api-Version": VERSION}
READ_SCOPES = frozenset(
    {
        "read:org", "read:user", "read:enterprise", "read:audit_log", "read:repo_hook", "read:org_hook",
        "read:public_key", "read:gpg_key", "read:ssh_signing_key", "read:packages", "read:discussion",
        "read:project", "user:email", "read:network_configurations",
    }
)  # fmt: skip
"""Scopes of a classic token that write nothing; every other one does (GitHub: Scopes for OAuth apps)."""
WITHOUT_SCOPES = ("github_pat_", "ghu_", "ghs_")
"""How tokens begin that have permissions instead of scopes: fine-grained ones, and those of an App."""


def limited(answer: Answer) -> float | None:
    """Tell of a refusal whether it is GitHub's rate limit, and the seconds until it ends.

    Primary limits answer 403 or 429 with x-ratelimit-remaining: 0, secondary ones with Retry-After.
    """
    if answer.status not in (403, 429):
        return None
    if answer.headers.get("x-ratelimit-remaining") == "0":
        reset = answer.headers.get("x-ratelimit-reset", "")
        return max(1.0, float(reset) - time.time()) if reset.isdigit() else 60.0
    return answer.retry_after()


class Access:
    """The credentials of a connection: a token for all organisations, or one per installation of the App.

    Args:
        settings: of the connection.
        tokens: those of installations by their ids; they may live longer than this.
    """

    def __init__(self, settings: GithubSettings, tokens: dict[int, Fetched]) -> None:
        self.settings = settings
        self.session = Session([settings.base_url, settings.graphql_url], ca=settings.ca_file)
        self._installed: dict[str, Mapping[str, Any]] | None = None
        self._tokens = tokens

    def api(self, auth: Auth, account: str = "") -> Api:
        """Return the interface under a credential."""
        return Api(
            "GitHub", self.settings.base_url, self.session, auth, link_header, HEADERS,
            account=account, limited=limited, conditional=True,
        )  # fmt: skip

    def of(self, account: str) -> Api:
        """Return the interface for an organisation. Raises ConnectorError."""
        if self.settings.token:
            return self.api(Static(self.settings.token, DOING), account)
        return self.api(self.installation_token(account), account)

    def as_app(self) -> Api:
        """Return the interface as the App itself, which may read what it is and where it is installed."""
        return self.api(Fetched(self._app_token))

    def installations(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the App's installations by login. Raises Unread, ConnectorError."""
        if self._installed is None:
            found = self.as_app().items(Request("/app/installations", {"per_page": 100}), ("id",))
            # One in an enterprise itself, and not in an organisation, has no login.
            named = {dig(item, "account.login"): item for item in found}
            self._installed = {str(login): item for login, item in named.items() if login}
        return self._installed

    def installation_token(self, account: str) -> Fetched:
        """Return the credential of an installation. Raises ConnectorError where the App is not installed."""
        installed = {login.lower(): item for login, item in self.installations().items()}
        found = installed.get(account.lower())
        if found is None:
            remedy = f"Install it there: its page on GitHub, Install App, {account}."
            raise ConnectorError(DOING, f"the App is not installed in {account}", remedy)
        fetch = self._fetch(int(found["id"]))
        token = self._tokens.setdefault(int(found["id"]), Fetched(fetch))
        # One that was kept is renewed with the key and over the connections of now.
        token.fetch = fetch
        return token

    def _fetch(self, installation: int) -> Callable[[], Token]:
        def fetch() -> Token:
            request = Request(f"/app/installations/{installation}/access_tokens", body={})
            answer = self.as_app().send(request).body
            if not isinstance(answer, Mapping) or not isinstance(answer.get("token"), str):
                raise ConnectorError(DOING, "GitHub gave no token for the installation")
            told = {key: value for key, value in answer.items() if key != "token"}
            return Token(answer["token"], ends_of(answer), told)

        return fetch

    def _app_token(self) -> Token:
        key, now = secret(str(self.settings.private_key), DOING), int(time.time())
        # A minute back, against clocks that differ; GitHub takes at most ten minutes.
        claims = {"iat": now - 60, "exp": now + 540, "iss": self.settings.app_id}
        return Token(signed_jwt(claims, key, DOING), now + 540, {})


def read_identity(access: Access, accounts: list[str]) -> Identity:
    """Ask GitHub who we are. Raises ConnectorError with GitHub's words."""
    try:
        if access.settings.token:
            page = access.of("").get("/user")
            details = {"kind": "token"}
            ends = page.headers.get("github-authentication-token-expiration", "")
            if ends:
                details["credential_expires_at"] = _moment(ends)
            scopes = page.headers.get("x-oauth-scopes")
            details["scopes"] = scopes if scopes is not None else "told to nobody: a fine-grained token"
            return Identity(", ".join(accounts), f"user {page.body['login']}", details)
        app = access.as_app().get("/app").body
        details = {"kind": "GitHub App", "app_id": str(app["id"]), "owner": str(app["owner"]["login"])}
        return Identity(", ".join(accounts), f"app {app['slug']}", details)
    except Unread as error:
        raise ConnectorError(DOING, error.problem, error.remedy, permanent=error.permanent) from None
    except (KeyError, TypeError) as error:
        raise ConnectorError(DOING, f"GitHub's answer has no {error}") from None


def prove(access: Access, accounts: list[str]) -> ReadOnlyProof:
    """Say what the identity could write, from GitHub's own answer."""
    try:
        if access.settings.token:
            return _token_proof(access)
        return _app_proof(access, accounts)
    except (Unread, ConnectorError) as error:
        return ReadOnlyProof(None, "GitHub", reason=error.problem)


def _app_proof(access: Access, accounts: list[str]) -> ReadOnlyProof:
    writes: list[str] = []
    told: dict[str, Any] = {}
    method = "permissions that GitHub wrote into each installation's token"
    for account in accounts:
        granted = access.installation_token(account).token().told.get("permissions")
        if not isinstance(granted, Mapping) or not granted:
            problem = f"GitHub does not say what the token of {account} may do"
            return ReadOnlyProof(
                False if writes else None, method, tuple(writes), problem, {"permissions": told}
            )
        told[account] = dict(granted)
        writes += [f"{account}: {name}={level}" for name, level in sorted(granted.items()) if level != "read"]
    reason = "" if told else "the App is installed in none of the organisations"
    return ReadOnlyProof(not writes if told else None, method, tuple(writes), reason, {"permissions": told})


def _token_proof(access: Access) -> ReadOnlyProof:
    page = access.of("").get("/user")
    scopes = page.headers.get("x-oauth-scopes")
    if not scopes and secret(str(access.settings.token), DOING).startswith(WITHOUT_SCOPES):
        # What such a token may do stands in no scope, so that none of them is no proof.
        scopes = None
    if scopes is None:
        reason = (
            "GitHub tells nobody what a fine-grained token may write; look at its page, or use a GitHub App, "
            "whose permissions GitHub writes into each of its tokens"
        )
        return ReadOnlyProof(None, "x-oauth-scopes of the token", reason=reason)
    named = [item.strip() for item in scopes.split(",") if item.strip()]
    writes = tuple(item for item in named if item not in READ_SCOPES)
    return ReadOnlyProof(not writes, "x-oauth-scopes of the token", writes, "", {"scopes": named})


def _moment(text: str) -> str:
    """Return `2026-12-01 10:00:00 UTC`, as GitHub writes it, in RFC 3339."""
    return text.replace(" UTC", "Z").replace(" ", "T", 1)
