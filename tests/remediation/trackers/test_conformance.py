"""Every tracker against its own interface on a real socket: the whole life of a ticket, and every fault."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from proofwatch.outbound.http import Client
from proofwatch.remediation.trackers.asking import markdown
from proofwatch.remediation.trackers.base import TaskFacts, TicketState, TrackerError
from proofwatch.remediation.trackers.registry import TRACKERS, tracker_class
from tests.remediation.trackers.fakes import KINDS, SECRET, Fake, served, settings

EVIL = "<script>alert(1)</script> @everyone [x](http://evil) **b** #1 \u202egnp\r\nINC [code]<b>x</b>[/code]"
TASK = TaskFacts(
    key="TSK-7", title="CC6.1-03 Storage is encrypted on prod: 3 of 41 results fail",
    body=("Failing since 2026-11-23T09:00:00Z:", f"• {EVIL}: not encrypted"), severity="high",
    due=date(2026, 11, 30), labels=("proofwatch", "high", "CC6.1-03 x"), link="https://pw.example.com/t/TSK-7",
)  # fmt: skip
NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


@pytest.fixture(params=sorted(KINDS))
def fake(request: Any, monkeypatch: Any) -> Iterator[tuple[str, Fake, Any]]:
    monkeypatch.setenv("PW_T", SECRET)
    monkeypatch.setenv("PW_W", "hook-secret")
    with served(request.param) as made:
        yield request.param, made, tracker(request.param, made.url, made.client)


def tracker(kind: str, url: str, client: Client) -> Any:
    cls = tracker_class(kind)
    return cls(cls.Settings.model_validate(settings(kind, url)), client)


def test_the_suite_knows_every_kind() -> None:
    assert set(KINDS) == set(TRACKERS)


def test_a_ticket_lives_from_its_creation_to_its_closing(fake: Any) -> None:
    kind, server, made = fake
    assert made.find("TSK-7") is None
    ticket = made.create(TASK)
    assert ticket.id and ticket.state == TicketState.OPEN
    assert made.find("TSK-7").id == ticket.id and made.find("TSK-70") is None
    moved = made.update(ticket.id, replace(TASK, title="another title", due=date(2026, 12, 1)))
    assert moved.id == ticket.id
    server.comments.clear()
    made.comment(ticket.id, ("ana: rotated the key", "done"))
    assert "rotated the key" in server.comments[0][1]
    KINDS[kind][1](server, ticket.id)
    (read,) = made.read([ticket.id])
    assert read.state == TicketState.CLOSED and read.state_name
    assert SECRET not in json.dumps(made.raw())


def test_a_deleted_ticket_is_left_out_and_the_others_are_read(fake: Any) -> None:
    _, server, made = fake
    names = [made.create(replace(TASK, key=f"TSK-{number}")).id for number in range(3)]
    del server.rows[names[1]]
    assert [item.id for item in made.read(names)] == [names[0], names[2]]
    assert made.read([names[1]]) == [] and made.read([]) == []


def test_hostile_text_stays_text(fake: Any) -> None:
    kind, server, made = fake
    made.create(TASK)
    made.comment(next(iter(server.rows)), (EVIL,))
    text = json.dumps(server.rows, ensure_ascii=False) + json.dumps(server.comments, ensure_ascii=False)
    assert "\u202e" not in text
    if kind in ("github", "linear"):
        assert "<script>" not in text and "[x](" not in text and " @everyone" not in text
    if kind == "servicenow":
        assert "[code]" not in server.comments[0][1]


@pytest.mark.parametrize(
    ("fault", "permanent", "wait"),
    [
        ((429, {"Retry-After": "7"}, {"message": "slow down"}), False, 7.0),
        ((500, {}, {"message": "oops"}), False, None),
        ((503, {}, None), False, None),
        ((401, {}, {"message": "who are you"}), True, None),
        ((403, {}, {"message": "not yours"}), True, None),
    ],
)
def test_a_refusal_says_whether_and_when_to_try_again(
    fake: Any, fault: Any, permanent: bool, wait: Any
) -> None:
    _, server, made = fake
    server.faults = [fault]
    with pytest.raises(TrackerError) as error:
        made.create(TASK)
    assert (error.value.permanent, error.value.retry_after, error.value.unanswered) == (
        permanent,
        wait,
        False,
    )
    assert str(fault[0]) in error.value.answer and SECRET not in str(error.value)


def test_githubs_spent_limit_is_not_a_lack_of_rights(monkeypatch: Any) -> None:
    monkeypatch.setenv("PW_T", SECRET)
    with served("github") as server:
        made = tracker("github", server.url, server.client)
        server.faults = [(403, {"X-RateLimit-Remaining": "0"}, {"message": "API rate limit exceeded"})]
        with pytest.raises(TrackerError) as error:
            made.create(TASK)
    assert not error.value.permanent


@pytest.mark.parametrize(
    ("said", "permanent"),
    [
        ({"errors": [{"message": "slow down", "extensions": {"code": "RATELIMITED"}}]}, False),
        (
            {"errors": [{"message": "no such field", "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"}}]},
            True,
        ),
        ({"errors": ["odd"]}, True),
        ({"message": "bad request"}, True),
        ("<html>", True),
    ],
)
def test_linears_spent_limit_is_told_from_a_wrong_query_although_both_are_400(
    said: Any, permanent: bool, monkeypatch: Any
) -> None:
    monkeypatch.setenv("PW_T", SECRET)
    with served("linear") as server:
        made = tracker("linear", server.url, server.client)
        server.faults = [(400, {"Retry-After": "9"}, said)]
        with pytest.raises(TrackerError) as error:
            made.create(TASK)
    assert (error.value.permanent, error.value.retry_after) == (permanent, 9.0)
    assert error.value.answer.startswith("400")


def test_an_issue_that_moved_to_another_repository_does_not_hide_the_others(monkeypatch: Any) -> None:
    monkeypatch.setenv("PW_T", SECRET)
    with served("github") as server:
        made = tracker("github", server.url, server.client)
        names = [made.create(replace(TASK, key=f"TSK-{number}")).id for number in range(2)]
        server.faults = [(301, {"Location": "https://api.github.com/repositories/1/issues/1"}, {})]
        assert [item.id for item in made.read(names)] == names[1:]


@pytest.mark.parametrize("fault", ["slow", "reset"])
def test_a_ticket_whose_answer_was_lost_is_found_and_not_made_twice(fake: Any, fault: str) -> None:
    _, server, made = fake
    server.faults = [fault]
    with pytest.raises(TrackerError) as error:
        made.create(TASK)
    assert error.value.unanswered and not error.value.permanent
    assert made.find("TSK-7") is not None and len(server.rows) == 1


def test_loopback_is_refused_unless_it_is_allowed(fake: Any) -> None:
    kind, server, _ = fake
    with pytest.raises(TrackerError, match="not a public address"):
        tracker(kind, server.url, Client(insecure=True)).create(TASK)
    assert server.calls == 0


def test_a_wrong_credential_is_refused_for_good_and_not_repeated(fake: Any, monkeypatch: Any) -> None:
    _, _, made = fake
    monkeypatch.setenv("PW_T", "hush-wrong")
    with pytest.raises(TrackerError) as error:
        made.find("TSK-7")
    assert error.value.permanent and "hush" not in str(error.value)
    monkeypatch.delenv("PW_T")
    with pytest.raises(TrackerError, match="PW_T is not set") as later:
        made.find("TSK-7")
    assert not later.value.permanent


def hook(kind: str, at: datetime = NOW) -> tuple[dict[str, str], bytes, str]:
    """Return (headers, body, ticket) as the tracker sends it."""
    ticket = {"github": "7", "jira": "SEC-7", "linear": "id-7", "servicenow": "0" * 31 + "7"}[kind]
    body: Any = {
        "github": {"action": "closed", "issue": {"number": 7}, "repository": {"full_name": "Acme/app"}},
        "jira": {"webhookEvent": "jira:issue_updated", "issue": {"key": "SEC-7"}},
        "linear": {"type": "Issue", "data": {"id": "id-7"}, "webhookTimestamp": int(at.timestamp() * 1000)},
        "servicenow": {"sys_id": ticket, "delivery": "d1"},
    }[kind]
    data = json.dumps(body).encode()
    mac = hmac.new(b"hook-secret", data, hashlib.sha256).hexdigest()
    name = {
        "github": "X-Hub-Signature-256", "jira": "X-Hub-Signature", "linear": "Linear-Signature",
        "servicenow": "X-Proofwatch-Signature",
    }[kind]  # fmt: skip
    prefix = "sha256=" if kind in ("github", "jira") else ""
    return {name: prefix + mac, "X-GitHub-Delivery": "d1"}, data, ticket


def test_a_signed_web_hook_names_only_what_to_read_again(fake: Any) -> None:
    kind, _, made = fake
    headers, body, ticket = hook(kind)
    (event,) = made.webhook(headers, body, NOW)
    assert event.ticket == ticket
    for wrong_headers, wrong_body in (
        ({}, body),
        (headers, body + b" "),
        (dict.fromkeys(headers, "00"), body),
    ):
        with pytest.raises(TrackerError):
            made.webhook(wrong_headers, wrong_body, NOW)


def test_an_old_web_hook_of_linear_is_refused(monkeypatch: Any) -> None:
    monkeypatch.setenv("PW_W", "hook-secret")
    made = tracker("linear", "http://127.0.0.1:1", Client())
    headers, body, _ = hook("linear", datetime(2026, 11, 23, 9, 28, tzinfo=UTC))
    with pytest.raises(TrackerError, match="more than a minute old"):
        made.webhook(headers, body, NOW)


def test_a_comment_on_something_else_than_an_issue_names_nothing(monkeypatch: Any) -> None:
    monkeypatch.setenv("PW_W", "hook-secret")
    made = tracker("linear", "http://127.0.0.1:1", Client())
    at = int(NOW.timestamp() * 1000)
    said = {"type": "Comment", "data": {"id": "c1", "issueId": None}, "webhookTimestamp": at}
    body = json.dumps(said).encode()
    mac = hmac.new(b"hook-secret", body, hashlib.sha256).hexdigest()
    assert made.webhook({"Linear-Signature": mac}, body, NOW) == []


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"issue":1}', b"[" * 100_000, b"\xff"])
def test_signed_nonsense_names_nothing(kind: str, body: bytes, monkeypatch: Any) -> None:
    monkeypatch.setenv("PW_W", "hook-secret")
    made = tracker(kind, "http://127.0.0.1:1", Client())
    mac = hmac.new(b"hook-secret", body, hashlib.sha256).hexdigest()
    names = ("x-hub-signature-256", "x-hub-signature", "linear-signature", "x-proofwatch-signature")
    assert made.webhook(dict.fromkeys(names, mac), body, NOW) == []


def test_markdown_shows_what_it_was_given() -> None:
    shown = markdown("a *b* [c](d) @ana #12 http://x `e` <f>")
    assert "\\*b\\*" in shown and "\\[c\\]" in shown and "\\<f\\>" in shown
    assert "@ana" not in shown and "http://" not in shown and "#12" not in shown
