"""Tokens that a provider signs (JWT, RS256 only), checked against the keys that it publishes (JWKS).

Sources: RFC 7515, 7517, 7519, and RFC 8725 for what goes wrong: the algorithm is ours, never the token's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers

from proofwatch.hooks.base import HookError
from proofwatch.hooks.kept import Kept
from proofwatch.hooks.reading import items, mapping, read_object, unbase64
from proofwatch.outbound.http import Client

KEEP = timedelta(hours=6)
RENEW = timedelta(minutes=1)
"""A key that is not there is looked for again, but not more often."""
LEEWAY = 60
LONGEST = 16 * 1024
_TOKEN = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")


@dataclass(slots=True)
class Issuer:
    """Who signs tokens, and where the keys stand."""

    client: Client
    keys_url: str
    doing: str
    _keys: Kept[dict[str, RSAPublicKey]] | None = None

    def claims(self, token: str, now: datetime) -> Mapping[str, Any]:
        """Return what a token claims, after checking signature, `exp`, `iat` and `nbf`.

        Raises:
            HookError: the token is not right (401), or the keys cannot be fetched now (503).
        """
        found = _TOKEN.fullmatch(token) if len(token) <= LONGEST else None
        if not found:
            raise self._wrong("there is no token, or it is malformed")
        header, claims = (self._part(found[n]) for n in (1, 2))
        if header.get("alg") != "RS256" or "crit" in header or not isinstance(header.get("kid"), str):
            raise self._wrong("the token is signed in a way that is not taken")
        signature = unbase64(found[3], url=True) or b""
        try:
            self._key(header["kid"], now).verify(
                signature, f"{found[1]}.{found[2]}".encode(), PKCS1v15(), hashes.SHA256()
            )
        except InvalidSignature:
            raise self._wrong("the token's signature is wrong") from None
        self._check_times(claims, now.timestamp())
        return claims

    def _check_times(self, claims: Mapping[str, Any], now: float) -> None:
        if not _number(claims.get("exp")) or claims["exp"] + LEEWAY < now:
            raise self._wrong("the token has expired")
        for name in ("iat", "nbf"):
            if name in claims and (not _number(claims[name]) or claims[name] - LEEWAY > now):
                raise self._wrong("the token is not valid yet")

    def _part(self, encoded: str) -> Mapping[str, Any]:
        try:
            return read_object(unbase64(encoded, url=True) or b"", self.doing)
        except HookError:
            raise self._wrong("the token is malformed") from None

    def _key(self, kid: str, now: datetime) -> RSAPublicKey:
        if self._keys is None:
            self._keys = Kept(self.client, self._read, self.doing, KEEP)
        key = self._keys.get(self.keys_url, now).get(kid)
        key = key or self._keys.get(self.keys_url, now, longest=RENEW).get(kid)
        if key is None:
            raise self._wrong("the token is signed with a key that its issuer does not publish")
        return key

    def _read(self, data: bytes) -> dict[str, RSAPublicKey]:
        keys = {}
        for item in map(mapping, items(mapping(self._part_of_keys(data)).get("keys"))):
            key = _rsa(item)
            if key is not None and isinstance(item.get("kid"), str):
                keys[item["kid"]] = key
        if not keys:
            raise HookError(self.doing, "the issuer publishes no key", permanent=False, status=503)
        return keys

    def _part_of_keys(self, data: bytes) -> Mapping[str, Any]:
        try:
            return read_object(data, self.doing)
        except HookError:
            raise HookError(self.doing, "the keys are no JSON", permanent=False, status=503) from None

    def _wrong(self, problem: str) -> HookError:
        return HookError(self.doing, problem, status=401)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _rsa(item: Mapping[str, Any]) -> RSAPublicKey | None:
    if item.get("kty") != "RSA" or item.get("use", "sig") != "sig" or item.get("alg", "RS256") != "RS256":
        return None
    parts = [
        unbase64(item[name], url=True) if isinstance(item.get(name), str) else None for name in ("n", "e")
    ]
    if not parts[0] or not parts[1]:
        return None
    try:
        key = RSAPublicNumbers(int.from_bytes(parts[1], "big"), int.from_bytes(parts[0], "big")).public_key()
    except ValueError:
        return None
    return key if key.key_size >= 2048 else None
