"""The auditor's home: gaps are named, the four usual findings follow what happens, documents are kept."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, transaction

from proofwatch.controls.load import builtin_controls, load_controls
from proofwatch.reports import readiness
from proofwatch.store.models import Alert, AlertEvent, Audit, LogEntry, ManualEvidence, Person, Review, Sweep
from proofwatch.store.services import audits, checks, connections, controls, sweeps, uploads
from tests.alerts.world import FAIL, A
from tests.web.pages.company import few_queries, founded, plain, said

CHECK = "aws.iam.user-mfa"


@pytest.fixture
def listed(site):
    known = load_controls(builtin_controls(), checks=site.app.catalog.checks, criteria=site.app.criteria)
    row = controls.import_list(known, actor="olga", now=site.now)
    controls.approve(row.number, actor="olga", now=site.now)
    return site


def period(site, days=30):
    first, last = (site.now - timedelta(days=days)).date(), (site.now + timedelta(days=30)).date()
    form = {"do": "period", "name": "soc2", "first": first.isoformat(), "last": last.isoformat(),
            "auditor": "Marple & Co", "reason": "engaged"}  # fmt: skip
    return form


def judged(site):
    row = Audit.objects.first()
    found = readiness.coverage(row, site.now, controls.current()) if row else None
    return {item.id: item for item in readiness.usual(found, site.now, controls.current())}


def test_a_period_is_set_for_a_reason_by_those_who_decide(listed):
    client = listed.as_("lea")
    assert "No observation period is set" in plain(said(client.get("/audit")))
    form = period(listed)
    for wrong, about in (
        ({"reason": " "}, "reason"), ({"last": "2020-01-01"}, "ends before"),
        ({"first": "soon"}, "is no day"),
        ({"name": "SOC 2"}, "cannot be a name"), ({"last": "2099-01-01"}, "longer"),
    ):  # fmt: skip
        page = said(client.post("/audit", {**form, **wrong}), 400)
        assert about in page and "Marple &amp; Co" in page, wrong
    assert client.post("/audit", form).status_code == 302
    assert LogEntry.objects.filter(kind="period.set").count() == 1
    page = plain(said(client.get("/audit")))
    assert "31 days so far, 30 to come" in page
    assert listed.as_("rob").post("/audit", form).status_code == 403
    assert client.get("/audit?audit=nope").status_code == 404


def test_a_period_that_is_over_is_judged_by_the_list_of_its_last_day(site):
    known = load_controls(builtin_controls(), checks=site.app.catalog.checks, criteria=site.app.criteria)
    fewer = replace(known, version="fewer", controls=known.controls[1:], sha256="f" * 64)
    for listed, days in ((known, 9), (fewer, 2)):
        row = controls.import_list(listed, actor="olga", now=site.now - timedelta(days=days))
        controls.approve(row.number, actor="olga", now=site.now - timedelta(days=days))
    gone, client = known.controls[0].id, site.as_("lea")
    assert known.controls[0].checks
    today = site.now.date()
    for name, last in (("over", today - timedelta(days=3)), ("running", today)):
        audits.save(name, today - timedelta(days=5), last, actor="olga", now=site.now, reason="engaged")
    sample = {"do": "sample", "control": gone, "of": "days", "number": "2", "seed": ""}
    for name, there in (("over", True), ("running", False)):
        assert (f"/controls/{gone}" in said(client.get(f"/audit?audit={name}"))) == there
        assert (f'"{gone}"' in said(client.get(f"/audit/binders?audit={name}"))) == there
        assert client.post("/audit/binders", {**sample, "audit": name}).status_code == (200 if there else 400)


def test_every_day_without_readings_is_a_gap_with_its_reason(listed):
    begun = listed.now - timedelta(days=10)
    row = connections.create("prod", "aws", {}, actor="olga", now=begun, interval_minutes=60)
    for days, state in ((5, "complete"), (4, "partial"), (3, "failed")):
        slot = listed.now - timedelta(days=days)
        made = sweeps.plan(row, slot=slot, trigger="schedule", actor="scheduler", now=slot)
        error = "<b>throttled</b>" if state == "failed" else ""
        Sweep.objects.filter(pk=made.pk).update(state=state, observed_at=slot, error=error)
    client = listed.as_("lea")
    client.post("/audit", period(listed))
    client.get("/rules")  # shows the message that the period is set
    with few_queries():
        page = said(client.get("/audit"))
    assert "&lt;b&gt;throttled&lt;/b&gt;" in page and "nothing was recorded" in page
    found = readiness.coverage(Audit.objects.get(), listed.now, controls.current())
    words = found.words["AC-02"]
    day = {name: number for number, name in enumerate(found.days)}
    at = lambda days: words[day[(listed.now - timedelta(days)).date()]]  # noqa: E731
    assert [at(12), at(10), at(9), at(5), at(4), at(3), at(0)] == [
        "not connected", "not due", "missed", "covered", "partial", "missed", "missed"
    ]  # fmt: skip
    assert sum(gap.lost for gap in found.gaps) == 1 and sum(gap.partial for gap in found.gaps) == 1
    assert judged(listed)["evidence"].state == "failing"


def test_checks_that_are_off_or_not_approved_are_a_finding(site):
    assert judged(site)["checks"].says == "No control list is in force."
    known = load_controls(builtin_controls(), checks=site.app.catalog.checks, criteria=site.app.criteria)
    row = controls.import_list(known, actor="olga", now=site.now)
    assert "approved by nobody" in judged(site)["checks"].reasons[0][0]
    controls.approve(row.number, actor="olga", now=site.now)
    assert judged(site)["checks"].state == "passing"
    checks.disable(CHECK, actor="lea", now=site.now, reason="noisy")
    found = judged(site)["checks"]
    assert found.state == "failing" and "noisy" in found.reasons[0][0]
    assert found.reasons[0][1] == f"/checks/{CHECK}"


def test_coverage_needs_a_connection_that_was_read(listed):
    assert "no system is connected" in judged(listed)["coverage"].reasons[0][0]
    row = connections.create("prod", "aws", {}, actor="olga", now=listed.now)
    assert "never read whole" in judged(listed)["coverage"].reasons[0][0]
    end = listed.now + timedelta(hours=1)
    connections.pause(row, actor="lea", now=listed.now, reason="they move", until=end)
    assert any("they move" in what for what, _ in judged(listed)["coverage"].reasons)


def test_an_alert_that_nobody_reviewed_for_three_days_is_a_finding(site, tmp_path):
    founded(site, tmp_path / "world").sweep({A: FAIL})
    assert judged(site)["reviews"].state == "passing"
    Alert.objects.update(opened_at=site.now - timedelta(hours=73))
    found = judged(site)["reviews"]
    assert found.state == "failing" and found.reasons[0][1] == "/alerts/AL-1"
    Alert.objects.update(reviewed_at=site.now)
    assert judged(site)["reviews"].state == "passing"
    assert judged(site)["evidence"].state == "inconclusive"


def happened(alert, before, after, at):
    AlertEvent.objects.create(alert=alert, kind="failing", before=before, after=after, at=at, actor="system")


def test_an_alert_that_waited_too_long_in_the_period_stays_a_finding(listed, tmp_path):
    founded(listed, tmp_path / "world").sweep({A: FAIL})
    Alert.objects.update(opened_at=listed.now, reviewed_at=listed.now)
    alert, day = Alert.objects.get(), listed.now.date()
    audits.save("soc2", day - timedelta(days=29), day, actor="olga", now=listed.now, reason="engaged")

    def reasons():
        return [what for what, page in judged(listed)["reviews"].reasons if page == "/alerts/AL-1"]

    def opened(days_ago, lasted):
        at = listed.now - timedelta(days=days_ago)
        happened(alert, "verified restored", "open", at)
        happened(alert, "open", "verified restored", at + timedelta(days=lasted))
        return at

    def reviewed(at):
        Review.objects.create(
            alert=alert,
            reviewer="lea",
            role="lead",
            decided_at=at,
            decision="repair",
            note="x",
            channel="cli",
        )

    assert reasons() == []
    opened(25, lasted=2)
    assert reasons() == [], "it ended in time"
    at = opened(20, lasted=4)
    (said_,) = reasons()
    assert f"opened {at:%Y-%m-%d %H:%M:%S}Z, ended" in said_ and "without a review" in said_
    at = opened(15, lasted=4)
    reviewed(at + timedelta(days=2))
    assert len(reasons()) == 1, "it was reviewed in time"
    at = opened(10, lasted=5)
    reviewed(at + timedelta(days=4))
    assert len(reasons()) == 2 and "reviewed" in reasons()[1]
    opened(40, lasted=5)
    assert len(reasons()) == 2, "it did not open in the period"
    # What stays after all of that: an alert that opens again forgets nothing of the openings before.
    Alert.objects.update(opened_at=listed.now, state="open", ended_at=None)
    assert len(reasons()) == 2 and judged(listed)["reviews"].state == "failing"


def test_an_auditor_sees_the_days_that_they_were_given(listed):
    Person.objects.filter(pk="aud").update(period_from="2026-01-01", period_to="2026-03-31")
    page = plain(said(listed.as_("aud").get("/audit")))
    assert "2026-01-01 to 2026-03-31" in page and "90 days so far" in page


FORM = {"do": "add", "title": "Risk review <b>Q3</b>", "control": "AC-02", "effective_from": "2026-09-30",
        "source": "Notion", "about": "The board looked at risks"}  # fmt: skip


def file(data=b"minutes", name="minutes.txt"):
    return SimpleUploadedFile(name, data, "text/plain")


def test_a_document_is_kept_shown_and_never_changed(listed):
    client = listed.as_("rob")
    assert client.post("/evidence/upload", {**FORM, "file": file()}).status_code == 302
    row = ManualEvidence.objects.get()
    assert row.name == "EV-1" and row.effective_to == row.effective_from and row.filename == "minutes.txt"
    assert listed.app.objects.get(row.sha256) == b"minutes"
    assert LogEntry.objects.filter(kind="evidence.uploaded").count() == 1
    for address in ("/evidence/documents", "/evidence/documents/EV-1", "/controls/AC-02"):
        page = said(client.get(address))
        assert "Risk review &lt;b&gt;Q3&lt;/b&gt;" in page, address
    answer = client.get(f"/evidence/objects/{row.sha256}/download")
    assert b"".join(answer.streaming_content) == b"minutes" and "attachment" in answer["Content-Disposition"]
    with pytest.raises(DatabaseError), transaction.atomic():
        ManualEvidence.objects.update(title="x")
    assert client.get("/evidence/documents/EV-2").status_code == 404
    assert row.sha256[:10] in said(client.get(f"/evidence?q={row.sha256}"))
    assert "Nothing matches" in said(client.get("/evidence?q=zzzzzz"))


@pytest.mark.parametrize(
    ("change", "about"),
    [
        ({"title": " "}, "title is missing"), ({"about": ""}, "what it shows is missing"),
        ({"source": ""}, "comes from is missing"), ({"control": "AC-99"}, "there is no control"),
        ({"effective_from": ""}, "a day is missing"), ({"effective_from": "x"}, "is no day"),
        ({"effective_to": "2026-09-01"}, "end before"),
        ({"effective_from": "2099-01-01"}, "more than a year ahead"),
        ({"file": ""}, "no file"), ({"task": "TSK-9"}, "there is no task"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_an_auditor_would_ask_for_is_required(listed, change, about):
    page = said(listed.as_("rob").post("/evidence/upload", {**FORM, "file": file(), **change}), 400)
    assert about in page and not ManualEvidence.objects.exists()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_document_that_verifying_would_take_for_our_own_evidence_is_refused(listed):
    """Whoever verifies would look for the object that it names, and never find it."""
    file_of = file(b'{"object": "' + b"0" * 64 + b'"}')
    page = said(listed.as_("rob").post("/evidence/upload", {**FORM, "file": file_of}), 400)
    assert "our own evidence" in page and not ManualEvidence.objects.exists()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_documents_are_refused_when_empty_too_large_or_from_an_auditor(listed, monkeypatch):
    monkeypatch.setattr(uploads, "LARGEST", 10)
    client = listed.as_("rob")
    assert "larger than" in said(client.post("/evidence/upload", {**FORM, "file": file(b"x" * 11)}), 400)
    assert listed.as_("aud").post("/evidence/upload", {**FORM, "file": file()}).status_code == 403
    name = "../../etc/\u202epasswd"
    client.post("/evidence/upload", {**FORM, "file": file(b"x", name)})
    assert ManualEvidence.objects.get().filename == "passwd"
