"""Amazon SNS over HTTPS: a signature by a certificate that AWS serves, and a subscription to confirm.

Source: docs.aws.amazon.com/sns, "Verifying the signatures of Amazon SNS messages" (versions 1 and 2).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from pydantic import BaseModel, ConfigDict, Field, field_validator

from proofwatch.errors import ProofwatchError
from proofwatch.hooks.aws_events import hints_of
from proofwatch.hooks.base import Heard, HookError, Request
from proofwatch.hooks.kept import Kept
from proofwatch.hooks.reading import check_age, check_body, moment, read_object, text, unbase64
from proofwatch.outbound.http import Client

DOING = "hearing from SNS"
OLDEST = timedelta(hours=1)
KEEP = timedelta(hours=24)
SMALLEST_KEY = 2048
_HOST = re.compile(r"sns\.[a-z0-9-]{3,40}\.amazonaws\.com(\.cn)?")
_PATH = re.compile(r"/SimpleNotificationService-[0-9A-Za-z]{1,80}\.pem")
_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]{3,40}:[0-9]{12}:[A-Za-z0-9_.-]{1,256}")
_ID = re.compile(r"[\x21-\x7e]{1,200}")
_CONFIRMS = ("SubscriptionConfirmation", "UnsubscribeConfirmation")
_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    **dict.fromkeys(
        _CONFIRMS, ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
    ),
}
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "1": hashes.SHA1(),  # noqa: S303 - what SNS signs with unless the topic asks for version 2
    "2": hashes.SHA256(),
}


class SnsSettings(BaseModel):
    """Settings of an SNS subscription; there is no secret: AWS signs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    topics: tuple[str, ...] = Field(min_length=1, description="ARNs of the topics that may be heard")
    cert_hosts: tuple[str, ...] = Field(
        default=(),
        description="Further hosts (host or host:port) of certificates, for partitions whose hosts are not "
        "sns.<region>.amazonaws.com or .com.cn",
    )

    @field_validator("topics")
    @classmethod
    def _arns(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(_TOPIC.fullmatch(topic) for topic in value):
            raise ValueError("write ARNs: arn:aws:sns:<region>:<account>:<name>")
        return value


class Sns:
    """Notices of SNS topics whose messages are events of AWS."""

    kind: ClassVar[str] = "sns"
    title: ClassVar[str] = "AWS SNS topic"
    Settings: ClassVar[type[BaseModel]] = SnsSettings

    def __init__(self, settings: BaseModel, client: Client) -> None:
        self._settings = SnsSettings.model_validate(settings.model_dump())
        self._client = client
        self._certificates = Kept(client, _certificate, DOING, KEEP)

    def hear(self, request: Request, now: datetime) -> Heard:
        """Check topic, signature and age; then confirm the subscription or read the message.

        Raises:
            HookError: refused, or (status 503) the certificate cannot be fetched or AWS not be answered now.
        """
        said = read_object(check_body(request, DOING), DOING)
        kind, topic, delivery = text(said.get("Type")), said.get("TopicArn"), text(said.get("MessageId"))
        if kind not in _SIGNED or not _ID.fullmatch(delivery):
            remedy = "Turn off raw message delivery at the subscription."
            raise HookError(DOING, "it is no message of SNS", remedy)
        if not isinstance(topic, str) or topic not in self._settings.topics:
            raise HookError(DOING, "its topic is none of those in the settings", status=403)
        check_age(moment(said.get("Timestamp")), now, OLDEST, DOING)
        self._check_signature(said, kind, now)
        if kind == "SubscriptionConfirmation":
            return self._confirm(said, topic, delivery)
        if kind == "UnsubscribeConfirmation":
            return Heard(delivery, note=f"the subscription to {topic} has ended: nothing comes from it now")
        return Heard(delivery, hints_of(read_object(_message(said), DOING), DOING))

    def _check_signature(self, said: Mapping[str, Any], kind: str, now: datetime) -> None:
        version = said.get("SignatureVersion")
        algorithm = _HASHES.get(version) if isinstance(version, str) else None
        signature = unbase64(said["Signature"]) if isinstance(said.get("Signature"), str) else None
        if algorithm is None or not signature:
            raise HookError(DOING, "it is not signed, or in a way that is not known", status=401)
        url = self._aws(said.get("SigningCertURL"), "SigningCertURL")
        if not _PATH.fullmatch(urlsplit(url).path) or urlsplit(url).query:
            raise HookError(DOING, "SigningCertURL is no certificate of SNS", status=401)
        certificate = self._certificates.get(url, now)
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise HookError(DOING, "the certificate of the signature is not valid now", status=401)
        try:
            _key(certificate).verify(signature, _signed(said, kind), PKCS1v15(), algorithm)
        except InvalidSignature:
            raise HookError(DOING, "the signature is wrong", status=401) from None

    def _aws(self, value: Any, name: str) -> str:
        """Return an https:// address of SNS itself. Raises HookError for any other."""
        url = value if isinstance(value, str) and len(value) <= 2048 and value.isascii() else ""
        try:
            parts = urlsplit(url)
            place = parts.netloc.lower()
            fine = bool(_HOST.fullmatch(place)) or place in {x.lower() for x in self._settings.cert_hosts}
        except ValueError:
            parts, fine = urlsplit(""), False
        if not fine or parts.scheme != "https" or re.search(r"[\x00-\x20\x7f\\]", url):
            raise HookError(DOING, f"{name} does not lead to SNS of AWS", status=401)
        return url

    def _confirm(self, said: Mapping[str, Any], topic: str, delivery: str) -> Heard:
        url = self._aws(said.get("SubscribeURL"), "SubscribeURL")
        asked = parse_qs(urlsplit(url).query)
        if asked.get("Action") != ["ConfirmSubscription"] or asked.get("TopicArn") != [topic]:
            raise HookError(DOING, "SubscribeURL confirms something else", status=401)
        try:
            answer = self._client.request("GET", url, doing="confirming the subscription to SNS")
        except ProofwatchError as error:
            raise HookError(DOING, error.problem, error.remedy, permanent=False, status=503) from None
        if not answer.ok:
            problem = f"SNS answered {answer.status} to the confirmation"
            raise HookError(DOING, problem, permanent=False, status=503)
        return Heard(delivery, note=f"the subscription to {topic} was confirmed")


def _message(said: Mapping[str, Any]) -> str:
    message = said.get("Message")
    return message if isinstance(message, str) else ""


def _signed(said: Mapping[str, Any], kind: str) -> bytes:
    """Return the bytes that SNS signed: names and values in order, each on a line. Raises HookError."""
    lines = []
    for name in _SIGNED[kind]:
        value = said.get(name)
        if value is None and name == "Subject":
            continue
        if not isinstance(value, str):
            raise HookError(DOING, f"{name} is missing", status=401)
        lines += [name, value]
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")


def _certificate(data: bytes) -> x509.Certificate:
    try:
        found = x509.load_pem_x509_certificate(data)
        _key(found)
    except (ValueError, UnsupportedAlgorithm):
        raise HookError(DOING, "SigningCertURL answered no certificate", status=401) from None
    return found


def _key(certificate: x509.Certificate) -> RSAPublicKey:
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey) or key.key_size < SMALLEST_KEY:
        raise HookError(DOING, f"the certificate has no RSA key of {SMALLEST_KEY} bits", status=401)
    return key
