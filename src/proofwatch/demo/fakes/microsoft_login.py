"""Microsoft's sign-in of the simulated company: gives tokens to one application. All of it is DEMO DATA."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from proofwatch.demo.fakes.base import Asked, Said

TENANT = "3f0c2d1e-7a4b-4c1d-9e55-0a1b2c3d4e5f"
CLIENT = "8b1f6c22-0d7e-4f3a-8a67-5e4d3c2b1a09"
OBJECT = "c5a8e3d1-6f2b-4b7c-9d80-1f2e3d4c5b6a"
SECRET = "DEM~microsoft-secret-worthless"  # noqa: S105 - of the simulated company


def guid(number: int) -> str:
    """Return the id of something that has none of its own."""
    return f"00000000-0000-4000-8000-{number:012x}"


def token_answer(
    audience: str, granted: Callable[[], Sequence[str]], assertions: list[Mapping[str, Any]]
) -> Callable[[Asked], Said]:
    """Return what answers at /{tenant}/oauth2/v2.0/token.

    Args:
        audience: address of the interface that tokens are for.
        granted: the application's permissions there, now.
        assertions: where header and claims of signed assertions are put, for who wants to look at them.
    """

    def answer(asked: Asked) -> Said:
        form = asked.form()
        if asked.parts["tenant"] != TENANT:
            return _refuse(90002, f"Tenant '{asked.parts['tenant']}' not found.", "invalid_request", 400)
        if form.get("client_id") != CLIENT:
            return _refuse(
                700016, f"Application '{form.get('client_id')}' not found.", "unauthorized_client", 400
            )
        assertion = form.get("client_assertion")
        if assertion:
            head, claims, _ = (part + "=" * (-len(part) % 4) for part in assertion.split("."))
            assertions.append(
                {
                    "text": assertion,
                    "head": json.loads(urlsafe_b64decode(head)),
                    "claims": json.loads(urlsafe_b64decode(claims)),
                }
            )
        elif form.get("client_secret") != SECRET:
            return _refuse(7000215, "Invalid client secret provided.", "invalid_client", 401)
        if not form.get("scope", "").endswith("/.default") or form.get("grant_type") != "client_credentials":
            return _refuse(
                70011, "The provided value for the input parameter is not valid.", "invalid_scope", 400
            )
        said = {
            "token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599,
            "access_token": _token(audience, granted()),
        }  # fmt: skip
        return Said(said)

    return answer


def lets_in(asked: Asked) -> bool:
    """Tell whether a request brings a token of ours."""
    scheme, _, token = asked.headers.get("authorization", "").partition(" ")
    return scheme == "Bearer" and token.endswith(".demo")


def _token(audience: str, granted: Sequence[str]) -> str:
    claims: dict[str, Any] = {"aud": audience, "tid": TENANT, "appid": CLIENT, "oid": OBJECT, "idtyp": "app"}
    if granted:
        claims["roles"] = list(granted)
    parts = ({"typ": "JWT", "alg": "none"}, claims)
    return (
        ".".join(urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
        + ".demo"
    )


def _refuse(code: int, words: str, error: str, status: int) -> Said:
    told = f"AADSTS{code}: {words} Trace ID: {guid(1)} Correlation ID: {guid(2)}"
    return Said({"error": error, "error_description": told, "error_codes": [code]}, status)
