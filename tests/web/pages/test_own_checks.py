"""Checks written in the browser: what is wrong is shown by line, what is sound is kept with its reason."""

import pytest

from proofwatch.checks import trial
from proofwatch.store.models import CheckSetting, LogEntry
from proofwatch.web.pages.own_checks import BLANK
from tests.web.pages.company import few_queries, plain, said

ID = "own.s3.bucket-in-europe"
UNSOUND = BLANK.replace("eu-west-1", "x").replace("us-east-1", "eu-west-1")
FORM = {"id": ID, "text": BLANK, "begun": "", "reason": "contracts"}


def test_the_example_that_the_form_begins_with_is_sound(site):
    client = site.as_("lea")
    with few_queries():
        assert "Every bucket lies in Europe" in said(client.get("/checks/new"))
    page = plain(said(client.post("/checks/new", {**FORM, "do": "try"})))
    assert "Valid; all 3 cases come out as expected" in page and "nothing to try it on" in page
    assert not LogEntry.objects.filter(kind="check.written").exists()


def test_faults_are_named_by_line_and_field(site):
    client = site.as_("lea")
    wrong = BLANK.replace("bucket_region LIKE", "bucket_regions LIKE")
    page = plain(said(client.post("/checks/new", {**FORM, "do": "try", "text": wrong})))
    assert "6 passes there is no column" in page and "did you mean" in page
    page = plain(said(client.post("/checks/new", {**FORM, "do": "try", "text": UNSOUND})))
    assert "2 of 3 cases come out otherwise" in page
    for text in ("", "[", "a: &a [*a]", "x" * 100_001, "title: <script>alert(1)</script>"):
        answer = client.post("/checks/new", {**FORM, "do": "try", "text": text})
        assert answer.status_code in (200, 400) and b"<script>alert" not in answer.content, text[:20]


def test_what_is_not_sound_is_not_kept(site):
    client = site.as_("lea")
    page = said(client.post("/checks/new", {**FORM, "do": "save", "text": UNSOUND}), 400)
    assert "not sound" in page
    assert "reason" in said(client.post("/checks/new", {**FORM, "do": "save", "reason": " "}), 400)
    for bad in ("../../etc/x", "own", "Own.x.y", "own..x", "own.x/y.z", "aws.iam.user-mfa"):
        assert client.post("/checks/new", {**FORM, "do": "save", "id": bad}).status_code == 400, bad
    assert not site.app.settings.checks.exists() or not list(site.app.settings.checks.rglob("*.yaml"))
    assert site.as_("rob").post("/checks/new", {**FORM, "do": "save"}).status_code == 403


def test_a_check_is_written_changed_and_conflicts_are_told(site):
    client = site.as_("lea")
    assert client.post("/checks/new", {**FORM, "do": "save"}).status_code == 302
    path = site.app.settings.checks / "own" / "s3" / "bucket-in-europe.yaml"
    assert path.read_text() == BLANK and ID in site.app.catalog.checks
    page = said(client.get(f"/checks/{ID}"))
    assert "Change its file" in page
    assert "already" in said(client.post("/checks/new", {**FORM, "do": "save"}), 400)
    edit = said(client.get(f"/checks/{ID}/edit"))
    begun = edit.split('name="begun" value="')[1].split('"')[0]
    changed = {**FORM, "do": "save", "begun": begun, "text": BLANK.replace("medium", "high")}
    assert client.post(f"/checks/{ID}/edit", changed).status_code == 302
    assert site.app.catalog.checks[ID].severity == "high"
    later = {**changed, "text": BLANK.replace("medium", "low")}
    assert "somebody else changed it" in said(client.post(f"/checks/{ID}/edit", later), 400)
    assert LogEntry.objects.filter(kind="check.written").count() == 2
    assert client.get("/checks/aws.iam.user-mfa/edit").status_code == 404


def test_a_file_that_breaks_leaves_the_catalogue_as_it_was(site):
    client = site.as_("lea")
    assert client.post("/checks/new", {**FORM, "do": "save"}).status_code == 302
    path = site.app.settings.checks / "own" / "s3" / "bucket-in-europe.yaml"
    assert ID in site.app.catalog.checks
    path.write_text("title: [")
    page = said(client.get("/checks"))
    assert "cannot be loaded" in page and "bucket-in-europe.yaml" in page and ID in site.app.catalog.checks
    path.write_text(BLANK)
    assert "cannot be loaded" not in said(client.get("/checks"))


def test_parameters_are_set_in_their_types(site):
    client = site.as_("lea")
    item = next(check for check in site.app.catalog.checks.values()
                if any(type(value) is int for value in check.params.values()))  # fmt: skip
    name = next(key for key, value in item.params.items() if type(value) is int)
    address = f"/checks/{item.id}"
    form = {"do": "params", f"param-{name}": "7", "reason": "stricter"}
    assert "is no integer" in plain(said(client.post(address, {**form, f"param-{name}": "many"}), 400))
    assert "reason" in said(client.post(address, {**form, "reason": ""}), 400)
    assert client.post(address, form).status_code == 302
    assert CheckSetting.objects.get(pk=item.id).params == {name: 7}
    assert f"{name} = 7" in plain(said(client.get(address)))
    assert client.post(address, {**form, f"param-{name}": ""}).status_code == 302
    assert CheckSetting.objects.get(pk=item.id).params == {}


def test_trying_a_check_needs_no_reason_and_keeps_nothing(site):
    client = site.as_("rob")
    before = LogEntry.objects.count()
    page = plain(said(client.post("/checks/aws.iam.user-mfa/try", {"do": "try"})))
    assert "cases come out as expected" in page
    assert LogEntry.objects.count() == before
    assert site.as_("aud").post("/checks/aws.iam.user-mfa/try", {"do": "try"}).status_code == 403
    assert site.as_("lea").get("/checks/no.such.check/try").status_code == 404


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_too_many_trials_at_once_are_told_to_wait(site, monkeypatch):
    monkeypatch.setattr(trial, "_turn", __import__("threading").BoundedSemaphore(1))
    assert trial._turn.acquire()
    monkeypatch.setattr(trial._turn, "acquire", lambda timeout: False)
    page = plain(said(site.as_("lea").post("/checks/new", {**FORM, "do": "try"}), 400))
    assert "try again in a minute" in page
