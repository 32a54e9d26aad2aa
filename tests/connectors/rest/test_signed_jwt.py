"""Signed tokens: both algorithms are checked by what did not make them."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from proofwatch.connectors.base import ConnectorError
from proofwatch.connectors.rest.auth import signed_jwt

KEY = rsa.generate_private_key(65537, 2048)
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
PADS: dict[str, padding.AsymmetricPadding] = {
    "RS256": padding.PKCS1v15(),
    "PS256": padding.PSS(padding.MGF1(SHA256()), 32),
}


def decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.mark.parametrize("algorithm", sorted(PADS))
def test_a_token_holds_what_was_claimed_and_is_signed_as_it_says(algorithm: str) -> None:
    made = signed_jwt({"iss": "me"}, PEM, "signing in", algorithm=algorithm, kid="k")
    head, claims, signature = made.split(".")
    assert json.loads(decoded(head)) == {"alg": algorithm, "typ": "JWT", "kid": "k"}
    assert json.loads(decoded(claims)) == {"iss": "me"}
    KEY.public_key().verify(decoded(signature), f"{head}.{claims}".encode(), PADS[algorithm], SHA256())
    with pytest.raises(InvalidSignature):
        KEY.public_key().verify(decoded(signature), f"{head}.x".encode(), PADS[algorithm], SHA256())


def test_what_is_no_key_is_refused_without_repeating_it() -> None:
    with pytest.raises(ConnectorError) as raised:
        signed_jwt({}, "not a key", "signing in")
    assert "not a key" not in str(raised.value)
