"""What the tests sign with: real keys and certificates, and a real server with TLS that hands them out."""

import base64
import datetime as dt
import hashlib
import hmac
import json
import ssl
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from proofwatch.hooks.base import Request
from proofwatch.outbound.guard import Allowed
from proofwatch.outbound.http import Client

NOW = dt.datetime(2026, 11, 23, 12, 0, tzinfo=dt.UTC)
SECRET = "correct horse battery staple"
NOBODY = Client()
"""A client for sources that never send anything."""
RSA = rsa.generate_private_key(65537, 2048)
OTHER_RSA = rsa.generate_private_key(65537, 2048)


def post(said, headers=(), query="", method="POST"):
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    return Request.of(dict(headers).items(), body, method, query)


def stamp(at=NOW):
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def certificate(key=RSA, issuer=None, *, names=(), begins=NOW, days=30, name="sns.amazonaws.com"):
    """A certificate for `key`, signed by `issuer` (certificate, key) or by itself."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins - dt.timedelta(days=1))
        .not_valid_after(begins + dt.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    if names:
        built = built.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return built.sign(issuer[1] if issuer else key, hashes.SHA256())


def pem(found):
    return found.public_bytes(serialization.Encoding.PEM)


@contextmanager
def https(tmp_path, pages):
    """Serve `pages` (path → (status, body)) over TLS by an authority of its own.

    Gives (host:port, paths that were asked for, a client that trusts it).
    """
    import ipaddress

    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    today = dt.datetime.now(dt.UTC)
    authority = certificate(authority_key, begins=today, name="an authority")
    own = certificate(
        key,
        (authority, authority_key),
        begins=today,
        names=[x509.IPAddress(ipaddress.ip_address("127.0.0.1"))],
        name="127.0.0.1",
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "ca.pem").write_bytes(pem(authority))
    (tmp_path / "server.pem").write_bytes(private + pem(own))
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            status, body = pages.get(self.path.partition("?")[0], (404, b"nothing"))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    place = f"127.0.0.1:{server.server_address[1]}"
    try:
        yield place, asked, Client(Allowed.of([place]), ca=str(tmp_path / "ca.pem"))
    finally:
        server.shutdown()
        server.server_close()


def unpadded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwks(key=RSA, kid="k1"):
    numbers = key.public_key().public_numbers()
    n, e = (
        unpadded(value.to_bytes((value.bit_length() + 7) // 8, "big")) for value in (numbers.n, numbers.e)
    )
    return json.dumps(
        {"keys": [{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": kid, "n": n, "e": e}]}
    ).encode()


def token(claims, key=RSA, **header):
    head = {"alg": "RS256", "typ": "JWT", "kid": "k1", **header}
    signed = ".".join(unpadded(json.dumps(part).encode()) for part in (head, claims))
    signature = key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signed}.{unpadded(signature)}"


def mac(body, secret=SECRET):
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
