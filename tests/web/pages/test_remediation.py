"""Tasks and risk acceptances in the pages: what they say, what their forms do, and for whom."""

from datetime import timedelta

import pytest

from proofwatch.remediation import acceptances, tasks
from proofwatch.store.models import RiskAcceptance, Task, Ticket, TicketStep
from tests.alerts.world import FAIL, PASS, A, B
from tests.web.pages.company import few_queries, founded, plain, said, seen


@pytest.fixture
def world(site, tmp_path):
    made = founded(site, tmp_path / "world")
    made.sweep({A: FAIL, B: PASS})
    return made


@pytest.fixture
def task(world, site):
    return tasks.make("AL-1", by="ana", now=site.now, owner="rob", note="encrypt <b>it</b>")


def send(client, **form):
    return client.post("/tasks/TSK-1", {"seen": seen(said(client.get("/tasks/TSK-1"))), **form})


def test_tasks_are_listed_by_tab(site, task):
    client = site.as_("rob")
    words = plain(said(client.get("/tasks")))
    assert "TSK-1" in words and "in time" in words and "Live 1 Mine 1 All 1" in words.replace("  ", " ")
    assert "TSK-1" in plain(said(client.get("/tasks/mine")))
    assert "Nothing is yours to repair." in said(site.as_("ana").get("/tasks/mine"))
    assert "TSK-1" in plain(said(client.get("/tasks?control=ENC")))
    assert "Nothing matches" in said(client.get("/tasks/all?owner=nobody"))


def test_what_is_late_says_so(site, task):
    Task.objects.update(due_at=site.now - timedelta(minutes=1))
    words = plain(said(site.as_("aud").get("/tasks")))
    assert "1 late of 1 that have not ended" in words


def test_lists_ask_the_database_seldom(site, task):
    for number in range(2, 40):
        row = Task.objects.create(
            number=number, title=f"Task {number}", severity="high", due_at=site.now, made_by="ana",
            made_at=site.now, ended_at=site.now,
        )  # fmt: skip
        ticket = Ticket.objects.create(task=row, tracker="jira", external_id=f"OPS-{number}")
        TicketStep.objects.create(
            ticket=ticket, kind="create", state="failed", attempts=3, answer="410 gone", created_at=site.now,
            due_at=site.now,
        )  # fmt: skip
    client = site.as_("rob")
    for address in ("/tasks/all", "/tasks/TSK-2", "/tasks/TSK-1", "/acceptances"):
        with few_queries():
            page = said(client.get(address))
    with few_queries():
        page = said(client.get("/tasks/all"))
    assert "jira OPS-2 create: 410 gone" in page


def test_a_task_goes_its_way_by_forms(site, world, task):
    rob = site.as_("rob")
    page = said(rob.get("/tasks/TSK-1"))
    assert "encrypt &lt;b&gt;it&lt;/b&gt;" in page and page.count("<h1") == 1
    for form in (
        {"do": "begin", "note": "on it"},
        {"do": "comment", "text": "the key is ordered"},
        {"do": "due", "due": "9d", "reason": "the vendor is slow"},
        {"do": "assign", "owner": "ana", "note": "she knows it"},
        {"do": "claim", "note": "encrypted"},
    ):
        assert send(rob, **form)["Location"] == "/tasks/TSK-1", form
    words = plain(said(rob.get("/tasks/TSK-1")))
    for text in ("on it", "the key is ordered", "the vendor is slow", "she knows it", "fix claimed"):
        assert text in words, text
    assert "After not yet" in words
    world.minutes += 60
    for _ in range(2):
        world.sweep({A: PASS, B: PASS})
    page = said(rob.get("/tasks/TSK-1"))
    row = Task.objects.get()
    assert row.state == "verified restored"
    for digest in (row.evidence_before, row.evidence_after):
        assert f'href="/evidence/objects/{digest}"' in page
    assert f'href="/sweeps/{world.run.pk}"' in page
    assert 'value="claim"' not in page and 'value="comment"' in page


def test_what_is_refused_is_kept(site, task):
    client = site.as_("rob")
    page = said(send(client, do="due", due="soon", reason="the vendor"), 400)
    assert "&#x27;soon&#x27; is no time" in page and "the vendor</textarea>" in page
    page = said(send(client, do="claim", note=" "), 400)
    assert "A note is needed" in page or "a note is needed" in page


def test_two_people_at_one_task(site, task):
    rob = site.as_("rob")
    old = seen(said(rob.get("/tasks/TSK-1")))
    send(site.as_("ana"), do="assign", owner="lea", note="rob is away")
    page = said(rob.post("/tasks/TSK-1", {"do": "claim", "note": "encrypted", "seen": old}), 409)
    assert "ana (lead): assigned → lea: rob is away" in plain(page) and "encrypted</textarea>" in page
    assert Task.objects.get().state == "open"
    again = {"do": "claim", "note": "encrypted", "seen": seen(page)}
    assert rob.post("/tasks/TSK-1", again).status_code == 302


def test_a_ticket_links_only_to_the_web(site, task):
    Ticket.objects.create(task=task, tracker="jira", external_id="OPS-1", url="https://jira.example/OPS-1")
    Ticket.objects.create(task=task, tracker="evil", external_id="E-1", url="javascript:alert(1)")
    page = said(site.as_("aud").get("/tasks/TSK-1"))
    assert 'href="https://jira.example/OPS-1"' in page and "javascript:" not in page
    assert 'name="do"' not in page
    assert site.as_("aud").post("/tasks/TSK-1", {"do": "begin"}).status_code == 403
    assert site.as_("aud").get("/tasks/TSK-9").status_code == 404


def test_an_acceptance_is_asked_for_and_approved_by_another(site, world):
    ana, olga, rob = site.as_("ana"), site.as_("olga"), site.as_("rob")
    page = said(ana.get("/acceptances/new?alert=AL-1"))
    assert 'name="alert" value="AL-1"' in page and "1 open failure is in this scope now" in plain(page)
    form = {"alert": "al-1", "until": "30d", "reason": "isolated network", "do": "ask"}
    assert "within a year" in said(ana.post("/acceptances/new", {**form, "until": "900d"}), 400)
    assert ana.post("/acceptances/new", form)["Location"] == "/acceptances/RA-1"
    words = plain(said(ana.get("/acceptances/RA-1")))
    assert "You asked for it: another owner or lead has to decide." in words and "Approve" not in words
    assert "an owner or lead decides" in plain(said(rob.get("/acceptances/RA-1")))
    assert "same person" in said(ana.post("/acceptances/RA-1", {"do": "approve", "note": "fine"}), 400)
    page = said(olga.post("/acceptances/RA-1", {"do": "approve", "note": " "}), 400)
    assert "a note is needed" in page.lower()
    assert olga.post("/acceptances/RA-1", {"do": "approve", "note": "agreed"}).status_code == 302
    assert world.alert.state == "accepted"
    words = plain(said(rob.get("/acceptances/RA-1")))
    assert "approved" in words and "by olga: agreed" in words and "vol-a" in words
    assert "RA-1" in plain(said(rob.get("/alerts/AL-1")))
    assert rob.post("/acceptances/RA-1", {"do": "end", "reason": "it moved"}).status_code in (302, 400)


def test_a_request_shows_what_it_covers_before_it_is_sent(site, world):
    client = site.as_("rob")
    form = {
        "control": "ENC",
        "connection": "prod",
        "resources": "vol-a\nvol-zzz",
        "until": "30d",
        "reason": "r",
    }
    page = said(client.post("/acceptances/new", {**form, "do": "look"}))
    assert "1 open failure is in this scope now" in plain(page) and "vol-a vol-zzz" in page
    assert not RiskAcceptance.objects.exists()
    wrong = said(client.get("/acceptances/new?alert=AL-99"), 400)
    assert "there is none" in wrong
    assert "the scope is empty" in said(client.post("/acceptances/new", {"until": "3d", "reason": "x"}), 400)
    assert site.as_("aud").get("/acceptances/new").status_code == 403


def test_refused_and_ended_ones_stay_listed(site, world):
    until = site.now + timedelta(days=30)
    for _ in range(2):
        acceptances.request({"alert": "AL-1"}, "isolated", until, by="ana", now=site.now)
    olga = site.as_("olga")
    assert "2 asked for" in plain(said(olga.get("/tasks")))
    olga.post("/acceptances/RA-1", {"do": "refuse", "note": "no"})
    olga.post("/acceptances/RA-2", {"do": "approve", "note": "yes"})
    olga.post("/acceptances/RA-2", {"do": "end", "reason": "it is public now"})
    words = plain(said(olga.get("/acceptances")))
    assert "refused" in words and "ended" in words and "alert = AL-1" in words
    assert "it is public now" in plain(said(olga.get("/acceptances/RA-2")))
    assert "<b>1</b> of 2" in said(olga.get("/acceptances?state=refused"))
    assert olga.get("/acceptances/RA-9").status_code == 404
