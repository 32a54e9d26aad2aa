"""What the trackers share: one request, what its answer means, and how text is made safe for Markdown."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Container, Mapping
from typing import Any

from proofwatch.errors import ProofwatchError
from proofwatch.outbound.http import Answer, Client, NoAnswer
from proofwatch.outbound.secrets import SecretError, reveal
from proofwatch.remediation.trackers.base import TrackerError

LATER = frozenset({408, 425, 429})
MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+!|~])")
CALLS = re.compile(r"(?<![\w@])@(?=[\w-])|#(?=\d)|(?<=\w)://")
"""What a tracker turns into a mention, a reference or a link by itself."""
HIDDEN = re.compile("[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def secret(reference: str, doing: str) -> str:
    """Return a secret. Raises TrackerError, to be tried again: it may be mended."""
    try:
        return reveal(reference, doing)
    except SecretError as error:
        raise TrackerError(doing, error.problem, error.remedy, answer=error.problem) from None


def ask(
    client: Client,
    method: str,
    url: str,
    *,
    doing: str,
    headers: Mapping[str, str],
    body: Any = None,
    also: Container[int] = (),
) -> Answer:
    """Send one request and return the answer if it is a success, or of a status that the caller reads itself.

    Raises:
        TrackerError: anything else. `unanswered` says that the tracker may have done it all the same.
    """
    try:
        got = client.request(method, url, doing=doing, headers=headers, body=body)
    except NoAnswer as error:
        raise TrackerError(
            doing, error.problem, error.remedy, permanent=error.permanent, answer=short(error.problem),
            unanswered=error.unanswered,
        ) from None  # fmt: skip
    except ProofwatchError as error:
        raise TrackerError(
            doing, error.problem, error.remedy, permanent=error.permanent, answer=short(error.problem)
        ) from None
    if got.ok or got.status in also:
        return got
    raise refused(got, doing)


def refused(got: Answer, doing: str) -> TrackerError:
    """Return the error for an answer that is no success. GitHub says 403 where it means "not now"."""
    wait = got.retry_after()
    spent = got.status == 403 and (wait is not None or got.headers.get("x-ratelimit-remaining") == "0")
    again = got.status in LATER or got.status >= 500 or spent
    words = f"{got.status} {short(got.text)}".strip()
    return TrackerError(
        doing, f"it was answered {words}", permanent=not again, answer=words, retry_after=wait
    )


def parsed(got: Answer, doing: str) -> Any:
    """Return the answer's JSON. Raises TrackerError where it is none (a proxy's page, say)."""
    said = got.json()
    if said is None:
        words = f"{got.status}, not JSON"
        raise TrackerError(doing, "the answer is not the tracker's", answer=words, unanswered=True)
    return said


def short(text: str, most: int = 300) -> str:
    """Return text on one line of bounded length."""
    line = " ".join(HIDDEN.sub(" ", text).split())
    return line if len(line) <= most else line[: most - 1] + "…"


def line(text: str, most: int = 1000) -> str:
    """Return untrusted text on one line, with nothing in it that hides or turns round."""
    shown = " ".join(HIDDEN.sub("\ufffd" if not text.isspace() else " ", text.replace("\n", " ")).split())
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def markdown(text: str) -> str:
    """Return untrusted text so that Markdown shows it as it is: no markup, mention, reference or link."""
    calm = CALLS.sub(lambda found: found[0][:1] + "\u2060" + found[0][1:], line(text))
    return MARKUP.sub(r"\\\1", calm)


def signed(key: str, body: bytes, given: str, doing: str) -> None:
    """Return if `given` is the HMAC-SHA256 of a body in hex. Raises TrackerError otherwise."""
    expected = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
    if not key or not hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace")):
        raise TrackerError(doing, "the web hook is not signed by the tracker", permanent=True)
