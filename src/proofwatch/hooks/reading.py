"""Reading what a stranger sent: sizes, JSON, texts, times and secrets, without ever failing otherwise."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from proofwatch.hooks.base import HookError, Request
from proofwatch.outbound.secrets import SecretError, reveal

LARGEST = 1024 * 1024
"""Bytes of a body."""
LONGEST = 500
"""Characters of a text that is kept from an event."""
SHORTEST_SECRET = 16
AHEAD = timedelta(minutes=5)
"""How far a sender's clock may be ahead of ours."""


def check_body(request: Request, doing: str) -> bytes:
    """Return the body of a POST. Raises HookError if it is none, or is larger than LARGEST."""
    if request.method != "POST":
        raise HookError(doing, "events are sent with POST", status=405)
    if len(request.body) > LARGEST:
        raise HookError(doing, f"the body is larger than {LARGEST} bytes", status=413)
    return request.body


def read_json(data: bytes | str, doing: str) -> Any:
    """Return UTF-8 JSON. Raises HookError for anything else, also for NaN and for nesting without end."""
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise HookError(doing, "the body is not JSON in UTF-8") from None


def read_object(data: bytes | str, doing: str) -> Mapping[str, Any]:
    """Return a JSON object. Raises HookError for anything else."""
    found = read_json(data, doing)
    if not isinstance(found, dict):
        raise HookError(doing, "the body is no JSON object")
    return found


def _refuse(name: str) -> None:
    raise ValueError(name)


def mapping(value: Any) -> Mapping[str, Any]:
    """Return the value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """Return the value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def text(value: Any) -> str:
    """Return the value if it is a text, shortened, and without what a database cannot keep; else ""."""
    if not isinstance(value, str):
        return ""
    return value[:LONGEST].encode("utf-8", "replace").decode("utf-8").replace("\0", "")


def moment(value: Any) -> datetime | None:
    """Return an ISO 8601 time in UTC (which is assumed where no offset is given), or None."""
    if not isinstance(value, str) or len(value) > LONGEST:
        return None
    try:
        found = datetime.fromisoformat(value)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def check_age(at: datetime | None, now: datetime, oldest: timedelta, doing: str) -> datetime:
    """Return `at` if it is neither older than `oldest` nor ahead of us. Raises HookError otherwise."""
    if at is None:
        raise HookError(doing, "it does not say when it was sent")
    if now - at > oldest:
        raise HookError(doing, f"it was sent more than {oldest} ago", "A delivery must not be replayed.")
    if at - now > AHEAD:
        raise HookError(doing, f"it was sent more than {AHEAD} from now", "Compare the clocks.")
    return at


def secret(reference: str, doing: str) -> bytes:
    """Return a shared secret. Raises HookError (status 503) if it cannot be read or is too short."""
    try:
        value = reveal(reference, doing)
    except SecretError as error:
        raise HookError(doing, error.problem, error.remedy, permanent=False, status=503) from None
    if len(value) < SHORTEST_SECRET:
        problem = f"the secret is shorter than {SHORTEST_SECRET} characters"
        raise HookError(doing, problem, "Make one: openssl rand -hex 32", permanent=False, status=503)
    return value.encode("utf-8")


def check_secret(given: str, references: Sequence[str], doing: str) -> None:
    """Compare a text with shared secrets in constant time. Raises HookError (status 401) if none is it."""
    got = given.encode("utf-8", "replace")
    if not any(hmac.compare_digest(got, secret(reference, doing)) for reference in references if reference):
        problem = "the shared secret is wrong" if given else "the shared secret is missing"
        raise HookError(doing, problem, "Set the same secret at the sender and here.", status=401)


def unbase64(value: str, *, url: bool = False) -> bytes | None:
    """Return what strict base64 (or base64url without padding) stands for, or None."""
    raw = value.encode("ascii", "replace")
    if url:
        raw = raw.translate(bytes.maketrans(b"-_+/", b"+/??")) + b"=" * (-len(raw) % 4)
    try:
        return base64.b64decode(raw, validate=True)
    except (binascii.Error, ValueError):
        return None


def digest(data: bytes) -> str:
    """Return a name for a delivery that has none of its own."""
    return hashlib.sha256(data).hexdigest()
