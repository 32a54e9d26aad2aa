"""Every kind of channel against the same faults: what came of a message is told truly, and no secret is."""

from __future__ import annotations

import logging
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from proofwatch.alerts.channels.base import ChannelError, NotAccepted
from proofwatch.alerts.channels.registry import channel_class, kinds
from proofwatch.outbound.guard import Allowed
from proofwatch.outbound.http import Client

from .receiver import Receiver, http, smtp
from .samples import MESSAGES, OPENED, RESTORED, SECRETS, channel

KINDS = kinds()
TELLS_RETRY_AFTER = tuple(kind for kind in KINDS if kind not in ("email", "apprise"))
"""SMTP has no such thing, and Apprise does not hand it on."""


@pytest.fixture
def receiver(kind: str) -> Iterator[Receiver]:
    with smtp() if kind == "email" else http() as made:
        yield made


@pytest.fixture(autouse=True)
def quiet(caplog: Any, capfd: Any) -> Iterator[None]:
    """Whatever happens, no secret may be in any log or on a stream."""
    caplog.set_level(logging.DEBUG)
    yield
    streams = capfd.readouterr()
    for secret in SECRETS:
        assert secret not in caplog.text
        assert secret not in streams.out + streams.err


def refused(kind: str, receiver: Receiver, monkeypatch: Any) -> NotAccepted:
    made = channel(kind, receiver.port, receiver.client, monkeypatch)
    with pytest.raises(NotAccepted) as caught:
        made.send(OPENED, None)
    error = caught.value
    told = f"{error} {error.answer} {error.problem} {error.remedy}"
    assert not any(secret in told for secret in SECRETS)
    assert error.answer and len(error.answer) <= 300
    return error


def test_every_kind_is_there_and_refuses_what_it_does_not_know() -> None:
    for kind in KINDS:
        cls = channel_class(kind)
        assert cls.kind == kind and cls.title
        assert cls.Settings.model_config["extra"] == "forbid"
        assert all(field.description for field in cls.Settings.model_fields.values())
    with pytest.raises(ChannelError, match="known: slack"):
        channel_class("fax")


@pytest.mark.parametrize("kind", KINDS)
def test_a_secret_in_place_of_a_reference_is_refused(kind: str) -> None:
    cls = channel_class(kind)
    fields = cls.Settings.model_fields
    secret = next(name for name in ("token", "url", "routing_key", "password") if name in fields)
    with pytest.raises(ValueError, match="env:NAME or file:/path"):
        cls.Settings.model_validate({secret: "hush"})


@pytest.mark.parametrize("name", MESSAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_it_is_accepted_and_the_answer_is_kept(
    kind: str, name: str, receiver: Receiver, monkeypatch: Any
) -> None:
    made = channel(kind, receiver.port, receiver.client, monkeypatch)
    receipt = made.send(MESSAGES[name], None)
    kept = f"{receipt.id} {receipt.answer} {receipt.thread}"
    assert receiver.seen and receipt.answer and len(receipt.answer) <= 300
    assert not any(secret in kept for secret in SECRETS)
    before = len(receiver.seen)
    made.send(RESTORED, receipt.thread)
    assert len(receiver.seen) > before


@pytest.mark.parametrize("kind", KINDS)
def test_too_many_requests_wait_as_long_as_asked(kind: str, receiver: Receiver, monkeypatch: Any) -> None:
    receiver.faults = ["429"]
    error = refused(kind, receiver, monkeypatch)
    assert (error.permanent, error.unanswered) == (False, False)
    assert error.retry_after == (7.0 if kind in TELLS_RETRY_AFTER else None)


@pytest.mark.parametrize("kind", KINDS)
def test_a_broken_provider_is_tried_again_and_takes_it_the_fourth_time(
    kind: str, receiver: Receiver, monkeypatch: Any
) -> None:
    receiver.faults = ["500"] * 3
    for _ in range(3):
        error = refused(kind, receiver, monkeypatch)
        assert (error.permanent, error.unanswered) == (False, False)
    assert channel(kind, receiver.port, receiver.client, monkeypatch).send(OPENED, None).answer
    assert len(receiver.seen) == 4


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_there_is_not_tried_again(kind: str, receiver: Receiver, monkeypatch: Any) -> None:
    receiver.faults = ["404"]
    error = refused(kind, receiver, monkeypatch)
    assert (error.permanent, error.unanswered) == (True, False)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "email"])
def test_a_redirect_is_not_followed(kind: str, receiver: Receiver, monkeypatch: Any) -> None:
    receiver.faults = [(302, {"Location": f"http://127.0.0.1:{receiver.port}/elsewhere"}, "moved")]
    error = refused(kind, receiver, monkeypatch)
    assert error.permanent and len(receiver.seen) == 1


@pytest.mark.parametrize("fault", ["slow", "reset"])
@pytest.mark.parametrize("kind", KINDS)
def test_silence_after_sending_means_that_it_may_have_arrived(
    kind: str, fault: str, receiver: Receiver, monkeypatch: Any
) -> None:
    receiver.faults = [fault]
    began = time.monotonic()
    error = refused(kind, receiver, monkeypatch)
    assert (error.permanent, error.unanswered) == (False, True)
    assert len(receiver.seen) == 1
    assert time.monotonic() - began < 20  # There is a deadline at all; it is not measured here.


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_there_means_that_nothing_arrived(kind: str, receiver: Receiver, monkeypatch: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = taken.getsockname()[1]
    client = Client(Allowed.of([f"127.0.0.1:{free}"]), timeout=2.0)
    with pytest.raises(NotAccepted) as caught:
        channel(kind, free, client, monkeypatch).send(OPENED, None)
    assert (caught.value.permanent, caught.value.unanswered) == (False, False)


@pytest.mark.parametrize("kind", KINDS)
def test_loopback_is_refused_where_nobody_allowed_it(kind: str, receiver: Receiver, monkeypatch: Any) -> None:
    made = channel(kind, receiver.port, Client(insecure=True, timeout=2.0), monkeypatch)
    with pytest.raises(NotAccepted, match="not a public address") as caught:
        made.send(OPENED, None)
    assert (caught.value.permanent, caught.value.unanswered) == (True, False)
    assert not receiver.seen and not any(secret in str(caught.value) for secret in SECRETS)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "email"])
@pytest.mark.parametrize("value", ["", "two words", "line\nX-Evil: 1", "grün"])
def test_a_secret_that_is_missing_or_mangled_costs_no_message(
    kind: str, value: str, receiver: Receiver, monkeypatch: Any
) -> None:
    made = channel(kind, receiver.port, receiver.client, monkeypatch)
    for name in ("PW_TOKEN", "PW_URL", "PW_APPRISE"):
        monkeypatch.setenv(name, value)
    with pytest.raises(NotAccepted) as caught:
        made.send(OPENED, None)
    assert (caught.value.permanent, caught.value.unanswered) == (False, False)
    assert not receiver.seen and (not value or value not in str(caught.value))


def test_the_page_of_the_channels_tells_every_setting() -> None:
    text = (Path(__file__).parents[3] / "docs" / "channels.md").read_text("utf-8")
    for kind in KINDS:
        section = text.split(f"(`{kind}`)\n", 1)[1].split("\n## ", 1)[0]
        told = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
        assert told == list(channel_class(kind).Settings.model_fields), kind
