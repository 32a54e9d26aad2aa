"""Pub/Sub pushes with tokens signed here, by keys that a real server publishes."""

import base64
import datetime as dt
import json

import pytest

from proofwatch.hooks.base import HookError
from proofwatch.hooks.registry import open_source

from .senders import NOBODY, NOW, OTHER_RSA, https, jwks, mac, post, token, unpadded

AUDIENCE, EMAIL = "https://watch.example.com/hooks/gcp", "push@acme.iam.gserviceaccount.com"
SECONDS = int(NOW.timestamp())
CLAIMS = {
    "iss": "https://accounts.google.com",
    "aud": AUDIENCE,
    "email": EMAIL,
    "email_verified": True,
    "iat": SECONDS - 10,
    "exp": SECONDS + 3590,
}


def entry(service="storage.googleapis.com", method="storage.setIamPermissions", **more):
    return {
        "protoPayload": {
            "serviceName": service,
            "methodName": method,
            "resourceName": "projects/_/buckets/b",
        },
        "resource": {"labels": {"project_id": "acme-prod", "location": "europe-west1"}},
        "timestamp": "2026-11-23T11:59:58.123456789Z",
        **more,
    }


def push(said=None, bearer=None, **claims):
    data = base64.b64encode(json.dumps(entry() if said is None else said).encode()).decode()
    body = {
        "message": {"data": data, "messageId": "136969346945"},
        "subscription": "projects/p/subscriptions/s",
    }
    return post(body, {"Authorization": f"Bearer {bearer or token({**CLAIMS, **claims})}"})


@pytest.fixture
def world(tmp_path):
    pages = {"/certs": (200, jwks())}
    with https(tmp_path, pages) as (place, asked, client):
        settings = {"audience": AUDIENCE, "email": EMAIL, "keys_url": f"https://{place}/certs"}
        yield open_source("google", settings, client), asked, pages


def test_a_push_of_the_right_account_is_heard_and_keys_are_fetched_once(world):
    source, asked, _ = world
    first, again = (source.hear(push(), NOW) for _ in range(2))
    assert first == again and first.delivery == "136969346945" and asked == ["/certs"]
    (hint,) = first.hints
    assert (hint.tables, hint.account_id, hint.region) == (
        ("gcp_storage_bucket",),
        "acme-prod",
        "europe-west1",
    )
    assert hint.at.isoformat() == "2026-11-23T11:59:58.123456+00:00"


@pytest.mark.parametrize(
    ("claims", "problem"),
    [
        ({"aud": "https://evil.example/"}, "audience"),
        ({"aud": [AUDIENCE]}, "audience"),
        ({"email": "other@acme.iam.gserviceaccount.com"}, "account"),
        ({"email_verified": False}, "account"),
        ({"email_verified": "true"}, "account"),
        ({"iss": "https://evil.example"}, "not Google's"),
        ({"exp": SECONDS - 61}, "expired"),
        ({"exp": None}, "expired"),
        ({"exp": True}, "expired"),
        ({"iat": SECONDS + 61}, "not valid yet"),
        ({"nbf": SECONDS + 61}, "not valid yet"),
    ],
)
def test_a_token_with_a_wrong_claim_is_refused(world, claims, problem):
    with pytest.raises(HookError, match=problem) as refused:
        world[0].hear(push(**claims), NOW)
    assert refused.value.status == 401


def test_a_token_expires_while_time_passes(world):
    request = push()
    assert world[0].hear(request, NOW).hints
    with pytest.raises(HookError, match="expired"):
        world[0].hear(request, NOW + dt.timedelta(hours=2))


def test_a_token_of_another_key_or_changed_is_refused(world):
    with pytest.raises(HookError, match="signature"):
        world[0].hear(push(bearer=token(CLAIMS, OTHER_RSA)), NOW)
    head, _, signature = token({**CLAIMS, "email": "eve@evil.example"}).split(".")
    changed = f"{head}.{unpadded(json.dumps(CLAIMS).encode())}.{signature}"
    with pytest.raises(HookError, match="signature"):
        world[0].hear(push(bearer=changed), NOW)


def test_the_token_does_not_choose_how_it_is_checked(world):
    claims = unpadded(json.dumps(CLAIMS).encode())
    none = f"{unpadded(json.dumps({'alg': 'none', 'kid': 'k1'}).encode())}.{claims}.AA"
    head = f"{unpadded(json.dumps({'alg': 'HS256', 'kid': 'k1'}).encode())}.{claims}"
    public = f"{head}.{unpadded(bytes.fromhex(mac(head.encode(), jwks().decode())))}"
    for bearer in (none, public, token(CLAIMS, crit=["x"]), token(CLAIMS, kid=7), "a.b.c", "x" * 20000):
        with pytest.raises(HookError) as refused:
            world[0].hear(push(bearer=bearer), NOW)
        assert refused.value.status == 401


@pytest.mark.parametrize("header", [{"alg": "RS384"}, {"alg": "none"}, {"alg": ["RS256"]}, {"crit": ["b64"]}])
def test_a_token_that_claims_another_way_is_refused_though_its_signature_is_right(world, header):
    with pytest.raises(HookError, match="in a way that is not taken"):
        world[0].hear(push(bearer=token(CLAIMS, **header)), NOW)


def test_without_a_token_nothing_is_fetched(world):
    for headers in ({}, {"Authorization": "Basic eDp5"}, {"Authorization": "Bearer"}):
        with pytest.raises(HookError, match="no token"):
            world[0].hear(post({}, headers), NOW)
    assert world[1] == []


def test_a_new_key_is_found_within_a_minute_and_unknown_ones_fetch_little(world):
    source, asked, pages = world
    assert source.hear(push(), NOW).hints
    pages["/certs"] = (200, jwks(OTHER_RSA, "k2"))
    new = push(bearer=token({**CLAIMS}, OTHER_RSA, kid="k2"))
    with pytest.raises(HookError, match="does not publish"):
        source.hear(new, NOW)
    later = NOW + dt.timedelta(seconds=90)
    assert source.hear(new, later).hints
    for number in range(20):
        with pytest.raises(HookError, match="does not publish"):
            source.hear(push(bearer=token(CLAIMS, kid=f"u{number}")), later)
    assert len(asked) == 2


@pytest.mark.parametrize(
    "answer", [(500, b"no"), (200, b"no"), (200, b"{}"), (200, b'{"keys": [{"kty": "RSA"}]}')]
)
def test_keys_that_cannot_be_read_are_to_be_tried_again(world, answer):
    world[2]["/certs"] = answer
    with pytest.raises(HookError) as later:
        world[0].hear(push(), NOW)
    assert later.value.status == 503 and not later.value.permanent


@pytest.mark.parametrize(
    ("service", "method", "tables"),
    [
        ("storage.googleapis.com", "storage.objects.create", ()),
        ("storage.googleapis.com", "storage.buckets.get", ()),
        ("compute.googleapis.com", "v1.compute.firewalls.insert", ("gcp_compute_firewall",)),
        ("compute.googleapis.com", "beta.compute.instances.aggregatedList", ()),
        (
            "iam.googleapis.com",
            "google.iam.admin.v1.CreateServiceAccountKey",
            ("gcp_service_account_key",),
        ),
        (
            "cloudresourcemanager.googleapis.com",
            "SetIamPolicy",
            ("gcp_iam_binding", "gcp_audit_config"),
        ),
        ("cloudsql.googleapis.com", "cloudsql.instances.update", ("gcp_sql_instance",)),
        (
            "admin.googleapis.com",
            "google.admin.AdminService.createUser",
            (
                "google_workspace_user",
                "google_workspace_group",
                "google_workspace_group_member",
            ),
        ),
        ("orgpolicy.googleapis.com", "google.cloud.orgpolicy.v2.Frobnicate", ("gcp_org_policy",)),
        ("quantum.googleapis.com", "Frobnicate", ()),
    ],
)
def test_an_entry_touches_the_tables_of_its_method(world, service, method, tables):
    hints = world[0].hear(push(entry(service, method)), NOW).hints
    assert tuple(table for hint in hints for table in hint.tables) == tables


@pytest.mark.parametrize(
    "message", [None, {}, {"data": "?", "messageId": "1"}, {"data": "e30=", "messageId": ""}]
)
def test_what_is_no_message_is_refused(world, message):
    with pytest.raises(HookError, match="no message of Pub/Sub"):
        world[0].hear(post({"message": message}, {"Authorization": f"Bearer {token(CLAIMS)}"}), NOW)


def test_a_message_without_an_audit_entry_is_refused(world):
    with pytest.raises(HookError, match="audit-log entry"):
        world[0].hear(push({"textPayload": "hello"}), NOW)


@pytest.mark.parametrize(
    "wrong", [{"audience": ""}, {"email": "nobody"}, {"keys_url": "http://keys.example/"}, {"surplus": 1}]
)
def test_settings_are_checked(wrong):
    with pytest.raises(HookError, match=next(iter(wrong))):
        open_source("google", {"audience": AUDIENCE, "email": EMAIL, **wrong}, NOBODY)
