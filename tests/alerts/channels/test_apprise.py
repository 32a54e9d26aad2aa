"""What a message through Apprise may do: reach its service, and nothing of our own network."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from typing import Any

import pytest

from proofwatch.alerts.channels.apprise import Apprise
from proofwatch.alerts.channels.apprise_child import Outcome, Warden
from proofwatch.alerts.channels.base import NotAccepted
from proofwatch.outbound.guard import Allowed
from proofwatch.outbound.http import Client

from .receiver import http, smtp
from .samples import HOSTILE, OPENED


def sent(url: str, monkeypatch: Any, client: Client) -> Any:
    monkeypatch.setenv("PW_APPRISE", url)
    return Apprise(Apprise.Settings.model_validate({"url": "env:PW_APPRISE"}), client).send(OPENED, None)


def test_a_json_service_gets_title_and_text(monkeypatch: Any) -> None:
    with http() as receiver:
        receipt = sent(f"json://127.0.0.1:{receiver.port}/a", monkeypatch, receiver.client)
    said = receiver.bodies()[0]
    assert said["title"].startswith("New alert AL-12: ") and "and 31 more" in said["message"]
    assert receipt.answer == "JSON: accepted, says Apprise"


def test_a_mail_service_is_guarded_alike(monkeypatch: Any) -> None:
    with smtp() as receiver:
        url = f"mailto://127.0.0.1:{receiver.port}?from=a@example.com&to=b@example.com"
        sent(url, monkeypatch, receiver.client)
        assert receiver.seen
        with pytest.raises(NotAccepted, match="not a public address"):
            sent(url, monkeypatch, Client(timeout=3.0))
    assert len(receiver.seen) == 1


def test_hostile_text_stays_in_the_message(monkeypatch: Any) -> None:
    with http() as receiver:
        monkeypatch.setenv("PW_APPRISE", f"json://127.0.0.1:{receiver.port}/a")
        made = Apprise(Apprise.Settings.model_validate({"url": "env:PW_APPRISE"}), receiver.client)
        made.send(HOSTILE, None)
    assert receiver.bodies()[0]["title"].startswith("[DRILL] ") and len(receiver.seen) == 1


@pytest.mark.parametrize("url", ["nonsense", "nothing://host", "exec://ls", "file:///etc/passwd"])
def test_an_address_that_apprise_does_not_know_is_final(url: str, monkeypatch: Any) -> None:
    with pytest.raises(NotAccepted, match="knows no service") as refused:
        sent(url, monkeypatch, Client())
    assert refused.value.permanent and not refused.value.unanswered


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost", "169.254.169.254", "[::1]", "10.0.0.1"])
def test_no_way_to_write_an_inner_address_helps(address: str, monkeypatch: Any) -> None:
    with pytest.raises(NotAccepted) as refused:
        sent(f"json://{address}:9/a", monkeypatch, Client(timeout=3.0))
    assert refused.value.permanent and "not a public address" in str(refused.value)


def test_the_proxy_of_the_environment_is_not_asked(monkeypatch: Any) -> None:
    with http() as proxy, http() as receiver:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        sent(f"json://127.0.0.1:{receiver.port}/a", monkeypatch, receiver.client)
    assert receiver.seen and not proxy.seen


def test_the_address_is_in_no_list_of_processes(monkeypatch: Any) -> None:
    seen: list[Any] = []
    real = subprocess.run

    def watched(command: Any, **options: Any) -> Any:
        seen.append((command, options["env"]))
        return real(command, **options)

    monkeypatch.setattr(subprocess, "run", watched)
    with http() as receiver:
        sent(f"json://user:hush-hush@127.0.0.1:{receiver.port}/a", monkeypatch, receiver.client)
    assert "hush" not in json.dumps(seen) and seen[0][0][0] == sys.executable


def test_a_process_that_dies_leaves_it_open(monkeypatch: Any) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(NotAccepted, match="without an outcome") as caught:
        sent("json://example.com/a", monkeypatch, Client())
    assert caught.value.unanswered and not caught.value.permanent


@pytest.mark.parametrize("event", ["subprocess.Popen", "os.system", "os.exec"])
def test_the_warden_lets_no_program_start(event: str) -> None:
    with pytest.raises(PermissionError):
        Warden(Allowed(), Outcome(), True).hear(event, ("ls",))


def test_the_warden_looks_at_addresses_not_at_names() -> None:
    outcome = Outcome()
    warden = Warden(Allowed.of(["mail.internal:25", "10.0.0.7:25"]), outcome, True)
    for address in (
        ("10.0.0.1", 25),
        ("127.0.0.1", 80),
        ("mail.internal", 25),
        "/dev/log",
        ("::1", 25, 0, 0),
    ):
        with pytest.raises(PermissionError):
            warden.hear("socket.connect", (None, address))
        with pytest.raises(PermissionError):
            warden.hear("socket.sendto", (None, address))
    assert not outcome.left and outcome.forbidden
    warden.hear("socket.connect", (None, ("8.8.8.8", 25)))
    warden.hear("socket.connect", (None, ("10.0.0.7", 25)))
    assert not outcome.left  # It speaks HTTP or SMTP: their own events tell when something was sent.
    warden.hear("http.client.send", (None, b"x"))
    assert outcome.left


def test_the_warden_permits_what_an_allowed_name_stands_for() -> None:
    outcome = Outcome()
    warden = Warden(Allowed.of(["localhost:25"]), outcome, False)
    warden.hear("socket.getaddrinfo", ("localhost", 25, 0, 0, 0))
    found = socket.getaddrinfo("localhost", 25, type=socket.SOCK_STREAM)
    warden.hear("socket.connect", (None, found[0][4]))
    assert outcome.left  # Of other protocols, connecting is all that is seen.
    with pytest.raises(PermissionError):
        warden.hear("socket.connect", (None, (found[0][4][0], 26)))
