"""Slack's threads, buttons and errors, and PagerDuty's incidents, against a local receiver."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from proofwatch.alerts.channels import pagerduty, slack_blocks
from proofwatch.alerts.channels.base import Button, Happened, NotAccepted
from proofwatch.alerts.channels.slack import Settings

from .receiver import ACCEPTED, Receiver, http
from .samples import DIGEST, OPENED, RESTORED, TOKEN, channel


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with http() as made:
        yield made


def test_a_thread_is_begun_continued_and_its_first_message_kept_up_to_date(
    receiver: Receiver, monkeypatch: Any
) -> None:
    made = channel("slack", receiver.port, receiver.client, monkeypatch)
    first = made.send(OPENED, None)
    assert first.id == "C0123ABCD:1700000000.000100"
    receiver.faults = [(200, {}, ACCEPTED | {"ts": "1700000009.000900"})]
    second = made.send(RESTORED, first.thread)
    assert [path for path, _, _ in receiver.seen] == [
        "/api/chat.postMessage", "/api/chat.postMessage", "/api/chat.update",
    ]  # fmt: skip
    opened, reply, update = receiver.bodies()
    assert "thread_ts" not in opened and reply["thread_ts"] == update["ts"] == "1700000000.000100"
    assert update["text"].startswith("Verified restored AL-12")
    assert second.thread == first.thread and second.id.endswith("1700000009.000900")
    assert all(headers["authorization"] == f"Bearer {TOKEN}" for _, headers, _ in receiver.seen)


def test_a_reminder_is_seen_in_the_channel_and_changes_no_state(receiver: Receiver, monkeypatch: Any) -> None:
    made = channel("slack", receiver.port, receiver.client, monkeypatch)
    thread = made.send(OPENED, None).thread
    made.send(replace(OPENED, happened=Happened.REPEATED), thread)
    made.send(replace(OPENED, happened=Happened.ACKNOWLEDGED), thread)
    bodies = receiver.bodies()
    assert [body.get("reply_broadcast") for body in bodies] == [None, True, False, None]
    assert len(bodies) == 4  # Only the acknowledgement updates the first message.


def test_the_same_message_has_the_same_id_and_others_have_others(
    receiver: Receiver, monkeypatch: Any
) -> None:
    made = channel("slack", receiver.port, receiver.client, monkeypatch)
    for message in (OPENED, OPENED, RESTORED):
        made.send(message, None)
    ids = [body["client_msg_id"] for body in receiver.bodies()]
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize("failing", [(200, {}, {"ok": False, "error": "cant_update_message"}), "500", "slow"])
def test_a_first_message_that_cannot_be_updated_does_not_repeat_the_reply(
    failing: Any, receiver: Receiver, monkeypatch: Any
) -> None:
    made = channel("slack", receiver.port, receiver.client, monkeypatch)
    thread = made.send(OPENED, None).thread
    receiver.faults = ["ok", failing]
    receipt = made.send(RESTORED, thread)
    assert "the first message keeps its old state" in receipt.answer and TOKEN not in receipt.answer


@pytest.mark.parametrize(
    ("error", "permanent"),
    [
        ("channel_not_found", True), ("invalid_auth", True), ("not_in_channel", True), ("is_archived", True),
        ("missing_scope", True), ("token_revoked", True), ("invalid_blocks", True), ("made_up", True),
        ("ratelimited", False), ("internal_error", False), ("service_unavailable", False),
    ],
)  # fmt: skip
def test_slacks_errors_come_with_status_200(
    error: str, permanent: bool, receiver: Receiver, monkeypatch: Any
) -> None:
    receiver.faults = [(200, {"Retry-After": "30"}, {"ok": False, "error": error})]
    with pytest.raises(NotAccepted) as refused:
        channel("slack", receiver.port, receiver.client, monkeypatch).send(OPENED, None)
    assert refused.value.permanent is permanent and refused.value.answer == f"200 error={error}"
    assert refused.value.retry_after == 30.0 and not refused.value.unanswered


@pytest.mark.parametrize("said", ["<html>welcome to the hotel's network</html>", [], {"ts": "1"}])
def test_an_answer_that_is_not_slacks_is_no_acceptance(
    said: Any, receiver: Receiver, monkeypatch: Any
) -> None:
    receiver.faults = [(200, {}, said)]
    with pytest.raises(NotAccepted) as refused:
        channel("slack", receiver.port, receiver.client, monkeypatch).send(OPENED, None)
    assert (refused.value.permanent, refused.value.unanswered) == (False, True)


def elements(message: Any, interactive: bool) -> list[Any]:
    made = slack_blocks.blocks(message, interactive)
    return [item for block in made if block["type"] == "actions" for item in block["elements"]]


def test_buttons_answer_where_slack_reaches_us_and_are_links_elsewhere() -> None:
    made = elements(OPENED, True)
    assert [item["action_id"] for item in made] == ["acknowledge", "review", "open"]
    assert {item["value"] for item in made} == {"AL-12"} and made[2]["url"] == OPENED.link
    assert [item["action_id"] for item in elements(OPENED, False)] == ["open"]
    ours = Button("acknowledge", "Acknowledge", f"{OPENED.link}/ack")
    bad = Button("review", "Review", "javascript:alert(1)")
    linked = elements(replace(OPENED, buttons=(ours, bad)), False)
    assert [item.get("url") for item in linked] == [f"{OPENED.link}/ack", OPENED.link]


def test_nothing_is_left_to_press_once_it_has_ended() -> None:
    assert [item["action_id"] for item in elements(RESTORED, True)] == ["open"]
    assert [item["action_id"] for item in elements(DIGEST, True)] == ["open"]
    assert elements(replace(RESTORED, link=""), True) == []


def test_buttons_that_nobody_could_prove_are_refused() -> None:
    with pytest.raises(ValueError, match="signing_secret"):
        Settings.model_validate({"channel": "C1", "token": "env:A", "interactive": True})


def test_pagerduty_triggers_acknowledges_and_resolves_one_incident() -> None:
    happened = [Happened.OPENED, Happened.CHANGED, Happened.ACKNOWLEDGED, Happened.NOT_CONFIRMED]
    happened += [Happened.RESTORED, Happened.GONE, Happened.CLOSED]
    made = [pagerduty.event(replace(OPENED, happened=item), "k")[1] for item in happened]
    actions = [body["event_action"] for body in made]
    assert actions == ["trigger", "trigger", "acknowledge", "trigger", "resolve", "resolve", "resolve"]
    assert len({body["dedup_key"] for body in made}) == 1
    assert made[0]["payload"]["severity"] == "error"
    assert len(pagerduty.dedup_key("x" * 999)) <= 255


def test_a_digest_wakes_nobody_and_a_test_does_not_ring_loud() -> None:
    assert pagerduty.event(DIGEST, "k")[0] == "/change/enqueue"
    body = pagerduty.event(replace(OPENED, happened=Happened.TEST, severity="critical"), "k")[1]
    assert body["payload"]["severity"] == "info"
