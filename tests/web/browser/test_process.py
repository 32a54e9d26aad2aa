"""The seven steps in the browser alone: from an empty home to a repair that readings proved."""

import json
import subprocess
import sys
import time

import pytest
from playwright.sync_api import expect

from proofwatch.demo.account import SECOND
from proofwatch.demo.events import repair_one
from proofwatch.demo.seeds.data import PUBLIC_SNAPSHOT
from tests.alerts.channels import receiver
from tests.companies import company, proofwatch, variables  # noqa: F401
from tests.servers import free_port
from tests.web.browser.kit import CHROMIUM, PHRASE, shot, signed_in

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium: install Debian's package")
CHECK = "aws.rds.snapshot-not-public"
SOON = 90_000
"""Milliseconds within which a worker has done what was asked."""


@pytest.fixture
def hearing():
    with receiver.http() as made:
        yield made


@pytest.fixture
def started(company, tmp_path, hearing):  # noqa: F811
    """A server with a worker over an empty home; yields its address and the first administrator's link."""
    home = tmp_path / "home"
    proofwatch(company, home, "init")
    env = variables(
        company, home, CHAT_URL=f"http://127.0.0.1:{hearing.port}/hook", HOOK_SECRET="whsec_" + "QUJD" * 8,
        PROOFWATCH_ALLOW_HOSTS=f"127.0.0.1:{hearing.port}",
    )  # fmt: skip
    command = [sys.executable, "-m", "proofwatch.cli", "serve", "--port", str(free_port()), "--json"]
    server = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        said = ""
        while "}" not in said:
            line = server.stdout.readline()
            assert line, "the server ended"
            said += line
        told = json.loads(said)
        yield told["url"], told["first_link"]
    finally:
        server.terminate()
        server.wait(30)


@pytest.fixture
def public_again(company):  # noqa: F811
    """Put the company back as it was."""
    yield
    rds = company.administrator("production").client("rds", SECOND)
    rds.modify_db_snapshot_attribute(
        DBSnapshotIdentifier=PUBLIC_SNAPSHOT, AttributeName="restore", ValuesToAdd=["all"]
    )


def until(page, address, text, times=90):
    """Load a page again and again until it says something."""
    for _ in range(times):
        page.goto(address)
        if text in page.inner_text("main"):
            return
        time.sleep(1)
    raise AssertionError(f"{address} does not say {text!r}: {page.inner_text('main')[:1500]}")


def test_the_whole_process_in_the_browser(started, browser, company, hearing, public_again):  # noqa: F811
    where, link = started
    page = signed_in(browser, link, viewport={"width": 1280, "height": 900})
    page.goto(where)
    assert page.url == f"{where}/get-started"

    # 1 The control list is approved.
    page.goto(f"{where}/settings/controls")
    page.fill("[name=note]", "as agreed")
    page.click("text=Approve >> nth=-1")
    expect(page.locator("main")).to_contain_text("is approved")
    shot(page, "process-1-controls-approved")

    # 2 A system is connected, and proven to be read-only; its first reading shows a first status.
    page.goto(f"{where}/connections/new?kind=aws")
    page.fill("[name=set-accounts]", company.accounts["production"])
    page.fill("[name=set-regions]", SECOND)
    page.fill("[name=minutes]", "1440")
    page.click("text=Connect it")
    page.wait_for_url(f"{where}/connections/aws", timeout=SOON)
    expect(page.locator("main")).to_contain_text("read only")
    shot(page, "process-2-connection-proven-read-only")
    for _ in range(90):
        page.goto(where)
        if page.locator("tbody .status.bad").count():
            break
        time.sleep(1)
    assert page.locator("tbody tr").count() > 20 and page.locator("tbody .status.bad").count()
    shot(page, "process-2-first-status")

    # 3 A check is tried on what was read.
    page.goto(f"{where}/checks/{CHECK}/try")
    page.click("button:has-text('Try it now')")
    expect(page.locator("#trial")).to_contain_text(PUBLIC_SNAPSHOT, timeout=SOON)
    shot(page, "process-3-check-tried")

    # 4 A channel is added and tested, and a rule tells on it.
    page.goto(f"{where}/rules/channels/new?kind=webhook")
    page.fill("[name=name]", "ops")
    page.fill("[name=set-url]", "env:CHAT_URL")
    page.fill("[name=set-secret]", "env:HOOK_SECRET")
    page.click("button:has-text('Add it')")
    page.click("button:has-text('Send a test')")
    expect(page.locator("main")).to_contain_text("the test was accepted")
    page.goto(f"{where}/rules/new")
    page.fill("[name=id]", "public-snapshots")
    page.fill("[name=set-title]", "A snapshot is public")
    page.select_option("[name=set-when]", "failing")
    for folded in page.locator("details summary").all():
        if "More settings" in folded.inner_text():
            folded.click()
    page.fill("[name=set-checks]", CHECK)
    page.fill("[name=set-group]", "resource")
    page.fill("[name=set-wait_minutes]", "0")
    page.fill("[name=set-recover_after]", "1")
    page.fill("[name=reason]", "each one matters")
    page.click("text=Make the rule")
    page.wait_for_url(f"{where}/rules/of/public-snapshots")
    shot(page, "process-4-rule")
    page.goto(f"{where}/connections/aws")
    page.click("button:has-text('Sync now')")
    until(page, f"{where}/rules/of/public-snapshots", "AL-")
    for _ in range(60):
        if any("snapshot" in json.dumps(body).lower() for body in hearing.bodies()[1:]):
            break
        time.sleep(0.5)
    else:
        raise AssertionError("nobody was told")

    # 5 The alert is reviewed, and 6 a task made of it; the repair is claimed, and readings prove it.
    page.goto(f"{where}/rules/of/public-snapshots")
    alert = page.locator("td.c-alert a").first.get_attribute("href")
    page.goto(where + alert)
    page.check("[name=decision][value=repair]")
    page.fill("#review-note", "the data team takes it back")
    page.click("#do-review button")
    expect(page.locator("main")).to_contain_text("in remediation")
    shot(page, "process-5-alert-reviewed")
    task = page.locator("a[href^='/tasks/TSK']").first.get_attribute("href")
    repair_one(company)
    page.goto(where + task)
    page.click("summary:has-text('Claim that it is fixed')")
    page.fill("#claim-note", "no longer public")
    page.click("button:has-text('Claim fixed')")
    until(page, where + task, "verified restored")
    shot(page, "process-6-repair-proven")
    until(page, where + alert, "verified restored")

    # 7 Evidence is kept: the log has every step, each proven.
    page.goto(f"{where}/evidence?kind=alert.reviewed")
    page.click("td.c-index a")
    expect(page.locator("main")).to_contain_text("verified")
    shot(page, "process-7-review-is-evidence")
    page.goto(f"{where}/alerts/reviews")
    expect(page.locator("main")).to_contain_text("the data team takes it back")
    assert page.wrong == []
    assert PHRASE not in page.content()
