"""Coming in: second factors, recovery codes, passkeys, lock-out, other sessions, a sign-in service."""

import base64
import hashlib
import hmac
import json
import struct
import time

import pytest
from django.test import override_settings

from proofwatch.store.models import LogEntry, Person
from tests.servers import emulate, free_port, running
from tests.web.browser.kit import NEEDED, PHRASE, aside, signed_in

pytestmark = NEEDED


def code_of(secret: str, step: int = 0) -> str:
    """Return a one-time code as RFC 6238 makes it."""
    made = hmac.new(
        base64.b32decode(secret), struct.pack(">Q", int(time.time()) // 30 + step), hashlib.sha1
    ).digest()
    at = made[-1] & 15
    return f"{(struct.unpack('>I', made[at : at + 4])[0] & 0x7FFFFFFF) % 10**6:06}"


def sign_in(page, where, password=PHRASE):
    page.goto(f"{where}/account/login/")
    page.fill("[name=login]", "lea")
    page.fill("[name=password]", password)
    page.click("main button[type=submit]")


def confirm(page):
    """Give the password again where a step asks for it."""
    if "/reauthenticate/" in page.url:
        page.fill("[name=password]", PHRASE)
        page.click("main button[type=submit]")


def kinds():
    said = LogEntry.objects.filter(kind__startswith="access.").order_by("index")
    return aside(lambda: list(said.values_list("kind", flat=True)))


def with_totp(page, where):
    page.goto(f"{where}/account/2fa/totp/activate/")
    confirm(page)
    secret = page.input_value("#authenticator_secret")
    page.fill("[name=code]", code_of(secret))
    page.click("main button[type=submit]")
    assert "activated" in page.inner_text("main")
    return secret


def test_a_one_time_code_is_asked_for_and_a_wrong_one_refused(served, browser):
    where, link = served
    page = signed_in(browser, link)
    secret = with_totp(page, where)
    page.click("text=Sign out")
    sign_in(page, where)
    assert "/2fa/" in page.url
    page.fill("[name=code]", "000000")
    page.click("main button[type=submit]")
    assert "/2fa/" in page.url and "Incorrect" in page.inner_text("main")
    page.fill("[name=code]", code_of(secret, 1))
    page.click("main button[type=submit]")
    assert page.url == f"{where}/", page.inner_text("main")
    assert "access.changed" in kinds() and kinds()[-1] == "access.signed_in"


def test_a_recovery_code_works_once(served, browser):
    where, link = served
    page = signed_in(browser, link)
    with_totp(page, where)
    page.goto(f"{where}/account/2fa/recovery-codes/")
    confirm(page)
    code = page.input_value("#recovery_codes").split()[0]
    for expected in (True, False):
        page.goto(where)
        page.click("text=Sign out")
        sign_in(page, where)
        page.fill("[name=code]", code)
        page.click("main button[type=submit]")
        assert (page.url == f"{where}/") == expected, page.inner_text("main")
        if not expected:
            break


def test_a_passkey_alone_lets_in(served, browser):
    where, link = (text.replace("127.0.0.1", "localhost") for text in served)
    page = signed_in(browser, link)
    keys = page.context.new_cdp_session(page)
    keys.send("WebAuthn.enable")
    keys.send(
        "WebAuthn.addVirtualAuthenticator",
        {"options": {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
                     "hasUserVerification": True, "isUserVerified": True,
                     "automaticPresenceSimulation": True}},
    )  # fmt: skip
    page.goto(f"{where}/account/2fa/webauthn/add/")
    confirm(page)
    page.check("#id_passwordless")
    with page.expect_navigation():
        page.click("#mfa_webauthn_add")
    assert "webauthn" in page.url or "2fa" in page.url
    page.goto(where)
    page.click("text=Sign out")
    page.goto(f"{where}/account/login/")
    with page.expect_navigation(url=f"{where}/"):
        page.click("text=Sign in with a passkey")
    assert page.inner_text(".who").startswith("lea") or "lea" in page.inner_text(".who")
    assert not [said for said in page.wrong if "Content Security Policy" in said], page.wrong


def test_guessing_locks_out_even_the_right_password_for_a_while(served, browser):
    where, link = served
    page = signed_in(browser, link)
    page.click("text=Sign out")
    for _ in range(6):
        sign_in(page, where, "wrong wrong wrong")
    sign_in(page, where)
    assert "/account/login/" in page.url and "too many" in page.inner_text("main").lower()
    assert kinds().count("access.refused") >= 5


def test_other_sessions_are_ended_at_once(served, browser):
    where, link = served
    first = signed_in(browser, link)
    second = browser.new_context().new_page()
    sign_in(second, where)
    assert second.url == f"{where}/"
    second.goto(f"{where}/account/sessions/")
    second.click("main button[type=submit]")
    first.goto(f"{where}/checks")
    assert "/account/login/" in first.url
    second.goto(f"{where}/checks")
    assert second.url == f"{where}/checks"


def test_nobody_signs_up_and_every_page_of_the_sign_in_is_ours(served, browser):
    where, link = served
    page = browser.new_context().new_page()
    assert page.goto(f"{where}/account/signup/").status in (200, 403, 404)
    assert not page.query_selector("[name=password1]")
    page = signed_in(browser, link)
    for path in ("email/", "password/change/", "2fa/", "sessions/", "logout/", "reauthenticate/"):
        answer = page.goto(f"{where}/account/{path}")
        assert answer.status in (200, 404), path
        if answer.status == 200:
            assert page.query_selector(".skip"), f"{path} is not in our frame"


@pytest.fixture
def service(tmp_path, served_port):
    """An OpenID provider that others wrote, with lea and a stranger; it is set before the server starts."""
    port = free_port()
    back = f"http://localhost:{served_port}/account/oidc/sso/login/callback/"
    seed = tmp_path / "seed.json"
    seed.write_text(json.dumps({"google": {
        "users": [{"email": "lea@example.com", "name": "Lea"}, {"email": "eve@example.com", "name": "Eve"}],
        "oauth_clients": [{"client_id": "pw", "client_secret": "s3cret", "name": "Proofwatch",
                           "redirect_uris": [back]}],
    }}))  # fmt: skip
    app = {"provider_id": "sso", "name": "Company", "client_id": "pw", "secret": "s3cret",
           "settings": {"server_url": f"http://localhost:{port}", "oauth_pkce_enabled": True}}  # fmt: skip
    providers = {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [app]}}
    command = emulate("google", seed, port)
    with running(command, port, tmp_path), override_settings(SOCIALACCOUNT_PROVIDERS=providers):
        yield f"http://localhost:{port}"


def test_a_sign_in_service_lets_in_whom_we_know_and_nobody_else(service, served, browser):
    where = served[0].replace("127.0.0.1", "localhost")
    for email, lets in (("lea@example.com", True), ("eve@example.com", False)):
        page = browser.new_context().new_page()
        page.goto(f"{where}/account/login/")
        page.click("text=Company")
        page.click("main button[type=submit]")
        page.wait_for_url(f"{service}/**")
        page.click(f"text={email}")
        page.wait_for_url(f"{where}/**")
        if lets:
            assert page.url == f"{where}/" and "lea" in page.inner_text(".who")
            aside(lambda: Person.objects.filter(pk="lea").update(active=False))
            assert page.goto(f"{where}/checks").status in (302, 403)
            aside(lambda: Person.objects.filter(pk="lea").update(active=True))
        else:
            assert "does not name anybody" in page.inner_text("main")
