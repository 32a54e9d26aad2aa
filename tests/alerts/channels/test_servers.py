"""Slack and PagerDuty as others understand them: a stateful Slack, and PagerDuty's own description."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from proofwatch.alerts.channels.base import Happened, NotAccepted
from proofwatch.alerts.channels.pagerduty import PagerDuty
from proofwatch.alerts.channels.slack import Slack
from proofwatch.alerts.channels.slack_webhook import SlackWebhook
from proofwatch.outbound.guard import Allowed
from proofwatch.outbound.http import Client

from . import servers
from .samples import DIGEST, HOSTILE, MESSAGES, OPENED, RESTORED

SEED = """
slack:
  team: {name: Acme, domain: acme}
  users: [{name: dev, real_name: Dev, email: dev@acme.test}]
  channels: [{name: general}, {name: soc2-alerts}]
  tokens:
    - {token: xoxb-test, user: dev, scopes: ["chat:write"]}
    - {token: xoxb-reader, user: dev, scopes: ["channels:read", "channels:history"]}
  strict_scopes: true
  incoming_webhooks: [{channel: soc2-alerts, label: soc2}]
"""


@pytest.fixture(scope="module")
def slack_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("slack")
    (folder / "seed.yaml").write_text(SEED, "utf-8")
    port = servers.free_port()
    with servers.running(servers.emulate(folder / "seed.yaml", port), port, folder) as url:
        yield url


@pytest.fixture(scope="module")
def pagerduty_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder, port = tmp_path_factory.mktemp("pagerduty"), servers.free_port()
    description = servers.shared() / "reference/specs/pagerduty-events-v2.openapi3.json"
    with servers.running(servers.prism(description, port), port, folder) as url:
        yield url


def client(url: str) -> Client:
    return Client(Allowed.of([urlsplit(url).netloc]), timeout=10.0)


def ask(url: str, method: str, body: dict[str, Any]) -> Any:
    """Ask the Slack what it has, as somebody who may read."""
    headers = {"Authorization": "Bearer xoxb-reader", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}/api/{method}", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        said = json.load(answer)
    assert said["ok"], said
    return said


def bot(url: str, monkeypatch: Any, token: str = "xoxb-test", channel: str = "soc2-alerts") -> Slack:
    monkeypatch.setenv("PW_TOKEN", token)
    monkeypatch.setenv("PW_SIGNING", "0123456789abcdef")
    given = {
        "channel": channel, "token": "env:PW_TOKEN", "api": f"{url}/api", "interactive": True,
        "signing_secret": "env:PW_SIGNING",
    }  # fmt: skip
    return Slack(Slack.Settings.model_validate(given), client(url))


def test_an_alert_is_one_thread_whose_first_message_shows_its_end(slack_url: str, monkeypatch: Any) -> None:
    made = bot(slack_url, monkeypatch)
    first = made.send(OPENED, None)
    made.send(
        replace(OPENED, key="5" * 32, happened=Happened.ACKNOWLEDGED, state="acknowledged"), first.thread
    )
    last = made.send(RESTORED, first.thread)
    assert last.answer == "200 ok" and last.thread == first.thread
    about = {"channel": first.thread["channel"], "ts": first.thread["ts"]}
    thread = ask(slack_url, "conversations.replies", about)["messages"]
    assert len(thread) == 3 and all(item["thread_ts"] == about["ts"] for item in thread[1:])
    assert thread[0]["text"].startswith("Verified restored AL-12")
    assert thread[1]["text"].startswith("Acknowledged AL-12")


@pytest.mark.parametrize("name", MESSAGES)
def test_every_message_is_taken(name: str, slack_url: str, monkeypatch: Any) -> None:
    receipt = bot(slack_url, monkeypatch).send(MESSAGES[name], None)
    about = {"channel": receipt.thread["channel"], "limit": 200}
    found = ask(slack_url, "conversations.history", about)["messages"]
    assert any(item["ts"] == receipt.thread["ts"] for item in found)


@pytest.mark.parametrize(
    ("token", "channel", "error"),
    [
        ("xoxb-test", "nowhere", "channel_not_found"),
        ("xoxb-reader", "soc2-alerts", "missing_scope"),
    ],
)
def test_what_slack_refuses_is_final_and_says_why(
    token: str, channel: str, error: str, slack_url: str, monkeypatch: Any
) -> None:
    with pytest.raises(NotAccepted) as refused:
        bot(slack_url, monkeypatch, token, channel).send(OPENED, None)
    assert refused.value.permanent and refused.value.answer == f"200 error={error}"


def test_an_incoming_webhook_answers_ok(slack_url: str, monkeypatch: Any) -> None:
    monkeypatch.setenv("PW_URL", f"{slack_url}/services/T000000001/B000000001/X000000000")
    made = SlackWebhook(SlackWebhook.Settings.model_validate({"url": "env:PW_URL"}), client(slack_url))
    assert made.send(OPENED, None).answer == "200 ok"


@pytest.mark.shared
@pytest.mark.parametrize("happened", list(Happened))
def test_every_event_is_one_that_pagerduty_describes(
    happened: Happened, pagerduty_url: str, monkeypatch: Any
) -> None:
    monkeypatch.setenv("PW_TOKEN", "0" * 32)
    given = {"routing_key": "env:PW_TOKEN", "api": pagerduty_url}
    made = PagerDuty(PagerDuty.Settings.model_validate(given), client(pagerduty_url))
    for message in (OPENED, HOSTILE, DIGEST):
        receipt = made.send(replace(message, happened=happened), None)
        assert receipt.answer.startswith("202 ")


@pytest.mark.shared
def test_the_description_would_refuse_a_wrong_event(pagerduty_url: str) -> None:
    wrong = {"routing_key": "k", "event_action": "shout"}
    answer = client(pagerduty_url).request("POST", f"{pagerduty_url}/enqueue", doing="trying", body=wrong)
    assert not answer.ok
