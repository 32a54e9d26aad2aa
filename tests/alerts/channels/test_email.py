"""E-mail against a real SMTP server: STARTTLS required, sign-in, refusals, and a connection that breaks."""

from __future__ import annotations

import asyncio
import email
import email.policy
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from proofwatch.alerts.channels.base import NotAccepted
from proofwatch.alerts.channels.email import CHAIN, Email, compose, message_id
from proofwatch.outbound.guard import Allowed
from proofwatch.outbound.http import Client

from .samples import HOSTILE, OPENED, RESTORED

PASSWORD = "hush-hush-päss"


@dataclass
class Box:
    """A mailbox: what arrived, and how the server answers."""

    port: int = 0
    mails: list[Any] = field(default_factory=list)
    envelopes: list[Any] = field(default_factory=list)
    rcpt: dict[str, str] = field(default_factory=dict)
    data: str = "250 2.0.0 queued as 4F1"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        said = self.rcpt.get(address, "250 OK")
        if said.startswith("250"):
            envelope.rcpt_tos.append(address)
        return said

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.envelopes.append(envelope)
        self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        if self.data == "disconnect":
            server.transport.abort()
            await asyncio.sleep(0)
        return "250 too late" if self.data == "disconnect" else self.data


def sign_in(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    ok = (data.login, data.password) == (b"mailer", PASSWORD.encode())
    # handled=False makes the server itself answer 535, as RFC 4954 says.
    return AuthResult(success=ok, handled=False)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "localhost.pem"
    form = serialization.PrivateFormat.PKCS8
    text = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    file.write_bytes(text + made.public_bytes(serialization.Encoding.PEM))
    return file


def context(certificate: Path) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate)
    return made


@contextmanager
def served(certificate: Path, **options: Any) -> Iterator[Box]:
    """A server that wants STARTTLS and a sign-in, unless the options say otherwise."""
    box = Box()
    given = {
        "tls_context": context(certificate), "require_starttls": True, "authenticator": sign_in,
        "auth_required": True, "enable_SMTPUTF8": False,
    } | options  # fmt: skip
    with socket.create_server(("127.0.0.1", 0)) as free:
        box.port = free.getsockname()[1]
    running = Controller(box, hostname="127.0.0.1", port=box.port, **given)
    running.start()
    try:
        yield box
    finally:
        running.stop()


@pytest.fixture
def box(certificate: Path) -> Iterator[Box]:
    with served(certificate) as made:
        yield made


def mailer(box: Box, certificate: Path, monkeypatch: Any, **more: Any) -> Email:
    monkeypatch.setenv("PW_PASSWORD", more.pop("word", PASSWORD))
    given = {
        "host": "localhost", "port": box.port, "user": "mailer", "password": "env:PW_PASSWORD",
        "sender": "proofwatch@example.com", "recipients": ["ops@example.com"], "ca": str(certificate),
        "seconds": 5.0,
    } | more  # fmt: skip
    return Email(Email.Settings.model_validate(given), Client(Allowed.of([f"localhost:{box.port}"])))


def failing(made: Email) -> NotAccepted:
    with pytest.raises(NotAccepted) as caught:
        made.send(OPENED, None)
    assert "hush" not in f"{caught.value} {caught.value.answer}"
    return caught.value


def test_it_signs_in_over_starttls_and_sends_text_and_html(
    box: Box, certificate: Path, monkeypatch: Any
) -> None:
    receipt = mailer(box, certificate, monkeypatch).send(replace(OPENED, to=("ana@example.com",)), None)
    assert receipt.answer == "250 2.0.0 queued as 4F1"
    assert receipt.id == message_id(OPENED.key, "proofwatch@example.com")
    mail = box.mails[0]
    assert box.envelopes[0].rcpt_tos == ["ops@example.com", "ana@example.com"]
    assert mail["To"] == "ops@example.com, ana@example.com" and mail["Auto-Submitted"] == "auto-generated"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert "and 31 more" in mail.get_body(("plain",)).get_content()
    assert "<code><bdi>arn:aws:ec2" in mail.get_body(("html",)).get_content()


def test_later_mails_belong_to_the_first_ones_thread(box: Box, certificate: Path, monkeypatch: Any) -> None:
    made = mailer(box, certificate, monkeypatch)
    thread = made.send(OPENED, None).thread
    thread = made.send(replace(RESTORED, key="4" * 32, note="second"), thread).thread
    made.send(RESTORED, thread)
    first, second, third = box.mails
    assert "In-Reply-To" not in first
    assert second["In-Reply-To"] == second["References"] == first["Message-ID"]
    assert third["In-Reply-To"] == second["Message-ID"]
    assert third["References"].split() == [first["Message-ID"], second["Message-ID"]]
    assert second["Subject"] == third["Subject"] == "Re: " + first["Subject"]
    assert third.get_body(("plain",)).get_content().startswith("Verified restored AL-12: ")


def test_the_same_message_has_the_same_id_at_every_attempt(
    box: Box, certificate: Path, monkeypatch: Any
) -> None:
    made = mailer(box, certificate, monkeypatch)
    made.send(OPENED, None)
    made.send(OPENED, None)
    assert len({mail["Message-ID"] for mail in box.mails}) == 1


def test_a_long_thread_keeps_its_first_id_and_the_newest() -> None:
    kept: dict[str, Any] = {}
    for number in range(60):
        message = replace(OPENED, key=f"{number:032}")
        mail, kept = compose(message, "a@example.com", ["b@example.com"], kept)
    assert len(kept["chain"]) == CHAIN and kept["chain"][0] == message_id("0" * 32, "a@example.com")
    assert kept["chain"][-1] == mail["Message-ID"]
    assert all(len(line) <= 998 for line in mail.as_bytes().splitlines())


def test_hostile_text_adds_no_header_and_no_recipient(box: Box, certificate: Path, monkeypatch: Any) -> None:
    to = ("ok@example.com", "evil@example.com\r\nBcc: x@example.com", "a@b> NOTIFY=NEVER", "@", "x" * 400)
    made = mailer(box, certificate, monkeypatch)
    receipt = made.send(replace(HOSTILE, key="a\r\nBcc: x@example.com", to=to), None)
    assert box.envelopes[0].rcpt_tos == ["ops@example.com", "ok@example.com"]
    names = {name.lower() for name in box.mails[0]}
    assert names <= {
        "from", "to", "subject", "date", "message-id", "auto-submitted", "x-auto-response-suppress",
        "importance", "mime-version", "content-type",
    }  # fmt: skip
    assert box.mails[0]["Subject"].startswith("[DRILL] New alert AL-12: two Bcc: evil@example.com")
    assert "refused: " in receipt.answer and "(no address)" in receipt.answer


@pytest.mark.parametrize("word", ["wrong", "", "hush hush"])
def test_a_wrong_password_is_refused_and_not_repeated(
    word: str, box: Box, certificate: Path, monkeypatch: Any
) -> None:
    error = failing(mailer(box, certificate, monkeypatch, word=word))
    if word:
        assert error.answer.startswith("535 ") and error.permanent
    else:
        assert "PW_PASSWORD is not set" in str(error) and not error.permanent
    assert not error.unanswered and not box.mails


def test_a_server_that_wants_a_sign_in_refuses_one_without(
    box: Box, certificate: Path, monkeypatch: Any
) -> None:
    error = failing(mailer(box, certificate, monkeypatch, user="", password=None))
    assert error.answer.startswith("530 ") and error.permanent


@pytest.mark.parametrize(
    ("said", "permanent"),
    [("550 5.7.1 not wanted", True), ("451 4.3.0 later", False), ("554 5.6.0 no", True)],
)
def test_what_the_server_says_to_the_message_decides(
    said: str, permanent: bool, box: Box, certificate: Path, monkeypatch: Any
) -> None:
    box.data = said
    error = failing(mailer(box, certificate, monkeypatch))
    assert (error.answer, error.permanent, error.unanswered) == (said, permanent, False)


def test_a_connection_that_ends_after_the_message_may_have_taken_it(
    box: Box, certificate: Path, monkeypatch: Any
) -> None:
    box.data = "disconnect"
    error = failing(mailer(box, certificate, monkeypatch))
    assert (error.permanent, error.unanswered) == (False, True) and len(box.mails) == 1


def test_a_refused_recipient_is_recorded_and_the_others_get_it(
    box: Box, certificate: Path, monkeypatch: Any
) -> None:
    box.rcpt = {"gone@example.com": "550 5.1.1 no such mailbox"}
    made = mailer(box, certificate, monkeypatch, recipients=["gone@example.com", "ops@example.com"])
    receipt = made.send(OPENED, None)
    assert "gone@example.com (550 5.1.1 no such mailbox)" in receipt.answer
    assert box.envelopes[0].rcpt_tos == ["ops@example.com"]


@pytest.mark.parametrize(
    ("other", "permanent"), [("550 5.1.1 no such mailbox", True), ("450 4.2.0 greylisted", False)]
)
def test_if_all_are_refused_the_kindest_answer_decides(
    other: str, permanent: bool, box: Box, certificate: Path, monkeypatch: Any
) -> None:
    box.rcpt = {"a@example.com": "550 5.1.1 no such mailbox", "b@example.com": other}
    error = failing(mailer(box, certificate, monkeypatch, recipients=["a@example.com", "b@example.com"]))
    assert error.permanent is permanent and not error.unanswered
    assert "a@example.com: 550" in error.answer and not box.mails


def test_a_certificate_that_nobody_vouches_for_is_refused(
    box: Box, certificate: Path, monkeypatch: Any
) -> None:
    error = failing(mailer(box, certificate, monkeypatch, ca=""))
    assert "certificate is not trusted" in error.answer and error.permanent and not box.mails


def test_a_certificate_for_another_name_is_refused(box: Box, certificate: Path, monkeypatch: Any) -> None:
    made = mailer(box, certificate, monkeypatch, host="127.0.0.1")
    made.client = Client(Allowed.of([f"127.0.0.1:{box.port}"]))
    assert "certificate is not trusted" in failing(made).answer and not box.mails


def test_tls_from_the_first_byte(certificate: Path, monkeypatch: Any) -> None:
    tls = context(certificate)
    options = {
        "tls_context": None,
        "require_starttls": False,
        "auth_require_tls": False,
        "ssl_context": tls,
    }
    with served(certificate, **options) as box:
        receipt = mailer(box, certificate, monkeypatch, security="tls").send(OPENED, None)
        assert receipt.answer.startswith("250") and len(box.mails) == 1
        assert failing(mailer(box, certificate, monkeypatch, security="tls", ca="")).permanent


@pytest.mark.parametrize(("without", "works"), [(["PLAIN"], True), (["PLAIN", "LOGIN"], False)])
def test_it_signs_in_by_login_where_plain_is_not_offered(
    without: list[str], works: bool, certificate: Path, monkeypatch: Any
) -> None:
    with served(certificate, auth_exclude_mechanism=without) as box:
        made = mailer(box, certificate, monkeypatch)
        if works:
            assert made.send(OPENED, None).answer.startswith("250")
        else:
            assert "no sign-in by PLAIN or LOGIN" in failing(made).answer
            assert failing(made).permanent and not box.mails


def test_a_server_without_starttls_gets_no_password(certificate: Path, monkeypatch: Any) -> None:
    options = {"tls_context": None, "require_starttls": False, "auth_require_tls": False}
    with served(certificate, **options) as box:
        error = failing(mailer(box, certificate, monkeypatch))
        assert error.permanent and "STARTTLS" in error.answer and not box.mails


def test_without_encryption_only_to_a_host_that_is_allowed(monkeypatch: Any) -> None:
    made = mailer(Box(port=25), Path(), monkeypatch, host="mail.example.com", security="none", ca="")
    made.client = Client()
    error = failing(made)
    assert error.permanent and "without encryption" in str(error) and not error.unanswered


def test_a_server_that_says_nothing_ends_at_the_limit(certificate: Path, monkeypatch: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        box = Box(port=silent.getsockname()[1])
        error = failing(mailer(box, certificate, monkeypatch, seconds=0.3))
    assert (error.permanent, error.unanswered) == (False, False)


@pytest.mark.parametrize(
    "more",
    [
        {"sender": "a@b\r\nBcc: c"}, {"recipients": []}, {"recipients": ["Ana <ana@example.com>"]},
        {"recipients": ["a@example.com, b@example.com"]}, {"host": "a b"}, {"password": None},
        {"user": ""}, {"security": "maybe"}, {"port": 0}, {"more": 1},
    ],
)  # fmt: skip
def test_settings_that_cannot_work_are_refused(more: dict[str, Any], monkeypatch: Any) -> None:
    with pytest.raises(ValueError, match=r"validation error"):
        mailer(Box(port=25), Path(), monkeypatch, **more)
