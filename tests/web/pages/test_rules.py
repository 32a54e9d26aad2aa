"""Rules and channels: gaps are seen, thresholds are changed with a reason, tests reach a real receiver."""

import re

import pytest

from proofwatch.alerts import rulebook
from proofwatch.controls.load import builtin_controls, load_controls
from proofwatch.remediation import trackerbook
from proofwatch.store.models import AlertRule, ChannelConfig, Delivery, LogEntry, Silence, TrackerConfig
from proofwatch.store.services import controls
from tests.alerts.channels import receiver
from tests.alerts.world import FAIL, A
from tests.web.pages.company import few_queries, founded, plain, said


@pytest.fixture
def hearing(monkeypatch):
    with receiver.http() as made:
        monkeypatch.setenv("CHAT_URL", f"http://127.0.0.1:{made.port}/hook")
        monkeypatch.setenv("HOOK_SECRET", "whsec_" + "QUJD" * 8)
        yield made


def hear(site, monkeypatch, made):
    monkeypatch.setattr(type(site.app), "client", made.client)


@pytest.fixture
def listed(site):
    known = load_controls(builtin_controls(), checks=site.app.catalog.checks, criteria=site.app.criteria)
    controls.import_list(known, actor="olga", now=site.now)
    return site


def add_channel(client, name="ops", **settings):
    given = {
        "do": "save",
        "name": name,
        "set-url": "env:CHAT_URL",
        "set-secret": "env:HOOK_SECRET",
        **settings,
    }
    return client.post("/rules/channels/new?kind=webhook", given)


def test_a_control_of_which_nobody_is_told_is_a_gap_until_there_is_a_channel(listed, hearing, monkeypatch):
    hear(listed, monkeypatch, hearing)
    client = listed.as_("lea")
    page = plain(said(client.get("/rules")))
    assert "automated controls can fail with nobody told" in page and "control-failing has no channel" in page
    assert add_channel(client).status_code == 302
    page = plain(said(client.get("/rules")))
    assert "Somebody is told when any of" in page and "nobody told" not in page
    rulebook.switch("control-failing", False, actor="lea", now=listed.now, reason="x")
    assert "can fail with nobody told" in plain(said(client.get("/rules")))
    with few_queries():
        client.get("/rules")


def test_a_channel_is_added_tested_refused_and_turned_off(listed, hearing, monkeypatch):
    hear(listed, monkeypatch, hearing)
    client = listed.as_("lea")
    assert add_channel(client).status_code == 302
    client.post("/rules/channels/ops", {"do": "test"})
    assert len(hearing.seen) == 1 and hearing.bodies()[0]["data"]["mark"] == "TEST"
    assert "accepted" in ChannelConfig.objects.get().tested and "accepted" in said(
        client.get("/rules/channels/ops")
    )
    hearing.faults[:] = ["404"]
    page = said(client.post("/rules/channels/ops", {"do": "test"}), 400)
    assert "404" in page and "whsec_QUJD" not in page and Delivery.objects.count() == 2
    assert (
        "a decision needs a reason"
        in said(client.post("/rules/channels/ops", {"do": "disable"}), 400).lower()
    )
    client.post("/rules/channels/ops", {"do": "disable", "reason": "<i>they</i> move"})
    page = said(client.get("/rules/channels/ops"))
    assert "&lt;i&gt;they&lt;/i&gt; move" in page and "disabled" in page
    client.post("/rules/channels/ops", {"do": "remove", "reason": "gone"})
    assert client.get("/rules/channels/ops").status_code == 404
    kinds = set(LogEntry.objects.values_list("kind", flat=True))
    assert {"channel.changed", "channel.tested"} <= kinds


def test_a_secret_in_a_form_is_refused_and_never_shown_again(listed):
    client = listed.as_("lea")
    page = said(add_channel(client, **{"set-secret": "whsec_" + "QUJD" * 8}), 400)
    assert "whsec_QUJD" not in page and "env:CHAT_URL" in page
    for ours in (
        "env:DATABASE_URL",
        f"file:{listed.app.settings.key_file}",
        "file:/proc/self/environ",
        "env:PGPASSWORD",
    ):
        page = plain(said(add_channel(client, **{"set-secret": ours}), 400))
        assert "secret of Proofwatch itself" in page, ours
    assert not ChannelConfig.objects.exists()


def test_names_are_not_taken_twice_and_kinds_are_known(listed, hearing):
    client = listed.as_("lea")
    assert add_channel(client).status_code == 302
    assert "there is a channel" in said(add_channel(client), 400)
    assert client.get("/rules/channels/new?kind=pigeon").status_code == 404
    assert listed.as_("rob").get("/rules/channels/new?kind=email").status_code == 403
    assert listed.as_("rob").post("/rules/channels/ops", {"do": "test"}).status_code == 403


def test_the_thresholds_of_a_rule_are_changed_as_a_new_version(listed):
    client, address = listed.as_("lea"), "/rules/of/control-failing"
    before = AlertRule.objects.get(pk="control-failing")
    with few_queries():
        page = plain(said(client.get(address)))
    assert "1 resource fails" in page and "2 complete passing runs" in page
    form = {"do": "save", "set-title": "A control fails", "set-when": "failing", "set-count": "3",
            "set-severities": "critical", "set-repeat_hours": "12", "reason": "one is noise"}  # fmt: skip
    assert "needs a reason" in said(client.post(address, {**form, "reason": " "}), 400)
    page = said(client.post(address, {**form, "set-count": "0"}), 400)
    assert "count" in page and 'value="12"' in page
    assert client.post(address, form).status_code == 302
    row = AlertRule.objects.get(pk="control-failing")
    rule = rulebook.form(row)
    assert (rule.count, rule.severities, rule.repeat_hours, row.version) == (
        3,
        ("critical",),
        12,
        before.version + 1,
    )
    page = plain(said(client.get(address)))
    assert "3 resources fail" in page and "one is noise" in page
    assert listed.as_("rob").post(address, form).status_code == 403


def test_a_rule_is_made_turned_off_and_removed(listed):
    client = listed.as_("lea")
    form = {"do": "save", "id": "critical-only", "set-title": "Critical", "set-when": "failing",
            "set-severities": "critical, high", "set-task": "at once", "reason": "wanted"}  # fmt: skip
    assert client.post("/rules/new", form).status_code == 302
    assert rulebook.form(rulebook.get("critical-only")).severities == ("critical", "high")
    assert "a rule of that name" in said(client.post("/rules/new", form), 400)
    page = said(client.post("/rules/new", {**form, "id": "Bad Id"}), 400)
    assert "id:" in page and 'value="Bad Id"' in page
    address = "/rules/of/critical-only"
    client.post(address, {"do": "disable", "reason": "later"})
    assert not AlertRule.objects.get(pk="critical-only").enabled
    client.post(address, {"do": "remove", "reason": "done"})
    assert client.get(address).status_code == 404


def test_the_past_is_played_again(site, tmp_path):
    made = founded(site, tmp_path / "world")
    made.sweep({A: FAIL})
    client = site.as_("aud")
    page = plain(said(client.get("/rules/replay?days=2")))
    assert "1 alerts" in page and "own work" not in page
    for wrong in ("0", "x", "401", "9" * 50):
        assert "no number of days" in said(client.get(f"/rules/replay?days={wrong}"), 400)


def test_a_silence_is_made_and_ended(site, tmp_path):
    founded(site, tmp_path / "world").sweep({A: FAIL})
    client = site.as_("rob")
    form = {"do": "make", "kind": "alert", "value": "AL-1", "until": "2h", "reason": "they deploy"}
    assert "did you mean" in plain(said(client.post("/rules/silences", {**form, "value": "AL-2"}), 400))
    assert client.post("/rules/silences", form).status_code == 302
    row = Silence.objects.get()
    assert "they deploy" in said(client.get("/rules/silences"))
    assert site.as_("aud").post("/rules/silences", form).status_code == 403
    client.post("/rules/silences", {"do": "end", "silence": row.pk.hex, "reason": "done"})
    assert Silence.objects.get().ended_because == "done"


def test_a_tracker_is_added_and_removed(listed, monkeypatch):
    monkeypatch.setenv("GH_TOKEN", "x")
    client = listed.as_("lea")
    assert {"jira", "github"} <= set(re.findall(r"kind=([a-z]+)", said(client.get("/rules/trackers"))))
    form = {"do": "save", "name": "gh", "set-token": "env:GH_TOKEN", "set-repository": "example/repairs"}
    page = said(client.post("/rules/trackers/new?kind=github", {**form, "set-token": "ghp_secret"}), 400)
    assert "ghp_secret" not in page
    answer = client.post("/rules/trackers/new?kind=github", form)
    assert answer.status_code == 302, plain(answer.content.decode())[:2000]
    assert "env:GH_TOKEN" in said(client.get("/rules/trackers/gh"))
    client.post("/rules/trackers/gh", {"do": "remove", "reason": "moved"})
    assert TrackerConfig.objects.get().removed_at and trackerbook.every() == []
