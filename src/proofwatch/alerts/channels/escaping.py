"""Untrusted text for each medium: a resource's name must show as it is, and must never do anything.

`clean` comes first everywhere; then exactly one of `mrkdwn`, `code`, `html`. Adaptive Cards need none:
their text runs are literal. Names keep their characters; what cannot be seen is written out.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from html import escape
from urllib.parse import urlsplit

NOTHING = "\u200b"
"""Zero-width space: keeps Slack from reading what stands on both sides as one mark."""
JOINERS = "\u200c\u200d"
"""Some scripts and emoji need them, and they cannot change what a line says."""
HIDDEN = frozenset({"Cc", "Cf", "Cs"})
LONGEST_URL = 2000


def clean(text: str, limit: int) -> str:
    r"""Return text on one line, with everything that cannot be seen written out, cut to a length.

    Line ends become blanks; control characters, overrides of the writing direction and lone surrogates
    become `\u202e` and the like, so that a name cannot hide what it is.
    """
    # Cutting first bounds the work; what is written out only gets longer, so it is cut once more.
    return cut("".join(map(_seen, cut(" ".join(text.split()), limit))), limit)


def paragraphs(text: str, limit: int) -> tuple[str, ...]:
    """Return the lines of a text, each cleaned; together at most `limit` characters."""
    found: list[str] = []
    left = limit
    for line in text[: limit * 4].splitlines():
        if line.strip() and left > 0:
            found.append(clean(line, left))
            left -= len(found[-1])
    return tuple(found)


def cut(text: str, limit: int) -> str:
    """Return at most `limit` characters; what was cut shows as an ellipsis."""
    return text if len(text) <= limit else text[: max(limit - 1, 0)].rstrip() + "…"


def fit(text: str, limit: int, form: Callable[[str], str]) -> str:
    """Return `form(text)`, of text cut so far that the result has at most `limit` characters.

    Cutting after escaping could leave half an entity.
    """
    done = form(text)
    while len(done) > limit and text:
        text = cut(text, min(len(text) - 1, max(1, len(text) * limit // len(done) - 1)))
        done = form(text)
        if len(text) <= 1:
            break
    return done


def mrkdwn(text: str) -> str:
    """Return cleaned text for Slack's mrkdwn: no mention, link, emoji, quote or format can arise from it.

    Slack asks for three entities only, and has no way to escape its marks for bold and the like; a
    zero-width space beside them does it (docs.slack.dev, "Formatting message text").
    """
    text = re.sub(r"([*~`])", NOTHING + r"\1" + NOTHING, text)
    text = re.sub(r"(?<![^\W_])_|_(?![^\W_])", NOTHING + "_" + NOTHING, text)
    # A time of day (09:30:05) is no emoji.
    text = re.sub(r":(?!(?<=\d:)\d\d:)(?=[\w+'-]+:)", ":" + NOTHING, text)
    text = re.sub(r"@(?=\w)", "@" + NOTHING, text)
    text = re.sub(r"(?i)(https?):(?=//)", r"\1:" + NOTHING, text)
    text = entities(text)
    return NOTHING + text if text.startswith("&gt;") else text


def code(text: str) -> str:
    """Return cleaned text as Slack's inline code, in which nothing but a back-tick has a meaning."""
    return f"`{entities(text.replace('`', 'ˋ')) or ' '}`"


def entities(text: str) -> str:
    """Return text with the three characters that Slack reads as control written as entities."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def html(text: str) -> str:
    """Return cleaned text for HTML: in its own writing direction, so that it cannot turn its neighbours."""
    return f"<bdi>{escape(text, quote=True)}</bdi>"


def link(url: str) -> str:
    """Return an address that a person may be sent to; "" unless it is a plain http(s) one."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    plain = url.isascii() and url.isprintable() and not re.search(r"[\s<>\"'|\\`]", url)
    if parts.scheme not in ("http", "https") or not parts.hostname or not plain or len(url) > LONGEST_URL:
        return ""
    return url


def pack(lines: Iterable[str], limit: int) -> list[str]:
    """Return lines joined to as few texts as possible, each of at most `limit` characters.

    A single line that is longer stands alone, uncut: what is escaped already cannot be cut here.
    """
    found: list[str] = []
    for line in lines:
        if found and len(found[-1]) + len(line) + 1 <= limit:
            found[-1] += "\n" + line
        else:
            found.append(line)
    return found


def _seen(char: str) -> str:
    if char in JOINERS or unicodedata.category(char) not in HIDDEN:
        return char
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"
