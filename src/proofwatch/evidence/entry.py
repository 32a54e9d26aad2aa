"""What an entry of the log is: small canonical JSON (RFC 8785) that says what happened, when and by whom."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import rfc8785

from proofwatch.evidence.base import EvidenceError
from proofwatch.evidence.kinds import KINDS

MOST_BYTES = 64_000
"""An entry must fit the 16-bit length of a tlog-tiles entry bundle, with room to spare."""

READING = "reading a log entry"

_KIND = re.compile(r"[a-z]+\.[a-z_]+")
_DIGEST = re.compile(r"[0-9a-f]{64}")

OBJECT_FIELDS = frozenset(
    {
        "manifest",
        "plan",
        "results",
        "transitions",
        "read_only_proof",
        "object",
        "base",
        "schema",
        "rollups",
        "deltas",
        "earlier",
        "evaluation",
        "rows_object",
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
    """Return the bytes of an entry.

    Args:
        kind: one of `KINDS`.
        actor: who caused it.
        at: when, with a zone.
        data: what happened, in JSON's types.

    Raises:
        EvidenceError: the kind is unknown, nobody is named, it is too long, or not JSON as RFC 8785 has it.
    """
    doing = f"writing a log entry {kind!r}"
    if kind not in KINDS:
        raise EvidenceError(doing, "there is no such kind", _nearest(kind))
    if not actor:
        raise EvidenceError(doing, "nobody is named as its actor")
    body: dict[str, Any] = {"v": 1, "kind": kind, "actor": actor, "at": _text(at), "data": dict(data)}
    encoded = _plain(body) or _readable(doing, _canonical(doing, body))
    if len(encoded) > MOST_BYTES:
        problem = f"{len(encoded)} bytes is more than {MOST_BYTES}"
        raise EvidenceError(doing, problem, "Put the rest into an object and name it.")
    return encoded


def parse(data: bytes) -> Entry:
    """Read an entry. Raises EvidenceError unless it is exactly what `encode` would have written.

    Its kind need not be in `KINDS`: a later version may have written it.
    """
    if len(data) > MOST_BYTES:
        raise EvidenceError(READING, f"{len(data)} bytes is more than {MOST_BYTES}")
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        raise EvidenceError(READING, "it is not JSON") from None
    if not isinstance(body, dict) or tuple(sorted(body)) != FIELDS or body["v"] is True or body["v"] != 1:
        raise EvidenceError(READING, "its fields are not v, kind, actor, at, data of version 1")
    kind, actor, content = body["kind"], body["actor"], body["data"]
    if not (isinstance(kind, str) and _KIND.fullmatch(kind)):
        raise EvidenceError(READING, "its kind is not of the form thing.verb")
    if not (isinstance(actor, str) and actor):
        raise EvidenceError(READING, "nobody is named as its actor")
    if not isinstance(content, dict):
        raise EvidenceError(READING, "its data are not an object")
    moment = _moment(body["at"])
    if (_plain(body) or _canonical(READING, body)) != data:
        raise EvidenceError(READING, "it is not canonical JSON (RFC 8785)")
    return Entry(kind, actor, moment, content)


def _canonical(doing: str, body: Mapping[str, Any]) -> bytes:
    try:
        return bytes(rfc8785.dumps(dict(body)))
    except RecursionError:
        raise EvidenceError(doing, "it is nested too deeply") from None
    except (rfc8785.CanonicalizationError, ValueError, TypeError) as error:
        raise EvidenceError(doing, f"it is not JSON: {error}") from None


def _readable(doing: str, encoded: bytes) -> bytes:
    """Return the bytes unless reading would refuse them: 1e16 is written as a whole number over 2**53."""
    _canonical(doing, json.loads(encoded))
    return encoded


def _plain(body: Mapping[str, Any]) -> bytes:
    """Return the RFC 8785 form by the standard library, twice as fast, or b"" where the two could differ.

    They agree on ASCII text, whole numbers up to 2**53 and plain containers; that nothing else is in
    `body` is seen by reading the text back.
    """
    try:
        text = _ENCODER.encode(body)
        return text.encode("ascii") if text.isascii() and _DECODER.decode(text) == body else b""
    except (TypeError, ValueError, RecursionError):
        return b""


def _whole(text: str) -> int:
    if len(text) > 17 or abs(int(text)) >= 2**53:
        raise ValueError(text)
    return int(text)


def _refuse(text: str) -> None:
    raise ValueError(text)


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
_DECODER = json.JSONDecoder(parse_int=_whole, parse_float=_refuse, parse_constant=_refuse)


def _text(at: datetime) -> str:
    if at.tzinfo is None:
        raise EvidenceError("writing a log entry", "its time has no zone")
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _moment(text: Any) -> datetime:
    """Read a time written by `_text`; any other form of the same moment is refused."""
    try:
        moment = datetime.fromisoformat(text)
        if _text(moment) == text:
            return moment
    except (TypeError, ValueError, OverflowError, EvidenceError):
        pass
    raise EvidenceError(READING, "its time is not of the form 2026-11-23T06:00:00.000000Z")


def _nearest(kind: str) -> str:
    found = difflib.get_close_matches(kind, KINDS, 1)
    return f"Did you mean {found[0]!r}?" if found else "Describe a new kind in evidence/kinds.py."


def object_ref(digest: str, size: int, role: str) -> dict[str, Any]:
    """Return how `data` may name an object of `size` bytes under any field; `role` says what it is."""
    return {"sha256": digest, "bytes": size, "role": role}


def named_objects(value: Any, name: str = "") -> Iterator[str]:
    """Return the digests that JSON data names, at any depth, in their order.

    An object is named by its digest in one of `OBJECT_FIELDS`, or anywhere as `object_ref` does.
    """
    found: list[str] = []
    _collect(value, name, found)
    return iter(found)


def _collect(value: Any, name: str, found: list[str]) -> None:
    # Nearly all of it are texts and numbers: asking whether they are a Mapping would take most of the time.
    kind = type(value)
    if kind is str:
        if name in OBJECT_FIELDS and _DIGEST.fullmatch(value):
            found.append(value)
    elif kind is dict or isinstance(value, Mapping):
        reference = "sha256" in value and ("role" in value or name in OBJECT_FIELDS)
        for key, item in value.items():
            if type(item) is not int:
                _collect(item, "object" if reference and key == "sha256" else key, found)
    elif kind is list:
        for item in value:
            _collect(item, name, found)
