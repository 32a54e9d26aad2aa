"""What the API changes: once, under conditions, in a person's name, and with the token beside it."""

import json
from datetime import timedelta

import pytest

from proofwatch.evidence.entry import parse
from proofwatch.store.models import (
    AlertRule,
    CheckSetting,
    Connection,
    Delivery,
    Hint,
    LogEntry,
    Person,
    RiskAcceptance,
    Silence,
    Task,
)  # fmt: skip
from proofwatch.web import tokens
from proofwatch.web.models import ApiToken, Idempotency
from tests.web.api.test_reading import problem

CHECK = "aws.iam.user-mfa"


def acted():
    rows = LogEntry.objects.filter(kind="token.acted").order_by("index")
    return [parse(bytes(row.entry)).data for row in rows]


def later(site, **span):
    return (site.now + timedelta(**span)).isoformat()


def test_an_alert_goes_its_way(world, site, caller):
    ask = caller("rob", "act", title="pager bridge")
    made = ask.post("alerts/AL-1/acknowledge", {"note": "on it"})
    assert (made.status_code, made.said["state"], made.said["acknowledged_by"]) == (
        200,
        "acknowledged",
        "rob",
    )
    told = acted()[-1]
    assert (told["token"], told["person"], told["request"]) == (
        "pager bridge", "rob", "POST /api/v1/alerts/AL-1/acknowledge",
    )  # fmt: skip
    entry = parse(bytes(LogEntry.objects.get(pk=told["last"]).entry))
    assert (entry.kind, entry.actor) == ("alert.acknowledged", "rob") and entry.data["channel"] == "api"
    made = ask.post("alerts/AL-1/review", {"decision": "repair", "note": "rotate it"})
    assert made.said["state"] == "in remediation"
    assert ask.get("tasks/TSK-1").said["owner"] in ("", "ana", "rob")
    for step, body, state in (
        ("assign", {"owner": "rob"}, "open"),
        ("begin", {}, "in progress"),
        ("comment", {"text": "ordered"}, "in progress"),
        ("due", {"due": later(site, days=9), "reason": "slow"}, "in progress"),
        ("claim", {"note": "done"}, "fix claimed"),
    ):
        made = ask.post(f"tasks/TSK-1/{step}", body)
        assert made.status_code == 200 and made.said["state"] == state, (step, made.content)
    assert [item["kind"] for item in made.said["events"]][-1] == "claimed"
    assert Task.objects.get().owner == "rob"


def test_a_silence_and_its_end(world, site, caller):
    ask = caller("rob", "act")
    made = ask.post("alerts/AL-1/silence", {"reason": "known", "until": later(site, hours=4)}).said
    assert made["matcher"] == {"alert": "AL-1"} and Silence.objects.get().by == "rob"
    assert ask.post(f"silences/{made['silence']}/end", {"reason": "over"}).said["ended_by"] == "rob"
    problem(ask.post(f"silences/{made['silence']}/end", {"reason": "over"}), 400)
    problem(ask.post("alerts/AL-1/silence", {"reason": "known", "until": later(site, days=99)}), 400)


def test_a_false_positive_needs_two(world, site, caller):
    body = {"reason": "a test account", "until": later(site, days=30)}
    assert caller("rob", "act").post("alerts/AL-1/dismiss", body).said["state"] == "open"
    made = caller("lea", "act").post("alerts/AL-1/dismiss", body).said
    assert made["state"] == "closed: false positive"


def test_many_are_reviewed_or_none(world, site, caller):
    ask = caller("rob", "act")
    body = {"alerts": ["AL-1", "AL-77"], "decision": "repair", "note": "rotate"}
    problem(ask.post("reviews", body), 404)
    assert ask.get("reviews").said["matching"] == 0
    made = ask.post("reviews", {**body, "alerts": ["AL-1"]})
    assert made.said == {"reviewed": ["AL-1"], "tasks": ["TSK-1"]}


def test_a_risk_is_accepted_by_another_person(world, site, caller):
    ask, lea = caller("rob", "act"), caller("lea", "administer")
    body = {"scope": {"alert": "AL-1"}, "reason": "it goes in May", "until": later(site, days=60)}
    made = ask.post("acceptances", body)
    assert (made.status_code, made.said["state"]) == (201, "requested")
    problem(ask.post("acceptances/RA-1/approve", {"note": "yes"}), 403)
    assert lea.post("acceptances/RA-1/approve", {"note": "yes"}).said["state"] == "approved"
    assert RiskAcceptance.objects.get().decided_by == "lea"
    assert lea.post("acceptances/RA-1/end", {"reason": "gone"}).said["state"] == "ended"
    problem(ask.post("acceptances", {**body, "scope": {"colour": "red"}}), 422)
    problem(ask.post("acceptances", {**body, "scope": {}}), 400)


def test_checks_rules_channels_and_connections(world, site, caller):
    ask = caller("lea", "administer")
    assert ask.post(f"checks/{CHECK}/disable", {"reason": "by SSO"}).said["enabled"] is False
    assert CheckSetting.objects.get(pk=CHECK).by == "lea"
    assert ask.post(f"checks/{CHECK}/enable", {"reason": "not any more"}).said["enabled"] is True
    problem(ask.post(f"checks/{CHECK}/enable", {"reason": " "}), 400)
    with_params = next(item for item in site.app.catalog.checks.values() if item.params)
    name, value = next(iter(with_params.params.items()))
    made = ask.put(f"checks/{with_params.id}/params", {"params": {name: value}, "reason": "same"})
    assert made.said["params"][name] == value
    assert (
        "no parameter"
        in problem(ask.put(f"checks/{with_params.id}/params", {"params": {"zz": 1}, "reason": "x"}), 400)[
            "detail"
        ]
    )
    rule = AlertRule.objects.filter(removed_at=None).first().pk
    assert ask.post(f"rules/{rule}/disable", {"reason": "too loud"}).said["enabled"] is False
    assert ask.post(f"rules/{rule}/enable", {"reason": "mended"}).said["enabled"] is True
    made = ask.post("channels/ops/test")
    assert made.status_code == 202 and Delivery.objects.filter(pk=made.said["delivery"]).exists()
    assert ask.post("channels/ops/disable", {"reason": "moved"}).said["enabled"] is False
    assert ask.post("channels/ops/enable", {"reason": "back"}).said["enabled"] is True
    body = {"reason": "they migrate", "until": later(site, hours=2)}
    assert ask.post("connections/prod/pause", body).said["state"] == "paused"
    assert "rests" in problem(ask.post("connections/prod/sync", {}), 400)["detail"]
    assert ask.post("connections/prod/resume", {"reason": "done"}).said["state"] != "paused"
    made = ask.post("connections/prod/sync", {"tables": ["aws_ec2_volume"]})
    assert (made.status_code, made.said) == (202, {"connection": "prod", "tables": 1})
    assert Hint.objects.get(connection=Connection.objects.get(name="prod")).table == "aws_ec2_volume"
    problem(ask.post("connections/prod/sync", {"tables": ["aws_ec2_volum"]}), 400)


def test_people(site, caller):
    ask = caller("olga", "administer")
    body = {"role": "auditor", "email": "eva@example.com",
            "period_from": "2026-01-01", "period_to": "2026-12-31",
            "access_until": later(site, days=40)}  # fmt: skip
    made = ask.put("people/eva", body).said
    assert (made["role"], made["period_to"]) == ("auditor", "2026-12-31")
    assert ask.put("people/eva", {"full_name": "Eva E."}).said["period_to"] == "2026-12-31"
    assert ask.put("people/eva", {"access_until": None}).said["access_until"] is None
    problem(ask.put("people/eva", {"period_from": "2027-01-01"}), 400)
    problem(ask.put("people/EVA!", {}), 400)
    assert ask.post("people/eva/deactivate", {"reason": "audit over"}).said["active"] is False
    assert Person.objects.get(pk="eva").active is False
    assert ask.post("people/eva/activate", {"reason": "again"}).said["active"] is True
    problem(caller("lea", "administer").put("people/eva", {}), 403)


def test_the_same_request_is_done_once(world, caller):
    ask = caller("rob", "act")
    body = {"alert": "AL-1", "owner": "rob"}
    first = ask.post("tasks", body, idempotency_key="k-1")
    again = ask.post("tasks", body, idempotency_key="k-1")
    assert (first.status_code, again.status_code, again.said) == (201, 201, first.said)
    assert again["Idempotency-Replayed"] == "true" and again["ETag"] == first["ETag"]
    assert Task.objects.count() == 1 and len(acted()) == 1
    problem(ask.post("tasks", {**body, "owner": "lea"}, idempotency_key="k-1"), 409)
    problem(ask.post("tasks", body, idempotency_key="k-2"), 400)
    assert Idempotency.objects.count() == 1, "what was refused is not kept"
    problem(ask.post("tasks", body, idempotency_key="ü"), 400)
    other = caller("lea", "act").post("tasks", body, idempotency_key="k-1")
    problem(other, 400)


def test_a_key_is_forgotten_after_a_day(world, site, caller):
    ask = caller("rob", "act")
    ask.post("alerts/AL-1/acknowledge", {"note": "one"}, idempotency_key="k")
    Idempotency.objects.update(at=site.now - timedelta(days=2))
    problem(ask.post("alerts/AL-1/acknowledge", {"note": "one"}, idempotency_key="k"), 400)


def test_what_changed_since_it_was_read_is_not_overwritten(world, site, caller):
    ask, lea = caller("rob", "act"), caller("lea", "act")
    tag = ask.get("alerts/AL-1")["ETag"]
    site.as_("aud").get("/alerts/AL-1")
    assert ask.get("alerts/AL-1")["ETag"] == tag, "somebody only looked"
    lea.post("alerts/AL-1/acknowledge", {"note": "mine"})
    body = {"decision": "repair", "note": "rotate"}
    problem(ask.post("alerts/AL-1/review", body, if_match=tag), 412)
    fresh = ask.get("alerts/AL-1")["ETag"]
    made = ask.post("alerts/AL-1/review", body, if_match=f"W/{fresh}")
    assert made.status_code == 200 and made["ETag"] != fresh


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422), (b"{", 400), (b"nul", 400), (b"[]", 422), (b'"x"', 422), (b'{"note": NaN}', 400),
        (b"[" * 100_000, 400), (b'{"note": ' + b"[" * 60 + b"]" * 60 + b"}", 400),
        (b'{"note": "a\\u0000b"}', 422), (b'{"note": "\\ud800"}', 422),
        (b'{"note": 1' + b"0" * 5000 + b"}", 400),
        (b'{"note": "x", "other": 1}', 422), (b"\xff\xfe", 400), (b'{"note": "' + b"x" * 20_000 + b'"}', 422),
        (b'{"note": "' + b"x" * 3_000_000 + b'"}', 413),
    ],
)  # fmt: skip
def test_bodies_that_nobody_should_send(world, caller, body, status):
    ask = caller("rob", "act")
    answer = ask.client.post(
        "/api/v1/alerts/AL-1/acknowledge", body, content_type="application/json",
        headers={"authorization": f"Bearer {ask.secret}"},
    )  # fmt: skip
    assert "Traceback" not in json.dumps(problem(answer, status))


def test_other_types_of_bodies(world, caller):
    ask = caller("rob", "act")
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        answer = ask.client.post(
            "/api/v1/alerts/AL-1/acknowledge", b'{"note": "x"}', content_type=kind,
            headers={"authorization": f"Bearer {ask.secret}"},
        )  # fmt: skip
        problem(answer, 415)


def test_tokens_are_made_within_limits(site):
    rob = Person.objects.get(pk="rob")
    end = site.now + timedelta(days=30)
    for title, scope, until, actor in (
        ("", "read", end, "rob"), ("x\ny", "read", end, "rob"), ("x" * 101, "read", end, "rob"),
        ("x", "own", end, "rob"), ("x", "administer", end, "rob"), ("x", "read", site.now, "rob"),
        ("x", "read", site.now + timedelta(days=366), "rob"), ("x", "read", end, "olga"),
    ):  # fmt: skip
        with pytest.raises(tokens.AlertError):
            tokens.make(rob, title.strip(" "), scope, until, actor=actor, now=site.now)
    row, _ = tokens.make(rob, "x", "act", end, actor="rob", now=site.now)
    with pytest.raises(tokens.AlertError):
        tokens.make(rob, "x", "act", end, actor="rob", now=site.now)
    with pytest.raises(tokens.Missing):
        tokens.revoke(str(row.pk), actor="lea", now=site.now)
    with pytest.raises(tokens.Missing):
        tokens.revoke("x", actor="rob", now=site.now)
    tokens.revoke(str(row.pk), actor="olga", now=site.now)
    assert ApiToken.objects.get().revoked_by == "olga"
    kinds = list(LogEntry.objects.filter(kind__startswith="token.").values_list("kind", flat=True))
    assert kinds == ["token.made", "token.revoked"]


def test_a_token_is_worth_no_more_than_its_person(site, caller):
    ask = caller("olga", "administer")
    Person.objects.filter(pk="olga").update(role="responder")
    problem(ask.post(f"checks/{CHECK}/disable", {"reason": "x"}), 403)
