"""Certificates as a cluster or a company makes them for itself, and a server behind them."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from proofwatch.demo.fakes.base import Fake

ENDS = datetime(2031, 1, 2, 3, 4, 5, tzinfo=UTC)


class Authority:
    """An authority, with as few extensions as that of an older cluster: none but that it is one."""

    def __init__(self, name: str = "own") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        made = self._builder(self._name, self._key)
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.pem = _pem(made.sign(self._key, SHA256()))

    def issue(self, name: str) -> tuple[str, str]:
        """Return a certificate for this machine, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        here = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
        made = self._builder(_name(name), key).add_extension(here, critical=False)
        text = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
        return _pem(made.sign(self._key, SHA256())), text.decode()

    def _builder(self, name: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        made = x509.CertificateBuilder(self._name, name, key.public_key(), x509.random_serial_number())
        return made.not_valid_before(datetime.now(UTC) - timedelta(days=1)).not_valid_after(ENDS)


def behind_tls(fake: Fake, folder: Path, authority: Authority, *, clients: bool = False) -> str:
    """Let a running fake speak TLS from now on; return its address.

    Args:
        fake: that runs.
        folder: for its certificate.
        authority: that issues it.
        clients: whether only those come in whom the authority knows.
    """
    path, ca = folder / "server.pem", folder / "ca.pem"
    path.write_text("".join(authority.issue("server")), "ascii")
    ca.write_text(authority.pem, "ascii")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    if clients:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(ca)
    server = fake._server
    assert server is not None
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return fake.url.replace("http://", "https://")


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(form.Encoding.PEM).decode()
