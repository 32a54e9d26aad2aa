"""One exchange over SMTP: to an address that was looked at, over checked TLS, within one deadline.

`smtplib` speaks the protocol. Here it connects only where it may, gives each step only the time that is
left, and remembers whether the message itself was handed over: from then on, no answer means "perhaps".
"""

from __future__ import annotations

import base64
import smtplib
import socket
import ssl
import time
from collections.abc import Sequence
from typing import Any, Literal

import certifi

from proofwatch.outbound.guard import Allowed, resolve

LONGEST_LINE = 8192
Security = Literal["starttls", "tls", "none"]


class Exchange(smtplib.SMTP):
    """A connection to one server. Use as a context manager, which always closes it."""

    def __init__(self, host: str, port: int, allowed: Allowed, doing: str, seconds: float) -> None:
        self.allowed, self.doing = allowed, doing
        self.deadline = time.monotonic() + seconds
        self.handed = False
        """Whether (a part of) the message itself was sent."""
        self._code = 0
        # A name of our own, or smtplib asks the resolver for one and waits for it.
        super().__init__(local_hostname="proofwatch.invalid", timeout=seconds)
        self._host = host
        self.place = (host, port)

    def open(self, security: Security, ca: str = "") -> None:
        """Connect, and encrypt as asked; the certificate is checked against the host's name.

        Raises:
            Forbidden: the host is not public and not allowed.
            OSError, smtplib.SMTPException: nobody answered, or not as SMTP and TLS ask.
        """
        host, port = self.place
        context = ssl.create_default_context(cafile=certifi.where())
        if ca:
            context.load_verify_locations(ca)
        self.sock = self._connected(host, port)
        if security == "tls":
            self.sock = context.wrap_socket(self.sock, server_hostname=host)
        code, words = self.getreply()
        if code != 220:
            raise smtplib.SMTPConnectError(code, words)
        self.ehlo_or_helo_if_needed()
        if security == "starttls":
            self.starttls(context=context)
            self.ehlo_or_helo_if_needed()

    def sign_in(self, user: str, password: str) -> None:
        """Sign in by PLAIN, else LOGIN, in UTF-8 (RFC 4616); smtplib's own way knows ASCII only.

        Raises:
            smtplib.SMTPAuthenticationError: name or password are refused, or cannot be checked now.
            smtplib.SMTPNotSupportedError: the server offers neither way.
        """
        offered = self.esmtp_features.get("auth", "").upper().split()
        if "PLAIN" in offered:
            code, words = self.docmd("AUTH", f"PLAIN {_coded(chr(0) + user + chr(0) + password)}")
        elif "LOGIN" in offered:
            code, words = self.docmd("AUTH", f"LOGIN {_coded(user)}")
            if code == 334:
                code, words = self.docmd(_coded(password))
        else:
            raise smtplib.SMTPNotSupportedError("the server offers no sign-in by PLAIN or LOGIN")
        if code != 235:
            raise smtplib.SMTPAuthenticationError(code, words)

    def left(self) -> float:
        """Return the seconds that are left. Raises TimeoutError when none are."""
        rest = self.deadline - time.monotonic()
        if rest <= 0:
            raise TimeoutError("no whole answer in time")
        return rest

    def send(self, s: Any) -> None:
        """Send, within the time that is left; note when it is the message itself (after 354)."""
        if self.sock is not None:
            self.sock.settimeout(self.left())
        self.handed = self.handed or self._code == 354
        super().send(s)

    def getreply(self) -> tuple[int, bytes]:
        """Read one reply, within the time that is left."""
        if self.file is None:
            self.file = _Lines(self)
        self._code, words = super().getreply()
        return self._code, words

    def _connected(self, host: str, port: int) -> socket.socket:
        last: OSError | None = None
        for address in resolve(host, port, self.allowed, self.doing):
            try:
                return socket.create_connection((address, port), self.left())
            except OSError as error:
                last = error
        raise last or OSError("the name has no address")


class _Lines:
    """Lines of a socket, read so that a server that dribbles gets no more than the time that is left."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._rest = b""

    def readline(self, most: int = LONGEST_LINE) -> bytes:
        """Return one line with its end; b"" where the server closed the connection."""
        while b"\n" not in self._rest and len(self._rest) < most:
            sock = self._exchange.sock
            if sock is None:
                return b""
            sock.settimeout(self._exchange.left())
            got = sock.recv(4096)
            if not got:
                break
            self._rest += got
        end = min(self._rest.find(b"\n") + 1 or len(self._rest), most)
        line, self._rest = self._rest[:end], self._rest[end:]
        return line

    def close(self) -> None:
        """Forget what was read."""
        self._rest = b""


def _coded(text: str) -> str:
    return base64.b64encode(text.encode("utf-8", "replace")).decode()


def hand_over(
    exchange: Exchange, sender: str, recipients: Sequence[str], content: bytes
) -> tuple[str, dict[str, tuple[int, bytes]]]:
    """Give one message to the server; return its words, and the recipients it refused with why.

    Raises:
        smtplib.SMTPResponseException: it refused the sender or the message.
        smtplib.SMTPRecipientsRefused: it refused every recipient.
    """
    code, words = exchange.mail(sender)
    if code != 250:
        raise smtplib.SMTPSenderRefused(code, words, sender)
    refused: dict[str, tuple[int, bytes]] = {}
    for name in recipients:
        code, words = exchange.rcpt(name)
        if code not in (250, 251):
            refused[name] = (code, words)
        if code == 421:
            break
    if len(refused) == len(recipients) or exchange.sock is None:
        raise smtplib.SMTPRecipientsRefused(refused)
    code, words = exchange.data(content)
    if code != 250:
        raise smtplib.SMTPDataError(code, words)
    return f"{code} {words.decode('utf-8', 'replace')}", refused
