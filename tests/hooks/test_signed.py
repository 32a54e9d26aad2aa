"""What is signed with a shared key: GitHub, and the generic one of Standard Webhooks."""

import base64
import datetime as dt
import hashlib
import hmac
import json

import pytest

from proofwatch.hooks.base import HookError, Request
from proofwatch.hooks.registry import open_source

from .senders import NOBODY, NOW, SECRET, mac, post

SAID = {"tables": ["aws_s3_bucket", "aws_s3_bucket"], "account_id": "111122223333", "region": "global"}
SECONDS = int(NOW.timestamp())


def signed(said=SAID, secret=SECRET, name="msg_1", at=SECONDS, headers=(), **more):
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    code = base64.b64encode(
        hmac.new(secret.encode(), f"{name}.{at}.".encode() + body, hashlib.sha256).digest()
    )
    sent = {"Webhook-Id": name, "Webhook-Timestamp": str(at), "Webhook-Signature": f"v1,{code.decode()}"}
    return post(body, {**sent, **dict(headers)}, **more)


def changed(request, **headers):
    return Request({**request.headers, **headers}, request.body, request.method, request.query)


@pytest.fixture
def generic():
    return open_source("generic", {"secret": "env:HOOK_SECRET"}, NOBODY)


@pytest.fixture
def github():
    return open_source("github", {"secret": "env:HOOK_SECRET"}, NOBODY)


def test_a_signed_body_names_tables_and_says_the_same_twice(generic):
    first, again = (generic.hear(signed(), NOW) for _ in range(2))
    assert first == again and first.delivery == "msg_1"
    (hint,) = first.hints
    assert (hint.tables, hint.account_id, hint.region) == (("aws_s3_bucket",), "111122223333", "global")


def test_the_vector_of_standard_webhooks(monkeypatch):
    """The example that the specification's own libraries are tested with."""
    monkeypatch.setenv("VECTOR", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    source = open_source("generic", {"secret": "env:VECTOR"}, NOBODY)
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    then = dt.datetime.fromtimestamp(1614265330, dt.UTC)
    with pytest.raises(HookError, match="tables"):
        source.hear(post(b'{"test": 2432232314}', headers), then)
    with pytest.raises(HookError, match="signature is wrong"):
        source.hear(post(b'{"test": 2432232315}', headers), then)


@pytest.mark.parametrize(("age", "fine"), [(299, True), (301, False), (-299, True), (-301, False)])
def test_five_minutes_are_the_window(generic, age, fine):
    request = signed(at=SECONDS - age)
    if fine:
        assert generic.hear(request, NOW).hints
        return
    with pytest.raises(HookError):
        generic.hear(request, NOW)


def test_id_time_and_body_are_all_signed(generic):
    request = signed()
    for other in (
        changed(request, **{"webhook-id": "msg_2"}),
        changed(request, **{"webhook-timestamp": str(SECONDS + 1)}),
        Request(request.headers, request.body + b" "),
    ):
        with pytest.raises(HookError, match="signature is wrong") as refused:
            generic.hear(other, NOW)
        assert refused.value.status == 401


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_without_a_part_of_the_signature_it_is_refused(generic, name):
    for value in ("", "é", "v1,", "v1," + "=" * 50, "-1"):
        with pytest.raises(HookError) as refused:
            generic.hear(changed(signed(), **{name: value}), NOW)
        assert refused.value.status == 401


def test_one_of_several_signatures_is_enough_and_another_version_is_not(generic):
    right = signed().headers["webhook-signature"]
    assert generic.hear(changed(signed(), **{"webhook-signature": f"v1,AAAA v1a,BBBB {right}"}), NOW).hints
    with pytest.raises(HookError, match="signature is wrong"):
        generic.hear(changed(signed(), **{"webhook-signature": right.replace("v1,", "v2,")}), NOW)


def test_the_key_before_is_taken_while_it_is_named(generic):
    before = signed(secret="the secret of last month")
    with pytest.raises(HookError, match="signature is wrong"):
        generic.hear(before, NOW)
    both = open_source("generic", {"secret": "env:HOOK_SECRET", "previous": "env:HOOK_BEFORE"}, NOBODY)
    assert both.hear(before, NOW) == both.hear(signed(), NOW)


@pytest.mark.parametrize("reference", ["env:HOOK_NOT_SET", "env:HOOK_SHORT", "file:/nowhere"])
def test_a_secret_of_ours_that_is_not_there_lets_the_sender_try_again(reference):
    source = open_source("generic", {"secret": reference}, NOBODY)
    with pytest.raises(HookError) as later:
        source.hear(signed(), NOW)
    assert later.value.status == 503 and not later.value.permanent and "hunter2" not in str(later.value)


@pytest.mark.parametrize(
    "said",
    [
        [],
        {},
        {"tables": []},
        {"tables": "aws_s3_bucket"},
        {"tables": ["aws_s3_bucket; DROP TABLE x"]},
        {"tables": [1]},
        {"tables": [["aws_s3_bucket"]]},
        {"tables": ["aws_x"] * 201},
        b"\xff\xfe",
        b"",
        b"[" * 100_000,
        b'{"tables": ' + b'{"a":' * 5000 + b"1" + b"}" * 5001,
        b'{"tables": ["aws_s3_bucket"], "x": NaN}',
        b'{"tables": ["aws_s3_bucket"], "x": ' + b"9" * 5000 + b"}",
    ],
)
def test_a_body_that_is_not_understood_is_refused_though_it_is_signed(generic, said):
    with pytest.raises(HookError) as refused:
        generic.hear(signed(said), NOW)
    assert refused.value.status == 400


def test_texts_are_kept_short_and_storable(generic):
    said = {
        **SAID,
        "resource": "x" * 5000,
        "name": "a\0b\ud800",
        "account_id": 7,
        "at": "0001-01-01T00:00+23:59",
    }
    (hint,) = generic.hear(signed(json.dumps(said).encode()), NOW).hints
    assert len(hint.resource) == 500 and hint.name == "ab?" and hint.account_id == "" and hint.at is None


@pytest.mark.parametrize("kind", ["generic", "github"])
def test_a_large_body_is_refused_before_it_is_read(kind):
    source = open_source(kind, {"secret": "env:HOOK_NOT_SET"}, NOBODY)
    with pytest.raises(HookError) as refused:
        source.hear(signed(b" " * (1024 * 1024 + 1)), NOW)
    assert refused.value.status == 413


def test_other_methods_are_refused(generic, github):
    for source in (generic, github):
        with pytest.raises(HookError) as refused:
            source.hear(signed(method="PUT"), NOW)
        assert refused.value.status == 405


def event(
    name="branch_protection_rule", said=None, delivery="72d3162e-cc78-11e3-81ab-4c9367dc0958", **headers
):
    body = json.dumps(
        {"action": "deleted", "repository": {"full_name": "acme/app", "owner": {"login": "acme"}}}
        if said is None
        else said
    ).encode()
    sent = {
        "Content-Type": "application/json",
        "X-GitHub-Event": name,
        "X-GitHub-Delivery": delivery,
        "X-Hub-Signature-256": f"sha256={mac(body)}",
    }
    return post(body, {**sent, **headers})


def test_an_event_of_github_names_tables(github):
    first, again = (github.hear(event(), NOW) for _ in range(2))
    assert first == again and first.delivery == "72d3162e-cc78-11e3-81ab-4c9367dc0958"
    (hint,) = first.hints
    assert (hint.tables, hint.account_id, hint.resource, hint.name) == (
        ("github_branch_protection",),
        "acme",
        "acme/app",
        "branch_protection_rule.deleted",
    )


@pytest.mark.parametrize("name", ["ping", "push", "issues", "something_new"])
def test_an_event_that_changes_nothing_that_is_read_is_no_hint(github, name):
    assert github.hear(event(name), NOW).hints == ()


def test_the_vector_of_github(monkeypatch):
    """From docs.github.com, "Validating webhook deliveries": testing the webhook payload validation."""
    monkeypatch.setenv("VECTOR", "It's a Secret to Everybody")
    source = open_source("github", {"secret": "env:VECTOR"}, NOBODY)
    code = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    headers = {"X-Hub-Signature-256": code, "X-GitHub-Event": "ping", "X-GitHub-Delivery": "12345678"}
    with pytest.raises(HookError, match="content type"):
        source.hear(post(b"Hello, World!", headers), NOW)
    with pytest.raises(HookError, match="signature is wrong"):
        source.hear(post(b"Hello, World?", headers), NOW)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-Hub-Signature-256": ""}, 401),
        ({"X-Hub-Signature-256": "sha256=" + "0" * 64}, 401),
        ({"X-Hub-Signature-256": "sha1=" + "0" * 40}, 401),
        ({"X-GitHub-Delivery": ""}, 400),
        ({"X-GitHub-Delivery": "a b"}, 400),
        ({"X-GitHub-Event": "../x"}, 400),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
    ],
)
def test_an_event_of_github_that_is_not_right_is_refused(github, headers, status):
    with pytest.raises(HookError) as refused:
        github.hear(event(**headers), NOW)
    assert refused.value.status == status


def test_a_changed_body_and_doubled_headers_are_refused(github):
    right = event()
    with pytest.raises(HookError, match="signature is wrong"):
        github.hear(Request(right.headers, right.body.replace(b"acme", b"evil")), NOW)
    for name in ("x-hub-signature-256", "x-github-delivery", "x-github-event"):
        doubled = Request.of([*right.headers.items(), (name, right.headers[name])], right.body)
        with pytest.raises(HookError):
            github.hear(doubled, NOW)
