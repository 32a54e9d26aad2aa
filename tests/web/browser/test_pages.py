"""The pages in a real browser: every place, wide and narrow, light and dark, with and without JavaScript."""

import re

from axe_playwright_python.sync_playwright import Axe

from proofwatch.store.models import CheckSetting
from proofwatch.web.navigation import PLACES
from proofwatch.web.parts.charts import HEIGHTS
from proofwatch.web.parts.status import LOOKS, OTHER
from tests.web.browser.kit import NEEDED, PHRASE, aside, shot, signed_in

pytestmark = NEEDED
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
    "/audit/binders?audit=soc2",
    "/evidence/documents",
    "/evidence/assertions",
    "/evidence/upload",
    "/evidence/screenshots",
    "/evidence/screenshots/SC-1",
    "/settings/me",
    "/settings/people",
    "/settings/controls",
    "/settings/agreed",
    "/settings/kept",
    "/settings/health",
    "/get-started",
    "/account/password/change/",
    "/account/2fa/",
    "/account/sessions/",
)


OVERLAPS = """() => {
  const found = [...document.querySelectorAll('a, button, input, select, textarea, summary')].filter(
    e => e.checkVisibility({visibilityProperty: true, opacityProperty: true}) && e.type !== 'hidden'
         && !e.closest('.skip, .hidden'));
  const boxes = found.flatMap(e => [...e.getClientRects()].filter(r => r.width > 2 && r.height > 2)
    .map(r => ({e, r})));
  const wrong = [];
  for (let i = 0; i < boxes.length; i++) for (let j = i + 1; j < boxes.length; j++) {
    const {e: a, r: p} = boxes[i], {e: b, r: q} = boxes[j];
    if (a === b || a.contains(b) || b.contains(a)) continue;
    const wide = Math.min(p.right, q.right) - Math.max(p.left, q.left);
    const high = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
    if (wide > 2 && high > 2) wrong.push([a.outerHTML.slice(0, 90), b.outerHTML.slice(0, 90)]);
  }
  return wrong.slice(0, 3);
}"""
"""Pairs of things to press that lie on each other."""
MARKS = """() => [...document.querySelectorAll('.status')].map(
  e => [e.innerText.trim(), !!e.querySelector('svg')])"""
RULES = {"rules": {"target-size": {"enabled": True}}}
"""24 pixels, which WCAG 2.2 AA asks for and axe leaves out unless told."""


def name_of(address):
    return re.sub(r"[^a-z0-9]+", "-", address.strip("/").lower()) or "home"


def fits(page, address):
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide == 0, (address, wide)
    assert page.evaluate(OVERLAPS) == [], address


def look(page, where):
    """Open every page; each fits, has no fault of accessibility that axe finds, and says nothing wrong."""
    for address in PAGES:
        answer = page.goto(where + address)
        assert answer.status == 200, (address, answer.status)
        fits(page, address)
        found = Axe().run(page, options=RULES).response["violations"]
        said = [(item["id"], [node["html"][:160] for node in item["nodes"][:3]]) for item in found]
        assert not said, (address, said)
        shot(page, f"{name_of(address)}-{page.viewport_size['width']}")
    assert page.wrong == []


def test_every_page_wide_and_light(served, browser):
    where, link = served
    look(signed_in(browser, link, viewport={"width": 1280, "height": 900}), where)


def test_every_page_narrow_and_dark(served, browser):
    where, link = served
    options = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"}
    look(signed_in(browser, link, **options), where)


def test_every_page_at_twice_the_size(served, browser):
    where, link = served
    page = signed_in(browser, link, viewport={"width": 640, "height": 450}, device_scale_factor=2)
    for address in PAGES:
        page.goto(where + address)
        fits(page, address)


def test_every_status_is_told_without_colour(served, browser):
    """No mark says good in one colour and bad in another, and each stands beside its word."""
    tones = {}
    for looks in (*LOOKS.values(), OTHER):
        tones.setdefault(looks.icon, set()).add(looks.tone)
    alarming, calm = {"bad", "worry"}, {"good", "accept", "quiet", "wait"}
    assert not [name for name, found in tones.items() if found & alarming and found & calm]
    assert len(set(HEIGHTS.values())) == len(HEIGHTS), "a strip's bars would be told apart by colour only"
    where, link = served
    page = signed_in(browser, link, viewport={"width": 1280, "height": 900})
    page.context.new_cdp_session(page).send(
        "Emulation.setEmulatedVisionDeficiency", {"type": "achromatopsia"}
    )
    for address in ("/", "/alerts/all", "/checks", "/connections", "/audit?audit=soc2"):
        page.goto(where + address)
        said = page.evaluate(MARKS)
        assert all(word and drawn for word, drawn in said), (address, said)
        shot(page, f"{name_of(address)}-grey")


def test_a_check_is_turned_off_without_javascript(served, browser):
    where, link = served
    page = signed_in(browser, link, java_script_enabled=False)
    page.goto(f"{where}/checks/aws.iam.user-mfa")
    page.fill("#reason", "replaced by single sign-on")
    page.click("text=Turn it off")
    assert "disabled" in page.inner_text("main") and "replaced by single sign-on" in page.inner_text("main")
    assert aside(lambda: CheckSetting.objects.get(pk="aws.iam.user-mfa").by) == "lea"


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
