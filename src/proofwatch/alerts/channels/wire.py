"""What every channel over HTTP does alike: read secrets, send, and say what the provider answered."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from proofwatch.alerts.channels.base import NotAccepted
from proofwatch.alerts.channels.escaping import clean
from proofwatch.outbound.guard import Forbidden
from proofwatch.outbound.http import Answer, Client, NoAnswer
from proofwatch.outbound.secrets import SecretError, reveal

LONGEST = 300
"""Characters of a provider's answer that are kept."""
HIDE = "…"
SHORTEST = 6
"""Parts of a secret address that are shorter than this are words, not secrets."""


def secret(reference: str, doing: str) -> str:
    """Return a secret that fits into a header or an address.

    Raises:
        NotAccepted: it cannot be read, or holds what no token and no address holds; nothing was sent.
    """
    try:
        found = reveal(reference, doing).strip()
    except SecretError as error:
        raise NotAccepted(doing, error.problem, error.remedy, answer="not sent: no secret") from None
    if not found.isascii() or not found.isprintable() or " " in found or not found:
        problem = f"what {reference} holds is no token: it has blanks or characters beyond ASCII"
        raise NotAccepted(doing, problem, "Put the secret, and nothing else, there.", answer="not sent")
    return found


def post(
    client: Client,
    url: str,
    *,
    doing: str,
    secrets: Iterable[str],
    body: Any = None,
    content: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Send one POST; return the answer, whatever its status.

    Raises:
        NotAccepted: it was not sent, or nobody answered; `unanswered` says whether it may have arrived.
    """
    hidden = list(secrets)
    try:
        _host(url, doing)
        return client.request("POST", url, doing=doing, headers=headers, body=body, content=content)
    except Forbidden as error:
        problem = short(error.problem, hidden)
        raise NotAccepted(
            doing, problem, error.remedy, permanent=True, answer=f"not sent: {problem}"
        ) from None
    except NoAnswer as error:
        problem = short(error.problem, hidden)
        raise NotAccepted(
            doing,
            problem,
            short(error.remedy, hidden),
            permanent=error.permanent,
            answer=problem,
            unanswered=error.unanswered,
        ) from None


def accepted(answer: Answer, secrets: Iterable[str], words: str = "") -> str:
    """Return what a provider that accepted said, in short."""
    return short(f"{answer.status} {words or answer.text}", secrets)


def refused(
    answer: Answer, doing: str, secrets: Iterable[str], words: str = "", *, permanent: bool | None = None
) -> NotAccepted:
    """Return the error for an answer that is no acceptance.

    408, 425, 429 and 5xx are worth another try; every other status is not. A redirect is not followed:
    the provider moved, and somebody has to look where to.

    Args:
        answer: what the provider said.
        doing: the action in progress.
        secrets: what must not be repeated.
        words: what to say instead of the answer's body.
        permanent: what the provider's own error code means, where it has one.
    """
    said = accepted(answer, secrets, words)
    again = answer.status in (408, 425, 429) or answer.status >= 500
    final = not again if permanent is None else permanent
    remedy = "Look at the channel's settings; docs/channels.md says what each answer means." if final else ""
    return NotAccepted(
        doing,
        f"the provider answered {said}",
        remedy,
        permanent=final,
        answer=said,
        retry_after=answer.retry_after(),
    )


def short(text: str, secrets: Iterable[str]) -> str:
    """Return text on one line, at most 300 characters, without these secrets or any telling part of them."""
    for item in sorted(_forms(secrets), key=len, reverse=True):
        text = text.replace(item, HIDE)
    return clean(text, LONGEST)


def _forms(secrets: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for item in filter(None, secrets):
        found |= {item, quote(item, safe="")}
        if "://" in item:
            rest = item.partition("://")[2].partition("/")[2]
            found |= {rest, quote(rest, safe="")}
            found |= set(re.split(r"[/?&=]", rest))
    return {item for item in found if len(item) >= SHORTEST}


def _host(url: str, doing: str) -> str:
    try:
        name = urlsplit(url).hostname or ""
        name.encode("idna")
    except (ValueError, UnicodeError):
        raise NoAnswer(doing, "the address is not a plain https:// URL", permanent=True) from None
    return name
