"""Credentials: what a request carries to be let in. Secrets come by reference and are read when needed."""

from __future__ import annotations

import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

import rfc8785

from proofwatch.connectors.base import ConnectorError
from proofwatch.errors import ProofwatchError
from proofwatch.outbound.secrets import reveal

EARLY = 60.0
"""Seconds before its end at which a token is renewed."""


class Auth(Protocol):
    """What lets a request in."""

    def headers(self) -> Mapping[str, str]:
        """Return the headers of a request. Raises ConnectorError if there is no credential."""
        ...

    def renew(self) -> bool:
        """Forget a token that was refused; return whether another can be had."""
        ...

    def secrets(self) -> tuple[str, ...]:
        """Return what must never be repeated."""
        ...


def secret(reference: str, doing: str) -> str:
    """Return the secret behind a reference. Raises ConnectorError naming the reference, never the secret."""
    try:
        return reveal(reference, doing)
    except ProofwatchError as error:
        raise ConnectorError(doing, error.problem, error.remedy) from None


@dataclass(frozen=True, slots=True)
class Unsigned:
    """Nothing in the header: whoever asks for a token has the credential in the form itself."""

    hidden: tuple[str, ...] = field(default=(), repr=False)
    """What the form holds and must never be repeated."""

    def headers(self) -> Mapping[str, str]:
        """Return no header."""
        return {}

    def renew(self) -> bool:
        """Return False: there is no other."""
        return False

    def secrets(self) -> tuple[str, ...]:
        """Return what is hidden."""
        return self.hidden


@dataclass(frozen=True, slots=True)
class Static:
    """A secret that does not change: an API key or a token, as `scheme` in the header Authorization."""

    reference: str
    doing: str
    scheme: str = "Bearer"

    def headers(self) -> Mapping[str, str]:
        """Return the header."""
        return {"Authorization": f"{self.scheme} {secret(self.reference, self.doing)}"}

    def renew(self) -> bool:
        """Return False: there is no other."""
        return False

    def secrets(self) -> tuple[str, ...]:
        """Return the secret."""
        return (secret(self.reference, self.doing),)


@dataclass(frozen=True, slots=True)
class Token:
    """A token that was given out, and when it ends (seconds since 1970)."""

    text: str = field(repr=False)
    ends: float
    told: Mapping[str, Any] = field(repr=False)
    """What else was answered with it: its permissions, for one."""


class Fetched:
    """A token that is asked for when needed, kept until shortly before its end, by one thread at a time.

    Attributes:
        fetch: asks for one. Raises ConnectorError.

    Args:
        fetch: asks for one.
        scheme: of the header.
    """

    def __init__(self, fetch: Callable[[], Token], scheme: str = "Bearer") -> None:
        self.fetch, self._scheme = fetch, scheme
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._used = threading.local()

    def token(self) -> Token:
        """Return a token that is valid for a while. Raises ConnectorError."""
        with self._lock:
            if self._token is None or self._token.ends - time.time() < EARLY:
                self._token = self.fetch()
            return self._token

    def headers(self) -> Mapping[str, str]:
        """Return the header, and remember which token this thread went with."""
        self._used.text = self.token().text
        return {"Authorization": f"{self._scheme} {self._used.text}"}

    def renew(self) -> bool:
        """Forget the token that this thread was refused with, unless another thread renewed it already."""
        with self._lock:
            if self._token is not None and self._token.text == getattr(self._used, "text", ""):
                self._token = None
        return True

    def secrets(self) -> tuple[str, ...]:
        """Return the token, and the one that this thread went with where that is another."""
        held, used = self._token, getattr(self._used, "text", "")
        return tuple({text for text in (held.text if held else "", used) if text})


def signed_jwt(
    claims: Mapping[str, Any], key_text: str, doing: str, *, algorithm: str = "RS256", **header: str
) -> str:
    """Return a JSON Web Token signed with an RSA key (RFC 7519, RFC 7518 §3.3 and §3.5).

    Args:
        claims: of the token.
        key_text: private RSA key as PEM.
        doing: for errors.
        algorithm: RS256 or PS256.
        header: further members of its header, e.g. `kid`.

    Raises:
        ConnectorError: the text is no private RSA key.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import padding, rsa
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(key_text.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, rsa.RSAPrivateKey):
        problem = "the private key is no RSA key in PEM without a password"
        raise ConnectorError(doing, problem, "Give the file as the provider made it.")
    head = {"alg": algorithm, "typ": "JWT", **header}
    signed = b".".join(base64url(rfc8785.dumps(dict(part))) for part in (head, claims))
    pad: padding.AsymmetricPadding = padding.PKCS1v15()
    if algorithm == "PS256":
        pad = padding.PSS(padding.MGF1(SHA256()), padding.PSS.DIGEST_LENGTH)
    return (signed + b"." + base64url(key.sign(signed, pad, SHA256()))).decode()


def base64url(data: bytes) -> bytes:
    """Return base64url without padding (RFC 7515 §2)."""
    return urlsafe_b64encode(data).rstrip(b"=")


def ends_of(answer: Mapping[str, Any]) -> float:
    """Return when a token ends that was answered with `expires_in` or `expires_at`; in an hour by default."""
    at = answer.get("expires_at")
    if isinstance(at, str):
        try:
            return datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp()
        except ValueError:
            pass
    seconds = answer.get("expires_in", 3600)
    return time.time() + (float(seconds) if isinstance(seconds, int | float) else 3600.0)
