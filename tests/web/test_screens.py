"""Pictures of our own pages by a real browser: what they show, what they are kept with, and who looks."""

import hashlib
import json
import shutil
import socket
import struct
import zlib
from datetime import timedelta

import pytest

from proofwatch.controls.load import builtin_controls, load_controls
from proofwatch.evidence.entry import named_objects, parse
from proofwatch.store.base import StoreError
from proofwatch.store.models import LogEntry, Screenshot
from proofwatch.store.services import connections, controls, screenshots
from proofwatch.web.screens import ScreenError, viewer
from proofwatch.web.screens.asking import Asking
from proofwatch.web.screens.bridge import Bridge
from proofwatch.web.screens.camera import HIGHEST, Camera
from proofwatch.web.screens.pages import PAGES, Page, chosen
from proofwatch.web.screens.taking import settle, take
from proofwatch.web.server import application

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
real = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium: install Debian's package")
one = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
EVIL = "<img src=http://127.0.0.1:9/x onerror=alert(1)><script>alert(2)</script>"
CATALOGUE = {}
BY = Asking("lea", "asked")
CHECKS, CONNECTIONS = chosen(["checks", "connections"], "asked")


@pytest.fixture
def quick(site):
    """A site that need not read the catalogue anew."""
    site.app._watched = CATALOGUE.setdefault("read", site.app._watched)
    return site


@pytest.fixture
def company(quick):
    """A site with a control list and a connection whose problem is hostile."""
    site = quick
    known = load_controls(builtin_controls(), checks=site.app.catalog.checks, criteria=site.app.criteria)
    controls.import_list(known, actor="olga", now=site.now)
    made = connections.create("prod", "aws", {}, actor="olga", now=site.now)
    connections.record_test(made, actor="olga", now=site.now, state="failed", problem=EVIL)
    controls.judge(site.now)
    return site


@pytest.fixture
def camera(request):
    """A camera before an application that answers with the test's page."""

    def answer(environ, start):
        start("200 OK", [("Content-Type", "text/html; charset=utf-8")])
        return [request.param.encode() if environ["PATH_INFO"] == "/" else b"other"]

    bridge = Bridge(answer, "")
    with Camera(CHROMIUM, bridge) as made:
        yield made
    bridge.close()


def taken(site, pages, asking=BY):
    found = list(take(site.app, pages, asking))
    assert all(item.row for item in found), found
    return [item.row for item in found]


def sidecar(site, row):
    return json.loads(site.app.objects.get(row.sidecar))


def rows_of(png, most):
    """Return (width, the first rows) of a PNG of 8 bits as lists of pixels."""
    at, packed, width, size = 8, b"", 0, 3
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        if kind == b"IHDR":
            width, _, depth, colors = struct.unpack(">IIBB", png[at + 8 : at + 18])
            assert depth == 8
            size = {2: 3, 6: 4}[colors]
        elif kind == b"IDAT":
            packed += png[at + 8 : at + 8 + length]
        at += 12 + length
    raw, line = zlib.decompressobj().decompress(packed, most * (width * size + 1)), width * size
    before, found = bytearray(line), []
    for row in range(most):
        method, data = raw[row * (line + 1)], bytearray(raw[row * (line + 1) + 1 : (row + 1) * (line + 1)])
        for i in range(line):
            a = data[i - size] if i >= size else 0
            b, c = before[i], before[i - size] if i >= size else 0
            near = min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]
            data[i] = (data[i] + (0, a, b, (a + b) // 2, near)[method]) & 255
        found.append([tuple(data[x * size : x * size + 3]) for x in range(width)])
        before = data
    return width, found


@real
def test_a_picture_is_kept_with_what_it_shows_and_proves(company):
    (row,) = taken(company, [CONNECTIONS])
    png, facts = company.app.objects.get(row.object), sidecar(company, row)
    assert png.startswith(b"\x89PNG") and row.media_type == "image/png"
    assert facts["picture"] == {"sha256": row.object, "bytes": len(png), "role": "picture"}
    assert struct.unpack(">II", png[16:24]) == (facts["size"]["width"], facts["size"]["height"])
    assert facts["viewport"]["colors"] == "light" and facts["whole_page"] and not facts["more_pages"]
    assert facts["lists"] == [{"list": "Connections", "shown": 1, "matching": 1, "population": 1}]
    assert facts["url"] == row.url == "http://proofwatch.local/connections"
    assert facts["generated_by"] == "lea" and facts["role"] == "lead"
    assert facts["seen_as"] == {"name": viewer.NAME, "role": "auditor"}
    assert facts["text_sha256"] == hashlib.sha256(facts["text"].encode()).hexdigest()
    assert facts["browser"].startswith("Chromium ") and facts["generated_at"].endswith("Z")
    entry = parse(bytes(LogEntry.objects.get(kind="screenshot.taken").entry))
    assert entry.actor == "lea" and entry.data["name"] == "SC-1"
    assert set(named_objects(dict(entry.data))) == {row.object, row.sidecar}
    assert not LogEntry.objects.filter(kind="access.looked").exists()


@real
@one
def test_the_band_says_what_when_for_whom_and_is_in_the_picture(company):
    bridge = Bridge(application(company.app), "")
    said = {
        "system": "Proofwatch 1", "organization": EVIL, "mark": "DEMO DATA", "title": "Checks",
        "moment": "2026-11-28 02:30:12 UTC", "url": "http://proofwatch.local/checks",
        "person": "For lea (lead)", "drawn": "Chromium", "more": [],
    }  # fmt: skip
    with Camera(CHROMIUM, bridge) as camera:
        camera.open("http://proofwatch.local/checks")
        bare = camera._do("measuring", lambda: camera._tab.evaluate("document.documentElement.scrollHeight"))
        shot = camera.shoot(lambda cut: said)
        text = camera._do("reading", lambda: camera._tab.inner_text("#proofwatch-band"))
        inside = camera._do("reading", lambda: camera._tab.evaluate(
            "document.querySelectorAll('#proofwatch-band img, #proofwatch-band script').length"))  # fmt: skip
    bridge.close()
    assert all(value in text for value in said.values() if isinstance(value, str))
    assert inside == 0, "what the band says became markup"
    band = shot.page_height - bare
    width, rows = rows_of(shot.png, band + 10)
    assert 60 < band < 200 and width == shot.width
    assert all(row.count((0xE9, 0xED, 0xF1)) > width / 3 for row in rows[: band - 3]), "the band's own ground"
    assert rows[band - 1][5] == (0x1B, 0x22, 0x2B), "the line below it"
    assert sum(min(pixel) < 100 for row in rows[:band] for pixel in row) > 1000, "dark letters stand on it"
    assert rows[band + 5][5] == (0xF6, 0xF7, 0xF8), "the page follows, in its light colours"


@real
@one
def test_the_same_state_has_the_same_text(company):
    first, second = taken(company, [CONNECTIONS, CONNECTIONS])
    one, two = sidecar(company, first), sidecar(company, second)
    assert one["generated_at"] != two["generated_at"]
    assert one["text_sha256"] == two["text_sha256"] and first.sidecar != second.sidecar
    made = connections.get("prod")
    connections.record_test(made, actor="olga", now=company.now, state="failed", problem="another")
    (third,) = taken(company, [CONNECTIONS])
    assert sidecar(company, third)["text_sha256"] != one["text_sha256"]


def test_what_only_the_time_changes_is_left_out_of_the_text():
    text = "Checks \n\n  as of (now)\nseen 4 min 24 s ago, 3 d ago\n"
    assert settle(text) == "Checks\nas of (now)\nseen (ago), (ago)"


@real
@one
def test_hostile_words_do_nothing_and_stand_there_as_words(company):
    (row,) = taken(company, [Page("connection", "/connections/prod")])
    facts = sidecar(company, row)
    assert EVIL in facts["text"]
    assert facts["asked_elsewhere"] == [] and facts["scripts"] == "off"


@real
@one
def test_a_list_is_followed_to_its_end(company):
    rows = taken(company, [CHECKS])
    facts = [sidecar(company, row) for row in rows]
    total = len(company.app.catalog.checks)
    assert [row.page for row in rows] == ["checks", *(f"checks-{n}" for n in range(2, len(rows) + 1))]
    assert sum(item["lists"][0]["shown"] for item in facts) == total
    assert all(item["lists"][0]["population"] == total for item in facts)
    assert [item["more_pages"] for item in facts] == [*[True] * (len(rows) - 1), False]
    said = "\n".join(item["text"] for item in facts)
    assert all(name in said for name in company.app.catalog.checks)


ELSEWHERE = """<!doctype html><title>x</title><link rel=stylesheet href=//%(there)s/a.css>
<body><img src=http://%(there)s/b.png><iframe src=http://%(there)s/c></iframe><object data=http://%(there)s/d></object>
<script src=http://%(there)s/e.js></script><script>document.title = "ran"; fetch("http://%(there)s/f")</script>
<video src=http://%(there)s/g autoplay></video><link rel=prefetch href=http://%(there)s/h>
<link rel=preconnect href=http://%(there)s><form method=post action=/send><button>x</button></form>"""
BAND = ("system", "organization", "mark", "moment", "title", "url", "person", "drawn")
BLANK = {**dict.fromkeys(BAND, "x"), "more": []}


@real
@pytest.mark.parametrize("camera", [ELSEWHERE], indirect=True)
def test_nothing_is_asked_elsewhere_and_no_script_runs(camera):
    with socket.create_server(("127.0.0.1", 0)) as there:
        there.settimeout(0.2)
        page = ELSEWHERE % {"there": f"127.0.0.1:{there.getsockname()[1]}"}
        camera._bridge._application = lambda environ, start: (
            start("200 OK", [("Content-Type", "text/html")]), [page.encode()]
        )[1]  # fmt: skip
        sight = camera.open("http://proofwatch.local/")
        camera.shoot(lambda cut: BLANK)
        assert sight.title == "x"
        asked = " ".join(camera.refused)
        assert all(f"/{name}" in asked for name in ("a.css", "b.png", "c", "d", "g")), asked
        with pytest.raises(TimeoutError):
            there.accept()
        camera._do("sending", lambda: camera._tab.click("button"))
        assert any(item.startswith("POST ") for item in camera.refused)
        with pytest.raises(ScreenError, match="BLOCKED"):
            camera._do("leaving", lambda: camera._tab.goto(f"http://127.0.0.1:{there.getsockname()[1]}/"))
        with pytest.raises(TimeoutError):
            there.accept()


TALL = "<!doctype html><title>tall</title><body style='margin:0'><div style='height:20000px'>x</div>"


@real
@pytest.mark.parametrize("camera", [TALL], indirect=True)
def test_a_page_too_tall_for_a_picture_is_cut_and_says_so(camera):
    camera.open("http://proofwatch.local/")
    told = []
    shot = camera.shoot(lambda cut: told.append(cut) or BLANK | {"more": ["it ends here"] if cut else []})
    assert told == [False, True] and not shot.whole and shot.page_height > 20_000
    assert shot.height == HIGHEST == struct.unpack(">I", shot.png[20:24])[0]


@real
@one
def test_a_page_that_cannot_be_shown_is_recorded_and_stops_no_other(company):
    pages = chosen(
        ["/nothing", "/export/checks", "/account/login/", "/api/v1/checks", "connections"], "asked"
    )
    before = LogEntry.objects.count()
    found = list(take(company.app, pages, BY))
    assert [bool(item.row) for item in found] == [False, False, False, False, True]
    said = [parse(bytes(row.entry)).data for row in LogEntry.objects.filter(kind="screenshot.failed")]
    assert [item["page"] for item in said] == [page.path for page in pages[:4]]
    assert "answered 404" in said[0]["reason"] and "answered 400" in said[1]["reason"]
    assert LogEntry.objects.count() == before + 5, "the viewer's export wrote nothing"


@real
@one
def test_the_viewer_leaves_no_trace_of_looking_at_an_alert(quick, tmp_path):
    from tests.alerts.world import FAIL, A
    from tests.web.pages.company import founded

    founded(quick, tmp_path / "world").sweep({A: FAIL})
    taken(quick, [Page("alert", "/alerts/AL-1")])
    assert not LogEntry.objects.filter(kind="alert.viewed").exists()


@one
def test_without_a_browser_it_says_so_and_keeps_the_list_as_pdf(company):
    from dataclasses import replace

    from proofwatch import health

    company.app.settings = replace(company.app.settings, browser="/nothing/chromium")
    found = list(take(company.app, [CONNECTIONS, *chosen(["audit"], "asked")], BY))
    row = found[0].row
    assert row.media_type == "application/pdf" and found[1].row is None
    assert company.app.objects.get(row.object).startswith(b"%PDF-")
    facts = sidecar(company, row)
    assert "names /nothing/chromium, which is no program" in facts["why_no_picture"]
    assert facts["lists"] == [{"list": "Connections", "shown": 1, "matching": 1, "population": 1}]
    said = [item for item in health.look(company.app, offline=True) if item.what == "pictures"]
    assert [item.level for item in said] == ["warning"] and "/nothing/chromium" in said[0].said
    page = company.as_("aud").get("/evidence/screenshots").content.decode()
    assert "which is no program" in page and "Lists are kept as PDF" in page
    answer = company.as_("aud").get(f"/evidence/screenshots/{row.name}/picture")
    assert answer["Content-Type"] == "application/pdf"


def test_only_pictures_are_kept_and_only_by_who_may_act(company):
    given = {
        "page": "x", "url": "http://x/", "cause": "asked", "actor": "lea", "now": company.now,
    }  # fmt: skip
    store, png = company.app.objects, b"\x89PNG\r\n\x1a\nrest"
    for change in ({"media_type": "text/html"}, {"media_type": "application/pdf"}, {"cause": "because"},
                   {"actor": "aud"}):  # fmt: skip
        with pytest.raises(StoreError):
            screenshots.keep(png, {}, store, **{"media_type": "image/png", **given, **change})
    with pytest.raises(StoreError):
        screenshots.keep(b"<html>", {}, store, media_type="image/png", **given)
    assert not Screenshot.objects.exists()
    screenshots.keep(png, {"text": EVIL}, store, media_type="image/png", **given)
    with pytest.raises(Exception, match="append-only"):
        Screenshot.objects.update(page="y")


def test_the_pictures_are_listed_shown_and_proven(company):
    row = screenshots.keep(
        b"\x89PNG\r\n\x1a\nrest", {"title": EVIL, "lists": [], "size": {"width": 1, "height": 1}},
        company.app.objects, page="checks", url="http://x/?a=<b>", media_type="image/png", cause="schedule",
        actor="scheduler", now=company.now,
    )  # fmt: skip
    client = company.as_("aud")
    page = client.get("/evidence/screenshots").content.decode()
    assert "/evidence/screenshots/SC-1/picture" in page and "Take them now" not in page
    one = client.get("/evidence/screenshots/SC-1").content.decode()
    assert EVIL not in one and "&lt;script&gt;" in one and row.sidecar in one
    answer = client.get("/evidence/screenshots/SC-1/picture")
    assert answer["Content-Type"] == "image/png" and answer.content.endswith(b"rest")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert client.get("/evidence/screenshots/SC-2/picture").status_code == 404
    assert company.nobody.get("/evidence/screenshots/SC-1/picture").status_code == 302
    stored = company.app.objects.path(row.object)
    stored.chmod(0o600)
    stored.write_bytes(b"\x89PNG\r\n\x1a\nother")
    answer = client.get("/evidence/screenshots/SC-1/picture")
    assert answer.status_code >= 400 and b"other" not in answer.content


def test_pages_are_chosen_by_name_by_address_and_by_cause():
    assert chosen([], "schedule") == list(PAGES) == chosen([], "asked")
    assert {page.name for page in chosen([], "change")} == {"checks", "control-list", "rules"}
    assert chosen(["/controls/AC-02"], "asked")[0].path == "/controls/AC-02"
    for wrong in ("nope", "//evil.example/", "http://evil.example/", "/a\nb", "/" + "x" * 999, "/\\evil"):
        with pytest.raises(ScreenError, match="there is no page"):
            chosen([wrong], "asked")


def test_health_says_when_no_picture_was_taken_for_eight_days(company):
    late = company.now + timedelta(days=8, minutes=1)
    assert screenshots.overdue(company.now, timedelta(days=8)) == ""
    assert screenshots.overdue(late, timedelta(days=8)) == "none was ever taken"
    screenshots.keep(
        b"\x89PNG\r\n\x1a\n", {}, company.app.objects, page="x", url="u", media_type="image/png",
        cause="asked", actor="lea", now=late,
    )  # fmt: skip
    assert screenshots.overdue(late + timedelta(days=7), timedelta(days=8)) == ""
    assert "the newest is of" in screenshots.overdue(late + timedelta(days=9), timedelta(days=8))
