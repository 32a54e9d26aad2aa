"""The pages that keep the installation: health, agreed times, keys, retention, backup."""

from dataclasses import replace
from datetime import timedelta

from proofwatch.alerts import rulebook
from proofwatch.alerts.rules import Rule
from proofwatch.reports.retention import later
from proofwatch.store.services import audits
from proofwatch.web.settings import secret_keys
from tests.web.pages.company import plain, said


def test_health_says_what_is_wrong_and_what_helps_and_asks_the_sources_only_when_told(site):
    page = plain(said(site.as_("aud").get("/settings/health")))
    assert "nobody is told of an alert proofwatch channels add --help" in page
    assert "signing key" in page
    assert "The source systems were not asked" in plain(said(site.as_("rob").get("/settings/health")))
    assert (
        "Ask the source systems" not in page and site.as_("aud").post("/settings/health").status_code == 403
    )
    asked = plain(said(site.as_("rob").post("/settings/health")))
    assert "They were asked" in asked


def test_a_key_that_others_may_read_is_wrong_there(site):
    path = site.app.settings.key_file
    path.chmod(0o644)
    page = plain(said(site.as_("lea").get("/settings/health")))
    assert "others may read it" in page and "chmod 600" in page
    kept = plain(said(site.as_("lea").get("/settings/kept")))
    assert "others may read it" in kept


def test_the_agreed_times_are_those_that_the_machine_uses(site):
    page = plain(said(site.as_("rob").get("/settings/agreed")))
    assert "critical 1 d 0 s 1 h" in page and "medium 30 d 30 min" in page and "low 90 d" in page
    rule = Rule(id="strict", title="Strict", when="failing", severities=("high",), sla_days=2, channels=())
    rulebook.save([rule], actor="lea", now=site.now, reason="agreed")
    page = said(site.as_("rob").get("/settings/agreed"))
    assert 'href="/rules/of/strict"' in page and "strict high 2 d 30 min" in plain(page)


def test_what_is_kept_has_its_first_day_its_keys_and_no_secret(site):
    today = site.now.date()
    audits.save("late", today - timedelta(days=9), today, actor="lea", now=site.now, reason="r")
    site.app.sign()
    page = said(site.as_("lea").get("/settings/kept"))
    words = plain(page)
    assert "the log begins later" in words and "proofwatch.local/test+" in words
    assert "proofwatch backup --out FILE.tar" in words and "No backup was ever made with it" in words
    assert "whoever administers this machine can delete files in it" in words
    assert f"late {today - timedelta(days=9)} to {today}" in words
    assert later(today, 7).isoformat() in words and "Ask the bucket" not in words
    assert site.app.settings.key_file.read_text().strip() not in page
    for line in secret_keys(site.app.settings.secret_file):
        assert line not in page


def test_the_bucket_is_asked_only_when_told_and_is_not_called_safe_unheard(site, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    there = {"objects": "s3://evidence/x", "objects_endpoint": "http://127.0.0.1:9"}
    monkeypatch.setattr(site.app, "settings", replace(site.app.settings, **there))
    assert "was not asked" in plain(said(site.as_("rob").get("/settings/kept")))
    assert "Ask the bucket" not in plain(said(site.as_("aud").get("/settings/kept")))
    assert site.as_("aud").post("/settings/kept").status_code == 403
    asked = plain(said(site.as_("rob").post("/settings/kept")))
    assert "The bucket: it cannot be told" in asked
