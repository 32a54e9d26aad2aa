"""E-mail over SMTP: text and HTML, one thread for each alert, and a server's words kept as they came.

Sources: RFC 5321 (SMTP), 5322 (threads by Message-ID, In-Reply-To, References), 3834 (Auto-Submitted).
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import smtplib
import ssl
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Annotated, Any, ClassVar, NoReturn, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from proofwatch.alerts.channels.base import ENDS, Message, NotAccepted, Receipt
from proofwatch.alerts.channels.escaping import clean, cut
from proofwatch.alerts.channels.smtp import Exchange, Security, hand_over
from proofwatch.alerts.channels.templates import SUBJECT, page, parts, plain, title
from proofwatch.alerts.channels.wire import short
from proofwatch.outbound.guard import Forbidden
from proofwatch.outbound.http import Client
from proofwatch.outbound.secrets import Ref, SecretError, reveal

DOING = "sending an e-mail"
ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,253}[A-Za-z0-9])?")
"""What is taken as an address: no blank, bracket, quote or line end can stand in one."""
CHAIN = 20
"""Message-IDs that References keeps: the first, and the newest."""


def _address(value: str) -> str:
    if not ADDRESS.fullmatch(value):
        raise ValueError("is no plain e-mail address, name@example.com")
    return value


Mailbox = Annotated[str, AfterValidator(_address)]


class Settings(BaseModel):
    """Settings of an e-mail channel."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field(pattern=r"^[A-Za-z0-9.:-]{1,253}$", description="Name of the SMTP server.")
    port: int = Field(default=587, ge=1, le=65535, description="Its port.")
    security: Security = Field(
        default="starttls", description="starttls, tls, or none (only to a host that is allowed)."
    )
    sender: Mailbox = Field(description="Address the e-mail comes from.")
    recipients: tuple[Mailbox, ...] = Field(min_length=1, max_length=50, description="Who always gets it.")
    user: str = Field(default="", max_length=200, description="Name to sign in with; empty for none.")
    password: Ref | None = Field(default=None, description="Password to sign in with, by reference.")
    ca: str = Field(default="", description="File of a further certificate authority, e.g. one's own.")
    seconds: float = Field(default=30.0, gt=0, le=100, description="Limit of the whole exchange, in seconds.")

    @model_validator(mode="after")
    def _signs_in_wholly(self) -> Self:
        if bool(self.user) != (self.password is not None):
            raise ValueError("user and password go together")
        return self


class Email:
    """Sends e-mail through one SMTP server."""

    kind: ClassVar[str] = "email"
    title: ClassVar[str] = "E-mail"
    two_way: ClassVar[bool] = False
    Settings: ClassVar[type[BaseModel]] = Settings

    def __init__(self, settings: BaseModel, client: Client) -> None:
        self.settings = Settings.model_validate(settings.model_dump())
        self.client = client

    def send(self, message: Message, thread: Mapping[str, Any] | None) -> Receipt:
        """Send one e-mail; that a server took it says nothing about it having reached a mailbox."""
        given = self.settings
        named = [name for name in message.to if ADDRESS.fullmatch(name)]
        recipients = list(dict.fromkeys((*given.recipients, *named)))
        made, kept = compose(message, given.sender, recipients, thread or {})
        password = self._password()
        words, refused = self._exchange(recipients, made.as_bytes(policy=SMTP), password)
        said = [f"{name} ({code} {_text(why)})" for name, (code, why) in refused.items()]
        said += [f"{clean(name, 60)} (no address)" for name in message.to if name not in named]
        answer = f"{words}; refused: {', '.join(said)}" if said else words
        return Receipt(kept["chain"][-1], short(answer, _hidden(given.user, password)), kept)

    def post(self, to: Sequence[str], subject: str, text: str) -> str:
        """Send a plain e-mail that is about no alert; return the server's answer. Raises NotAccepted."""
        named = [name for name in to if ADDRESS.fullmatch(name)]
        if not named:
            raise NotAccepted(
                DOING, "there is no usable address", permanent=True, answer="not sent: no address"
            )
        made = EmailMessage(policy=SMTP)
        made["From"] = Address("Proofwatch", addr_spec=self.settings.sender)
        made["To"] = ", ".join(named)
        made["Subject"] = cut(clean(subject, SUBJECT), SUBJECT)
        made["Date"] = datetime.now(UTC)
        made["Message-ID"] = message_id(secrets.token_hex(16), self.settings.sender)
        made["Auto-Submitted"] = "auto-generated"
        made.set_content(text, cte="quoted-printable")
        return self.hand(made, named)[0]

    def hand(self, made: EmailMessage, to: Sequence[str]) -> tuple[str, list[str]]:
        """Give a whole e-mail to the server; return its answer, and whom it refused, each with why.

        Raises:
            NotAccepted: it took the e-mail for nobody, or it cannot be told.
        """
        password = self._password()
        words, refused = self._exchange(to, made.as_bytes(policy=SMTP), password)
        hidden = _hidden(self.settings.user, password)
        said = [short(f"{name} ({code} {_text(why)})", hidden) for name, (code, why) in refused.items()]
        return short(words, hidden), said

    def _password(self) -> str:
        if self.settings.password is None:
            return ""
        try:
            return reveal(self.settings.password, DOING)
        except SecretError as error:
            raise NotAccepted(DOING, error.problem, error.remedy, answer="not sent: no password") from None

    def _exchange(
        self, recipients: Sequence[str], content: bytes, password: str
    ) -> tuple[str, dict[str, tuple[int, bytes]]]:
        given = self.settings
        allowed = self.client.allowed.covers(given.host, given.port)
        if given.security == "none" and not (allowed or self.client.insecure):
            remedy = "Use starttls or tls, or let an administrator allow the host: PROOFWATCH_ALLOW_HOSTS."
            problem = f"{given.host} would be spoken to without encryption"
            raise NotAccepted(DOING, problem, remedy, permanent=True, answer=f"not sent: {problem}")
        exchange = Exchange(given.host, given.port, self.client.allowed, DOING, given.seconds)
        try:
            exchange.open(given.security, given.ca)
            if given.user:
                exchange.sign_in(given.user, password)
            done = hand_over(exchange, given.sender, recipients, content)
        except (smtplib.SMTPException, OSError, Forbidden, UnicodeError) as error:
            _raise(error, exchange, _hidden(given.user, password))
        finally:
            # Not quit(): the message is decided by now, and a server slow to say goodbye is not waited for.
            exchange.close()
        return done


def compose(
    message: Message, sender: str, recipients: Sequence[str], thread: Mapping[str, Any]
) -> tuple[EmailMessage, dict[str, Any]]:
    """Return the e-mail and what the next one of its thread must carry (`chain` of ids, `subject`).

    Replies keep the first subject behind "Re: ", as programs that join mails by subject need it; what
    happened is the first line of the text.
    """
    chain = [str(item) for item in thread.get("chain", ()) if item]
    subject = str(thread.get("subject", "")) or title(message, SUBJECT - 4)
    made = EmailMessage(policy=SMTP)
    made["From"] = Address("Proofwatch", addr_spec=sender)
    made["To"] = ", ".join(recipients)
    made["Subject"] = cut(f"Re: {subject}" if chain else subject, SUBJECT)
    made["Date"] = message.at.astimezone(UTC)
    identity = message_id(message.key, sender)
    made["Message-ID"] = identity
    if chain:
        made["In-Reply-To"] = chain[-1]
        made["References"] = " ".join(chain)
    made["Auto-Submitted"] = "auto-generated"
    made["X-Auto-Response-Suppress"] = "All"
    urgent = message.severity in ("critical", "high") and message.happened not in ENDS
    if urgent and not message.mark:
        made["Importance"] = "high"
    found = parts(message)
    made.set_content(plain(found), cte="quoted-printable")
    made.add_alternative(page(found), subtype="html", cte="quoted-printable")
    whole = [item for item in chain if item != identity] + [identity]
    return made, {"chain": whole[:1] + whole[1:][-(CHAIN - 1) :], "subject": subject}


def message_id(key: str, sender: str) -> str:
    """Return the Message-ID: the same at every attempt, so that mailboxes can drop a second copy."""
    name = hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:40]
    return f"<{name}@{sender.rpartition('@')[2]}>"


def _raise(error: Exception, exchange: Exchange, hidden: Sequence[str]) -> NoReturn:
    """Raise what an exchange that failed means: 4xx passes, 5xx stays, silence after DATA is open."""
    place = f"{exchange.place[0]}:{exchange.place[1]}"
    codes: list[int] = []
    words, remedy = str(error) or type(error).__name__, ""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _ in error.recipients.values()]
        words = "; ".join(f"{name}: {code} {_text(why)}" for name, (code, why) in error.recipients.items())
    elif isinstance(error, smtplib.SMTPResponseException):
        codes, words = [error.smtp_code], f"{error.smtp_code} {_text(error.smtp_error)}"
    elif isinstance(error, Forbidden):
        words, remedy = f"not sent: {error.problem}", error.remedy
    elif isinstance(error, ssl.SSLCertVerificationError):
        words = f"its certificate is not trusted: {error.verify_message}"
    never = (Forbidden, smtplib.SMTPNotSupportedError, ssl.SSLCertVerificationError, UnicodeError)
    said = short(words, hidden)
    raise NotAccepted(
        DOING,
        f"{place}: {said}",
        remedy,
        # smtplib uses -1 for an answer that is no SMTP.
        permanent=isinstance(error, never) or (bool(codes) and all(500 <= code < 600 for code in codes)),
        answer=said,
        unanswered=exchange.handed and not any(400 <= code < 600 for code in codes),
    ) from None


def _text(words: bytes | str) -> str:
    return words.decode("utf-8", "replace") if isinstance(words, bytes) else words


def _hidden(user: str, password: str) -> list[str]:
    """Return the password in every form in which a server may have heard it (AUTH PLAIN, LOGIN)."""
    if not password:
        return []
    blob = f"\0{user}\0{password}"
    coded = [base64.b64encode(item.encode("utf-8", "replace")).decode() for item in (blob, password)]
    return [password, *coded]
