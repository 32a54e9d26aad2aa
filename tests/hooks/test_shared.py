"""What carries a shared secret: EventBridge, Okta and Azure Event Grid, and their handshakes."""

import datetime as dt
import json

import pytest

from proofwatch.hooks.base import HookError, Request
from proofwatch.hooks.registry import SOURCES, open_source, source_class

from .senders import NOBODY, NOW, SECRET, post, stamp

KEY = {"X-Proofwatch-Key": SECRET}
BUS = {
    "id": "cdc73f9d-aea9-11e3-9d5a-835b769c0d9c",
    "detail-type": "AWS API Call via CloudTrail",
    "source": "aws.iam",
    "account": "111122223333",
    "time": stamp(),
    "region": "us-east-1",
    "detail": {"eventSource": "iam.amazonaws.com", "eventName": "AttachRolePolicy", "awsRegion": "us-east-1"},
}
OKTA = {
    "eventType": "com.okta.event_hook",
    "eventId": "b5a188b9-5ece-4636-b041-482ffda96311",
    "eventTime": stamp(),
    "source": "https://acme.okta.com/api/v1/eventHooks/whoql0HfiLGPWc8Jx0g3",
    "data": {
        "events": [
            {
                "uuid": "1",
                "published": stamp(),
                "eventType": "user.lifecycle.deactivate",
                "target": [{"id": "00u1", "type": "User"}],
            },
            {"uuid": "2", "published": stamp(), "eventType": "user.session.start", "target": []},
        ]
    },
}
GRID = {
    "id": "4db48cba-50a2-455a-93b4-de41a3b5b7f6",
    "topic": "/subscriptions/3f2504e0-4f89-11d3-9a0c-0305e82c3301",
    "subject": "/subscriptions/3f2504e0-4f89-11d3-9a0c-0305e82c3301/resourceGroups/rg/providers/x",
    "eventType": "Microsoft.Resources.ResourceWriteSuccess",
    "eventTime": stamp(),
    "data": {"operationName": "Microsoft.Storage/storageAccounts/write"},
}
CLOUD_EVENT = {
    "specversion": "1.0",
    "id": "ce-1",
    "source": "/subscriptions/3f2504e0-4f89-11d3-9a0c-0305e82c3301",
    "type": "Microsoft.Resources.ResourceDeleteSuccess",
    "time": stamp(),
    "data": {"operationName": "MICROSOFT.NETWORK/networkSecurityGroups/securityRules/delete"},
}
CASES = {
    "eventbridge": (BUS, KEY),
    "okta": (OKTA, {"Authorization": SECRET}),
    "azure": ([GRID], KEY),
}


def source(kind, **more):
    return open_source(kind, {"secret": "env:HOOK_SECRET", **more}, NOBODY)


@pytest.mark.parametrize("kind", CASES)
def test_the_same_delivery_says_the_same(kind):
    said, headers = CASES[kind]
    first, again = (source(kind).hear(post(said, headers), NOW) for _ in range(2))
    assert first == again and first.delivery and first.hints


@pytest.mark.parametrize("kind", CASES)
@pytest.mark.parametrize(
    "given", [None, "", "wrong", SECRET + "x", SECRET[:-1], f"{SECRET}, {SECRET}", "é" * 28]
)
def test_without_the_secret_nothing_is_heard(kind, given):
    said, headers = CASES[kind]
    sent = {} if given is None else dict.fromkeys(headers, given)
    with pytest.raises(HookError, match="shared secret") as refused:
        source(kind).hear(post(said, sent), NOW)
    assert refused.value.status == 401 and SECRET not in str(refused.value)


@pytest.mark.parametrize("kind", CASES)
def test_a_doubled_header_and_a_large_body_are_refused(kind):
    said, headers = CASES[kind]
    body = json.dumps(said).encode()
    with pytest.raises(HookError, match="shared secret"):
        source(kind).hear(Request.of([*headers.items(), *headers.items()], body), NOW)
    with pytest.raises(HookError) as refused:
        source(kind).hear(post(body + b" " * 1024 * 1024, headers), NOW)
    assert refused.value.status == 413


@pytest.mark.parametrize("kind", CASES)
@pytest.mark.parametrize("body", [b"", b"\xff", b"null", b"7", b'"x"', b"{}", b"[]", b"[1]", b"[" * 9999])
def test_what_is_not_understood_is_refused(kind, body):
    with pytest.raises(HookError):
        source(kind).hear(post(body, CASES[kind][1]), NOW)


@pytest.mark.parametrize("kind", CASES)
def test_the_secret_before_is_taken_while_it_is_named(kind):
    said, headers = CASES[kind]
    before = post(said, dict.fromkeys(headers, "the secret of last month"))
    assert source(kind, previous="env:HOOK_BEFORE").hear(before, NOW).hints


@pytest.mark.parametrize("kind", CASES)
@pytest.mark.parametrize(("age", "fine"), [(23, True), (26, False), (-1, False)])
def test_what_is_older_than_the_senders_tries_is_refused(kind, age, fine):
    said, headers = CASES[kind]
    text = json.dumps(said).replace(stamp(), stamp(NOW - dt.timedelta(hours=age)))
    if fine:
        assert source(kind).hear(post(text.encode(), headers), NOW).hints
        return
    with pytest.raises(HookError, match=r"ago|from now"):
        source(kind).hear(post(text.encode(), headers), NOW)


def test_eventbridge_hears_a_call_and_another_header_if_it_is_told():
    heard = source("eventbridge", header="X-Other").hear(post(BUS, {"X-Other": SECRET}), NOW)
    assert heard.delivery == BUS["id"] and heard.hints[0].account_id == "111122223333"
    assert "aws_iam_role" in heard.hints[0].tables and heard.hints[0].region == "global"


def test_eventbridge_names_a_detail_without_an_id_by_its_bytes():
    detail = {**BUS["detail"], "eventTime": stamp()}
    one, two = (source("eventbridge").hear(post({**detail, "n": n}, KEY), NOW) for n in (1, 2))
    assert one.delivery != two.delivery and len(one.delivery) == 64


def test_okta_hears_what_changes_and_leaves_out_sign_ins():
    (hint,) = source("okta").hear(post(OKTA, {"Authorization": SECRET}), NOW).hints
    assert (hint.tables, hint.account_id, hint.resource) == (("okta_user",), "acme.okta.com", "00u1")


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("group.user_membership.add", "okta_group"),
        ("user.account.privilege.grant", "okta_admin_assignment"),
        ("policy.rule.update", "okta_policy"),
        ("application.lifecycle.create", "okta_app"),
        ("user.mfa.factor.deactivate", "okta_user_factor"),
        ("zone.update", "okta_network_zone"),
        ("system.api_token.create", "okta_api_token"),
        ("something.new", "okta_policy"),
    ],
)
def test_okta_maps_its_events(name, table):
    said = {**OKTA, "data": {"events": [{"eventType": name}]}}
    (hint,) = source("okta").hear(post(said, {"Authorization": SECRET}), NOW).hints
    assert table in hint.tables


def test_okta_asks_once_whether_we_listen():
    asked = Request.of([("X-Okta-Verification-Challenge", "abc-123")], b"", "GET")
    reply = source("okta").hear(asked, NOW).reply
    assert (reply.status, json.loads(reply.body)) == (200, {"verification": "abc-123"})
    for challenge in ("", "a b", "x" * 513, "é"):
        with pytest.raises(HookError):
            source("okta").hear(Request({"x-okta-verification-challenge": challenge}, b"", "GET"), NOW)


@pytest.mark.parametrize(
    ("said", "table"),
    [
        ([GRID], "azure_storage_account"),
        (CLOUD_EVENT, "azure_network_security_group"),
        ([{**CLOUD_EVENT, "type": "Microsoft.KeyVault.SecretNewVersionCreated"}], "azure_key_vault"),
        ({**CLOUD_EVENT, "type": "Microsoft.Graph.UserUpdated"}, "entra_user"),
    ],
)
def test_azure_hears_both_forms(said, table):
    (hint,) = source("azure").hear(post(said, query=f"key={SECRET.replace(' ', '%20')}"), NOW).hints
    assert table in hint.tables and hint.account_id == "3f2504e0-4f89-11d3-9a0c-0305e82c3301"


@pytest.mark.parametrize(
    "change",
    [
        {"eventType": "Microsoft.Resources.ResourceWriteFailure"},
        {"eventType": "Microsoft.Storage.BlobCreated"},
        {"eventType": "Contoso.Thing.Made"},
        {"data": {"operationName": "Microsoft.Quantum/things/write"}},
        {"data": []},
    ],
)
def test_azure_leaves_out_what_changes_nothing_that_is_read(change):
    assert source("azure").hear(post([{**GRID, **change}], KEY), NOW).hints == ()


def test_azure_names_a_batch_by_all_its_ids():
    two = [GRID, {**GRID, "id": "other"}]
    heard = [source("azure").hear(post(said, KEY), NOW).delivery for said in (two, two[::-1], [GRID])]
    assert heard[0] == heard[1] != heard[2] == GRID["id"]
    with pytest.raises(HookError, match="no id"):
        source("azure").hear(post([GRID, {**GRID, "id": None}], KEY), NOW)


def test_azure_is_answered_its_code_only_with_the_key():
    asked = {
        **GRID,
        "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
        "data": {"validationCode": "512d38b6-c7b8-40c8-89fe-f46f9e9622b6", "validationUrl": "https://x"},
    }
    headers = {**KEY, "aeg-event-type": "SubscriptionValidation"}
    reply = source("azure").hear(post([asked], headers), NOW).reply
    assert json.loads(reply.body) == {"validationResponse": "512d38b6-c7b8-40c8-89fe-f46f9e9622b6"}
    with pytest.raises(HookError, match="shared secret"):
        source("azure").hear(post([asked], {"aeg-event-type": "SubscriptionValidation"}), NOW)
    with pytest.raises(HookError, match="no code"):
        source("azure").hear(post([{**asked, "data": {}}], headers), NOW)


def test_azure_may_send_cloud_events_if_it_has_the_key_and_is_azure():
    def ask(origin, headers=KEY):
        return source("azure").hear(
            post(b"", {**headers, "WebHook-Request-Origin": origin}, method="OPTIONS"), NOW
        )

    reply = ask("eventgrid.azure.net").reply
    assert reply.status == 200 and reply.headers["WebHook-Allowed-Origin"] == "eventgrid.azure.net"
    for origin, headers in (("evil.example", KEY), ("", KEY), ("eventgrid.azure.net", {})):
        with pytest.raises(HookError):
            ask(origin, headers)


def test_a_repeated_or_endless_query_is_refused():
    for query in ("key=a&key=b", "&".join(f"k{n}=1" for n in range(60))):
        with pytest.raises(HookError, match="query"):
            post(b"", query=query)


@pytest.mark.parametrize("kind", SOURCES)
def test_every_kind_has_its_name_title_and_documented_settings(kind):
    found = source_class(kind)
    assert found.kind == kind and found.title
    assert all(field.description for field in found.Settings.model_fields.values())


def test_a_wrong_setting_is_named_and_not_repeated():
    with pytest.raises(HookError) as refused:
        open_source("okta", {"secret": "hunter2-hunter2-hunter2", "colour": "red"}, NOBODY)
    assert "secret:" in str(refused.value) and "colour:" in str(refused.value)
    assert "hunter2" not in str(refused.value) and "red" not in refused.value.problem
    with pytest.raises(HookError, match="azure, eventbridge"):
        open_source("carrier-pigeon", {}, NOBODY)
