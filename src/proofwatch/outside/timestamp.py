"""A time-stamp authority (RFC 3161): it signs that it saw a checkpoint, and when. It keeps nothing itself."""

from __future__ import annotations

import dataclasses
import hashlib
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from proofwatch.alerts.channels.escaping import clean
from proofwatch.errors import ProofwatchError
from proofwatch.evidence import timestamp
from proofwatch.outbound.http import Client
from proofwatch.outside.base import Answer, Given, KeeperSettings, OutsideError

DOING = "asking for a time-stamp"
MOST_PEM = 1 << 20
QUERY, REPLY = "application/timestamp-query", "application/timestamp-reply"


class Settings(KeeperSettings):
    """Settings of a time-stamp authority."""

    url: str = Field(
        pattern=r"^https?://[^\s@]{1,500}$", description="Its address, as http://timestamp.example.com/tsr."
    )
    roots: str = Field(
        min_length=1,
        max_length=1000,
        description="File (PEM) of the root certificate that its tokens end at, fetched from the authority.",
    )


class TimeStamp:
    """Asks one authority for a time-stamp over the SHA-256 of the signed checkpoint."""

    kind: ClassVar[str] = "timestamp"
    about: ClassVar[str] = (
        "A time-stamp authority signs when it saw the checkpoint; take two or more of them."
    )
    interval_minutes: ClassVar[int] = 60
    settings: ClassVar[type[KeeperSettings]] = Settings

    def keep(self, settings: Any, given: Given, client: Client) -> Answer:
        """Return the token, verified against the authority's own root; what does not verify is not kept.

        Raises:
            OutsideError: the authority did not answer, refused, or its answer proves nothing.
        """
        roots = read_roots(settings.roots)
        data = given.note.encode("utf-8")
        try:
            timestamp.read_roots([roots])
            request = timestamp.ask(data)
            der = _sent(settings.url, request.der, client)
            stamp = timestamp.read_answer(der, request, data, [roots])
        except OutsideError:
            raise
        except ProofwatchError as error:
            raise OutsideError(DOING, error.problem, error.remedy, permanent=error.permanent) from None
        facts = {
            "at": utc(stamp.at),
            "authority": clean(stamp.authority, 300),
            "policy": stamp.policy,
            # As text: serial numbers are longer than JSON's numbers can say.
            "serial": str(stamp.serial),
            "within": str(stamp.within) if stamp.within else "",
            "ahead_of_us_seconds": round((stamp.at - given.now).total_seconds()),
            "certificate_ends": utc(stamp.ends),
            "roots_sha256": hashlib.sha256(roots).hexdigest(),
        }
        return Answer(utc(stamp.at), der, facts, {"certificates of the authority": roots})


def read_roots(path: str) -> bytes:
    """Return a file of root certificates. Raises OutsideError if it cannot be read."""
    doing = "reading the certificate of a time-stamp authority"
    try:
        with Path(path).expanduser().open("rb") as file:
            data = file.read(MOST_PEM + 1)
    except OSError as error:
        problem = f"{path}: {error.strerror or 'cannot be read'}"
        raise OutsideError(doing, problem, "Name the file in `roots`.") from None
    if len(data) > MOST_PEM:
        raise OutsideError(doing, f"{path}: it is longer than {MOST_PEM} bytes")
    return data


def utc(moment: datetime) -> str:
    """Return a moment in UTC with Z; with fractions of a second where it has any."""
    return moment.isoformat().replace("+00:00", "Z")


def _sent(url: str, question: bytes, client: Client) -> bytes:
    """Return the body of the answer.

    Plain http is taken: many authorities speak nothing else, the question holds only a digest, and the answer
    proves itself by its signature and by the number that it repeats.
    """
    open_client = dataclasses.replace(client, insecure=True)
    headers = {"Content-Type": QUERY, "Accept": REPLY}
    answer = open_client.request("POST", url, doing=DOING, headers=headers, content=question)
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not answer.ok:
        raise OutsideError(DOING, f"the authority answered {answer.status}", "Look at its address.")
    if kind != REPLY:
        raise OutsideError(DOING, f"the answer is no time-stamp but {clean(kind, 60) or 'without a type'}")
    return answer.body
