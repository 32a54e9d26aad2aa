"""What an entry of the log is: small canonical JSON (RFC 8785) that says what happened, when and by whom."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import rfc8785

from proofwatch.evidence.base import EvidenceError

MOST_BYTES = 64_000
"""An entry must fit the 16-bit length of a tlog-tiles entry bundle, with room to spare."""

_KIND = re.compile(r"^[a-z]+\.[a-z_]+$")
_AT = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z$")
_DIGEST = re.compile(r"^[0-9a-f]{64}$")

OBJECT_FIELDS = frozenset(
    {
        "manifest",
        "plan",
        "results",
        "transitions_object",
        "read_only_proof",
        "object",
        "base",
        "changes",
        "previous",
    }
)
"""Fields, in entries and in JSON objects, that name an object by its SHA-256: the verifier looks it up."""

FIELDS = ("actor", "at", "data", "kind", "v")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry, read."""

    kind: str
    actor: str
    at: datetime
    data: Mapping[str, Any]

    def objects(self) -> Iterator[str]:
        """Yield the digests of the objects that the entry names."""
        yield from named_objects(self.data)


def encode(*, kind: str, actor: str, at: datetime, data: Mapping[str, Any]) -> bytes:
    """Return the bytes of an entry. Raises EvidenceError if it is too long or cannot be canonical JSON."""
    doing = f"writing a log entry {kind!r}"
    if not _KIND.match(kind):
        raise EvidenceError(doing, "its kind is not of the form thing.verb")
    if not actor:
        raise EvidenceError(doing, "nobody is named as its actor")
    body: dict[str, Any] = {"v": 1, "kind": kind, "actor": actor, "at": _text(at), "data": dict(data)}
    try:
        encoded = rfc8785.dumps(body)
    except (rfc8785.CanonicalizationError, ValueError, TypeError) as error:
        raise EvidenceError(doing, f"it is not JSON: {error}") from None
    if len(encoded) > MOST_BYTES:
        raise EvidenceError(
            doing,
            f"{len(encoded)} bytes is more than {MOST_BYTES}",
            "Put the rest into an object and name it.",
        )
    return bytes(encoded)


def parse(data: bytes) -> Entry:
    """Read an entry. Raises EvidenceError unless it is exactly what `encode` would have written."""
    doing = "reading a log entry"
    try:
        body = json.loads(data)
    except (ValueError, UnicodeDecodeError, RecursionError):
        raise EvidenceError(doing, "it is not JSON") from None
    if not isinstance(body, dict) or tuple(sorted(body)) != FIELDS or body["v"] != 1:
        raise EvidenceError(doing, "its fields are not v, kind, actor, at, data of version 1")
    kind, actor, at, content = body["kind"], body["actor"], body["at"], body["data"]
    if not (isinstance(kind, str) and _KIND.match(kind) and isinstance(actor, str) and actor):
        raise EvidenceError(doing, "its kind or its actor is malformed")
    if not (isinstance(at, str) and _AT.match(at) and isinstance(content, dict)):
        raise EvidenceError(doing, "its time or its data is malformed")
    try:
        canonical = bytes(rfc8785.dumps(body))
        moment = datetime.fromisoformat(at.replace("Z", "+00:00"))
    except (rfc8785.CanonicalizationError, ValueError):
        canonical, moment = b"", datetime.min.replace(tzinfo=UTC)
    if canonical != data:
        raise EvidenceError(doing, "it is not canonical JSON (RFC 8785)")
    return Entry(kind, actor, moment, content)


def _text(at: datetime) -> str:
    if at.tzinfo is None:
        raise EvidenceError("writing a log entry", "its time has no zone")
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def named_objects(value: Any, name: str = "") -> Iterator[str]:
    """Yield the digests that JSON data names in the fields of `OBJECT_FIELDS`, at any depth."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from named_objects(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from named_objects(item, name)
    elif name in OBJECT_FIELDS and isinstance(value, str) and _DIGEST.match(value):
        yield value
