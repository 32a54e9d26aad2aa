"""Checkpoints by e-mail, against a real SMTP server."""

import email
import email.policy
import socket
from contextlib import contextmanager

import pytest
from aiosmtpd.controller import Controller

from proofwatch.outbound.http import Client
from proofwatch.outside.base import OutsideError
from proofwatch.outside.email import Email, Settings
from tests.outside.samples import LOCAL, given


class Box:
    def __init__(self):
        self.mails, self.rcpt, self.data = [], {}, "250 2.0.0 queued as 4F1"

    async def handle_RCPT(self, server, session, envelope, address, options):
        said = self.rcpt.get(address, "250 OK")
        if said.startswith("250"):
            envelope.rcpt_tos.append(address)
        return said

    async def handle_DATA(self, server, session, envelope):
        self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return self.data


@contextmanager
def served():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    box = Box()
    running = Controller(box, hostname="127.0.0.1", port=port)
    running.start()
    try:
        yield box, Settings(
            host="127.0.0.1", port=port, security="none", sender="log@acme.example",
            recipients=["auditor@firm.example", "board@acme.example"],
        )  # fmt: skip
    finally:
        running.stop()


def test_the_checkpoint_is_text_and_a_file_with_its_very_bytes():
    checkpoint = given(12)
    with served() as (box, settings):
        answer = Email().keep(settings, checkpoint, LOCAL)
        again = Email().keep(settings, checkpoint, LOCAL)
    mail = box.mails[0]
    (attached,) = mail.iter_attachments()
    assert attached.get_filename() == "checkpoint-12.txt"
    assert attached.get_content() == checkpoint.note.encode()
    text = mail.get_body().get_content().replace("\r\n", "\n")
    assert checkpoint.note in text
    assert "first 12 entries" in text and checkpoint.vkey in text and "Acme Ltd" in text
    assert mail["Subject"] == "Checkpoint of Acme Ltd: 12 entries"
    assert answer.reference == again.reference == mail["Message-ID"]
    assert answer.facts["said"] == "250 2.0.0 queued as 4F1"
    assert answer.facts["accepted_by"].startswith("127.0.0.1:")
    assert "deliver" not in str(answer.facts)


def test_whom_the_server_refuses_is_said():
    with served() as (box, settings):
        box.rcpt = {"board@acme.example": "550 no such user"}
        answer = Email().keep(settings, given(12), LOCAL)
        assert answer.facts["refused"] == ["board@acme.example (550 no such user)"]
        box.rcpt["auditor@firm.example"] = "550 nor this"
        with pytest.raises(OutsideError, match="nor this"):
            Email().keep(settings, given(12), LOCAL)


def test_a_server_that_refuses_is_an_error():
    with served() as (box, settings):
        box.data = "452 too much mail"
        with pytest.raises(OutsideError, match="452 too much mail") as caught:
            Email().keep(settings, given(12), LOCAL)
        assert not caught.value.permanent


def test_nothing_is_sent_unencrypted_to_a_host_that_nobody_allowed():
    with served() as (box, settings), pytest.raises(OutsideError, match="without encryption"):
        Email().keep(settings, given(12), Client())
    assert box.mails == []
