"""Signing in at Google: by the key of a service account, or by a token of another identity provider.

The first is RFC 7523 (a JWT signed with the key is exchanged for a token), the second RFC 8693 (a token that
stands in a file is exchanged, and may then be turned into one of a service account). Hosts come from the
settings and never from the credential file, so that a file made by others leads nowhere else.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from proofwatch.connectors.base import ConnectorError
from proofwatch.connectors.rest.auth import Fetched, Token, ends_of, secret, signed_jwt
from proofwatch.errors import ProofwatchError
from proofwatch.outbound.http import Answer, NoAnswer
from proofwatch.outbound.session import Session

DOING = "signing in at Google"
TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
TOKENINFO_URL = "https://oauth2.googleapis.com/tokeninfo"
STS_URL = "https://sts.googleapis.com/v1/token"
IAM_CREDENTIALS_URL = "https://iamcredentials.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/"
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
EXCHANGE_GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - the name of a type
TRIES = 3
LARGEST = 64 * 1024
_LIMITS = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded"})
_DENIALS = ("unauthorized_client", "access_denied", "invalid_scope")
"""By which Google says that somebody may not have a scope, and not that something else went wrong."""
_REMEDIES = {
    "unauthorized_client": "In the admin console, Security > API controls > Domain-wide delegation, give the "
    "client id of the service account exactly the scopes that the connection asks for.",
    "invalid_grant": "Look whether the key was deleted, whether the account acted for exists, and whether "
    "the clock of this machine is right.",
    "invalid_client": "The service account was deleted or disabled: make another.",
}


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where tokens are had: Google's own, or what a test or a proxy gives instead."""

    token: str = TOKEN_URL
    tokeninfo: str = TOKENINFO_URL
    sts: str = STS_URL
    iam_credentials: str = IAM_CREDENTIALS_URL


class SignIn:
    """One credential of Google under some scopes.

    Args:
        session: sends; it knows the hosts of `addresses`.
        reference: where the JSON of the credential stands.
        scopes: what is asked for, without Google's prefix.
        addresses: where.
        subject: account acted for by domain-wide delegation; "" for the service account itself.
    """

    def __init__(
        self,
        session: Session,
        reference: str,
        scopes: Sequence[str],
        addresses: Addresses,
        subject: str = "",
    ) -> None:
        self._session, self._reference, self._addresses = session, reference, addresses
        self._scopes, self.subject = tuple(scopes), subject
        self.auth = Fetched(lambda: self.fetch(self._scopes))

    def credential(self) -> Mapping[str, Any]:
        """Return the credential's JSON. Raises ConnectorError when it is none that is known."""
        try:
            found = json.loads(secret(self._reference, DOING))
        except (ValueError, RecursionError):
            found = None
        kind = found.get("type") if isinstance(found, Mapping) else None
        if kind == "service_account":
            wanted: tuple[str, ...] = ("client_email", "private_key")
        elif kind == "external_account" and not self.subject:
            wanted = ("audience", "subject_token_type", "credential_source")
        else:
            problem = "the credential is no JSON key of a service account"
            remedy = "Give the file as Google made it (IAM > Service accounts > Keys > Add key > JSON)."
            raise ConnectorError(DOING, problem, remedy)
        missing = [name for name in wanted if not found.get(name)]
        if missing:
            raise ConnectorError(DOING, f"the credential's JSON has no {', '.join(missing)}")
        return dict(found)

    @property
    def email(self) -> str:
        """Return who signs in, in Google's words. Raises ConnectorError."""
        known = self.credential()
        if known["type"] == "service_account":
            return str(known["client_email"])
        url = str(known.get("service_account_impersonation_url") or "")
        name = urlsplit(url).path.rpartition("/")[2].partition(":")[0]
        return name or str(known["audience"])

    def fetch(self, scopes: Sequence[str]) -> Token:
        """Ask for a token with some scopes. Raises ConnectorError with Google's words."""
        known = self.credential()
        full = " ".join(SCOPE + name for name in scopes)
        if known["type"] == "external_account":
            return self._exchanged(known, full)
        now = int(time.time())
        claims = {
            "iss": known["client_email"],
            "scope": full,
            "aud": self._addresses.token,
            "iat": now - 30,
            "exp": now + 3000,
        }
        if self.subject:
            claims["sub"] = self.subject
        header = {"kid": str(known["private_key_id"])} if known.get("private_key_id") else {}
        assertion = signed_jwt(claims, str(known["private_key"]), DOING, **header)
        return self._token(self._addresses.token, {"grant_type": JWT_GRANT, "assertion": assertion})

    def refused(self, scopes: Sequence[str]) -> str:
        """Ask for a token with some scopes and throw it away; return Google's reason if it gives none.

        Raises:
            ConnectorError: it cannot be told.
        """
        try:
            self.fetch(scopes)
        except ConnectorError as error:
            if not any(word in error.problem for word in _DENIALS):
                raise
            return error.problem
        return ""

    def granted(self) -> tuple[str, ...]:
        """Return the scopes that Google says our token has. Raises ConnectorError."""
        told = self.auth.token()
        scopes = told.told.get("scope")
        if not isinstance(scopes, str) or not scopes:
            answer = self._post(self._addresses.tokeninfo, {"access_token": told.text})
            body = answer.json()
            scopes = body.get("scope") if answer.ok and isinstance(body, Mapping) else None
        if not isinstance(scopes, str) or not scopes:
            raise ConnectorError(DOING, "Google does not tell which scopes the token has", permanent=False)
        return tuple(sorted(scopes.split()))

    def _exchanged(self, known: Mapping[str, Any], scope: str) -> Token:
        """Return a token for the one that another identity provider gave."""
        impersonated = urlsplit(str(known.get("service_account_impersonation_url") or "")).path
        form = {
            "grant_type": EXCHANGE_GRANT,
            "audience": str(known["audience"]),
            # With a service account behind it, this token only serves to ask for that one's.
            "scope": f"{SCOPE}cloud-platform" if impersonated else scope,
            "requested_token_type": ACCESS_TOKEN,
            "subject_token_type": str(known["subject_token_type"]),
            "subject_token": _subject_token(known["credential_source"]),
        }
        first = self._token(self._addresses.sts, form)
        if not impersonated:
            return first
        url = self._addresses.iam_credentials + impersonated
        body = json.dumps({"scope": scope.split(), "lifetime": "3600s"}).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {first.text}"}
        answer = self._asked(url, headers, body)
        said = answer.json()
        if not answer.ok or not isinstance(said, Mapping) or not isinstance(said.get("accessToken"), str):
            raise _no_token(answer)
        try:
            ends = datetime.fromisoformat(str(said.get("expireTime"))).timestamp()
        except ValueError:
            ends = time.time() + 300
        return Token(said["accessToken"], ends, {"scope": scope})

    def _token(self, url: str, form: Mapping[str, str]) -> Token:
        answer = self._post(url, form)
        said = answer.json()
        if not answer.ok or not isinstance(said, Mapping) or not isinstance(said.get("access_token"), str):
            raise _no_token(answer)
        told = {key: value for key, value in said.items() if not key.endswith("token")}
        return Token(said["access_token"], ends_of(said), told)

    def _post(self, url: str, form: Mapping[str, str]) -> Answer:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._asked(url, headers, urlencode(form).encode())

    def _asked(self, url: str, headers: Mapping[str, str], content: bytes) -> Answer:
        for attempt in range(TRIES):
            last = attempt == TRIES - 1
            try:
                answer = self._session.request("POST", url, doing=DOING, headers=headers, content=content)
            except NoAnswer as error:
                if last:
                    problem = f"Google did not answer: {error.problem}"
                    raise ConnectorError(DOING, problem, "Try again.", permanent=False) from None
            except ProofwatchError as error:
                raise ConnectorError(DOING, error.problem, error.remedy) from None
            else:
                if last or answer.status < 500:
                    return answer
            time.sleep(0.3 * 2**attempt)
        raise AssertionError("the last try returns or raises")  # pragma: no cover


def limited(answer: Answer) -> float | None:
    """Tell of a refusal (403) whether it is one of Google's limits; it names no time to wait."""
    if answer.status != 403:
        return None
    body = answer.json()
    error = body.get("error") if isinstance(body, Mapping) else None
    errors = error.get("errors") if isinstance(error, Mapping) else None
    found = any(isinstance(item, Mapping) and item.get("reason") in _LIMITS for item in errors or ())
    return 0.0 if found else None


def _subject_token(source: Any) -> str:
    """Return the token of the other identity provider, from the file that the credential names."""
    path = source.get("file") if isinstance(source, Mapping) else None
    if not isinstance(path, str) or not Path(path).is_absolute():
        problem = "the credential names no file with the token of the other identity provider"
        remedy = "Make its configuration for a file (`--credential-source-file`), with an absolute path."
        raise ConnectorError(DOING, problem, remedy)
    try:
        text = Path(path).read_text("utf-8")[:LARGEST].strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise ConnectorError(DOING, f"the file with the other provider's token: {why}") from None
    form = source.get("format") if isinstance(source, Mapping) else None
    if isinstance(form, Mapping) and form.get("type") == "json":
        try:
            body = json.loads(text)
        except ValueError:
            body = None
        name = str(form.get("subject_token_field_name"))
        found = body.get(name) if isinstance(body, Mapping) else None
        if not isinstance(found, str) or not found:
            raise ConnectorError(DOING, "the file with the other provider's token has no such member")
        return found
    if not text:
        raise ConnectorError(DOING, "the file with the other provider's token is empty")
    return text


def _no_token(answer: Answer) -> ConnectorError:
    body = answer.json()
    said: Any = body if isinstance(body, Mapping) else {}
    inner = said.get("error")
    if isinstance(inner, Mapping):
        error, words = inner.get("status"), inner.get("message")
    else:
        error, words = inner, said.get("error_description")
    text = ": ".join(
        " ".join(part.split())[:200] for part in (error, words) if isinstance(part, str) and part
    )
    problem = f"Google gives no token (status {answer.status}){': ' + text if text else ''}"
    passing = answer.status >= 500 or answer.status == 429
    remedy = "Try again." if passing else _REMEDIES.get(str(error), "Give a valid credential.")
    return ConnectorError(DOING, problem, remedy, permanent=not passing)
