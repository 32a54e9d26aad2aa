"""How an application signs in at Microsoft, for Entra ID and for Azure: by a secret or by a certificate.

Source: learn.microsoft.com/entra/identity-platform, "OAuth 2.0 client credentials flow" and "application
authentication certificate credentials".
"""

from __future__ import annotations

import json
import re
import time
import uuid
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from proofwatch.connectors.base import ConnectorError, Unread
from proofwatch.connectors.rest.api import Api
from proofwatch.connectors.rest.auth import Fetched, Token, Unsigned, base64url, ends_of, secret, signed_jwt
from proofwatch.connectors.rest.paging import Page, Pager, Request, next_link
from proofwatch.outbound.secrets import Ref
from proofwatch.outbound.session import Session

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

DOING = "signing in at Microsoft"
LOGIN = "https://login.microsoftonline.com"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LASTS = 600
"""Seconds for which an assertion is valid."""
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
_KEY = re.compile(r"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL)
_REMEDIES = {
    "AADSTS7000215": "Give the secret's value, not its id; it is shown once, when the secret is made.",
    "AADSTS7000222": "The secret has ended: make another one under Certificates & secrets.",
    "AADSTS700016": "Look at client_id and tenant_id: the tenant does not know this application.",
    "AADSTS700027": "Upload the certificate under Certificates & secrets; it may also have ended.",
    "AADSTS90002": "Look at tenant_id and authority: there is no such tenant in this cloud.",
    "AADSTS7000112": "The application is disabled in this tenant: enable it under Enterprise applications.",
}


def as_guid(value: str) -> str:
    """Return an id as Microsoft writes it. Raises ValueError where it is none."""
    if not _GUID.match(value):
        raise ValueError(f"{value!r} is no id of the form 00000000-0000-0000-0000-000000000000")
    return value.lower()


Guid = Annotated[str, AfterValidator(as_guid)]


class MicrosoftSettings(BaseModel):
    """As whom we sign in: one application of one tenant."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tenant_id: Guid = Field(description="Directory (tenant) ID, from the application's page")
    client_id: Guid = Field(description="Application (client) ID, from the application's page")
    client_certificate: Ref | None = Field(
        default=None, description="PEM with the private RSA key and its certificate: file:/path or env:NAME"
    )
    client_secret: Ref | None = Field(
        default=None, description="Client secret instead of a certificate: env:NAME or file:/path"
    )

    @model_validator(mode="after")
    def _one_credential(self) -> Self:
        if bool(self.client_secret) == bool(self.client_certificate):
            raise ValueError("give client_certificate or client_secret, one of the two")
        return self


class SignIn:
    """The credential of one connection, for every interface of Microsoft that it asks.

    Args:
        settings: as whom.
        authority: address of the sign-in of the cloud.
        session: that knows the authority's host.
    """

    def __init__(self, settings: MicrosoftSettings, authority: str, session: Session) -> None:
        self.settings, self.authority, self.session = settings, authority, session
        self._tokens: dict[str, Fetched] = {}

    @property
    def endpoint(self) -> str:
        """Return where tokens are asked for."""
        return f"{self.authority}/{self.settings.tenant_id}/oauth2/v2.0/token"

    def auth(self, scope: str) -> Fetched:
        """Return the credential for an interface, e.g. `https://graph.microsoft.com/.default`."""
        if scope not in self._tokens:
            self._tokens[scope] = Fetched(lambda: self._fetch(scope))
        return self._tokens[scope]

    def claims(self, scope: str) -> Mapping[str, Any]:
        """Return what our own access token says of us; nothing where it cannot be read.

        Its signature is not verified: it came from the authority itself, over TLS, a moment ago.
        Raises ConnectorError.
        """
        return claims_of(self.auth(scope).token().text)

    def certificate(self) -> Certificate | None:
        """Return our certificate; None with a secret. Raises ConnectorError: it is none, or has ended."""
        from cryptography.x509 import load_pem_x509_certificate

        if not self.settings.client_certificate:
            return None
        try:
            found = load_pem_x509_certificate(secret(self.settings.client_certificate, DOING).encode())
        except ValueError:
            remedy = "Put the certificate (BEGIN CERTIFICATE) and its private key into one PEM file."
            raise ConnectorError(
                DOING, f"{self.settings.client_certificate} holds no certificate", remedy
            ) from None
        if found.not_valid_after_utc < datetime.now(UTC):
            ended = moment(found.not_valid_after_utc)
            remedy = "Make another one, and upload it under Certificates & secrets of the application."
            raise ConnectorError(DOING, f"the certificate ended at {ended}", remedy)
        return found

    def _fetch(self, scope: str) -> Token:
        form = {
            "client_id": self.settings.client_id,
            "scope": scope,
            "grant_type": "client_credentials",
            **self._credential(),
        }
        hidden = tuple(form[name] for name in ("client_secret", "client_assertion") if name in form)
        api = Api("Microsoft Entra ID", self.authority, self.session, Unsigned(hidden))
        try:
            answer = api.send(Request(self.endpoint, form=form)).body
        except Unread as error:
            code = next((code for code in _REMEDIES if f"{code}:" in error.problem), "")
            remedy = _REMEDIES.get(code, error.remedy)
            raise ConnectorError(DOING, error.problem, remedy, permanent=error.permanent) from None
        if not isinstance(answer, Mapping) or not isinstance(answer.get("access_token"), str):
            raise ConnectorError(DOING, "Microsoft Entra ID gave no token", "Look at authority.")
        return Token(answer["access_token"], ends_of(answer), {})

    def _credential(self) -> dict[str, str]:
        if self.settings.client_secret:
            return {"client_secret": secret(self.settings.client_secret, DOING)}
        return {"client_assertion_type": ASSERTION, "client_assertion": self._assertion()}

    def _assertion(self) -> str:
        from cryptography.hazmat.primitives.hashes import SHA256

        certificate = self.certificate()
        assert certificate is not None, "the settings have a certificate where they have no secret"
        key = _KEY.search(secret(str(self.settings.client_certificate), DOING))
        now, who = int(time.time()), self.settings.client_id
        claims = {
            "aud": self.endpoint, "iss": who, "sub": who, "jti": str(uuid.uuid4()),
            "iat": now, "nbf": now, "exp": now + LASTS,
        }  # fmt: skip
        thumb = {"x5t#S256": base64url(certificate.fingerprint(SHA256())).decode()}
        return signed_jwt(claims, key[0] if key else "", DOING, algorithm="PS256", **thumb)


def value_pages(link: str) -> Pager:
    """Follow the address of the next page that stands at `link`; a page without its list is no page.

    Microsoft never leaves an empty list out, so what has none is another's answer, and not an empty table.
    """
    following = next_link(link)

    def pager(request: Request, page: Page) -> Request | None:
        body = page.body
        if not isinstance(body, Mapping) or not isinstance(body.get("value"), list):
            problem = "Microsoft answered what it does not document: a page without value"
            path = request.url.partition("?")[0]
            raise Unread(f"reading {path}", problem, "Try again; check the proxy.", code="schema")
        return following(request, page)

    return pager


def claims_of(token: str) -> Mapping[str, Any]:
    """Return the payload of a JSON Web Token, unverified; nothing where it is none."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        found = json.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return {}
    return found if isinstance(found, Mapping) else {}


def moment(when: datetime) -> str:
    """Return a time in RFC 3339."""
    return when.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
