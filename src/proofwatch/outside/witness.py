"""A witness (C2SP tlog-witness): cosigns our checkpoint only if it continues what it saw before."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any, ClassVar
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from proofwatch.errors import ProofwatchError
from proofwatch.evidence.base import EvidenceError
from proofwatch.evidence.checkpoint import decimal
from proofwatch.evidence.cosignature import (
    Cosignature,
    CosignerVerifier,
    add_lines,
    cosignatures,
    parse_cosigner,
)
from proofwatch.evidence.note import DASH, split_note
from proofwatch.evidence.witness import SIZE_TYPE, format_request
from proofwatch.outbound.http import Answer as Response
from proofwatch.outbound.http import Client
from proofwatch.outside.base import Answer, Given, KeeperSettings, OutsideError

DOING = "having a checkpoint cosigned by the witness"
MOST_LINES = 16
"""Signature lines of an answer that are looked at."""
APART = timedelta(hours=1)
"""How far the witness's clock may be from ours: more, and its time proves little."""
RUN = "Find out who changed the log: `proofwatch evidence verify`, and the last checkpoint that it cosigned."


class Settings(KeeperSettings):
    """Settings of a witness."""

    url: str = Field(
        max_length=2000, description="Its submission prefix: where /add-checkpoint is found below."
    )
    vkey: str = Field(max_length=2000, description="Its public key, as received from whoever runs it.")

    @field_validator("url")
    @classmethod
    def _is_url(cls, value: str) -> str:
        try:
            parts = urlsplit(value)
        except ValueError:
            raise ValueError("it is not an address") from None
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("it is not an https:// address without query")
        if parts.username or parts.password:
            raise ValueError("no password may stand in an address")
        return value.rstrip("/")

    @field_validator("vkey")
    @classmethod
    def _is_vkey(cls, value: str) -> str:
        try:
            return parse_cosigner(value).text
        except EvidenceError as error:
            raise ValueError(error.problem) from None


class Rewritten(OutsideError):
    """The witness says that the log is not the one that it saw before: it was rewritten or cut."""


class Witness:
    """Asks a witness for its cosignature."""

    kind: ClassVar[str] = "witness"
    about: ClassVar[str] = "Cosigned by an independent witness, which refuses a log that was rewritten."
    interval_minutes: ClassVar[int] = 60
    settings: ClassVar[type[KeeperSettings]] = Settings

    def keep(self, settings: Any, given: Given, client: Client) -> Answer:
        """Have a checkpoint cosigned.

        Returns:
            reference: the time of the cosignature; proof: the checkpoint with the witness's line.

        Raises:
            Rewritten: the witness knows another or a longer log of this name.
            OutsideError: it did not cosign for another reason, or what it answered proves nothing.
        """
        found = Settings.model_validate(settings if isinstance(settings, dict) else settings.model_dump())
        answer = self._ask(found, given, client, 0, [])
        old = _conflict(answer)
        if old is not None:
            answer = self._ask(found, given, client, old, _proof(given, old))
        if not answer.ok:
            raise _refused(answer, given, old)
        line = _cosignature(answer, given, parse_cosigner(found.vkey))
        moment = f"{line.moment:%Y-%m-%dT%H:%M:%SZ}"
        facts = {"witness": line.name, "vkey": line.vkey, "cosigned_at": moment, "from_size": old or 0}
        return Answer(moment, add_lines(given.note, [line.line]).encode("utf-8"), facts)

    def _ask(
        self, settings: Settings, given: Given, client: Client, old: int, proof: list[bytes]
    ) -> Response:
        return client.request(
            "POST",
            f"{settings.url}/add-checkpoint",
            doing=DOING,
            headers={"Content-Type": "text/plain; charset=utf-8", "Accept": "text/plain, " + SIZE_TYPE},
            content=format_request(old, proof, given.note),
        )


def _conflict(answer: Response) -> int | None:
    """Return the size that the witness knows, if it says that it is another; else None."""
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if answer.status != 409 or kind != SIZE_TYPE:
        return None
    try:
        return decimal(DOING, "answer", answer.body[:40].decode("ascii").removesuffix("\n"))
    except (UnicodeError, EvidenceError):
        raise OutsideError(
            DOING, "its answer names no size", "Is it a C2SP witness?", permanent=False
        ) from None


def _proof(given: Given, old: int) -> list[bytes]:
    """Return the proof from what the witness knows. Raises Rewritten if it knows more than there is."""
    if old > given.size:
        problem = (
            f"it cosigned {old} entries of this log before, and there are {given.size} now: the log was cut"
        )
        raise Rewritten(DOING, problem, RUN)
    if old in (0, given.size):
        return []
    try:
        return given.prove(old)
    except ProofwatchError as error:
        raise OutsideError(DOING, f"the proof from {old} entries: {error.problem}", error.remedy) from None


def _refused(answer: Response, given: Given, old: int | None) -> OutsideError:
    """Return the error for a status other than success."""
    match answer.status:
        case 409 if old == given.size and _conflict(answer) in (None, old):
            problem = f"it cosigned other entries than these {old}: the log was rewritten"
            return Rewritten(DOING, problem, RUN)
        case 409:
            # Somebody else had a newer checkpoint cosigned between our two requests.
            return OutsideError(DOING, "it moved on meanwhile", "It is asked again later.", permanent=False)
        case 422:
            problem = (
                f"it says that these {given.size} entries do not begin with the {old or 0} that it cosigned"
            )
            return Rewritten(DOING, f"{problem}: the log was rewritten", RUN)
        case 404:
            remedy = f"Whoever runs it must accept this log: proofwatch witness trust '{given.vkey}'"
            return OutsideError(DOING, "it does not know this log", remedy)
        case 403:
            remedy = f"Whoever runs it must accept this key, too: proofwatch witness trust '{given.vkey}'"
            return OutsideError(DOING, "it does not accept the key that signed the checkpoint", remedy)
    remedy = "Look at the witness's own log."
    return OutsideError(
        DOING, f"it answered {answer.status}", remedy, permanent=answer.status in (400, 405, 413)
    )


def _cosignature(answer: Response, given: Given, verifier: CosignerVerifier) -> Cosignature:
    """Return the cosignature in an answer, verified. Raises OutsideError if there is none that fits."""
    text = split_note(given.note)[0]
    lines = answer.text.split("\n")[:MOST_LINES]
    # Lines of keys that we do not know are passed over, as the specification asks.
    ours = [line for line in lines if line.startswith(f"{DASH}{verifier.name} ")]
    try:
        found = cosignatures("\n".join([text, *ours, ""]), [verifier]) if ours else []
    except EvidenceError as error:
        raise OutsideError(DOING, f"its answer proves nothing: {error.problem}") from None
    if not found:
        remedy = "Compare its public key with the one in the settings."
        raise OutsideError(DOING, f"its answer holds no cosignature by {verifier.name} with that key", remedy)
    apart = abs(found[0].moment - given.now.astimezone(UTC))
    if apart > APART:
        remedy = "Set the clocks; both machines should ask a time server."
        shown = f"{found[0].moment:%Y-%m-%dT%H:%M:%SZ}"
        raise OutsideError(DOING, f"its clock says {shown}, far from ours", remedy, permanent=False)
    return found[0]
