"""A running server, a real browser, and people who came in by a link."""

import base64
import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections as databases
from playwright.sync_api import sync_playwright

from proofwatch.cli.serve import listen
from proofwatch.controls.load import builtin_controls, load_controls
from proofwatch.store.services import audits, connections, controls, screenshots
from proofwatch.web import invitations
from tests.servers import free_port

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
NEEDED = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium: install Debian's package"),
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
)  # fmt: skip
PHRASE = "a long enough phrase"
DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII="
)
"""A picture of one pixel."""
EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture
def served_port():
    return free_port()


@pytest.fixture
def served(site, monkeypatch, served_port):
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
    screenshots.keep(
        DOT, {"title": EVIL, "lists": [], "text_sha256": "0" * 64}, site.app.objects, page="checks",
        url=f"http://proofwatch.local/{'x' * 300}", media_type="image/png", cause="schedule",
        actor="scheduler", now=site.now,
    )  # fmt: skip
    site.app.sign()
    token = invitations.invite("lea", actor="olga", now=site.now)
    server = listen(site.app, "127.0.0.1", served_port, 4)
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


def shot(page, name):
    """Keep a picture of a page in PROOFWATCH_SHOTS: CI keeps them all, `make screens` those of the guide."""
    if folder := os.environ.get("PROOFWATCH_SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def aside(act):
    """Ask the state in a thread of its own: the browser's event loop has connections of an earlier test."""

    def run():
        try:
            return act()
        finally:
            databases.close_all()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result()


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
