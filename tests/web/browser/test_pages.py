"""The pages in a real browser: every place, wide and narrow, light and dark, with and without JavaScript."""

import os
import re
import shutil
import threading
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from proofwatch.cli.serve import listen
from proofwatch.controls.load import builtin_controls, load_controls
from proofwatch.store.models import CheckSetting
from proofwatch.store.services import audits, connections, controls
from proofwatch.web import invitations
from proofwatch.web.navigation import PLACES

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium: install Debian's package"),
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
)  # fmt: skip
PHRASE = "a long enough phrase"
PAGES = (
    *(place.href for place in PLACES),
    "/controls/AC-02",
    "/checks/aws.iam.user-mfa",
    "/connections/prod",
    "/checks/new",
    "/checks/aws.iam.user-mfa/try",
    "/connections/new",
    "/connections/new?kind=aws",
    "/rules/all",
    "/rules/new",
    "/rules/of/control-failing",
    "/rules/channels",
    "/rules/channels/new?kind=email",
    "/rules/trackers",
    "/rules/trackers/new?kind=jira",
    "/rules/silences",
    "/rules/replay",
    "/evidence/entries/0",
    "/audit?audit=soc2",
    "/evidence/documents",
    "/evidence/upload",
    "/settings/me",
    "/settings/people",
    "/settings/controls",
    "/get-started",
    "/account/password/change/",
    "/account/2fa/",
    "/account/sessions/",
)
EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture
def served(site, monkeypatch):
    """A running server with some data; yields its address and a link for lea."""
    # Playwright keeps an event loop in this thread; our queries here are short and alone.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    known = load_controls(builtin_controls(), checks=site.app.catalog.checks, criteria=site.app.criteria)
    controls.import_list(known, actor="olga", now=site.now)
    made = connections.create("prod", "aws", {}, actor="olga", now=site.now)
    connections.record_test(made, actor="olga", now=site.now, state="failed", problem=f"{EVIL} {'x' * 300}")
    controls.judge(site.now)
    first = (site.now - timedelta(days=90)).date()
    audits.save("soc2", first, first + timedelta(days=364), actor="olga", now=site.now, reason="engaged")
    site.app.sign()
    token = invitations.invite("lea", actor="olga", now=site.now)
    server = listen(site.app, "127.0.0.1", 0, 4)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    where = f"http://127.0.0.1:{server.effective_port}"
    yield where, f"{where}/start/{token}"
    server.close()


@pytest.fixture
def browser():
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield made
        made.close()


def signed_in(browser, link, **options):
    """A page of somebody who came in by a link; what goes wrong in it is kept in `page.wrong`."""
    context = browser.new_context(**options)
    page = context.new_page()
    page.wrong = []
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    page.on("console", lambda said: page.wrong.append(said.text) if said.type == "error" else None)
    page.on("dialog", lambda dialog: page.wrong.append(f"dialog {dialog.message}") or dialog.dismiss())
    page.goto(link)
    page.fill("#password", PHRASE)
    page.fill("#again", PHRASE)
    page.click("main button")
    return page


def look(page, where):
    """Open every page; each fits, has no fault of accessibility that axe finds, and says nothing wrong."""
    folder = os.environ.get("PROOFWATCH_SHOTS")
    for address in PAGES:
        answer = page.goto(where + address)
        assert answer.status == 200, (address, answer.status)
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide == 0, (address, wide)
        found = Axe().run(page).response["violations"]
        said = [(item["id"], [node["html"][:160] for node in item["nodes"][:3]]) for item in found]
        assert not said, (address, said)
        if folder:
            name = re.sub(r"[^a-z0-9]+", "-", address.strip("/").lower()) or "home"
            page.screenshot(path=f"{folder}/{name}-{page.viewport_size['width']}.png", full_page=True)
    assert page.wrong == []


def test_every_page_wide_and_light(served, browser):
    where, link = served
    look(signed_in(browser, link, viewport={"width": 1280, "height": 900}), where)


def test_every_page_narrow_and_dark(served, browser):
    where, link = served
    options = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"}
    look(signed_in(browser, link, **options), where)


def test_a_check_is_turned_off_without_javascript(served, browser):
    where, link = served
    page = signed_in(browser, link, java_script_enabled=False)
    page.goto(f"{where}/checks/aws.iam.user-mfa")
    page.fill("#reason", "replaced by single sign-on")
    page.click("text=Turn it off")
    assert "disabled" in page.inner_text("main") and "replaced by single sign-on" in page.inner_text("main")
    assert CheckSetting.objects.get(pk="aws.iam.user-mfa").by == "lea"


def test_password_and_back_to_the_page_that_was_asked_for(served, browser):
    where, link = served
    page = signed_in(browser, link)
    page.click("text=Sign out")
    page.goto(f"{where}/checks?severity=critical")
    assert "/account/login/" in page.url
    page.fill("[name=login]", "lea")
    page.fill("[name=password]", "wrong")
    page.click("main button[type=submit]")
    assert "not correct" in page.inner_text("main")
    page.fill("[name=password]", PHRASE)
    page.click("main button[type=submit]")
    assert page.url == f"{where}/checks?severity=critical"


def test_the_keyboard_alone_reaches_the_content_and_the_places(served, browser):
    where, link = served
    page = signed_in(browser, link, viewport={"width": 1280, "height": 900})
    page.goto(where)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    seen = set()
    for _ in range(len(PLACES) + 4):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.textContent.trim()"))
    assert {place.title for place in PLACES} <= seen
