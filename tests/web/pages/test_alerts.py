"""Alerts in the pages: listed, looked at, decided, also by two people at once and by many at once."""

import re
from datetime import timedelta

import pytest

from proofwatch.store.models import (
    Alert,
    AlertEvent,
    AlertRule,
    Delivery,
    LogEntry,
    Review,
    Silence,
    Task,
)
from tests.alerts.world import FAIL, FAILING, PASS, A, B
from tests.store.samples import HERE
from tests.web.pages.company import few_queries, founded, plain, said, seen

EVIL = "<script>alert(1)</script>"


@pytest.fixture
def world(site, tmp_path):
    made = founded(site, tmp_path / "world")
    made.sweep({A: ("fail", EVIL), B: PASS})
    return made


def send(client, name="AL-1", **form):
    page = client.get(f"/alerts/{name}").content.decode()
    return client.post(f"/alerts/{name}", {"seen": seen(page), **form})


def test_what_needs_a_review_is_listed_with_its_age_and_its_date(site, world):
    page = said(site.as_("aud").get("/alerts"))
    words = plain(page)
    assert "AL-1" in words and "1 of 2 results fail" in words and "in time" in words
    assert 'href="/alerts/AL-1"' in page and 'href="/controls/ENC"' in page
    since = world.alert.first_failed_at
    assert f"{since:%Y-%m-%d} {since:%H:%M:%S}Z" in words
    assert "Needs review 1" in words and "In remediation 0" in words and "All 1" in words
    assert 'role="status">Last updated' in page and 'hx-trigger="every 30s"' in page
    assert 'type="checkbox"' not in page  # An auditor decides nothing.


def test_an_alert_moves_through_the_tabs(site, world):
    client = site.as_("ana")
    assert send(client, do="review", decision="watch", note="known").status_code == 302
    assert "Nothing waits for a review." in said(client.get("/alerts"))
    assert "AL-1" in plain(said(client.get("/alerts/watched")))
    send(client, do="task", note="encrypt it")
    assert "AL-1" in plain(said(client.get("/alerts/remediation")))
    for _ in range(2):
        world.sweep({A: PASS, B: PASS})
    assert "verified restored" in plain(said(client.get("/alerts/restored")))
    assert "AL-1" not in plain(said(client.get("/alerts/remediation?q=ENC")))
    assert 'href="/alerts/all?q=ENC"' in said(client.get("/alerts/restored?q=ENC"))


def test_what_got_worse_needs_a_review_again(site, world):
    client = site.as_("ana")
    send(client, do="review", decision="watch", note="known")
    Alert.objects.update(reviewed_at=None)  # As `alerts.book` does for what is new in it.
    assert "Needs review 1" in plain(said(client.get("/alerts")))


def test_filters_choose_and_nonsense_is_refused(site, world):
    client = site.as_("aud")
    for query, found in (("q=AL-1", 1), ("q=nothing", 0), ("severity=low", 0), ("control=ENC", 1)):
        assert f"<b>{found}</b> of 1" in said(client.get(f"/alerts?{query}")), query
    assert "Listing alerts" in said(client.get("/alerts?state=strange"), 400)


def test_looking_is_written_down_once_for_each_person(site, world):
    client = site.as_("ana")
    for _ in range(2):
        words = plain(said(client.get("/alerts/AL-1")))
    assert "viewed in web, ana (lead)" in words
    site.as_("aud").get("/alerts/AL-1")
    assert list(AlertEvent.objects.filter(kind="viewed").values_list("actor", "reason")) == [
        ("ana", "in web"),
        ("aud", "in web"),
    ]
    kinds = LogEntry.objects.filter(kind="alert.viewed").count()
    assert kinds == 2


def test_the_page_tells_everything_and_runs_nothing(site, world):
    page = said(site.as_("ana").get("/alerts/AL-1"))
    words = plain(page)
    assert EVIL not in page and "&lt;script&gt;alert(1)" in page
    assert " style=" not in page and "<script>" not in page
    assert page.count("<h1") == 1 and "vol-a" in words and "1 of 1 shown" in words
    assert "Rule now (version 1): A control fails" in words and "It tells ops" in words
    assert f'href="/sweeps/{world.run.pk}"' in page
    assert f'href="/evidence/objects/{world.alert.evidence_before}"' in page
    assert "not yet: nothing proved an end" in words


def test_many_resources_are_counted_and_linked(site, tmp_path):
    world = founded(site, tmp_path / "world")
    world.sweep({(*HERE, f"vol-{number:03}"): FAIL for number in range(70)})
    client = site.as_("ana")
    client.get("/alerts/AL-1")
    with few_queries():
        page = said(client.get("/alerts/AL-1"))
    assert "50 of 70 shown, and 20 more" in plain(page)
    assert 'href="/findings?state=open&amp;control=ENC&amp;connection=prod"' in page


def test_pages_ask_the_database_seldom(site, world):
    client = site.as_("ana")
    for number in range(2, 42):
        Alert.objects.create(
            number=number, key=f"{number:064}", rule_id="now", rule_version=1, control_id="ENC",
            connection=world.owner, state="open", severity="high", headline=f"Other {number}",
            pending_since=world.now, first_failed_at=world.now, last_failed_at=world.now,
            observed_at=world.now, opened_at=world.now, due_at=world.now,
        )  # fmt: skip
    for address in ("/alerts", "/alerts/all", "/alerts/messages", "/alerts/reviews"):
        with few_queries():
            said(client.get(address))
    client.get("/alerts/AL-1")  # The first look is written down and signed; that asks more, once.
    with few_queries():
        said(client.get("/alerts/AL-1"))


def test_a_review_is_kept_and_makes_the_task_that_the_rule_asks_for(site, world):
    client = site.as_("ana")
    answer = send(client, do="review", decision="repair", note="encrypt it")
    assert answer["Location"] == "/alerts/AL-1"
    words = plain(said(client.get("/alerts/AL-1")))
    assert "AL-1 is reviewed: repair. TSK-1 was made." in words
    assert "decided: repair" in words and "in remediation" in words
    row = Review.objects.get()
    assert (row.reviewer, row.role, row.channel, row.bulk_size) == ("ana", "lead", "web", 1)
    assert row.viewed_at is not None and row.evidence_seen == world.alert.evidence_before
    assert "encrypt it" in plain(said(client.get("/alerts/reviews")))


def test_what_a_service_refuses_is_kept_in_the_form(site, world):
    client = site.as_("ana")
    page = said(send(client, do="silence", until="90d", reason="we move house"), 400)
    assert "its end must lie within the next 30 days" in page
    assert "we move house</textarea>" in page and 'value="90d"' in page
    page = said(send(client, do="review", decision="shrug", note="well thought out"), 400)
    assert "is no decision" in page and "well thought out</textarea>" in page
    assert "there is no end" in said(send(client, do="silence", until="", reason="x"), 400)
    assert said(send(client, do="dance"), 400)
    assert not Review.objects.exists() and not Silence.objects.exists()


def test_nobody_decides_over_what_somebody_else_just_did(site, world):
    ana, olga = site.as_("ana"), site.as_("olga")
    old = seen(said(ana.get("/alerts/AL-1")))
    olga.get("/alerts/AL-1")  # Looking alone is no reason to stop anybody.
    send(olga, do="acknowledge", note="I look into it")
    typed = {"do": "review", "decision": "expected", "note": "the move of tonight"}
    page = said(ana.post("/alerts/AL-1", {**typed, "seen": old}), 409)
    words = plain(page)
    assert "Somebody did something meanwhile" in words
    assert "olga (owner): acknowledged → acknowledged: I look into it" in words
    assert "the move of tonight</textarea>" in page and 'value="expected" required checked' in page
    assert not Review.objects.exists()
    assert ana.post("/alerts/AL-1", {**typed, "seen": seen(page)}).status_code == 302
    assert Review.objects.get().decision == "expected"


def test_what_somebody_did_themselves_stops_them_not(site, world):
    client = site.as_("ana")
    old = seen(said(client.get("/alerts/AL-1")))
    send(client, do="acknowledge", note="I look into it")
    form = {"do": "review", "decision": "watch", "note": "known", "seen": old}
    assert client.post("/alerts/AL-1", form).status_code == 302


def test_a_reading_that_changed_it_is_somebody_too(site, world):
    client = site.as_("ana")
    old = seen(said(client.get("/alerts/AL-1")))
    world.sweep({A: FAIL, B: FAIL})
    form = {"do": "review", "decision": "watch", "note": "known", "seen": old}
    assert "2 of 2" in plain(said(client.post("/alerts/AL-1", form), 409))


def test_it_is_silenced_and_told_again(site, world):
    client = site.as_("ana")
    send(client, do="silence", until="4h", reason="we move house")
    row = Silence.objects.get()
    assert row.matcher == {"alert": "AL-1"} and row.by == "ana"
    assert timedelta(hours=3, minutes=59) < row.until - row.at <= timedelta(hours=4)
    words = plain(said(client.get("/alerts/AL-1")))
    assert "silenced until" in words and "It is silenced by ana until" in words
    assert "silenced until" in plain(said(client.get("/alerts")))
    send(client, do="unsilence", silence=str(row.pk), reason="we are there")
    assert Silence.objects.get().ended_because == "we are there"


def test_two_people_are_needed_for_a_false_positive(site, world):
    ana, olga = site.as_("ana"), site.as_("olga")
    send(ana, do="dismiss", until="90d", reason="a test volume")
    assert "Another person has to confirm it" in plain(said(ana.get("/alerts/AL-1")))
    words = plain(said(olga.get("/alerts/AL-1")))
    assert "Confirm the false positive" in words and "a test volume" in words
    send(olga, do="dismiss", until="90d", reason="it is one")
    assert world.alert.state == "closed: false positive"


def test_a_task_is_made_with_an_owner_and_a_day(site, world):
    client = site.as_("ana")
    assert "is past" in said(send(client, do="task", due="2020-01-01", owner="rob"), 400)
    send(client, do="task", due="9d", owner="rob", note="encrypt it")
    row = Task.objects.get()
    assert (row.owner, row.made_by, row.body) == ("rob", "ana", "encrypt it")
    page = said(client.get("/alerts/AL-1"))
    assert 'href="/tasks/TSK-1"' in page and 'name="do" value="task"' not in page


def test_an_auditor_reads_and_does_nothing(site, world):
    client = site.as_("aud")
    page = said(client.get("/alerts/AL-1"))
    assert 'name="do"' not in page
    assert client.post("/alerts/AL-1", {"do": "acknowledge", "note": "x"}).status_code == 403
    assert client.post("/alerts", {"chosen": "AL-1"}).status_code == 403


def test_many_are_reviewed_in_one_step(site, tmp_path):
    world = founded(site, tmp_path / "world")
    world.sweep({A: FAIL}, check="aws.x.log")
    world.sweep({A: FAIL})
    client = site.as_("ana")
    page = said(client.get("/alerts?severity=high"))
    assert page.count('name="chosen"') == 2
    made = re.search(r'name="made" form="chosen" value="(\d+)"', page)[1]
    form = {"do": "review-many", "decision": "watch", "note": "both are known", "made": made}
    again = said(client.post("/alerts?severity=high", form), 400)
    assert "no alert is chosen" in again and "both are known</textarea>" in again
    again = said(client.post("/alerts", {**form, "chosen": ["AL-1"], "note": " "}), 400)
    assert 'value="AL-1" aria-label="Choose AL-1" checked' in again and "every 30s" not in again
    assert said(client.post("/alerts", {**form, "chosen": ["AL-1", "AL-77"]}), 400)
    assert not Review.objects.exists()
    answer = client.post("/alerts?severity=high", {**form, "chosen": ["AL-1", "AL-2"]})
    assert answer["Location"] == "/alerts?severity=high"
    assert [row.bulk_size for row in Review.objects.all()] == [2, 2]
    assert "2 reviewed: watch." in plain(said(client.get("/alerts")))
    assert "one of 2" in plain(said(client.get("/alerts/AL-1")))


def test_a_review_of_many_stops_when_somebody_else_was_faster(site, tmp_path):
    world = founded(site, tmp_path / "world")
    world.sweep({A: FAIL}, check="aws.x.log")
    world.sweep({A: FAIL})
    ana, rob = site.as_("ana"), site.as_("rob")
    made = re.search(r'name="made" form="chosen" value="(\d+)"', said(ana.get("/alerts")))[1]
    form = {"do": "review-many", "decision": "watch", "note": "known", "chosen": ["AL-1", "AL-2"]}
    assert rob.get("/alerts/AL-1").status_code == 200, "looking is not doing"
    alone = {"do": "acknowledge", "note": "on it", "seen": seen(said(rob.get("/alerts/AL-1")))}
    assert rob.post("/alerts/AL-1", alone).status_code == 302
    again = said(ana.post("/alerts", {**form, "made": made}), 409)
    assert "AL-1 acknowledged by rob" in plain(again) and "known</textarea>" in again
    assert not Review.objects.exists(), "all or none"
    made = re.search(r'name="made" form="chosen" value="(\d+)"', again)[1]
    assert ana.post("/alerts", {**form, "made": made}).status_code == 302
    assert Review.objects.count() == 2


def test_the_providers_answer_stands_beside_a_message(site, world):
    row = Delivery.objects.get(happened="opened")
    client = site.as_("ana")
    assert "queued" in plain(said(client.get("/alerts/AL-1")))
    receipt = {"id": "1", "answer": "200 ok", "thread": {}}
    Delivery.objects.filter(pk=row.pk).update(
        state="accepted", sent_at=site.now, receipt=receipt, reason="200 ok"
    )
    words = plain(said(client.get("/alerts/AL-1")))
    when = f"{site.now:%Y-%m-%d} {site.now:%H:%M:%S}Z"
    assert f"accepted by Slack (incoming webhook) (ops) at {when}: 200 ok" in words
    assert "message “opened” sent, and accepted by Slack" in words and "delivered" not in words
    listed = plain(said(client.get("/alerts/messages?alert=AL-1")))
    assert "200 ok" in listed and row.channel in listed


def test_what_was_held_back_says_why(site, world):
    Delivery.objects.update(state="not sent", reason="silenced by ana")
    words = plain(said(site.as_("ana").get("/alerts/AL-1")))
    assert "not sent for Slack" in words and "silenced by ana" in words


def test_the_whole_way_is_told_in_order(site, world):
    client = site.as_("ana")
    send(client, do="review", decision="repair", note="encrypt it")
    client.post("/tasks/TSK-1", {"do": "claim", "note": "done", "seen": "99"})
    world.minutes += 60
    for _ in range(2):
        world.sweep({A: PASS, B: PASS})
    words = plain(said(client.get("/alerts/AL-1")))
    assert "verified by the system → verified restored" in words
    places = [
        words.index(word)
        for word in ("observed: it fails", "decided: repair", "said to be fixed", "verified by")
    ]
    assert places == sorted(places)
    row = Alert.objects.get()
    assert row.evidence_after and row.evidence_after[:12] in words
    assert "To restore" in words and "Fixed not yet" not in words


def test_an_alert_that_is_not_told_yet_has_a_page(site, tmp_path):
    world = founded(site, tmp_path / "world", rule=FAILING)
    world.sweep({A: FAIL})
    row = Alert.objects.get()
    assert row.number is None
    client = site.as_("ana")
    assert "pending" in plain(said(client.get(f"/alerts/{row.pk}")))
    assert "1 more waits to be told" in plain(said(client.get("/alerts")))
    assert client.get("/alerts/AL-9").status_code == 404
    assert client.get("/alerts/nothing").status_code == 404


def test_a_removed_rule_does_not_hide_its_alerts(site, world):
    AlertRule.objects.filter(pk="now").update(removed_at=site.now)
    assert "removed since" in plain(said(site.as_("ana").get("/alerts/AL-1")))


def test_what_was_typed_before_a_session_ended_is_back_in_its_form(site, world):
    typed = {"do": "review", "decision": "watch", "note": "a long story", "seen": "1"}
    stranger = site.nobody
    stranger.post("/alerts/AL-1", typed, headers={"referer": "http://localhost/alerts/AL-1"})
    client = site.as_("ana")
    session = client.session
    session["kept"] = stranger.session["kept"]
    session.save()
    page = said(client.get("/alerts/AL-1"))
    assert page.count("a long story</textarea>") == 1 and 'value="watch" required checked' in page
    assert seen(page) != "1"  # What happened meanwhile is on this page.
