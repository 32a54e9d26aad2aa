"""What both fakes of Google share: giving out tokens, and refusing whoever has none. All of it is DEMO DATA.

It checks what Google checks: the signature of the JWT, its times, who may act for whom, and each scope.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Sequence
from functools import cache
from typing import Any

from proofwatch.demo.fakes.base import Asked, Fake, Said

SCOPE = "https://www.googleapis.com/auth/"
OPEN = ("/token", "/tokeninfo")


@cache
def key_pem() -> str:
    """Return a private key, made once per process and worth nothing."""
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def refusal(status: int, code: str, message: str, reason: str = "") -> Said:
    """Return an error as Google's interfaces write it."""
    error: dict[str, Any] = {"code": status, "message": message, "status": code}
    if reason:
        error["errors"] = [{"message": message, "domain": "global", "reason": reason}]
    return Said({"error": error}, status)


class FakeGoogle(Fake):
    """Gives tokens to one service account.

    Attributes:
        email: of the service account.
        subjects: accounts that it may act for; "" for itself.
        delegated: scopes that it may have, without Google's prefix.
        tells_scope: whether the answer with a token names its scopes: Google's mostly does not.
    """

    def __init__(self, email: str, subjects: Sequence[str], delegated: Sequence[str]) -> None:
        super().__init__()
        self.email, self.subjects, self.delegated = email, tuple(subjects), set(delegated)
        self.tells_scope = False
        self.tokens: dict[str, str] = {}
        self.route("POST /token", self._token)
        self.route("POST /tokeninfo", self._tokeninfo)

    def key(self) -> str:
        """Return the JSON key of the service account, as Google's console gives it."""
        return json.dumps(
            {
                "type": "service_account",
                "project_id": "acme-robotics-audit",
                "private_key_id": "demo",
                "private_key": key_pem(),
                "client_email": self.email,
                "client_id": "100000000000000000001",
                "token_uri": "https://oauth2.googleapis.com/token",
            }
        )

    def answer(self, asked: Asked) -> Said:
        """Answer a request, if its token is one that we gave."""
        if asked.path not in (*OPEN, *self.broken):
            held = asked.headers.get("authorization", "").removeprefix("Bearer ")
            if held not in self.tokens:
                self.asked.append(asked)
                return refusal(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        return super().answer(asked)

    def unknown(self, asked: Asked) -> Said:
        """Answer as Google does where there is nothing."""
        return refusal(404, "NOT_FOUND", "Requested entity was not found.", "notFound")

    def grant(self, scopes: str) -> str:
        """Return a new token."""
        text = f"ya29.demo-{len(self.tokens)}"
        self.tokens[text] = scopes
        return text

    def _token(self, asked: Asked) -> Said:
        form = asked.form()
        if form.get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer":
            return _oauth("unsupported_grant_type", "Invalid grant_type")
        claims = _claims(form.get("assertion", ""))
        if claims is None:
            return _oauth("invalid_grant", "Invalid JWT Signature.")
        now = time.time()
        if claims["iss"] != self.email or not claims["iat"] - 60 <= now < claims["exp"] <= now + 3660:
            return _oauth("invalid_grant", "Invalid JWT: Token must be a short-lived token (60 minutes).")
        if claims.get("sub", "") not in self.subjects:
            return _oauth("invalid_grant", "Invalid email or User ID")
        asked_for = {name.removeprefix(SCOPE) for name in claims["scope"].split()}
        if not asked_for <= self.delegated:
            words = "Client is unauthorized to retrieve access tokens using this method, or client not "
            return _oauth("unauthorized_client", f"{words}authorized for any of the scopes requested.", 401)
        told = {"access_token": self.grant(claims["scope"]), "expires_in": 3599, "token_type": "Bearer"}
        return Said({**told, **({"scope": claims["scope"]} if self.tells_scope else {})})

    def _tokeninfo(self, asked: Asked) -> Said:
        scopes = self.tokens.get(asked.form().get("access_token", ""))
        if scopes is None:
            return _oauth("invalid_token", "Invalid Value")
        return Said({"azp": "100000000000000000001", "scope": scopes, "expires_in": "3599"})


def paged(items: Sequence[Any], asked: Asked, name: str, most: int, size: str = "maxResults") -> Said:
    """Return a page of items as Google gives it: an empty list is left out."""
    at = int(asked.query.get("pageToken", "0"))
    per = min(int(asked.query.get(size, "100")), most)
    body: dict[str, Any] = {name: list(items[at : at + per])} if items[at : at + per] else {}
    if at + per < len(items):
        body["nextPageToken"] = str(at + per)
    return Said(body)


def _claims(assertion: str) -> dict[str, Any] | None:
    """Return the claims of a JWT that our key signed."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import padding, rsa
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = load_pem_private_key(key_pem().encode(), None)
    signed, _, signature = assertion.rpartition(".")
    if not isinstance(key, rsa.RSAPrivateKey) or signed.count(".") != 1:
        return None
    try:
        key.public_key().verify(_bytes(signature), signed.encode(), padding.PKCS1v15(), SHA256())
    except InvalidSignature:
        return None
    found: dict[str, Any] = json.loads(_bytes(signed.partition(".")[2]))
    return found


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _oauth(error: str, words: str, status: int = 400) -> Said:
    return Said({"error": error, "error_description": words}, status)
