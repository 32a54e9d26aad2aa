"""Every place that the navigation names: what it says, to whom, and what its forms do."""

import io
import json
import zipfile

import pytest

from proofwatch.controls.load import builtin_controls, load_controls
from proofwatch.evidence.entry import parse
from proofwatch.store.models import CheckSetting, Connection, LogEntry, Person
from proofwatch.store.services import connections, controls
from proofwatch.web.navigation import PLACES

CHECK = "aws.iam.user-mfa"
NONSENSE = ("sort=x", "size=0", "size=x", "after=%00", "after=W10", "q=%00", "state=x", "severity=x")


@pytest.fixture
def filled(site):
    known = load_controls(builtin_controls(), checks=site.app.catalog.checks, criteria=site.app.criteria)
    controls.import_list(known, actor="olga", now=site.now)
    made = connections.create("prod", "aws", {}, actor="olga", now=site.now)
    connections.record_test(made, actor="olga", now=site.now, state="connected")
    controls.judge(site.now)
    site.app.sign()
    return site


def said(answer, status=200):
    assert answer.status_code == status, answer.content[-2000:]
    return answer.content.decode()


@pytest.mark.parametrize("name", ["olga", "lea", "rob", "aud"])
def test_everybody_who_may_read_sees_every_place(filled, name):
    client = filled.as_(name)
    for place in PLACES:
        page = said(client.get(place.href))
        assert page.count("<h1") == 1 and 'aria-current="page"' in page, place
        assert "<script>" not in page and " style=" not in page, place


def test_a_stranger_sees_none(filled):
    for place in PLACES:
        answer = filled.nobody.get(place.href)
        assert answer.status_code == 302 and answer["Location"].startswith("/account/login/?next="), place


def test_a_check_is_turned_off_for_a_reason_and_by_those_who_may(filled):
    address = f"/checks/{CHECK}"
    assert filled.as_("rob").post(address, {"do": "disable", "reason": "x"}).status_code == 403
    client = filled.as_("lea")
    assert "reason" in said(client.post(address, {"do": "disable", "reason": " "}), 400)
    assert not CheckSetting.objects.exists()
    assert client.post(address, {"do": "disable", "reason": "<b>replaced</b> by SSO"}).status_code == 302
    page = said(client.get(address))
    assert "disabled" in page and "&lt;b&gt;replaced&lt;/b&gt; by SSO" in page
    assert CheckSetting.objects.get(pk=CHECK).by == "lea"
    assert "replaced" in said(client.get("/history"))


def test_a_connection_is_paused_and_read_again(filled):
    client = filled.as_("lea")
    client.post("/connections/prod", {"do": "pause", "reason": "they migrate", "until": "6h"})
    row = Connection.objects.get(name="prod")
    assert (row.state, row.paused_by, row.paused_reason) == ("paused", "lea", "they migrate")
    assert "they migrate" in said(client.get("/connections/prod"))
    client.post("/connections/prod", {"do": "resume", "reason": "done"})
    assert Connection.objects.get(name="prod").state != "paused"


def test_an_entry_is_proven_on_its_page(filled):
    client = filled.as_("aud")
    page = said(client.get("/evidence/entries/0"))
    assert "verified" in page and "It is entry 0 of the" in page
    assert client.get("/evidence/entries/0.tlog-proof").content.startswith(b"c2sp.org/tlog-proof@v1")
    assert client.get("/evidence/entries/999999").status_code == 404


def test_an_object_is_shown_with_its_state_and_downloaded_as_a_file(filled):
    client = filled.as_("aud")
    digest = filled.app.objects.put(b'{"a": "<script>alert(1)</script>"}')
    page = said(client.get(f"/evidence/objects/{digest}"))
    assert "verified" in page and "&lt;script&gt;" in page
    got = client.get(f"/evidence/objects/{digest}/download")
    assert got["Content-Disposition"].startswith("attachment")
    assert got["Content-Type"] == "application/octet-stream"
    assert "failed" in said(client.get(f"/evidence/objects/{'0' * 64}"))
    assert client.get(f"/evidence/objects/{'0' * 64}/download").status_code in (400, 404)
    assert client.get("/evidence/objects/nothing").status_code == 404


def test_what_an_auditor_opens_is_an_entry(filled):
    filled.as_("aud").get("/checks")
    (row,) = LogEntry.objects.filter(kind="access.looked")
    assert parse(bytes(row.entry)).data["path"] == "/checks"


def test_an_invited_person_chooses_a_password_once(filled):
    page = said(filled.as_("olga").post("/settings/people", {"do": "invite", "name": "rob"}))
    link = page.split("/start/")[1].split("<")[0]
    assert filled.as_("lea").post("/settings/people", {"do": "invite", "name": "rob"}).status_code == 403
    stranger = filled.nobody
    assert "rob" in said(stranger.get(f"/start/{link}"))
    weak = {"password": "password1234", "again": "password1234"}
    assert "common" in said(stranger.post(f"/start/{link}", weak), 400)
    good = {"password": "a long enough phrase", "again": "a long enough phrase"}
    assert stranger.post(f"/start/{link}", good)["Location"] == "/"
    assert "Sign out" in said(stranger.get("/alerts"))
    assert stranger.get(f"/start/{link}").status_code == 403
    kinds = set(LogEntry.objects.values_list("kind", flat=True))
    assert {"person.invited", "person.joined", "access.signed_in"} <= kinds


def test_somebody_who_left_is_signed_out(filled):
    client = filled.as_("rob")
    assert client.get("/checks").status_code == 200
    Person.objects.filter(pk="rob").update(active=False)
    assert "no longer active" in said(client.get("/checks"), 403)
    assert client.get("/checks").status_code == 302


def test_what_was_typed_survives_the_end_of_a_session(filled):
    stranger = filled.nobody
    typed = {"do": "pause", "reason": "a long story", "csrfmiddlewaretoken": "x"}
    page = "http://localhost/connections/prod"
    answer = stranger.post("/connections/prod", typed, headers={"referer": page})
    assert answer["Location"] == "/account/login/?next=/connections/prod"
    client = filled.as_("lea")
    session = client.session
    session["kept"] = stranger.session["kept"]
    session.save()
    assert "a long story" in said(client.get("/connections/prod"))
    assert "a long story" not in said(client.get("/connections/prod"))


def test_a_list_asked_for_in_nonsense_says_so(filled):
    client = filled.as_("aud")
    for query in NONSENSE:
        assert "Listing checks" in said(client.get(f"/checks?{query}"), 400), query


def test_the_export_is_what_the_page_says(filled):
    client = filled.as_("aud")
    page = said(client.get("/checks?q=mfa"))
    shown = int(page.split(" shown · <b>")[1].split("<")[0])
    archive = zipfile.ZipFile(io.BytesIO(client.get("/export/checks?q=mfa").content))
    meta = json.loads(archive.read("checks.meta.json"))
    lines = archive.read("checks.csv").decode().split("\r\n")
    assert meta["rows"] == meta["matching"] == shown == len(lines) - 2
    assert (meta["generated_by"], meta["role"]) == ("aud", "auditor")
    assert meta["population"] == len(filled.app.catalog.checks)
