"""The keeper `witness` against the real one, in its own process; and against ones that lie."""

import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
from pydantic import ValidationError

from proofwatch.evidence import merkle
from proofwatch.evidence.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from proofwatch.evidence.cosignature import Cosigner, cosignatures, parse_cosigner
from proofwatch.evidence.note import Signer
from proofwatch.evidence.tiles import DirectoryLog, write_log
from proofwatch.evidence.verify import verify_log
from proofwatch.evidence.witness import parse_request
from proofwatch.outbound.guard import Allowed, Forbidden
from proofwatch.outbound.http import Client, NoAnswer
from proofwatch.outside.base import Given, OutsideError
from proofwatch.outside.witness import Rewritten, Settings, Witness
from tests.evidence.logs import SIGNER, MemoryLog, make_entry
from tests.outside.witnesses import serving, verb

CLIENT = Client(allowed=Allowed.of(["127.0.0.1"]), timeout=10)
LIAR = Cosigner("witness.example/liar", b"\x41" * 32)
ENTRIES = [make_entry(number) for number in range(600)]
LOG = MemoryLog(ENTRIES)
CHANGED = MemoryLog([*ENTRIES[:10], make_entry(10, amount="another"), *ENTRIES[11:]])


def given(log, size, signer=SIGNER, now=None):
    root = merkle.root_from_tiles(size, log.tile)
    return Given(
        note=sign_checkpoint(signer, size, root),
        size=size,
        root=root,
        vkey=signer.vkey,
        organization="",
        now=now or datetime.now(UTC),
        prove=lambda old: merkle.consistency_proof(old, size, log.tile),
    )


def keep(witness, what):
    return Witness().keep(Settings(url=witness.url, vkey=witness.vkey), what, CLIENT)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A witness that trusts our log; the tests of this module share it as it grows."""
    home = tmp_path_factory.mktemp("witness") / "home"
    verb("init", "--name", "witness.example/w1", home=home)
    verb("trust", SIGNER.vkey, home=home)
    return home


@pytest.fixture
def fresh(tmp_path):
    home = tmp_path / "witness"
    verb("init", "--name", "witness.example/w2", home=home)
    verb("trust", SIGNER.vkey, home=home)
    with serving(home) as running:
        yield running


def test_the_kind_is_known():
    from proofwatch.outside.registry import keeper

    assert isinstance(keeper("witness"), Witness)
    assert keeper("witness").settings is Settings


def test_a_log_is_cosigned_as_it_grows(home):
    with serving(home) as witness:
        sizes = []
        for size in (1, 255, 257, 257, 600):
            answer = keep(witness, given(LOG, size))
            (found,) = cosignatures(answer.proof, [parse_cosigner(witness.vkey)])
            assert open_checkpoint(answer.proof, [SIGNER.verifier])[0].size == size
            assert answer.reference == f"{found.moment:%Y-%m-%dT%H:%M:%SZ}"
            assert abs(found.moment - datetime.now(UTC)) < timedelta(seconds=60)
            assert answer.facts["witness"] == "witness.example/w1"
            sizes.append(answer.facts["from_size"])
        assert sizes == [0, 1, 255, 257, 257]
    status = verb("status", home=home)
    assert status["vkey"] == witness.vkey
    (log,) = status["logs"]
    assert (log["origin"], log["size"], log["refused"]) == (SIGNER.name, 600, [])
    assert cosignatures(log["note"], [parse_cosigner(witness.vkey)])[0].moment
    lines = witness.log.splitlines()
    assert sum(f" 200 {SIGNER.name} 257" in line for line in lines) == 2
    assert sum(f" 409 {SIGNER.name} 600 257" in line for line in lines) == 1


def test_the_drill_of_a_rewritten_log(fresh, tmp_path):
    """Whoever has the key can rewrite the log and sign it anew; the witness saw it, and tells."""
    folder = tmp_path / "log"
    write_log(LOG, folder)
    cosigned = keep(fresh, given(LOG, 600)).proof.decode()

    # An old entry is changed, the tiles are built anew, and the whole is signed with the true key.
    forged = tmp_path / "forged"
    write_log(CHANGED, forged)
    assert DirectoryLog(forged).checkpoint() != DirectoryLog(folder).checkpoint()
    assert verify_log(DirectoryLog(forged), [SIGNER.vkey]).exit_code == 0, "by itself it is a perfect log"

    with pytest.raises(Rewritten, match="other entries than these 600: the log was rewritten"):
        keep(fresh, given(CHANGED, 600))
    longer = MemoryLog([*CHANGED.stored, make_entry(600), make_entry(601)])
    for _ in range(2):
        with pytest.raises(Rewritten, match="do not begin with the 600 that it cosigned"):
            keep(fresh, given(longer, 602))
    with pytest.raises(Rewritten, match=r"cosigned 600 entries .* there are 599 now: the log was cut"):
        keep(fresh, given(LOG, 599))

    report = verify_log(DirectoryLog(forged), [SIGNER.vkey], earlier=cosigned)
    assert report.exit_code == 1
    assert any("the log was rewritten" in line for line in report.wrong)
    assert verify_log(DirectoryLog(folder), [SIGNER.vkey], earlier=cosigned).exit_code == 0

    done = verb("status", home=tmp_path / "witness", check=False)
    (log,) = done["logs"]
    assert [item["convicts"] for item in log["refused"]] == [True, False]
    roots = {
        open_checkpoint(note, [SIGNER.verifier])[0].root for note in (log["note"], log["refused"][0]["note"])
    }
    assert len(roots) == 2, "two signed roots of one size convict the log, whoever looks at them"
    # The true log is still cosigned.
    honest = MemoryLog([*ENTRIES, make_entry(600)])
    assert keep(fresh, given(honest, 601)).facts["from_size"] == 600


def test_a_log_or_key_that_is_not_known_there_is_told_with_what_helps(fresh):
    stranger = Signer("example.org/stranger", b"\x61" * 32)
    with pytest.raises(OutsideError, match="does not know this log") as caught:
        keep(fresh, given(LOG, 7, stranger))
    assert stranger.vkey in caught.value.remedy
    renewed = Signer(SIGNER.name, b"\x62" * 32)
    with pytest.raises(OutsideError, match="does not accept the key"):
        keep(fresh, given(LOG, 7, renewed))


def test_a_proof_that_cannot_be_made_is_an_error_with_its_reason(fresh):
    from dataclasses import replace

    from proofwatch.evidence.base import EvidenceError

    def fail(old):
        raise EvidenceError("reading a tile", "tile/0/000 is not there")

    keep(fresh, given(LOG, 7))
    with pytest.raises(OutsideError, match="proof from 7 entries: tile/0/000 is not there"):
        keep(fresh, replace(given(LOG, 9), prove=fail))


def test_two_who_ask_at_once_are_both_answered(fresh):
    from concurrent.futures import ThreadPoolExecutor

    def ask(size):
        for _ in range(50):
            try:
                return keep(fresh, given(LOG, size))
            except Rewritten as error:
                assert "was cut" in error.problem, "the other one was quicker with a larger size"
                return error
            except OutsideError as error:
                assert not error.permanent
        raise AssertionError("never answered")

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(ask, [100, 200, 300, 400, 500, 600]))
    assert not isinstance(answers[-1], Rewritten)


# --- Witnesses that lie or fail.


@contextmanager
def answering(reply):
    """A server that answers each request as `reply(number, request)` says: (status, headers, body)."""
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen.append((self.path, dict(self.headers), body))
            status, headers, answer = reply(len(seen), parse_request(body))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield SimpleNamespace(url=f"http://127.0.0.1:{server.server_port}/prefix/", vkey=LIAR.vkey, seen=seen)
    finally:
        server.shutdown()
        server.server_close()


SIZE = {"Content-Type": "text/x.tlog.size; charset=utf-8"}


def line_of(request, at=None, cosigner=LIAR, text=None):
    at = int(datetime.now(UTC).timestamp()) if at is None else at
    return cosigner.cosign(text or request.text, at).encode()


def test_the_request_is_that_of_the_specification():
    with answering(lambda number, asked: (200, {}, line_of(asked))) as witness:
        keep(witness, given(LOG, 7))
    ((path, headers, body),) = witness.seen
    assert path == "/prefix/add-checkpoint"
    assert body == b"old 0\n\n" + given(LOG, 7).note.encode()
    assert headers["Content-Length"] == str(len(body))


def test_lines_of_other_keys_are_passed_over():
    other = Cosigner("witness.example/other", b"\x43" * 32)
    same_name = Cosigner(LIAR.name, b"\x44" * 32)

    def reply(number, asked):
        return 200, {}, line_of(asked, cosigner=other) + line_of(asked, cosigner=same_name) + line_of(asked)

    with answering(reply) as witness:
        answer = keep(witness, given(LOG, 7))
    assert answer.proof.decode().count("— ") == 2
    assert len(cosignatures(answer.proof, [LIAR.verifier])) == 1


def by(cosigner, hours=0, text=None):
    """Answer with a line by somebody, of some time, over some text."""

    def reply(asked):
        # Of the time at which it is asked: the suite may have been collected half an hour before.
        at = int((datetime.now(UTC) + timedelta(hours=hours)).timestamp())
        return 200, {}, line_of(asked, at, cosigner, text)

    return reply


ELSEWHERE = Checkpoint("x", 1, b"\1" * 32).text()
LIES = [
    ("of another text", by(LIAR, text=ELSEWHERE), "proves nothing"),
    ("by another key", by(Cosigner("w", b"\2" * 32)), "no cosignature by"),
    ("by another key of its name", by(Cosigner(LIAR.name, b"\2" * 32)), "no cosignature"),
    ("long ago", by(LIAR, -1.1), "far from ours"),
    ("far ahead", by(LIAR, 1.1), "far from ours"),
    ("nothing", lambda asked: (200, {}, b""), "no cosignature"),
    ("rubbish", lambda asked: (200, {}, "— witness.example/liar !!\n".encode()), "proves nothing"),
    ("not UTF-8", lambda asked: (200, {}, b"\xff" * 300), "no cosignature"),
    ("a page", lambda asked: (200, {}, b"<html>hello</html>"), "no cosignature"),
    ("at the end of time", lambda asked: (200, {}, line_of(asked, 2**63 - 1)), "its clock says 9999"),
    ("a redirect", lambda asked: (302, {"Location": "http://127.0.0.1:1/"}, b""), "answered 302"),
    ("failed", lambda asked: (500, {}, b"secret inside"), "answered 500"),
    ("bad request", lambda asked: (400, {}, b"no"), "answered 400"),
    ("a conflict without size", lambda asked: (409, {}, b"7\n"), "moved on"),
    ("a conflict with words", lambda asked: (409, SIZE, b"seven\n"), "names no size"),
    ("a conflict with blanks", lambda asked: (409, SIZE, b" 3\n"), "names no size"),
    ("a conflict beyond numbers", lambda asked: (409, SIZE, b"9" * 400), "names no size"),
    ("larger", lambda asked: (409, SIZE, b"8\n"), "the log was cut"),
    ("always smaller", lambda asked: (409, SIZE, b"3\n"), "moved on"),
    ("rewritten", lambda asked: (409, SIZE, b"7\n"), "other entries than these 7"),
    ("inconsistent", lambda asked: (422, {}, b"no"), "do not begin with the 0"),
]  # fmt: skip


@pytest.mark.parametrize(("reply", "said"), [case[1:] for case in LIES], ids=[case[0] for case in LIES])
def test_an_answer_that_proves_nothing_is_an_error(reply, said):
    with answering(lambda number, asked: reply(asked)) as witness, pytest.raises(OutsideError) as caught:
        keep(witness, given(LOG, 7))
    assert said in caught.value.problem
    assert "secret inside" not in str(caught.value)
    assert len(witness.seen) <= 2


def test_what_may_pass_is_tried_again_and_what_stays_is_not():
    for status, permanent in [
        (500, False),
        (503, False),
        (429, False),
        (400, True),
        (403, True),
        (422, True),
    ]:
        with answering(lambda number, asked, status=status: (status, {}, b"")) as witness:
            with pytest.raises(OutsideError) as caught:
                keep(witness, given(LOG, 7))
            assert caught.value.permanent is permanent


def test_after_a_conflict_the_right_proof_is_sent_once():
    def reply(number, asked):
        return (409, SIZE, b"300\n") if number == 1 else (200, {}, line_of(asked))

    with answering(reply) as witness:
        assert keep(witness, given(LOG, 600)).facts["from_size"] == 300
    asked = parse_request(witness.seen[1][2])
    roots = [merkle.root_from_tiles(size, LOG.tile) for size in (300, 600)]
    merkle.verify_consistency(300, 600, *roots, asked.proof)


def test_a_conflict_about_the_same_size_means_rewritten_also_where_the_second_names_none():
    with (
        answering(lambda number, asked: (409, SIZE if number == 1 else {}, b"600\n")) as witness,
        pytest.raises(Rewritten, match="other entries than these 600"),
    ):
        keep(witness, given(LOG, 600))


def test_a_witness_inside_the_network_needs_to_be_allowed():
    what = given(LOG, 7)
    with pytest.raises((Forbidden, NoAnswer)):
        Witness().keep(Settings(url="https://127.0.0.1:9/", vkey=LIAR.vkey), what, Client())


@pytest.mark.parametrize(
    ("url", "vkey", "said"),
    [
        ("ftp://w.example/", LIAR.vkey, "https:// address"),
        ("w.example", LIAR.vkey, "https:// address"),
        ("https://", LIAR.vkey, "https:// address"),
        ("https://[bad/", LIAR.vkey, "not an address"),
        ("https://w.example/?a=b", LIAR.vkey, "without query"),
        ("https://u:p@w.example/", LIAR.vkey, "no password"),
        ("https://w.example/", SIGNER.vkey, "not a key of a witness"),
        ("https://w.example/", "nonsense", "name\\+id\\+key"),
    ],
)
def test_settings_are_looked_at(url, vkey, said):
    with pytest.raises(ValidationError, match=said):
        Settings(url=url, vkey=vkey)
    with pytest.raises(ValidationError):
        Settings(url="https://w.example/", vkey=LIAR.vkey, more=1)
