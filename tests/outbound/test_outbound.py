"""Requests to real sockets on loopback, which is allowed by name here and forbidden everywhere else."""

import ipaddress
import re
import socket
import threading
import time
from contextlib import contextmanager

import pytest

from proofwatch.outbound.guard import Allowed, Forbidden, public, resolve
from proofwatch.outbound.http import Client, NoAnswer
from proofwatch.outbound.secrets import SecretError, reveal


@contextmanager
def answering(*parts, pause=0.0, read=True):
    """A server that reads one request, then writes these parts, and closes."""
    listener = socket.create_server(("127.0.0.1", 0))
    seen = []

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                if read:
                    seen.append(request(connection))
                for part in parts:
                    try:
                        connection.sendall(part)
                    except OSError:
                        break
                    time.sleep(pause)

    threading.Thread(target=serve, daemon=True).start()
    port = listener.getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/hook/s3cret", seen, Allowed.of([f"127.0.0.1:{port}"])
    finally:
        listener.close()


def request(connection):
    """Read one request to its end: headers and body may come in several pieces."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    while length and len(body) < int(length[1]):
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nRetry-After: 7\r\n\r\nok"


def test_an_answer_comes_with_status_headers_and_body():
    with answering(OK) as (url, seen, allowed):
        got = Client(allowed).request("POST", url, doing="sending", body={"a": "é"})
    assert (got.status, got.text, got.ok, got.retry_after()) == (200, "ok", True, 7.0)
    assert b'{"a": "\xc3\xa9"}' in seen[0] and seen[0].startswith(b"POST /hook/s3cret HTTP/1.1")


def test_loopback_is_forbidden_unless_allowed_and_the_error_hides_the_path():
    with answering(OK) as (url, seen, _), pytest.raises(Forbidden) as refused:
        Client(insecure=True).request("POST", url, doing="sending to ops")
    assert "127.0.0.1 is 127.0.0.1, which is not a public address" in str(refused.value)
    assert "s3cret" not in str(refused.value) and not seen


def test_plain_http_is_refused_for_hosts_that_nobody_allowed():
    with pytest.raises(NoAnswer, match="not encrypted") as refused:
        Client().request("POST", "http://hooks.example.com/x", doing="sending")
    assert refused.value.permanent and not refused.value.unanswered


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("169.254.169.254", False),
        ("fd00:ec2::254", False),
        ("100.64.0.1", False),
        ("10.1.2.3", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1", False),
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
        ("64:ff9b::808:808", True),
    ],
)
def test_only_addresses_of_the_public_internet_are_public(text, expected):
    assert public(ipaddress.ip_address(text)) is expected


@pytest.mark.parametrize("host", ["localhost", "127.1", "0x7f.1", "2130706433", "[::1]"])
def test_other_ways_to_write_loopback_are_loopback(host):
    with pytest.raises(Forbidden):
        resolve(host, 80, Allowed(), "sending")


def test_a_redirect_is_an_answer_and_is_not_followed():
    moved = b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"
    with answering(moved) as (url, seen, allowed):
        got = Client(allowed).request("GET", url, doing="reading")
    assert got.status == 302 and len(seen) == 1


def test_an_answer_that_is_dribbled_ends_at_the_deadline():
    drops = [b"HTTP/1.1 200 OK\r\n", *[b"X-A: 1\r\n"] * 50]
    with answering(*drops, pause=0.1) as (url, _, allowed):
        began = time.monotonic()
        with pytest.raises(NoAnswer) as ended:
            Client(allowed, timeout=0.5).request("POST", url, doing="sending")
    assert ended.value.unanswered and not ended.value.permanent and time.monotonic() - began < 3


def test_a_connection_closed_after_the_request_may_have_arrived():
    with answering() as (url, _, allowed), pytest.raises(NoAnswer) as ended:
        Client(allowed).request("POST", url, doing="sending")
    assert ended.value.unanswered and "s3cret" not in str(ended.value)


def test_a_closed_port_certainly_received_nothing():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(NoAnswer) as ended:
        Client(Allowed.of(["127.0.0.1"])).request("POST", f"http://127.0.0.1:{port}/", doing="sending")
    assert not ended.value.unanswered


def test_an_endless_answer_is_cut():
    endless = [b"HTTP/1.1 200 OK\r\n\r\n", *[b"x" * 1_000_000] * 6]
    with answering(*endless) as (url, _, allowed), pytest.raises(NoAnswer, match="more than"):
        Client(allowed).request("GET", url, doing="reading")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a.example/",
        "https://u:p@a.example/",
        "https:///x",
        "nonsense",
        "https://[::1/x",
        "https://a..example/",
        f"https://{'a' * 70}.example/",
        "https://a.example:port/",
    ],
)
def test_only_plain_addresses_are_taken(url):
    with pytest.raises(NoAnswer) as refused:
        Client().request("GET", url, doing="reading")
    assert refused.value.permanent and "u:p" not in str(refused.value)


def test_a_secret_is_read_from_its_place(tmp_path, monkeypatch):
    (tmp_path / "token").write_text("hush\n")
    monkeypatch.setenv("PW_TOKEN", "hush2")
    assert reveal(f"file:{tmp_path / 'token'}", "x") == "hush"
    assert reveal("env:PW_TOKEN", "x") == "hush2"


@pytest.mark.parametrize("reference", ["env:PW_NOT_SET", "file:/nowhere/at/all", "hush"])
def test_a_secret_that_is_not_there_is_an_error_that_does_not_repeat_it(reference):
    with pytest.raises(SecretError) as error:
        reveal(reference, "testing ops")
    assert "hush" not in str(error.value)


def test_a_secret_with_a_line_end_adds_no_header():
    with answering(OK) as (url, seen, allowed), pytest.raises(NoAnswer) as refused:
        headers = {"Authorization": "Bearer hush\nX-Evil: 1"}
        Client(allowed).request("GET", url, doing="reading", headers=headers)
    assert refused.value.permanent and not seen and "hush" not in str(refused.value)


@pytest.mark.parametrize(
    "address",
    [
        "168.63.129.16", "169.254.169.254", "192.0.0.192", "::127.0.0.1", "::ffff:0:127.0.0.1",
        "64:ff9b:1::7f00:1", "64:ff9b::7f00:1", "fec0::1", "::ffff:10.0.0.1", "100.64.0.1", "0.0.0.0",
    ],
)  # fmt: skip
def test_what_only_looks_public_is_not(address: str) -> None:
    assert not public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1"])
def test_what_is_public_is(address: str) -> None:
    assert public(ipaddress.ip_address(address))
