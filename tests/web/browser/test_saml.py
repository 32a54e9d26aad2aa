"""Sign-in by SAML against an identity provider that others wrote: whom we know, and only what it signed."""

import importlib.util
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from tests.servers import free_port, running, saml_service
from tests.web.browser.kit import CHROMIUM

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium: install Debian's package"),
    pytest.mark.skipif(importlib.util.find_spec("onelogin") is None, reason="proofwatch[saml] is not here"),
]
BIN = Path(sys.executable).with_name("proofwatch")


def key_pair(folder, name):
    """Write a key and its own certificate; return their paths."""
    key = rsa.generate_private_key(65537, 2048)
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    cert = (
        x509.CertificateBuilder().subject_name(who).issuer_name(who).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=9))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    files = folder / f"{name}.crt", folder / f"{name}.key"
    files[0].write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return files


@pytest.fixture
def where(tmp_path):
    """A server whose people sign in by SAML; yields its address."""
    port, idp = free_port(), free_port()
    cert, key = key_pair(tmp_path, "idp")
    _, wrong = key_pair(tmp_path, "other")
    acs = f"http://localhost:{port}/account/saml/sso/acs/"
    script = Path(__file__).with_name("idp.cjs")
    command = saml_service(script, str(idp), str(cert), str(key), acs, str(wrong))
    env = {
        "PROOFWATCH_HOME": str(tmp_path / "home"), "PATH": "/usr/bin:/bin", "PROOFWATCH_ACTOR": "setup",
        "PROOFWATCH_SAML_METADATA": f"http://localhost:{idp}/metadata", "PROOFWATCH_SAML_TITLE": "Company",
        "PROOFWATCH_SAML_ENTITY": "urn:example:idp",
    }  # fmt: skip
    for verb in (["init"], ["people", "add", "lea", "--role", "lead", "--email", "lea@example.com"]):
        subprocess.run([BIN, *verb], env=env, check=True, capture_output=True, timeout=120)
    with running(command, idp, tmp_path):
        serve = [BIN, "serve", "--no-worker", "--port", str(port), "--json"]
        server = subprocess.Popen(
            serve, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        try:
            said = ""
            while "}" not in said:
                line = server.stdout.readline()
                assert line, "the server ended"
                said += line
            assert json.loads(said)["url"]
            yield f"http://localhost:{port}"
        finally:
            server.terminate()
            server.wait(30)


def come(browser, where, word):
    page = browser.new_context().new_page()
    page.goto(f"{where}/account/login/")
    page.click("text=Company")
    if page.url.startswith(where):
        page.click("main button[type=submit]")
    page.wait_for_selector(f"text={word}")
    page.click(f"a:text-is('{word}')")
    page.wait_for_url(f"{where}/**")
    return page


def test_saml_lets_in_whom_we_know_and_believes_nothing_unsigned(where, browser):
    page = come(browser, where, "lea")
    assert "signed in as lea" in page.inner_text("main")
    assert page.goto(f"{where}/checks").status == 200 and "lea" in page.inner_text(".who")
    page = come(browser, where, "eve")
    assert "does not name anybody" in page.inner_text("main")
    page = come(browser, where, "forged")
    assert "Login Failure" in page.inner_text("main")
    page.goto(f"{where}/checks")
    assert "/account/login/" in page.url, "another key signed it"
    page = browser.new_context().new_page()
    answer = page.request.post(f"{where}/account/saml/sso/acs/", form={"SAMLResponse": "PHg+"})
    assert answer.status == 400 and "cannot be read" in answer.text()
    page.goto(f"{where}/checks")
    assert "/account/login/" in page.url
