"""What the API says: lists and objects as the pages have them, page by page, once, and to whom."""

import json
from datetime import UTC, datetime, timedelta

from django.test import Client
from pydantic import TypeAdapter

from proofwatch.evidence.entry import parse
from proofwatch.evidence.merkle import leaf_hash
from proofwatch.listings.registry import LISTINGS
from proofwatch.store.models import LogEntry, Person
from proofwatch.web import tokens
from proofwatch.web.api import guard, objects, root
from proofwatch.web.api.limits import Window
from proofwatch.web.api.lists import OWN, row_type
from proofwatch.web.models import ApiToken


def problem(answer, status):
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    found = json.loads(answer.content)
    assert (found["status"], found["type"]) == (status, "about:blank") and found["title"] and found["detail"]
    assert found["instance"] == f"urn:proofwatch:request:{answer['X-Request-Id']}"
    return found


def test_every_list_has_the_rows_and_types_that_it_says(world, caller):
    ask = caller("olga", "administer")
    for name, listing in LISTINGS.items():
        answer = ask.get(f"{name}?size=200")
        assert answer.status_code == 200, answer.content
        assert set(answer.said) == {"rows", "matching", "population", "after", "before", "as_of"}
        TypeAdapter(list[row_type(listing)]).validate_json(json.dumps(answer.said["rows"]), strict=True)
        if name in ("alerts", "findings", "controls", "checks", "entries", "rules", "people", "tokens"):
            assert answer.said["rows"], name


def test_a_list_is_walked_by_its_cursor_there_and_back(world, caller):
    ask = caller("rob")
    seen, after = [], ""
    while True:
        page = ask.get(f"checks?size=70&sort=-check&after={after}").said
        seen += [row["check"] for row in page["rows"]]
        after = page["after"]
        if not after:
            break
    assert seen == sorted(seen, reverse=True) and len(seen) == page["population"] == page["matching"]
    back = ask.get(f"checks?size=70&sort=-check&before={page['before']}").said
    assert back["rows"][-1]["check"] == seen[-1 - len(page["rows"])]


def test_filters_are_counted_and_unknown_ones_refused(world, caller):
    ask = caller("rob")
    page = ask.get("alerts?state=open&severity=high").said
    assert page["matching"] <= page["population"]
    assert "filter 'sevrity'" in problem(ask.get("alerts?sevrity=high"), 400)["detail"]
    assert "known:" in problem(ask.get("alerts?severity=worst"), 400)["remedy"]
    problem(ask.get("alerts?size=0"), 422)
    problem(ask.get("alerts?size=1e3"), 422)


HOSTILE = ("x", "W10", "WyIiLDEsMV0", "WyIiLCJcdTAwMDAiLDFd", "WyIiLDFlNDAwLDFd",
           "WyIiLE5hTixOYU5d", "WyIiLDEsLTFd",
           "WyIiLDk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTksMV0", "WyIiLCJhIiwiYiJd")  # fmt: skip


def test_a_cursor_that_nobody_made_is_refused(world, caller):
    ask = caller("olga", "administer")
    for path in (f"{name}?{side}={place}" for name in LISTINGS for place in HOSTILE
                 for side in ("after", "before")):  # fmt: skip
        answer = ask.get(path)
        assert answer.status_code in (200, 400), (path, answer.content)


def test_what_has_not_changed_is_not_sent_again(world, caller):
    ask = caller("rob")
    first = ask.get("alerts")
    again = ask.get("alerts", if_none_match=first["ETag"])
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert ask.get("alerts", if_none_match='W/"other"').status_code == 200
    assert ask.get("alerts", if_none_match="W/" + first["ETag"]).status_code == 304


def test_single_objects(world, caller):
    ask = caller("aud")
    alert = ask.get("alerts/AL-1").said
    assert alert["alert"] == "AL-1" and alert["events"][0]["at"].endswith("Z")
    finding = ask.get("findings").said["rows"][0]
    one = ask.get(f"findings/{finding['id']}").said
    assert (one["resource"], one["archived_months"]) == (finding["resource"], [])
    assert ask.get(f"controls/{alert['control']}").said["control"] == alert["control"]
    assert ask.get("checks/aws.iam.user-mfa").said["enabled"] is True
    assert ask.get("connections/prod").said["state"] in ("connected", "stale")
    assert ask.get("people/rob").said["role"] == "responder"
    assert ask.get("me").said["person"] == "aud"
    entry = ask.get("entries/0").said
    raw = __import__("base64").b64decode(entry["entry"])
    assert leaf_hash(raw).hex() == entry["leaf"] and dict(parse(raw).data) == entry["data"]
    for path in ("alerts/AL-99", "alerts/x", "tasks/TSK-1", "tasks/" + "9" * 150, "controls/NO", "checks/no",
                 "connections/no", "acceptances/RA-9", "entries/99999999", "rules/no", "channels/no",
                 "people/no", "findings/x", "nothing", ""):  # fmt: skip
        problem(ask.get(path), 404)
    problem(ask.get("alerts/" + "9" * 5000), 422)
    problem(ask.get("alerts/A%00"), 422)


def test_head_and_methods_that_do_not_exist(world, caller):
    ask = caller("rob")
    answer = ask.client.head("/api/v1/alerts", headers={"authorization": f"Bearer {ask.secret}"})
    assert (answer.status_code, answer.content) == (200, b"") and int(answer["Content-Length"]) > 100
    answer = ask.client.delete("/api/v1/alerts", headers={"authorization": f"Bearer {ask.secret}"})
    assert answer["Allow"] == "GET"
    problem(answer, 405)


def test_what_an_auditor_reads_is_an_entry_that_names_the_token(world, caller):
    caller("aud", title="nightly copy").get("alerts?state=open")
    rows = LogEntry.objects.filter(kind="access.looked")
    data = [parse(bytes(row.entry)).data for row in rows]
    assert data[-1] == {
        "person": "aud", "role": "auditor", "path": "/api/v1/alerts", "method": "GET",
        "token": "nightly copy",
    }  # fmt: skip


def test_strangers_and_tokens_that_work_no_more(site, caller):
    nobody = site.nobody
    answer = nobody.get("/api/v1/alerts")
    assert answer["WWW-Authenticate"] == "Bearer"
    problem(answer, 401)
    ask = caller("rob")
    assert ask.get("me").status_code == 200
    for said in ("", "Bearer", "Bearer pw_", "Bearer " + "x" * 5000, "Basic cm9iOng=", "Bearer pw_ü"):
        problem(nobody.get("/api/v1/alerts", headers={"authorization": said}), 401)
    row = ApiToken.objects.get()
    ApiToken.objects.update(expires_at=site.now)
    problem(ask.get("me"), 401)
    ApiToken.objects.update(expires_at=site.now + timedelta(days=1))
    Person.objects.filter(pk="rob").update(active=False)
    assert "no longer active" in problem(ask.get("me"), 403)["detail"]
    Person.objects.filter(pk="rob").update(active=True, access_until=site.now)
    assert "ended at" in problem(ask.get("me"), 403)["detail"]
    Person.objects.update(access_until=None)
    assert ask.get("me").status_code == 200
    tokens.revoke(str(row.pk), actor="rob", now=site.now)
    problem(ask.get("me"), 401)


def test_a_bad_token_is_not_mended_by_a_session(site):
    client = site.as_("olga")
    assert client.get("/api/v1/me").status_code == 200
    problem(client.get("/api/v1/me", headers={"authorization": "Bearer pw_x"}), 401)


def test_a_session_needs_the_token_of_forms_to_change_anything(world, site):
    client = Client(enforce_csrf_checks=True, headers={"host": "localhost"})
    client.cookies = site.as_("rob").cookies
    given = {"data": '{"note": "on it"}', "content_type": "application/json"}
    path = "/api/v1/alerts/AL-1/acknowledge"
    assert "X-CSRFToken" in problem(client.post(path, **given), 403)["remedy"]
    client.get("/settings/me")
    secret = client.cookies["pw-csrf"].value
    assert client.post(path, **given, headers={"x-csrftoken": secret}).status_code == 200


def test_only_the_hash_is_kept_and_its_use_once_a_minute(site, caller):
    ask = caller("rob")
    assert not ApiToken.objects.filter(sha256=ask.secret).exists() and ask.secret.startswith("pw_")
    ask.get("me")
    first = ApiToken.objects.get().used_at
    assert abs(first - datetime.now(UTC)) < timedelta(seconds=20)
    ask.get("me")
    assert ApiToken.objects.get().used_at == first
    assert ask.secret not in " ".join(bytes(row.entry).decode() for row in LogEntry.objects.all())


def test_too_many_requests(site, caller, monkeypatch):
    monkeypatch.setattr(guard, "window", Window(3))
    ask, other = caller("rob"), caller("lea")
    left = [ask.get("me")["RateLimit-Remaining"] for _ in range(3)]
    assert left == ["2", "1", "0"]
    answer = ask.get("me")
    problem(answer, 429)
    assert 0 < int(answer["Retry-After"]) <= 60 and other.get("me").status_code == 200


def test_the_window_slides():
    window = Window(2, 10)
    assert [window.take("a", at).allowed for at in (0, 1, 2)] == [True, True, False]
    assert window.take("a", 10.5).allowed and not window.take("a", 10.6).allowed


def test_the_description_names_every_list_and_is_for_people_only(site, caller):
    made = caller("aud").get("openapi.json").said
    assert made["openapi"].startswith("3.1")
    for name in LISTINGS:
        assert f"/api/v1/{name}" in made["paths"], name
    problem(site.nobody.get("/api/v1/openapi.json"), 401)
    names = [item["operationId"] for path in made["paths"].values() for item in path.values()]
    assert len(names) == len(set(names))
    for path in made["paths"].values():
        for item in path.values():
            assert item["security"] == [{"Token": []}, {"Session": []}]


def test_a_fault_is_told_without_its_inside(site, caller, monkeypatch):
    def broken(_):
        raise RuntimeError("secret inside")

    monkeypatch.setattr(objects, "person_body", broken)
    answer = caller("rob").get("me")
    assert "secret" not in json.dumps(problem(answer, 500)) and root.PREFIX


def test_operations_that_nobody_named_are_for_owners():
    assert {item.need for item in root.api.auth} == {"own"}
    assert OWN.get("tokens") == "own"
