"""Time-stamps as in RFC 3161: asked for, read, and verified offline, also when the authority is long gone.

A token says that an authority saw the SHA-256 of some bytes at a time, by its own clock. It is judged as of
that time: the certificates must have been valid then, and may have expired since. What a token cannot show
is that its key was not stolen later and used for an earlier time: two authorities are harder to steal from.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

from proofwatch.evidence.base import EvidenceError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from rfc3161_client import Accuracy, TimeStampResponse

READING = "reading a time-stamp"
MOST_BYTES = 64_000
GRANTED = (0, 1)
"""Granted, and granted with modifications: what was modified shows when the token is verified."""
DIGESTS = frozenset({"2.16.840.1.101.3.4.2.1", "2.16.840.1.101.3.4.2.2", "2.16.840.1.101.3.4.2.3"})
"""SHA-256, SHA-384 and SHA-512."""
UNKNOWN = frozenset(
    {
        "unable to get local issuer certificate",
        "unable to get issuer certificate",
        "unable to verify the first certificate",
        "self-signed certificate",
        "self-signed certificate in certificate chain",
    }
)
"""What OpenSSL says of a chain that is whole and ends at nobody who was given."""
_SEQUENCE, _OID, _CONTEXT = 0x30, 0x06, 0xA0
_OK = bytes.fromhex("3003020100")
"""PKIStatusInfo: granted."""


class Untrusted(EvidenceError):
    """A token is whole, and none of the given authorities vouches for who signed it at its time."""


@dataclass(frozen=True, slots=True)
class Request:
    """A question for a time-stamp: its DER, and the number that the answer must repeat."""

    der: bytes
    nonce: int


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a verified token says.

    Attributes:
        at: when the authority saw the bytes, by its clock.
        policy: under which of its policies, as an OID.
        serial: its number of the token.
        authority: the subject of the certificate that signed.
        within: how exact the authority says that `at` is; None if it does not say.
        ends: when that certificate ends, or has ended; the token stays good.
    """

    at: datetime
    policy: str
    serial: int
    authority: str
    within: timedelta | None
    ends: datetime


def ask(data: bytes) -> Request:
    """Return the question for a time-stamp over the SHA-256 of `data`, with the certificates asked for."""
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

    made = TimestampRequestBuilder(data, HashAlgorithm.SHA256, nonce=True, cert_req=True).build()
    if made.nonce is None:
        raise EvidenceError("asking for a time-stamp", "the question has no nonce")
    return Request(made.as_bytes(), made.nonce)


def read_answer(der: bytes, request: Request, data: bytes, roots: Sequence[bytes]) -> Stamp:
    """Return the stamp that an authority answered with, proven to be the answer to this very question.

    Args:
        der: the answer, a TimeStampResp.
        request: the question.
        data: the bytes that were asked about.
        roots: certificates of authorities that are trusted, as PEM files' bytes.

    Raises:
        EvidenceError: the authority refused (in its words), or its answer proves nothing.
    """
    status, token = _parts(der)
    if status not in GRANTED or not token:
        words = _words(der)
        raise EvidenceError(READING, f"the authority refused: status {status}{f', {words}' if words else ''}")
    return verify_token(der, data, roots, request.nonce)


def verify_token(der: bytes, data: bytes, roots: Sequence[bytes], nonce: int | None = None) -> Stamp:
    """Verify a time-stamp as of its own time; nothing is asked of anybody.

    Args:
        der: a TimeStampResp, or only the token in it.
        data: the bytes that were stamped.
        roots: certificates of authorities that are trusted, as PEM files' bytes.
        nonce: the number that the token must repeat; None where nobody knows it any more.

    Returns:
        what the token says.

    Raises:
        Untrusted: it may be good, and none of `roots` vouches for its signer.
        EvidenceError: it is malformed, of other bytes, of another question, signed wrongly, or its
            signer's certificate is not for time-stamps or was not valid at that time.
    """
    from rfc3161_client import VerificationError, VerifierBuilder

    response = _decode(der)
    info = response.tst_info
    if info.message_imprint.hash_algorithm.dotted_string not in DIGESTS:
        raise EvidenceError(READING, "it is over a digest that is not SHA-256, SHA-384 or SHA-512")
    trusted = read_roots(roots)
    if not trusted:
        raise Untrusted(READING, "no certificate of an authority is given", "Name the authority's own root.")
    verifier = VerifierBuilder(roots=trusted, nonce=nonce).build()
    try:
        verifier.verify_message(response, data)
        signer = _signer(response)
    except VerificationError as error:
        raise _explained(str(error)) from None
    except (ValueError, TypeError, AssertionError) as error:
        raise _malformed(error) from None
    return Stamp(
        at=info.gen_time.astimezone(UTC),
        policy=info.policy.dotted_string,
        serial=info.serial_number,
        authority=signer.subject.rfc4514_string(),
        within=_within(response),
        ends=signer.not_valid_after_utc,
    )


def authority_of(der: bytes) -> tuple[str, datetime]:
    """Return (who, when) as a token says of itself, unproven: for sentences about what is not proven.

    Raises:
        EvidenceError: it is malformed.
    """
    response = _decode(der)
    try:
        return _signer(response).subject.rfc4514_string(), response.tst_info.gen_time.astimezone(UTC)
    except (ValueError, TypeError) as error:
        raise _malformed(error) from None


def read_roots(pems: Iterable[bytes]) -> list[Certificate]:
    """Return the certificates in PEM files, each once. Raises EvidenceError if one is none."""
    from cryptography.x509 import load_pem_x509_certificates

    found: dict[Certificate, None] = {}
    for pem in pems:
        try:
            found.update(dict.fromkeys(load_pem_x509_certificates(pem)))
        except ValueError:
            raise EvidenceError(
                "reading the certificates of authorities",
                "a file is not PEM with certificates",
                "It begins with -----BEGIN CERTIFICATE-----.",
            ) from None
    return list(found)


def _decode(der: bytes) -> TimeStampResponse:
    """Read a token, wrapped as an answer that was granted. Raises EvidenceError."""
    from rfc3161_client import decode_timestamp_response

    _, token = _parts(der)
    if not token:
        raise EvidenceError(READING, "there is no token in it")
    body = _OK + _sorted(token)
    try:
        response = decode_timestamp_response(_wrap(_SEQUENCE, body))
        # What is signed is read on first use: it must be malformed here, and not somewhere later.
        _ = (response.tst_info.gen_time, response.tst_info.nonce, response.signed_data.certificates)
    except (ValueError, TypeError, OverflowError) as error:
        raise _malformed(error) from None
    return response


def _signer(response: TimeStampResponse) -> Certificate:
    """Return the certificate that the (one) signature names."""
    from cryptography.x509 import load_der_x509_certificate

    (named,) = response.signed_data.signer_infos
    for der in response.signed_data.certificates:
        found = load_der_x509_certificate(der)
        if found.issuer == named.issuer and found.serial_number == named.serial_number:
            return found
    raise ValueError("the certificate of its signer is not in it")


def _within(response: TimeStampResponse) -> timedelta | None:
    found = cast("Accuracy | None", response.tst_info.accuracy)  # It may say nothing, whatever its type says.
    if found is None:
        return None
    return timedelta(
        seconds=found.seconds or 0, milliseconds=found.millis or 0, microseconds=found.micros or 0
    )


def _explained(said: str) -> EvidenceError:
    """Turn what the library says into one sentence; OpenSSL's words stand behind "Verify error: "."""
    chain = re.search(r"Verify error: ([^\"\]}]{1,120})", said)
    if chain and chain[1].strip() in UNKNOWN:
        problem = f"no given authority vouches for its signer: {chain[1].strip()}"
        return Untrusted(READING, problem, "Name the authority's own root certificate.")
    if chain and "signature" in chain[1]:
        return EvidenceError(READING, "a certificate in it is not by the authority that it names")
    if chain:
        return EvidenceError(READING, f"a certificate was not good when it stamped: {chain[1].strip()}")
    known = {
        "Mismatch between messages": "it is of other bytes",
        "Nonce mismatch": "it is the answer to another question (its nonce differs)",
        "EKU": "its signer's certificate is not one for time-stamps (no critical timeStamping usage)",
        "SignerInfo": "it has not exactly one signature",
        "Unable to parse": "it is malformed: it is no PKCS #7",
        "signature": "its signature is wrong",
    }
    return EvidenceError(READING, next((text for word, text in known.items() if word in said), said[:200]))


def _malformed(error: Exception) -> EvidenceError:
    words = " ".join(str(error).partition("{")[0].split())[:120] or type(error).__name__
    return EvidenceError(READING, f"it is malformed: {words}")


def _words(der: bytes) -> str:
    """Return what an authority that refuses says, on one line; "" if nothing."""
    from rfc3161_client import decode_timestamp_response

    try:
        said = " ".join(map(str, decode_timestamp_response(der).status_string))
    except (ValueError, TypeError):
        return ""
    return "".join(char if char.isprintable() else " " for char in said)[:200].strip()


def _parts(der: bytes) -> tuple[int, bytes]:
    """Return (status, token) of an answer; a bare token counts as granted. Raises EvidenceError."""
    if len(der) > MOST_BYTES:
        raise EvidenceError(READING, f"it is longer than {MOST_BYTES} bytes")
    tag, start, end = _element(der, 0, len(der))
    if tag != _SEQUENCE or end != len(der):
        raise EvidenceError(READING, "it is not DER, or something is behind it")
    parts = list(_children(der, start, end))
    if not parts:
        raise EvidenceError(READING, "it is empty")
    first, *rest = parts
    if first[0] == _OID:
        return 0, der
    inner = _element(der, first[1], first[2])
    status = int.from_bytes(der[inner[1] : inner[2]], "big") if inner[0] == 0x02 else -1
    if first[0] != _SEQUENCE or status < 0:
        raise EvidenceError(READING, "it has no status")
    return status, der[first[2] : rest[0][2]] if rest else b""


def _sorted(token: bytes) -> bytes:
    """Return the token with its certificates in DER's order, which is that of their bytes.

    Authorities send them in any order, and what reads them here takes only the right one. The set of
    certificates is not signed, and keeps its length.
    """
    place, end = _element(token, 0, len(token))[1:]
    for step in (1, 0):  # ContentInfo: type, [0] content; in it: SignedData
        found = list(_children(token, place, end))
        if len(found) <= step:
            raise EvidenceError(READING, "it is malformed: it has no content")
        place, end = found[step][1:]
    for tag, start, stop in _children(token, place, end):
        if tag == _CONTEXT:
            low, pieces = start, []
            for _, _, high in _children(token, start, stop):
                pieces.append(token[low:high])
                low = high
            return token[:start] + b"".join(sorted(pieces)) + token[stop:]
    return token


def _children(data: bytes, place: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield (tag, start, end) of the contents of every element between two places."""
    while place < end:
        found = _element(data, place, end)
        yield found
        place = found[2]


def _element(data: bytes, place: int, end: int) -> tuple[int, int, int]:
    """Return (tag, start, end) of the content of the element at a place. Raises EvidenceError."""
    try:
        tag, first, start = data[place], data[place + 1], place + 2
    except IndexError:
        raise EvidenceError(READING, "it ends too early") from None
    length = first
    if first >= 0x80:
        count = first & 0x7F
        if not 1 <= count <= 4:
            raise EvidenceError(READING, "it is malformed: a length is not DER")
        start += count
        length = int.from_bytes(data[place + 2 : start], "big")
    if start + length > end:
        raise EvidenceError(READING, "it ends too early")
    return tag, start, start + length


def _wrap(tag: int, body: bytes) -> bytes:
    size = len(body)
    if size < 0x80:
        return bytes((tag, size)) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + body
