"""The home page and one control: what they say, and to whom."""

import pytest

from proofwatch.controls.load import builtin_controls, load_controls
from proofwatch.store.services import controls


@pytest.fixture
def listed(site):
    known = load_controls(builtin_controls(), checks=site.app.catalog.checks, criteria=site.app.criteria)
    controls.import_list(known, actor="olga", now=site.now)
    controls.judge(site.now)
    return site


def test_a_stranger_is_sent_to_sign_in_and_comes_back(site):
    answer = site.nobody.get("/?status=failing")
    assert (answer.status_code, answer["Location"]) == (302, "/account/login/?next=/%3Fstatus%3Dfailing")


def test_the_first_run_begins_with_the_guide(site):
    assert site.as_("olga").get("/")["Location"] == "/get-started"


def test_a_control_says_why_nothing_is_known(listed):
    page = listed.as_("aud").get("/controls/AC-02").content.decode()
    assert "AC-02 Signing in takes more than a password" in page
    assert "not monitored" in page and "No connection to aws, azure, entra" in page


def test_a_control_that_does_not_exist_is_a_plain_404(listed):
    answer = listed.as_("lea").get("/controls/ZZ-99")
    assert answer.status_code == 404 and b"There is nothing here" in answer.content
