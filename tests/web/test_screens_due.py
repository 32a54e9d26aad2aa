"""When pictures are due, and that some worker takes them once, in a process of its own."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from proofwatch.cli import worker
from proofwatch.runtime import jobs
from proofwatch.store.base import StoreError
from proofwatch.store.django import disconnect
from proofwatch.store.models import Job, LogEntry, Screenshot
from proofwatch.store.services import checks, screenshots
from proofwatch.web.screens import ScreenError, due
from tests.web.test_screens import company, one, quick, real  # noqa: F401

WEEK = timedelta(days=7)


def keys():
    return list(Job.objects.filter(kind=jobs.PICTURES).order_by("pk").values_list("key", flat=True))


def kept(site, cause, now):
    screenshots.keep(
        b"\x89PNG\r\n\x1a\n", {}, site.app.objects, page="checks", url="u", media_type="image/png",
        cause=cause, actor="scheduler", now=now,
    )  # fmt: skip


def test_a_week_after_the_last_it_is_due_once(site):
    due.plan(site.now)
    assert keys() == [], "nothing is a week old yet"
    later = site.now + WEEK + timedelta(minutes=1)
    for _ in range(3):
        due.plan(later)
    assert keys() == [f"week:{later:%G-W%V}"]
    kept(site, "schedule", later)
    due.plan(later + WEEK - timedelta(minutes=1))
    assert len(keys()) == 1
    due.plan(later + WEEK)
    assert len(keys()) == 2
    kept(site, "asked", later + WEEK)
    assert due._week_is_due(later + WEEK), "what somebody asked for does not move the schedule"


def test_each_change_of_what_is_checked_is_due_once(site):
    checks.disable("aws.iam.user-mfa", actor="olga", now=site.now, reason="replaced")
    due.plan(site.now)
    due.plan(site.now)
    index = LogEntry.objects.get(kind="check.changed").index
    assert keys() == [f"change:{index}"]
    kept(site, "change", site.now + timedelta(minutes=2))
    Job.objects.all().delete()
    due.plan(site.now + timedelta(minutes=3))
    assert keys() == []
    # While pictures are taken, something changes again: the page of it may have been drawn before that.
    checks.enable("aws.iam.user-mfa", actor="olga", now=site.now + timedelta(seconds=90), reason="again")
    due.plan(site.now + timedelta(minutes=4))
    assert len(keys()) == 1


def test_what_setting_up_made_is_no_change_and_a_later_rule_is_one(site):
    from proofwatch.alerts import rulebook

    assert LogEntry.objects.filter(kind="rule.changed").exists()
    due.plan(site.now)
    assert keys() == []
    later = site.now + timedelta(hours=2)
    rulebook.switch("control-failing", False, actor="olga", now=later, reason="another")
    due.plan(later)
    assert len(keys()) == 1 and keys()[0].startswith("change:")


def test_no_sweep_waits_for_a_picture(site):
    due.ask("lea", site.now)
    assert jobs.claim("w", site.now) is None
    assert jobs.claim("w", site.now, only=jobs.PICTURES).kind == jobs.PICTURES
    assert not due.ask("rob", site.now + timedelta(minutes=1)), "that waits already"
    with pytest.raises(StoreError, match="may only look"):
        due.ask("aud", site.now)


def test_somebody_asks_on_the_page(site):
    for name, status in (("aud", 403), ("rob", 302)):
        assert site.as_(name).post("/evidence/screenshots", {"do": "take"}).status_code == status
    assert [key.split(":")[:2] for key in keys()] == [["asked", "rob"]]
    assert site.as_("rob").post("/evidence/screenshots", {"do": "nonsense"}).status_code == 400
    for address, status in (("", 200), ("/SC-9", 404), ("/SC-9/picture", 404), ("/x", 404)):
        assert site.as_("aud").get(f"/evidence/screenshots{address}").status_code == status
        assert not address or site.as_("rob").post(f"/evidence/screenshots{address}").status_code == 405


@real
@one
def test_two_workers_take_the_pictures_of_a_change_once(company):  # noqa: F811
    checks.disable("aws.iam.user-mfa", actor="olga", now=company.now, reason="replaced")
    done = []

    def work():
        try:
            done.append(due.take(company.app, jobs.utc_now()))
        finally:
            disconnect()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == [0, 1]
    names = list(Screenshot.objects.values_list("page", flat=True))
    assert len(set(names)) == len(names) and {"checks", "control-list", "rules"} <= set(names)
    assert set(Screenshot.objects.values_list("cause", "by")) == {("change", "scheduler")}
    assert due.take(company.app, jobs.utc_now()) == 0


@one
def test_a_browser_that_does_not_run_is_recorded_and_stops_nothing(company, capsys):  # noqa: F811
    company.app.settings = replace(company.app.settings, browser="/bin/false")
    due.ask("lea", company.now)
    with pytest.raises(ScreenError):
        due.take(company.app, company.now)
    job = Job.objects.get(kind=jobs.PICTURES)
    assert job.state == "pending" and "ScreenError" in job.error and job.due_at > company.now
    assert LogEntry.objects.filter(kind="screenshot.failed").count() == 1
    assert not Screenshot.objects.exists()
    Job.objects.update(due_at=company.now)
    assert worker.picture(company.app) == 0
    assert "pictures:" in capsys.readouterr().err


def test_what_a_lost_worker_had_taken_is_not_taken_again(site, monkeypatch):
    later = site.now + WEEK + timedelta(minutes=1)
    due.plan(later)
    assert jobs.claim("lost", later, only=jobs.PICTURES) is not None
    Job.objects.update(leased_until=site.now)
    kept(site, "schedule", later)
    monkeypatch.setattr(due.sys, "executable", "/nothing")  # It would fail if it were started.
    assert due.take(site.app, later + timedelta(minutes=5)) == 1
    assert Job.objects.get(kind=jobs.PICTURES).state == "done"


@one
def test_one_that_hangs_is_ended_with_all_that_it_started(site, monkeypatch):
    monkeypatch.setattr(due, "TIMEOUT", 0.5)
    with pytest.raises(ScreenError, match="was ended"):
        due._child(["/bin/sh", "-c", "sleep 60 & sleep 60"], {"PATH": "/usr/bin:/bin"})
