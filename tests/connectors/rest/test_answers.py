"""What a provider may answer, and what becomes of it: rows, or why there are none."""

import gzip
import json
import socket
import threading

import pytest

from proofwatch.connectors.base import ReadStats
from proofwatch.connectors.rest.api import Kept
from proofwatch.demo.fakes.base import Said
from proofwatch.outbound.http import Answer
from proofwatch.outbound.session import Session, origin
from tests.connectors.rest.source import SECRET, Things, refused, rows

NEEDED = "things: read"
ONE = [{"id": "a", "size": 3, "owner": {"name": "ada"}, "made": "2026-01-01T00:00:00Z", "seen": 9}]


def test_an_answer_becomes_typed_rows_with_the_item_beside_them(fake):
    fake.route("GET /things", lambda asked: Said([{**ONE[0], "password": "x", "new_field": {"deep": [1]}}]))
    (row,) = rows(fake, "things_thing")
    assert (row["account_id"], row["region"], row["resource"]) == ("a", "global", "a")
    assert (row["size"], row["owner"], row["made"].year, row["_unread"]) == (3, "ada", 2026, None)
    assert row["raw"]["new_field"] == {"deep": [1]} and row["raw"]["password"] == "(left out)"
    assert "seen" not in row["raw"]


@pytest.mark.parametrize(
    ("said", "words", "permission", "permanent"),
    [
        (Said({"message": "Bad credentials"}, 401), "accept the credential: Bad credentials", "", True),
        (
            Said({"error": {"message": "no role"}}, 403),
            f"denies it ({NEEDED} is needed): no role",
            NEEDED,
            True,
        ),
        (Said({"message": "Not Found"}, 404), "no such thing, or that we may not see it", NEEDED, True),
        (Said({"errorSummary": "bad limit"}, 422), "the request with status 422: bad limit", "", True),
        (Said({"message": "slow"}, 429, {"Retry-After": "600"}), "asks to wait 600 seconds", "", False),
        (Said(b"<html>", 500), "failed with status 500", "", False),
        (Said(b'[{"id": "a"', 200), "that are no JSON", "", False),
        (Said({"things": []}, 200), "answered what it does not document", "", True),
        (Said([{"id": "a"}, "b"], 200), "answered what it does not document", "", True),
        (Said([{"size": 3}], 200), "it cannot be told which it is", "", True),
        (Said(None, 302, {"Location": "https://evil.example/x"}), "leads to 'evil.example'", "", True),
        (Said(ONE, 200, {"Link": '<https://evil.example/x>; rel="next"'}), "evil.example", "", True),
        (Said(ONE, 200, {"Link": '</things>; rel="next"'}), "read before", "", False),
        (Said(None, 302, {"Location": "/things"}), "redirects again and again", "", True),
    ],
)
def test_what_is_no_whole_answer_is_unread_with_its_reason(fake, said, words, permission, permanent):
    fake.route("GET /things", lambda asked: said)
    error = refused(fake)
    assert words in error.problem
    assert (error.permission, error.permanent) == (permission, permanent)
    assert "reading" in error.doing and error.code


def test_a_redirect_within_the_system_is_followed(fake):
    fake.route("GET /things", lambda asked: Said(None, 301, {"Location": "/moved"}))
    fake.route("GET /moved", lambda asked: Said(ONE))
    assert len(rows(fake, "things_thing")) == 1


def test_pages_are_read_to_the_last(fake):
    def page(asked):
        at = int(asked.query.get("page", "1"))
        link = (
            {"Link": f'<{asked.base}/things?page={at + 1}>; rel="next", </x>; rel="last"'} if at < 3 else {}
        )
        return Said([{"id": f"t{at}"}], 200, link)

    fake.route("GET /things", page)
    stats = ReadStats()
    assert [row["resource"] for row in rows(fake, "things_thing", stats)] == ["t1", "t2", "t3"]
    assert (stats.calls, stats.pages) == (3, 3)


def test_a_page_that_fails_late_makes_the_whole_table_unread(fake):
    fake.route("GET /things", lambda asked: Said(ONE, 200, {"Link": f'<{asked.base}/more>; rel="next"'}))
    fake.route("GET /more", lambda asked: Said({"message": "gone"}, 403))
    assert "denies it" in refused(fake).problem


def test_it_waits_as_long_as_it_is_asked_to_and_no_longer(fake):
    left = [Said({}, 503), Said({}, 429, {"Retry-After": "1"}), Said(ONE)]
    fake.route("GET /things", lambda asked: left.pop(0))
    stats = ReadStats()
    assert len(rows(fake, "things_thing", stats)) == 1
    assert (stats.calls, stats.throttled) == (3, 1)


def test_what_did_not_change_is_not_sent_again(fake):
    def answer(asked):
        same = asked.headers.get("if-none-match") == '"v1"'
        return Said(None, 304, {"ETag": '"v1"'}) if same else Said(ONE, 200, {"ETag": '"v1"'})

    fake.route("GET /things", answer)
    assert rows(fake, "things_thing") == rows(fake, "things_thing")
    assert "if-none-match" in fake.asked[-1].headers


def test_kept_answers_have_a_limit():
    kept = Kept(most=10)
    for number in range(5):
        kept.put(str(number), Answer(200, {"etag": "x"}, b"1234"))
    assert kept.get("0") is None and kept.get("4") is not None and kept._size <= 10


def test_no_error_repeats_the_secret(fake):
    fake.route("GET /things", lambda asked: Said({"message": f"bad token {SECRET}"}, 401))
    assert SECRET not in str(refused(fake))


def test_a_credential_that_is_not_there_is_unread_and_names_the_reference(fake, monkeypatch):
    monkeypatch.delenv("THINGS_TOKEN")
    error = refused(fake)
    assert "THINGS_TOKEN is not set" in error.problem and error.code == "credential"


def test_an_answer_may_be_packed_and_must_be_whole(fake):
    whole = gzip.compress(json.dumps(ONE).encode())
    fake.route("GET /things", lambda asked: Said(whole, 200, {"Content-Encoding": "gzip"}))
    assert len(rows(fake, "things_thing")) == 1
    fake.broken["/things"] = Said(whole[:-12], 200, {"Content-Encoding": "gzip"})
    assert "broke off" in refused(fake).problem
    fake.broken["/things"] = Said(b"no gzip", 200, {"Content-Encoding": "gzip"})
    assert "damaged" in refused(fake).problem


def test_half_an_answer_is_none():
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        for _ in range(8):
            try:
                peer, _address = listener.accept()
            except OSError:
                return
            with peer:
                peer.recv(65536)
                peer.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[{"id": "a"}')

    threading.Thread(target=serve, daemon=True).start()
    try:
        connector = Things(
            Things.parse_settings({"base_url": f"http://127.0.0.1:{listener.getsockname()[1]}"})
        )
        api = connector.api("a")
        api.auth = type("Free", (), {"headers": lambda self: {}, "renew": lambda self: False})()
        with pytest.raises(Exception, match="did not answer") as caught:
            api.get("/things")
        assert caught.value.code == "no answer" and not caught.value.permanent
    finally:
        listener.close()


@pytest.mark.parametrize(
    "address",
    ["ftp://x", "http://github.example", "https://u:p@x", "github.com", "", "http://169.254.169.254"],
)
def test_an_address_is_encrypted_or_of_this_machine(address):
    with pytest.raises(ValueError, match="it is not"):
        origin(address)


def test_no_request_goes_where_clouds_keep_the_keys_of_their_machines():
    session = Session(["https://169.254.169.254"])
    with pytest.raises(Exception, match="no system to be read has"):
        session.request("GET", "https://169.254.169.254/latest", doing="reading", headers={})


def test_settings_are_refused_in_words():
    with pytest.raises(Exception, match="base_urll: no such setting; did you mean base_url"):
        Things.parse_settings({"base_url": "https://x.example", "base_urll": 1})
    with pytest.raises(Exception, match="not encrypted"):
        Things.parse_settings({"base_url": "http://x.example"})
