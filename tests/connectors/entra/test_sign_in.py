"""Signing in: by a secret and by a certificate, and what is said when it is refused."""

import hashlib
from base64 import urlsafe_b64decode
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from proofwatch.connectors.base import ConnectorError
from proofwatch.connectors.entra import EntraConnector
from proofwatch.connectors.microsoft import claims_of, moment
from proofwatch.demo.fakes.base import Said
from proofwatch.demo.fakes.microsoft_login import CLIENT, SECRET, TENANT, guid

KEY = rsa.generate_private_key(65537, 2048)


def certificate(days: int) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "proofwatch")])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(KEY.public_key())
        .serial_number(7)
        .not_valid_before(now - timedelta(days=400))
        .not_valid_after(now + timedelta(days=days))
        .sign(KEY, SHA256())
    )


@pytest.fixture
def with_certificate(connected, tmp_path):
    """Return a connector that signs in by a certificate that lasts so many days, and the certificate."""

    def make(days=90, key=True):
        made = certificate(days)
        pem = made.public_bytes(Encoding.PEM)
        if key:
            # The certificate first: the order in the file must not matter.
            pem += KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (tmp_path / "own.pem").write_bytes(pem)
        reference = f"file:{tmp_path / 'own.pem'}"
        return connected(client_secret=None, client_certificate=reference), made

    return make


def decoded(text):
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_a_certificate_signs_an_assertion_as_microsoft_documents_it(with_certificate, entra):
    connector, made = with_certificate()
    identity = connector.identity()
    assert identity.details["credential_expires_at"] == moment(made.not_valid_after_utc)
    (given,) = entra.assertions
    assert given["head"]["alg"] == "PS256" and given["head"]["typ"] == "JWT"
    thumb = hashlib.sha256(made.public_bytes(Encoding.DER)).digest()
    assert decoded(given["head"]["x5t#S256"]) == thumb
    claims = given["claims"]
    assert claims["aud"] == f"{entra.url}/{TENANT}/oauth2/v2.0/token"
    assert claims["iss"] == claims["sub"] == CLIENT
    assert claims["exp"] - claims["nbf"] == 600 and len(claims["jti"]) == 36
    head, body, signature = given["text"].split(".")
    pss = padding.PSS(padding.MGF1(SHA256()), 32)
    made.public_key().verify(decoded(signature), f"{head}.{body}".encode(), pss, SHA256())


def test_a_certificate_that_has_ended_is_named_before_anything_is_sent(with_certificate, entra):
    connector, _ = with_certificate(days=-1)
    with pytest.raises(ConnectorError, match="the certificate ended at"):
        connector.identity()
    assert entra.asked == []


def test_a_file_without_its_key_is_refused(with_certificate):
    connector, _ = with_certificate(key=False)
    with pytest.raises(ConnectorError, match="no RSA key"):
        connector.identity()


def test_a_file_without_a_certificate_is_refused(connected, tmp_path):
    (tmp_path / "own.pem").write_text("nothing")
    connector = connected(client_secret=None, client_certificate=f"file:{tmp_path / 'own.pem'}")
    with pytest.raises(ConnectorError, match="holds no certificate"):
        connector.identity()


def test_a_wrong_secret_is_told_from_its_id_and_never_repeated(connected, monkeypatch):
    monkeypatch.setenv("DEMO_ENTRA_SECRET", "wrong-secret-text")
    with pytest.raises(ConnectorError) as raised:
        connected().identity()
    assert "AADSTS7000215" in raised.value.problem
    assert "wrong-secret-text" not in str(raised.value)
    proof = connected().prove_read_only()
    assert proof.read_only is None and "AADSTS7000215" in proof.reason


def test_a_secret_that_has_ended_is_said_in_words(connected, entra):
    told = {"error": "invalid_client", "error_description": f"AADSTS7000222: ended, was {SECRET}"}
    entra.broken[f"/{TENANT}/oauth2/v2.0/token"] = Said(told, 401)
    with pytest.raises(ConnectorError) as raised:
        connected().identity()
    assert SECRET not in str(raised.value)
    assert raised.value.remedy.startswith("The secret has ended")


@pytest.mark.parametrize(
    ("more", "code"), [({"tenant_id": guid(9)}, "AADSTS90002"), ({"client_id": guid(9)}, "AADSTS700016")]
)
def test_another_tenant_and_an_unknown_application_are_named(connected, more, code):
    with pytest.raises(ConnectorError) as raised:
        connected(**more).identity()
    assert code in raised.value.problem and "Look at" in raised.value.remedy


def test_an_answer_without_a_token_is_none(connected, entra):
    entra.broken[f"/{TENANT}/oauth2/v2.0/token"] = Said({"token_type": "Bearer"})
    with pytest.raises(ConnectorError, match="gave no token"):
        connected().identity()


@pytest.mark.parametrize("token", ["", "a.b", "a.!!.c", "a.bm8.c", "a.WzFd.c"])
def test_a_token_that_tells_nothing_gives_no_claims(token):
    assert claims_of(token) == {}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"tenant_id": "acme.example"}, "no id of the form"),
        ({"client_secret": None}, "one of the two"),
        ({"client_certificate": "env:X"}, "one of the two"),
        ({"client_secret": "plain"}, "never kept in the settings"),
        ({"authority": "http://login.example"}, "not encrypted"),
        ({"tenent_id": "x"}, "did you mean tenant_id"),
        ({"ca_file": "own.pem"}, "absolute path"),
    ],
)
def test_settings_are_refused_in_words(entra, more, words):
    given = {key: value for key, value in {**entra.settings(), **more}.items() if value is not None}
    with pytest.raises(ConnectorError, match=words):
        EntraConnector.parse_settings(given)


def test_other_clouds_have_other_scopes(connected):
    assert connected(graph_url="https://graph.microsoft.us/v1.0").access.scope == (
        "https://graph.microsoft.us/.default"
    )
