"""A time-stamp authority on loopback: certificates by `cryptography`, every answer by `openssl ts -reply`."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

QUERY, REPLY = "application/timestamp-query", "application/timestamp-reply"
CONFIG = """
[tsa]
default_tsa = here
[here]
serial = {folder}/serial
signer_cert = {folder}/signer.pem
signer_key = {folder}/signer.key
{certs}
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
{accuracy}
ess_cert_id_alg = sha256
"""


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Authority:
    """One authority in a folder: a root, a signer, and the question that it answers.

    Args:
        folder: for its files.
        name: of its signer; its root is "NAME Root".
        begins: when the signer's certificate begins to be valid; a day ago if not given.
        ends: when it ends; in a year if not given.
        usage: what the signer's certificate is for; None leaves that out.
        accuracy: how exact it says its time is, as OpenSSL writes it; "" says nothing.
        chain: whether there is an authority between root and signer, whose certificate goes into tokens.
    """

    def __init__(
        self,
        folder: Path,
        name: str = "Stamps",
        *,
        begins: datetime | None = None,
        ends: datetime | None = None,
        usage: x509.ObjectIdentifier | None = ExtendedKeyUsageOID.TIME_STAMPING,
        critical: bool = True,
        chain: bool = False,
        accuracy: str = "secs:1",
    ) -> None:
        if shutil.which("openssl") is None:
            pytest.skip("openssl is not here, and no other time-stamp authority can be run")
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.asked = 0
        self.broken: bytes | None = None
        """What it answers instead, whatever it is asked."""
        self._lock = threading.Lock()
        now = datetime.now(UTC)
        self._begins, self._ends = begins or now - timedelta(days=1), ends or now + timedelta(days=365)
        root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        root = self._issue(f"{name} Root", root_key, f"{name} Root", root_key, authority=True)
        above, above_key = f"{name} Root", root_key
        between = []
        if chain:
            above, above_key = f"{name} Between", ec.generate_private_key(ec.SECP256R1())
            between.append(self._issue(above, above_key, f"{name} Root", root_key, authority=True))
        use = x509.ExtendedKeyUsage([usage]) if usage else None
        signer = self._issue(name, key, above, above_key, usage=use, critical=critical)
        self.root = root.public_bytes(serialization.Encoding.PEM)
        self.roots = folder / "root.pem"
        self.roots.write_bytes(self.root)
        (folder / "signer.pem").write_bytes(signer.public_bytes(serialization.Encoding.PEM))
        (folder / "chain.pem").write_bytes(
            b"".join(item.public_bytes(serialization.Encoding.PEM) for item in [root, *between])
        )
        (folder / "signer.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        (folder / "serial").write_text("01\n", "utf-8")
        certs = f"certs = {folder}/chain.pem" if chain else ""
        exact = f"accuracy = {accuracy}" if accuracy else ""
        (folder / "tsa.cnf").write_text(CONFIG.format(folder=folder, certs=certs, accuracy=exact), "utf-8")

    def _issue(
        self,
        subject: str,
        key: ec.EllipticCurvePrivateKey,
        issuer: str,
        issuer_key: ec.EllipticCurvePrivateKey,
        *,
        authority: bool = False,
        usage: x509.ExtendedKeyUsage | None = None,
        critical: bool = True,
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        long = (now - timedelta(days=3650), now + timedelta(days=3650))
        begins, ends = long if authority else (self._begins, self._ends)
        made = (
            x509.CertificateBuilder()
            .subject_name(_name(subject))
            .issuer_name(_name(issuer))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(ends)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if usage is not None:
            made = made.add_extension(usage, critical=critical)
        return made.sign(issuer_key, hashes.SHA256())

    def answer(self, question: bytes) -> bytes:
        """Return the authority's answer to a question, made by OpenSSL."""
        self.asked += 1
        if self.broken is not None:
            return self.broken
        with self._lock:
            asked = self.folder / "question.tsq"
            asked.write_bytes(question)
            done = subprocess.run(
                [
                    "openssl",
                    "ts",
                    "-reply",
                    "-queryfile",
                    str(asked),
                    "-config",
                    str(self.folder / "tsa.cnf"),
                ],
                capture_output=True,
                check=True,
                timeout=30,
            )
        return done.stdout


@contextmanager
def serving(authority: Authority) -> Iterator[str]:
    """Serve an authority over HTTP as RFC 3161 §3.4 has it; yield its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            question = self.rfile.read(int(self.headers.get("content-length") or 0))
            if self.headers.get("content-type") != QUERY:
                self.send_error(415)
                return
            body = authority.answer(question)
            self.send_response(200)
            self.send_header("content-type", REPLY)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
