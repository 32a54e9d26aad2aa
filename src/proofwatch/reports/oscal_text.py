"""Words as OSCAL takes them: tokens, single-line texts, Markdown, properties, moments, stable UUIDs.

Names come from clouds and may hold anything. Nothing of them may break a pattern of the schema, or become a
link, an image or HTML where somebody shows the Markdown.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from datetime import UTC, datetime
from typing import Any

NAMESPACE = uuid.UUID("6f1c2c55-8f5e-5d0a-a1c4-3a5b7e0d9c21")
"""Of every UUIDv5 in our documents; it never changes."""
NS = "urn:x-proofwatch:oscal:1"
"""Whose words the names of our properties are."""
LINE, TEXT = 500, 20_000
"""Characters of a title, and of a longer text."""

_MARKDOWN = re.compile(r"([\\`*_\[\]<>&~|])")
_NO_TOKEN = re.compile(r"[^0-9A-Za-z.\-_]")


class Ids:
    """UUIDs that follow from what they name; another installation has others.

    Args:
        installation: what tells this installation from all others.
    """

    def __init__(self, installation: str) -> None:
        self.installation = installation

    def of(self, *parts: object) -> str:
        """Return the UUID of a thing by the words that tell it from others."""
        return str(self.uuid(*parts))

    def uuid(self, *parts: object) -> uuid.UUID:
        """Return the same as an object."""
        words = "\0".join((self.installation, *map(str, parts)))
        return uuid.uuid5(NAMESPACE, words.encode("utf-8", "replace").decode("utf-8"))


def plain(text: str, most: int = LINE) -> str:
    """Return one line without spaces around it; what does not print is shown escaped. "" stays empty."""
    if not text.isprintable():
        parts = (
            char if char.isprintable() else " " if char in "\n\r\t" else _escaped(char)
            for char in text[: most * 2]
        )
        text = "".join(parts)
    text = text.strip()
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def markup(text: str, most: int = LINE) -> str:
    """Return a text as Markdown that reads as it is: nothing in it is markup. "–" where there is none."""
    return _MARKDOWN.sub(r"\\\1", plain(text, most)) or "–"


def token(text: str) -> str:
    """Return a name as a token. One that had to be changed gets a mark, so that no two become the same."""
    found = _NO_TOKEN.sub("_", text)
    if not found[:1].isalpha() and not found.startswith("_"):
        found = f"_{found}"
    if found == text:
        return found
    return f"{found[:60]}-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:8]}"


def prop(name: str, value: object, group: str = "") -> list[dict[str, str]]:
    """Return a property of ours as a list of one; an empty list where there is no value."""
    text = plain(str(value), TEXT)
    if not text:
        return []
    more = {"group": group} if group else {}
    return [{"name": name, "ns": NS, "value": text, **more}]


def moment(at: datetime) -> str:
    """Return a moment in UTC with Z."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def evidence(digest: str, about: str) -> list[dict[str, Any]]:
    """Return an object as relevant evidence: its path as in a binder, and its digest."""
    if not digest:
        return []
    href = f"objects/{digest[:2]}/{digest[2:]}"
    return [{"href": href, "description": about, "props": prop("sha-256", digest)}]


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
