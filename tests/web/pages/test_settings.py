"""One's own tokens and the limits of others: made within bounds, shown once, ended at once."""

import json
import re
from datetime import timedelta
from email import message_from_bytes, policy

from proofwatch.store.models import ChannelConfig, Person
from proofwatch.web.models import ApiToken, Invitation
from tests.alerts.channels.receiver import smtp
from tests.web.pages.company import plain, said

FORM = {"do": "make", "title": "nightly", "scope": "read", "until": "30d"}


def test_a_token_is_shown_once_works_and_is_ended(site):
    client = site.as_("rob")
    page = said(client.post("/settings/me", FORM))
    secret = re.search(r"pw_[A-Za-z0-9_-]{43}", page)[0]
    assert secret not in said(client.get("/settings/me")) and "nightly" in said(client.get("/settings/me"))
    ask = lambda: site.nobody.get("/api/v1/me", headers={"authorization": f"Bearer {secret}"})  # noqa: E731
    assert json.loads(ask().content)["person"] == "rob"
    row = ApiToken.objects.get()
    assert site.as_("lea").post("/settings/me", {"do": "revoke", "token": str(row.pk)}).status_code == 400
    assert client.post("/settings/me", {"do": "revoke", "token": str(row.pk)}).status_code == 302
    assert ask().status_code == 401


def test_a_token_is_refused_in_words_beside_what_was_typed(site):
    client = site.as_("aud")
    assert "<option>act" not in said(client.get("/settings/me"))
    for wrong, about in (
        ({"until": "2y"}, "is no time"), ({"until": "400d"}, "within a year"),
        ({"title": " "}, "no usable title"),
        ({"scope": "act"}, "may not act"), ({"scope": "own"}, "is no scope"),
    ):  # fmt: skip
        page = plain(said(client.post("/settings/me", {**FORM, **wrong}), 400))
        assert about in page, wrong
    assert not ApiToken.objects.exists()


def test_light_or_dark_is_kept_and_nothing_else(site):
    client = site.as_("rob")
    client.post("/settings/me", {"theme": "dark"})
    assert 'data-theme="dark"' in said(client.get("/settings"))
    client.post("/settings/me", {"theme": '"><script>'})
    assert 'data-theme="auto"' in said(client.get("/settings"))


def test_an_owner_limits_an_auditor(site):
    client = site.as_("olga")
    end = (site.now + timedelta(days=90)).date().isoformat()
    form = {"do": "limit", "name": "aud", "until": end, "from": "2026-01-01", "to": "2026-12-31"}
    assert site.as_("lea").post("/settings/people", form).status_code == 403
    assert "end before" in said(client.post("/settings/people", {**form, "to": "2025-01-01"}), 400)
    assert client.post("/settings/people", form).status_code == 302
    row = Person.objects.get(pk="aud")
    assert row.access_until.date().isoformat() == end and row.period_from.isoformat() == "2026-01-01"
    assert "until" in plain(said(client.get("/settings/people")))
    assert client.post("/settings/people", {"do": "limit", "name": "aud"}).status_code == 302
    assert Person.objects.get(pk="aud").access_until is None


def test_nobody_limits_the_last_who_may_decide(site):
    Person.objects.filter(pk="lea").update(active=False)
    answer = site.as_("olga").post("/settings/people", {"do": "limit", "name": "olga", "until": "30d"})
    assert "Nobody would be left" in said(answer, 400)


def test_an_invitation_goes_by_mail_and_its_link_works(site, monkeypatch):
    client = site.as_("olga")
    assert "Invite by e-mail" not in said(client.get("/settings/people"))
    form = {"do": "mail", "name": "rob"}
    assert "no e-mail channel" in plain(said(client.post("/settings/people", form), 400))
    assert not Invitation.objects.exists()
    with smtp() as server:
        monkeypatch.setattr(type(site.app), "client", server.client)
        given = {"host": "127.0.0.1", "port": server.port, "security": "none"}
        given |= {"sender": "pw@example.com", "recipients": ["ops@example.com"]}
        ChannelConfig.objects.create(name="mail", kind="email", settings=given, by="olga", at=site.now)
        assert "Invite by e-mail" in said(client.get("/settings/people"))
        assert client.post("/settings/people", form).status_code == 302
        assert "was sent to rob@example.com" in plain(said(client.get("/settings/people")))
        (content,) = server.seen
        link = re.search(
            r"http://localhost(/start/\S+)", message_from_bytes(content, policy=policy.default).get_content()
        )[1]
        assert site.nobody.get(link).status_code == 200
        server.faults.append("404")
        page = said(client.post("/settings/people", form))
        assert "The e-mail was not sent" in page and "/start/" in page, "it is given by hand then"
