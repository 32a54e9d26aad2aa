"""Private keys as Okta hands them out: PEM, or JWK (RFC 7517)."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from typing import Any

from proofwatch.connectors.base import ConnectorError

REMEDY = "Give the private key as Okta showed it when it was made: RSA, as PEM or as JWK with all its parts."


def pem_of(text: str, doing: str) -> tuple[str, str]:
    """Return a private key as PEM, and its id ("" where it holds none).

    Raises:
        ConnectorError: it is a JWK, and no private RSA key.
    """
    if not text.lstrip().startswith("{"):
        return text, ""
    try:
        key = json.loads(text)
    except (ValueError, RecursionError):
        raise ConnectorError(doing, "the private key begins as a JWK and is no JSON", REMEDY) from None
    if not isinstance(key, Mapping) or key.get("kty") != "RSA":
        raise ConnectorError(doing, "the private key is a JWK, and not one of RSA", REMEDY)
    return _pem(key, doing), str(key.get("kid") or "")


def _pem(key: Mapping[str, Any], doing: str) -> str:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    try:
        public = rsa.RSAPublicNumbers(_number(key["e"]), _number(key["n"]))
        d, p, q = (_number(key[name]) for name in ("d", "p", "q"))
        made = rsa.RSAPrivateNumbers(
            p, q, d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q), public
        ).private_key()
    except KeyError as error:
        problem = f"the JWK has no {error}: it is the public key, or not whole"
        raise ConnectorError(doing, problem, REMEDY) from None
    except (ValueError, TypeError, AttributeError):
        raise ConnectorError(doing, "the JWK holds numbers that make no RSA key", REMEDY) from None
    return made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _number(text: str) -> int:
    return int.from_bytes(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
