"""Requests to one system over connections that are kept open, and to no other host.

What a provider answers is untrusted: a link to a next page, or a redirect, may name any host. A session knows
the hosts it is for, and refuses every other one before anything is sent.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
import zlib
from collections.abc import Iterable, Mapping
from tempfile import NamedTemporaryFile
from typing import Any
from urllib.parse import urlsplit

import certifi
import httpcore

from proofwatch.errors import ProofwatchError
from proofwatch.outbound.guard import CLOSED
from proofwatch.outbound.http import Answer, NoAnswer, public_trust

CONNECT = 5.0
READ = 30.0
"""Seconds for connecting, and for each part of an answer."""
WHOLE = 180.0
"""Seconds for a whole answer: a server that sends a byte now and then keeps no worker for ever."""
LARGEST = 64 << 20
"""Bytes of one answer once unpacked: a page of a thousand items has some hundred thousand."""
LOOPBACK = ("localhost", "127.0.0.1", "[::1]", "::1")


class OtherHost(ProofwatchError):
    """A link or a redirect leads to a host that is not the connection's."""


def origin(url: str) -> str:
    """Return scheme, host and port of an address. Raises ValueError where there is none."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
        raise ValueError("it is not a plain https:// address")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise ValueError("it is not encrypted: write https://")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host.lower()}:{port}"


class NoTrust(ProofwatchError):
    """A file of certificate authorities is none."""


class Session:
    """Sends requests to the hosts that it is for. Threads may share it.

    Args:
        addresses: whose hosts are meant; https, or http to this machine itself.
        ca: file of further certificate authorities, of an installation of one's own.
        read: seconds for each part of an answer.
        only_ca: the certificate authorities, as PEM, that are trusted instead of the public ones.
        cert: certificate chain and private key, as PEM, by which we say who we are.

    Raises:
        ValueError: an address is none, or what should be a certificate or a key.
        NoTrust: `ca` cannot be read, or holds no certificate.
    """

    def __init__(
        self,
        addresses: Iterable[str],
        *,
        ca: str = "",
        read: float = READ,
        only_ca: str = "",
        cert: tuple[str, str] | None = None,
    ) -> None:
        self._origins = frozenset(map(origin, addresses))
        self._timeouts = {"connect": CONNECT, "read": read, "write": read, "pool": WHOLE}
        if not (only_ca or ca or cert):
            tls = public_trust()
        elif only_ca:
            tls = _own_trust(only_ca)
        else:
            tls = ssl.create_default_context(cafile=certifi.where())
        if ca:
            _trust_also(tls, ca)
        if cert:
            _identify(tls, *cert)
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls, max_connections=32, keepalive_expiry=30, retries=1, network_backend=_Guarded()
        )

    def covers(self, url: str) -> bool:
        """Tell whether an address belongs to one of the session's hosts."""
        try:
            return origin(url) in self._origins
        except ValueError:
            return False

    def request(
        self,
        method: str,
        url: str,
        *,
        doing: str,
        headers: Mapping[str, str],
        content: bytes | None = None,
    ) -> Answer:
        """Send one request and return the answer, whatever its status; redirects are answers, too.

        Args:
            method: GET, POST, …
            url: absolute; it is never repeated in an error, but for its host.
            doing: the action in progress, for errors.
            headers: all headers.
            content: the body.

        Raises:
            OtherHost: the address is of another host; nothing was sent.
            NoAnswer: nobody answered, not in time, or with too much.
        """
        if not self.covers(url):
            host = urlsplit(url).hostname or "no host at all"
            remedy = "Nothing was sent there. If that is the system's own, give its address in the settings."
            raise OtherHost(doing, f"a link leads to {host[:100]!r}, which is not the connection's", remedy)
        sent = {
            "User-Agent": "proofwatch",
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            **headers,
        }
        place = urlsplit(url).netloc
        try:
            with self._pool.stream(
                method, url, headers=list(sent.items()), content=content,
                extensions={"timeout": self._timeouts},
            ) as got:  # fmt: skip
                named = _named(got.headers)
                return Answer(got.status, named, _body(got, named, doing, place))
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError) as error:
            why = str(error) or type(error).__name__
            raise NoAnswer(doing, f"{place}: {why[:200]}", unanswered=True) from None

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()


def _trust_also(tls: ssl.SSLContext, path: str) -> None:
    try:
        tls.load_verify_locations(path)
    except OSError as error:
        # That of OpenSSL is one, too, and tells nothing of use.
        why = "it holds no certificate as PEM" if isinstance(error, ssl.SSLError) else error.strerror
        doing, remedy = "reading the certificate authorities", "Look at the setting ca_file."
        raise NoTrust(doing, f"{path}: {why or 'cannot be read'}", remedy) from None


def _own_trust(authorities: str) -> ssl.SSLContext:
    try:
        tls = ssl.create_default_context(cadata=authorities)
    except (ssl.SSLError, ValueError):
        raise ValueError("the certificate authorities are no PEM") from None
    # From Python 3.13 on, an authority without all extensions of RFC 5280 is refused. Those that clusters
    # make for themselves often lack some; who is trusted stays the same.
    tls.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return tls


def _identify(tls: ssl.SSLContext, chain: str, key: str) -> None:
    # OpenSSL takes them from a file only: it is ours alone, and gone when this returns.
    with NamedTemporaryFile("w", encoding="ascii", suffix=".pem") as file:
        try:
            file.write(f"{chain.strip()}\n{key.strip()}\n")
            file.flush()
            # Without a password given, OpenSSL would ask for one at the terminal.
            tls.load_cert_chain(file.name, password="")
        except (ssl.SSLError, ValueError):
            raise ValueError("the client certificate and its key are no PEM, or not a pair") from None


def _named(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return headers by name in lower case; one that is sent twice is one list (RFC 9110 §5.3).

    Okta sends each of its links in a header of its own.
    """
    named: dict[str, str] = {}
    for key, value in headers:
        name, text = key.decode("latin-1").lower(), value.decode("latin-1")
        named[name] = f"{named[name]}, {text}" if name in named else text
    return named


def _body(got: httpcore.Response, headers: Mapping[str, str], doing: str, place: str) -> bytes:
    unpack = zlib.decompressobj(31) if headers.get("content-encoding") == "gzip" else None
    until, data = time.monotonic() + WHOLE, bytearray()
    try:
        for part in got.iter_stream():
            data += unpack.decompress(part, LARGEST + 1 - len(data)) if unpack else part
            if len(data) > LARGEST:
                raise NoAnswer(doing, f"{place} answered more than {LARGEST} bytes", unanswered=True)
            if time.monotonic() > until:
                raise NoAnswer(doing, f"{place}: no whole answer in {WHOLE:.0f} seconds", unanswered=True)
    except zlib.error:
        raise NoAnswer(doing, f"{place}: the packed answer is damaged", unanswered=True) from None
    if unpack and data and not unpack.eof:
        raise NoAnswer(doing, f"{place}: the answer broke off", unanswered=True)
    return bytes(data)


class _Guarded(httpcore.SyncBackend):
    """Connects to no address that no system has: those by which a cloud gives its machines their keys."""

    def connect_tcp(self, host: str, port: int, *args: Any, **more: Any) -> httpcore.NetworkStream:
        """Resolve once, look at each address, and connect to the first that takes the connection."""
        last: Exception | None = None
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
        for text in dict.fromkeys(str(item[4][0]) for item in found):
            address = ipaddress.ip_address(text.partition("%")[0])
            closed = any(address in network for network in CLOSED if network.version == address.version)
            if closed or address.is_link_local or address.is_multicast or address.is_unspecified:
                last = httpcore.ConnectError(f"{text} is an address that no system to be read has")
                continue
            try:
                return super().connect_tcp(text, port, *args, **more)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
        raise last or httpcore.ConnectError("the name has no address")
