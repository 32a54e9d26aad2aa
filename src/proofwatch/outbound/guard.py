"""Where a request may go: an address that a webhook names must not lead back into our own network.

The name is resolved once, every address is looked at, and the connection goes to the very address that
was looked at: a name that answers differently a second later gains nothing. The ranges are those of the
IANA special-purpose registries, as Python's `ipaddress` knows them.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass

from proofwatch.errors import ProofwatchError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Forbidden(ProofwatchError):
    """A request would reach an address that no administrator allowed."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """The hosts that an administrator allowed although they are not public: `host` or `host:port`."""

    hosts: frozenset[str] = frozenset()

    @classmethod
    def of(cls, names: Iterable[str]) -> Allowed:
        """Return the allowance for these names, without regard to case or blanks."""
        return cls(frozenset(name.strip().lower() for name in names if name.strip()))

    def covers(self, host: str, port: int) -> bool:
        """Tell whether an administrator allowed this host (or just this port of it)."""
        name = host.strip("[]").lower().rstrip(".")
        return name in self.hosts or f"{name}:{port}" in self.hosts or f"[{name}]:{port}" in self.hosts


def resolve(host: str, port: int, allowed: Allowed, doing: str) -> list[str]:
    """Return the addresses that may be connected to for a host, in the resolver's order.

    Raises:
        Forbidden: one of its addresses is not public and the host is not allowed.
        OSError: the name cannot be resolved.
    """
    name = host.strip("[]")
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(item[4][0]) for item in found))
    if allowed.covers(host, port):
        return addresses
    for text in addresses:
        if not public(ipaddress.ip_address(text.partition("%")[0])):
            raise Forbidden(
                doing,
                f"{host} is {text}, which is not a public address",
                f"If that is meant, allow it: PROOFWATCH_ALLOW_HOSTS={host}:{port}",
            )
    return addresses


CLOSED = tuple(
    map(
        ipaddress.ip_network,
        (
            "168.63.129.16/32",  # Azure's own services, from inside every machine.
            "192.0.0.0/24",  # Of protocols; Oracle's metadata among them.
            "::/96",  # IPv4 addresses, as they were once written.
            "::ffff:0:0:0/96",  # IPv4-translated.
            "64:ff9b:1::/48",  # NAT64 of private networks.
            "fec0::/10",  # Site-local, as private networks once were.
        ),
    )
)
"""What counts as public for some tables of addresses, and is not."""


def public(address: Address) -> bool:
    """Tell whether an address is one of the public internet, also when it is wrapped in IPv6."""
    if any(address in network for network in CLOSED if network.version == address.version):
        return False
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or _nat64(address)
        if inner is not None:
            return public(inner)
        if address.teredo is not None:
            return False
    return address.is_global and not address.is_multicast


def _nat64(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address in ipaddress.IPv6Network("64:ff9b::/96"):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None
