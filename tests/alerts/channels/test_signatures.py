"""Signatures: those we make (Standard Webhooks) and those we check (Slack), by their documented examples."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from proofwatch.alerts.channels import slack_actions, webhook
from proofwatch.alerts.channels.base import ChannelError

from .receiver import http
from .samples import OPENED, SIGNING, channel

SLACKS_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
SLACKS_BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
    b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
    b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554"
    b"%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
SLACKS_HEADERS = {
    "X-Slack-Request-Timestamp": "1531420618",
    "X-Slack-Signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
}
THEN = datetime.fromtimestamp(1531420618, UTC)
PRESSED: dict[str, Any] = {
    "type": "block_actions",
    "user": {"id": "U0123ABCD", "username": "ana", "name": "Ana"},
    "response_url": "https://hooks.slack.com/actions/T1/2/3",
    "actions": [{"action_id": "acknowledge", "value": "AL-12", "type": "button"}],
    "state": {"values": {"b": {"note": {"type": "plain_text_input", "value": "on it"}}}},
}


def test_the_example_of_standard_webhooks_is_signed_alike() -> None:
    signed = webhook.sign(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "1614265330",
        b'{"test": 2432232314}',
    )
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_what_is_sent_verifies_and_keeps_its_id_at_every_attempt(monkeypatch: Any) -> None:
    old = "whsec_" + base64.b64encode(b"the secret before this").decode()
    with http() as receiver:
        monkeypatch.setenv("PW_OLD", old)
        made = channel("webhook", receiver.port, receiver.client, monkeypatch, previous="env:PW_OLD")
        receiver.faults = ["500"]
        with pytest.raises(Exception, match="500"):
            made.send(OPENED, None)
        monkeypatch.setattr(webhook.Webhook, "clock", staticmethod(lambda: 1_800_000_000.0))
        receipt = made.send(OPENED, None)
    (_, first, _), (_, second, content) = receiver.seen
    assert first["webhook-id"] == second["webhook-id"] == receipt.id == f"msg_{OPENED.key}"
    assert second["webhook-timestamp"] == "1800000000" != first["webhook-timestamp"]
    signed = f"{receipt.id}.1800000000.".encode() + content
    for key, given in zip((SIGNING, old), second["webhook-signature"].split(" "), strict=True):
        raw = base64.b64decode(key.removeprefix("whsec_"))
        assert given == "v1," + base64.b64encode(hmac.new(raw, signed, hashlib.sha256).digest()).decode()
    said = json.loads(content)
    assert (said["type"], said["version"], said["data"]["key"]) == ("alert.opened", 1, OPENED.key)


@pytest.mark.parametrize("key", ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_###", "whsec_", "whsec_c2hvcnQ="])
def test_a_signing_secret_of_another_form_is_refused_unrepeated(key: str) -> None:
    with pytest.raises(ChannelError, match="whsec_ and base64") as refused:
        webhook.sign(key, "m", "1", b"")
    assert len(key) < 8 or key not in str(refused.value)


def test_a_key_that_is_no_header_is_hashed() -> None:
    assert webhook.identifier("a b\r\nX: 1").startswith("msg_") and len(webhook.identifier("x" * 999)) == 68


def test_slacks_example_verifies_and_nothing_near_it_does() -> None:
    slack_actions.verify(SLACKS_HEADERS, SLACKS_BODY, SLACKS_SECRET, THEN)
    slack_actions.verify(SLACKS_HEADERS, SLACKS_BODY, SLACKS_SECRET, THEN + timedelta(seconds=300))
    lower = {key.lower(): value for key, value in SLACKS_HEADERS.items()}
    slack_actions.verify(lower, SLACKS_BODY, SLACKS_SECRET, THEN)
    signature = SLACKS_HEADERS["X-Slack-Signature"]
    wrong: list[tuple[dict[str, str], bytes, str, datetime]] = [
        (SLACKS_HEADERS, SLACKS_BODY + b"x", SLACKS_SECRET, THEN),
        (SLACKS_HEADERS, SLACKS_BODY, "another", THEN),
        (SLACKS_HEADERS, SLACKS_BODY, "", THEN),
        (SLACKS_HEADERS, SLACKS_BODY, SLACKS_SECRET, THEN + timedelta(seconds=301)),
        (SLACKS_HEADERS, SLACKS_BODY, SLACKS_SECRET, THEN - timedelta(seconds=301)),
        ({}, SLACKS_BODY, SLACKS_SECRET, THEN),
        (SLACKS_HEADERS | {"X-Slack-Signature": signature[:-1]}, SLACKS_BODY, SLACKS_SECRET, THEN),
        (SLACKS_HEADERS | {"X-Slack-Signature": signature[3:]}, SLACKS_BODY, SLACKS_SECRET, THEN),
        (SLACKS_HEADERS | {"X-Slack-Signature": "v0=\xfc"}, SLACKS_BODY, SLACKS_SECRET, THEN),
        (SLACKS_HEADERS | {"X-Slack-Request-Timestamp": "nan"}, SLACKS_BODY, SLACKS_SECRET, THEN),
        (SLACKS_HEADERS | {"X-Slack-Request-Timestamp": "١٥٣"}, SLACKS_BODY, SLACKS_SECRET, THEN),
    ]
    for headers, body, secret, now in wrong:
        with pytest.raises(ChannelError):
            slack_actions.verify(headers, body, secret, now)


def pressed(**more: Any) -> bytes:
    return urlencode({"payload": json.dumps(PRESSED | more)}).encode()


def test_a_pressed_button_is_read() -> None:
    assert slack_actions.parse(pressed()) == slack_actions.Action(
        alert="AL-12",
        action="acknowledge",
        user_id="U0123ABCD",
        user_name="ana",
        response_url="https://hooks.slack.com/actions/T1/2/3",
        text="on it",
    )
    opened = slack_actions.parse(pressed(actions=[{"action_id": "open"}], state=None))
    assert (opened.action, opened.alert, opened.text) == ("open", "", "")


@pytest.mark.parametrize(
    "url",
    ["http://hooks.slack.com/x", "https://hooks.slack.com.evil.example/x", "https://evil@hooks.slack.com/",
     "https://hooks.slack.com:8443/", "https://169.254.169.254/", 7, None],
)  # fmt: skip
def test_an_address_to_answer_to_is_only_one_of_slacks(url: Any) -> None:
    assert slack_actions.parse(pressed(response_url=url)).response_url == ""


@pytest.mark.parametrize(
    "body",
    [
        b"", b"payload=", b"payload={}", b"payload=[]", b"payload=null", b"\xff\xfe", b"payload=%7B" * 30,
        b"payload=" + b"[" * 100_000, b"x" * 300_000,
        pressed(type="view_submission"), pressed(actions=[]), pressed(actions=None), pressed(user=None),
        pressed(actions=[{"action_id": "delete", "value": "AL-12"}]),
        pressed(actions=[{"action_id": "review", "value": "AL-12; DROP"}]),
        pressed(actions=[{"action_id": "review"}]), pressed(actions=[{"action_id": "review", "value": 12}]),
        pressed(actions=[{"action_id": ["review"], "value": "AL-1"}]), pressed(user={"id": "ana"}),
        pressed(state={"values": []}) + b"&x",
    ],
)  # fmt: skip
def test_anything_else_is_an_error_and_no_crash(body: bytes) -> None:
    with pytest.raises(ChannelError):
        slack_actions.parse(body)
