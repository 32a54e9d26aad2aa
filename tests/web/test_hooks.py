"""The application behind waitress on a real socket: who is heard, what is refused, what is left behind."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
import waitress

from proofwatch.alerts import people
from proofwatch.alerts.rules import Rule
from proofwatch.outbound.guard import Allowed
from proofwatch.outbound.http import Client
from proofwatch.store.base import StoreError
from proofwatch.store.models import AlertEvent, ChannelConfig, Hint, Hook, ShardRead, Sweep
from proofwatch.store.services import hints, hooks
from proofwatch.web.hooks import LARGEST, Hooks
from tests.alerts.world import FAIL, A, World
from tests.store.samples import NOW, begun

KEY = base64.b64encode(b"hush-hush").decode()


@pytest.fixture
def world(database_url: str, tmp_path: Any, monkeypatch: Any) -> World:
    monkeypatch.setenv("PW_HOOK", f"whsec_{KEY}")
    made = World(tmp_path, Rule(id="now", title="t", when="failing", wait_minutes=0, gather_minutes=0))
    settings = {"secret": "env:PW_HOOK"}
    hooks.save("prod", "prod", "generic", settings, actor="owner", now=NOW, client=Client())
    return made


@pytest.fixture
def server(world: World) -> Iterator[int]:
    made = waitress.create_server(
        Hooks(Client(Allowed())), host="127.0.0.1", port=0, threads=2, max_request_body_size=LARGEST
    )

    def run() -> None:
        with suppress(OSError):  # Its socket is closed below while it waits.
            made.run()

    threading.Thread(target=run, daemon=True).start()
    yield made.effective_port
    made.close()


def ask(port: int, method: str, path: str, body: bytes = b"", headers: Any = None) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    return answer.status, json.loads(data) if data and data[:1] in b"{[" else data


def event(
    port: int, body: Any, name: str = "m1", path: str = "/hooks/prod", key: bytes = b"hush-hush"
) -> Any:
    content, stamp = json.dumps(body).encode(), str(int(time.time()))
    mac = hmac.new(key, f"{name}.{stamp}.".encode() + content, hashlib.sha256).digest()
    signature = "v1," + base64.b64encode(mac).decode()
    headers = {"webhook-id": name, "webhook-timestamp": stamp, "webhook-signature": signature}
    return ask(port, "POST", "/hooks/prod", content, headers)


def test_a_signed_event_becomes_a_hint_once_and_only_for_tables_that_are_read(server: int) -> None:
    body = {"tables": ["aws_ec2_volume", "no_such_table"], "account_id": "1"}
    assert event(server, body) == (200, {"heard": True})
    assert event(server, body)[0] == 200  # The same delivery again.
    hint = Hint.objects.get()
    assert (hint.table, hint.account_id, hint.events) == ("aws_ec2_volume", "1", 1)
    event(server, body, name="m2")
    assert Hint.objects.get().events == 2
    assert Hook.objects.get().heard_at is not None


def test_a_forged_event_leaves_nothing_but_why_it_was_refused(server: int) -> None:
    status, said = event(server, {"tables": ["aws_ec2_volume"]}, key=b"guess")
    assert status == 401 and said == {"error": "the signature is wrong"}
    assert not Hint.objects.exists() and Hook.objects.get().refused == "the signature is wrong"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/healthz", 200),
        ("POST", "/healthz", 405),
        ("GET", "/", 404),
        ("POST", "/hooks/nobody", 404),
        ("POST", "/hooks/prod/more", 404),
        ("POST", "/hooks/../prod", 404),
        ("DELETE", "/hooks/prod", 405),
        ("GET", "/slack/ops", 405),
        ("POST", "/slack/nobody", 404),
        ("POST", "/hooks/prod", 401),
    ],
)
def test_everything_else_is_refused(server: int, method: str, path: str, status: int) -> None:
    assert ask(server, method, path)[0] == status


def test_a_body_that_is_too_long_is_refused(server: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server, timeout=10)
    connection.putrequest("POST", "/hooks/prod")
    connection.putheader("Content-Length", str(LARGEST + 1))
    connection.endheaders()  # It is refused by its announcement: nothing of the body has to come.
    assert connection.getresponse().status == 413
    connection.close()


def test_a_removed_hook_hears_nothing_more(server: int, world: World) -> None:
    hooks.remove("prod", actor="owner", now=NOW, reason="moved")
    assert event(server, {"tables": ["aws_ec2_volume"]})[0] == 404


LATER = NOW + timedelta(hours=1)


def ended(owner: Any, minutes: int, state: str = "complete") -> Sweep:
    run = begun(owner, minutes)
    Sweep.objects.filter(pk=run.pk).update(state=state)
    run.refresh_from_db()
    return run


def test_a_sweep_that_could_not_read_is_tried_again_later_and_not_for_ever(world: World) -> None:
    owner = world.owner
    hints.add(owner, [("aws_ec2_volume", "", "")], NOW)
    rests = []
    for minutes in range(1, 6):
        run = ended(owner, minutes, "failed" if minutes % 2 else "partial")
        ShardRead.objects.create(
            sweep=run, table="aws_ec2_volume", account_id="1", region="r", state="failed", reason="throttled"
        )
        taken = hints.of(owner, LATER)
        assert hints.settle(run, taken, NOW) == 0
        rests += [hint.due_at - NOW for hint in hints.of(owner, LATER)]
    assert [rest.seconds for rest in rests] == [15, 30, 60, 120] and not Hint.objects.exists()
    hints.add(owner, [("aws_ec2_volume", "", "")], LATER)
    assert hints.settle(ended(owner, 9), hints.of(owner, LATER), LATER) == 0  # It had begun before.


def test_an_event_that_could_not_be_kept_is_heard_when_it_comes_again(
    server: int, world: World, monkeypatch: Any
) -> None:
    def broken(*args: Any) -> int:
        raise StoreError("keeping", "the disk is full", permanent=False)

    with monkeypatch.context() as patch:
        patch.setattr(hints, "add", broken)
        assert event(server, {"tables": ["aws_ec2_volume"]}, "same")[0] == 503
    assert event(server, {"tables": ["aws_ec2_volume"]}, "same")[0] == 200
    assert Hint.objects.count() == 1


def test_hints_go_when_they_are_answered_and_stay_when_more_was_heard(world: World) -> None:
    owner = world.owner
    hints.add(owner, [("aws_ec2_volume", "", ""), ("aws_s3_bucket", "", "")], NOW)
    assert [item.name for item in hints.waiting(NOW)] == ["prod"]
    taken = hints.of(owner, LATER)
    hints.add(owner, [("aws_s3_bucket", "", "")], NOW)  # Heard while the sweep was reading.
    assert hints.settle(ended(owner, 1), taken, LATER) == 1
    assert Hint.objects.get().table == "aws_s3_bucket"


def test_what_changes_all_the_time_lets_others_go_first(world: World) -> None:
    owner = world.owner
    hints.add(owner, [("aws_s3_bucket", "", "")], NOW)
    hints.add(owner, [("aws_ec2_volume", "", "")], NOW + timedelta(seconds=5))
    taken = [hint for hint in hints.of(owner, LATER) if hint.table == "aws_s3_bucket"]
    hints.add(owner, [("aws_s3_bucket", "", "")], NOW + timedelta(seconds=20))
    run = ended(owner, 1)
    Sweep.objects.filter(pk=run.pk).update(observed_at=NOW + timedelta(seconds=10))
    run.refresh_from_db()
    assert hints.settle(run, taken, LATER) == 0
    assert [hint.table for hint in hints.of(owner, LATER)] == ["aws_ec2_volume", "aws_s3_bucket"]


def slack(port: int, action: str, alert: str, user: str = "U1", secret: bytes = b"sign") -> tuple[int, Any]:
    payload = {"actions": [{"action_id": action, "value": alert}], "user": {"id": user, "username": "ana"}}
    payload["trigger_id"] = str(time.monotonic_ns())  # Slack gives each press one of its own.
    body, stamp = urlencode({"payload": json.dumps(payload)}).encode(), str(int(time.time()))
    mac = hmac.new(secret, b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    headers = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={mac}"}
    return ask(port, "POST", "/slack/ops", body, headers)


def test_slack_answers_act_for_the_person_whose_handle_it_is(
    server: int, world: World, monkeypatch: Any
) -> None:
    monkeypatch.setenv("PW_SIGN", "sign")
    settings = {"channel": "C1", "token": "env:PW_T", "interactive": True, "signing_secret": "env:PW_SIGN"}
    ChannelConfig.objects.create(name="ops", kind="slack", settings=settings, by="owner", at=NOW)
    people.add("ana", role="lead", actor="owner", now=NOW, handles={"slack": "U1"})
    world.sweep({A: FAIL})
    assert "does not know you" in slack(server, "acknowledge", "AL-1", user="U9")[1]["text"]
    assert slack(server, "acknowledge", "AL-1", secret=b"forged")[0] == 400
    assert world.alert.state == "open"
    status, said = slack(server, "acknowledge", "AL-1")
    assert (status, said["text"]) == (200, "AL-1 is acknowledged by ana.")
    assert world.alert.state == "acknowledged" and world.alert.acknowledged_by == "ana"
    viewed = AlertEvent.objects.get(kind="viewed")
    assert (viewed.actor, viewed.reason) == ("ana", "in slack") and viewed.at <= world.alert.acknowledged_at
    assert "only an open alert" in slack(server, "acknowledge", "AL-1")[1]["text"]
    assert "reviewed by ana" in slack(server, "review", "AL-1")[1]["text"]
