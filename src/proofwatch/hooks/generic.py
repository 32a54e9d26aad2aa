"""Anything of your own: a body that names tables, signed as Standard Webhooks says (standardwebhooks.com)."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from proofwatch.hooks.base import Heard, Hint, HookError, Request
from proofwatch.hooks.reading import check_age, check_body, items, moment, read_object, secret, text, unbase64
from proofwatch.outbound.http import Client
from proofwatch.outbound.secrets import Ref

DOING = "hearing a signed event"
WINDOW = timedelta(minutes=5)
MOST = 200
_ID = re.compile(r"[\x21-\x7e]{1,200}")
_STAMP = re.compile(r"[0-9]{1,11}")
_TABLE = re.compile(r"[a-z][a-z0-9_]{0,62}")


class GenericSettings(BaseModel):
    """Settings of a signed web hook. A secret may begin with `whsec_` and is base64 then."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    secret: Ref = Field(description="Key of the signature: env:NAME or file:/path")
    previous: Ref | None = Field(default=None, description="Key before, while it is being changed")


class Generic:
    """A body that names tables, signed with a shared key over its id, its time and all its bytes."""

    kind: ClassVar[str] = "generic"
    title: ClassVar[str] = "Signed web hook (Standard Webhooks)"
    Settings: ClassVar[type[BaseModel]] = GenericSettings

    def __init__(self, settings: BaseModel, client: Client) -> None:
        self._settings = GenericSettings.model_validate(settings.model_dump())

    def hear(self, request: Request, now: datetime) -> Heard:
        """Check signature and time and return what the body names. Raises HookError."""
        body = check_body(request, DOING)
        name, stamp = request.header("webhook-id"), request.header("webhook-timestamp")
        if not _ID.fullmatch(name) or not _STAMP.fullmatch(stamp):
            raise HookError(DOING, "it is not signed", "Send webhook-id, -timestamp, -signature.", status=401)
        self._check_signature(request.header("webhook-signature"), f"{name}.{stamp}.".encode() + body)
        check_age(_at(stamp), now, WINDOW, DOING)
        return Heard(name, (_hint(body),))

    def _check_signature(self, given: str, signed: bytes) -> None:
        offered = [unbase64(part[3:]) or b"" for part in given.split()[:10] if part.startswith("v1,")]
        right = False
        for reference in filter(None, (self._settings.secret, self._settings.previous)):
            expected = hmac.digest(_key(reference), signed, hashlib.sha256)
            right |= any(hmac.compare_digest(expected, one) for one in offered)
        if not right:
            raise HookError(DOING, "the signature is wrong", "Sign id.timestamp.body with HMAC.", status=401)


def _key(reference: str) -> bytes:
    value = secret(reference, DOING)
    if not value.startswith(b"whsec_"):
        return value
    key = unbase64(value[6:].decode("utf-8"))
    if key is None:
        raise HookError(DOING, "what follows whsec_ is not base64", permanent=False, status=503)
    return key


def _at(stamp: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(stamp), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _hint(body: bytes) -> Hint:
    said = read_object(body, DOING)
    tables = items(said.get("tables"))
    if (
        not tables
        or len(tables) > MOST
        or not all(isinstance(x, str) and _TABLE.fullmatch(x) for x in tables)
    ):
        raise HookError(DOING, f"tables: it must list 1 to {MOST} names of tables")
    return Hint(
        tuple(dict.fromkeys(tables)),
        account_id=text(said.get("account_id")),
        region=text(said.get("region")),
        resource=text(said.get("resource")),
        name=text(said.get("name")) or "generic",
        at=moment(said.get("at")),
    )
