"""One request over HTTP: guarded, limited in time and size, never redirected, and honest about its end.

Whoever sends a message twice does harm, and whoever never sends it does more. So an error says which of
the two may have happened: `unanswered` is True from the moment the first byte of the request went out.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import certifi
import httpcore

from proofwatch.errors import ProofwatchError
from proofwatch.outbound.guard import Allowed, resolve

TIMEOUT = 15.0
"""Seconds for a whole request, from the first look-up of the name to the last byte of the answer."""
LARGEST = 4 * 1024 * 1024
NOWHERE = Allowed()
UNSENDABLE = frozenset("\r\n\0")


class NoAnswer(ProofwatchError):
    """There was no (whole) answer. `unanswered`: the request may have arrived all the same."""

    def __init__(
        self, doing: str, problem: str, remedy: str = "", *, permanent: bool = False, unanswered: bool = False
    ) -> None:
        super().__init__(doing, problem, remedy, permanent=permanent)
        self.unanswered = unanswered


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said. Header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def ok(self) -> bool:
        """Tell whether it is a success (2xx)."""
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        """Return the body as text, whatever its bytes."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """Return the body read as JSON; None where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def retry_after(self, now: float | None = None) -> float | None:
        """Return the seconds that `Retry-After` asks for (a number or a date, RFC 9110 §10.2.3)."""
        text = self.headers.get("retry-after", "").strip()
        if not text:
            return None
        try:
            return max(0.0, float(text))
        except ValueError:
            pass
        try:
            then = parsedate_to_datetime(text).timestamp()
        except ValueError:
            return None
        return max(0.0, then - (time.time() if now is None else now))


@dataclass(frozen=True, slots=True)
class Client:
    """Sends requests. It keeps nothing between them: no connection, no cookie, no proxy of the environment.

    Attributes:
        allowed: hosts that may be reached although they are not public.
        timeout: seconds for a whole request.
        insecure: whether plain http:// is accepted; else only for allowed hosts.
        ca: file of further certificate authorities, e.g. of one's own tracker.
    """

    allowed: Allowed = NOWHERE
    timeout: float = TIMEOUT
    insecure: bool = False
    ca: str = ""

    def request(
        self,
        method: str,
        url: str,
        *,
        doing: str,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        content: bytes | None = None,
    ) -> Answer:
        """Send one request and return the answer, whatever its status; redirects are answers, too.

        Args:
            method: GET, POST, …
            url: absolute; it may hold a secret and is never repeated in an error.
            doing: the action in progress, for errors.
            headers: further headers.
            body: sent as JSON, unless None.
            content: sent as it is.

        Raises:
            Forbidden: the host is not public and not allowed.
            NoAnswer: the address is wrong, nobody answered, or not in time.
        """
        try:
            parts = urlsplit(url)
            host, place = parts.hostname or "", _origin(url)
            host.encode("idna")
        except ValueError:  # UnicodeError is one, too: a label that is empty or too long.
            raise NoAnswer(doing, "the address cannot be read", permanent=True) from None
        if parts.scheme not in ("http", "https") or not host or parts.username or parts.password:
            raise NoAnswer(doing, "the address is not a plain https:// URL", permanent=True)
        port = _port(url, doing)
        if parts.scheme == "http" and not (self.insecure or self.allowed.covers(host, port)):
            remedy = "Use https, or let an administrator allow the host: PROOFWATCH_ALLOW_HOSTS."
            raise NoAnswer(doing, f"{place} is not encrypted", remedy, permanent=True)
        sent = dict(headers or {})
        if body is not None:
            content = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
            sent.setdefault("Content-Type", "application/json; charset=utf-8")
        sent.setdefault("User-Agent", "proofwatch")
        sent.setdefault("Accept", "application/json")
        if any(set(name + value) & UNSENDABLE for name, value in sent.items()):
            # A secret with a line end would add a header; it must not be repeated in an error either.
            raise NoAnswer(doing, "a header holds a line end", "Look at the secret's file.", permanent=True)
        network = _Network(self.allowed, doing, time.monotonic() + self.timeout)
        return self._send(method, url, sent, content, network, place)

    def _send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        content: bytes | None,
        network: _Network,
        place: str,
    ) -> Answer:
        limits = {"timeout": dict.fromkeys(("connect", "read", "write", "pool"), self.timeout)}
        try:
            with (
                httpcore.ConnectionPool(ssl_context=_tls(self.ca), network_backend=network) as pool,
                pool.stream(
                    method, url, headers=list(headers.items()), content=content, extensions=limits
                ) as got,
            ):
                data = bytearray()
                for part in got.iter_stream():
                    data += part
                    if len(data) > LARGEST:
                        problem = f"{place} answered more than {LARGEST} bytes"
                        raise NoAnswer(network.doing, problem, unanswered=True)
                named = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in got.headers}
                return Answer(got.status, named, bytes(data))
        except (
            httpcore.NetworkError,
            httpcore.TimeoutException,
            httpcore.ProtocolError,
            OSError,
        ) as error:
            why = str(error) or type(error).__name__
            raise NoAnswer(network.doing, f"{place}: {why[:200]}", unanswered=network.sent) from None


def _origin(url: str) -> str:
    """Return scheme, host and port: all of a URL that may be printed."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if _has_port(url) else ''}"


def _has_port(url: str) -> bool:
    try:
        return urlsplit(url).port is not None
    except ValueError:
        return False


def _port(url: str, doing: str) -> int:
    parts = urlsplit(url)
    try:
        return parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise NoAnswer(doing, "the port of the address is no number", permanent=True) from None


@lru_cache(maxsize=1)
def public_trust() -> ssl.SSLContext:
    """Return the trust in public authorities, read once: reading it takes a fifth of a second.

    It is shared, so nothing may be added to it.
    """
    return ssl.create_default_context(cafile=certifi.where())


def _tls(ca: str) -> ssl.SSLContext:
    if not ca:
        return public_trust()
    context = ssl.create_default_context(cafile=certifi.where())
    context.load_verify_locations(ca)
    return context


class _Network(httpcore.NetworkBackend):
    """Connects only to addresses that were looked at, and never works past the deadline."""

    def __init__(self, allowed: Allowed, doing: str, deadline: float) -> None:
        self.allowed, self.doing, self.deadline = allowed, doing, deadline
        self.sent = False
        self._backend = httpcore.SyncBackend()

    def left(self) -> float:
        """Return the seconds that are left. Raises ReadTimeout when none are."""
        rest = self.deadline - time.monotonic()
        if rest <= 0:
            raise httpcore.ReadTimeout("no whole answer in time")
        return rest

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of the host that takes the connection."""
        last: Exception | None = None
        for address in resolve(host, port, self.allowed, self.doing):
            try:
                stream = self._backend.connect_tcp(address, port, self.left(), local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
                continue
            return _Stream(stream, self)
        raise last or httpcore.ConnectError("the name has no address")


class _Stream(httpcore.NetworkStream):
    """A connection that notes when something was sent, and gives each step only the time that is left."""

    def __init__(self, stream: httpcore.NetworkStream, network: _Network) -> None:
        self._stream, self._network = stream, network

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what is there, at most until the deadline."""
        return self._stream.read(max_bytes, self._network.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write, and note that the request may have arrived."""
        self._network.sent = True
        self._stream.write(buffer, self._network.left())

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Encrypt; the certificate is checked against the name, not the address."""
        stream = self._stream.start_tls(ssl_context, server_hostname, self._network.left())
        return _Stream(stream, self._network)

    def get_extra_info(self, info: str) -> Any:
        """Return what the real connection knows."""
        return self._stream.get_extra_info(info)
