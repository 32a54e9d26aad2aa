import base64
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proofwatch.evidence import merkle
from proofwatch.evidence.base import EvidenceError
from proofwatch.evidence.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from proofwatch.evidence.cosignature import Cosigner, cosignatures, parse_cosigner
from proofwatch.evidence.note import Signer, Verifier, encode64, key_id
from proofwatch.evidence.witness import (
    KEY,
    MOST_REQUEST,
    STATE,
    Witness,
    create_witness,
    format_request,
    open_witness,
    parse_request,
)
from tests.evidence.logs import SIGNER, MemoryLog, make_entry

NOW = 1_800_000_000
LONGEST = 40


def history(name, size=LONGEST):
    return MemoryLog([make_entry(number, of=name if number >= 5 else "") for number in range(size)])


OURS, FORKED = history("ours"), history("forked")


def note_of(log, size):
    return sign_checkpoint(SIGNER, size, merkle.root_from_tiles(size, log.tile))


def request(log, old, new, proof=None):
    if proof is None:
        proof = merkle.consistency_proof(old, new, log.tile) if 0 < old < new else []
    return format_request(old, proof, note_of(log, new))


@pytest.fixture
def witness(tmp_path):
    made = create_witness(tmp_path / "home", "witness.example/w1")
    made.trust(SIGNER.vkey)
    made._clock = lambda: NOW
    return made


def cosigned(witness, reply, log, size):
    assert reply.status == 200, reply
    note = note_of(log, size) + reply.body.decode()
    (found,) = cosignatures(note, [parse_cosigner(witness.vkey)])
    assert (found.name, found.at) == ("witness.example/w1", NOW)
    return True


# --- What another implementation's tests say of their witness: log, checkpoints, proofs and statuses.

PUBLIC_KEY = bytes.fromhex("ffdc2d4d98e4124d3feaf788c0c2f9abfd796083d1f0495437f302ec79cf100f")
ORIGIN = "sigsum.org/v1/tree/4d6d8825a6bb689d459628312889dfbb0bcd41b5211d9e1ce768b0ff0309e562"
PUBLIC = Verifier(ORIGIN, key_id(ORIGIN, PUBLIC_KEY), PUBLIC_KEY)
SIZE_1 = (
    1,
    "2a00000000000000000000000000000000000000000000000000000000000000",
    "b7cf653aa9c565a1ca359db81bd3bc656ab2890c6ea4c0aec42295e80aa05049"
    "423505026434f987923ccdf07d440c152cd59e736e5914d8ada8d7a4d51b2106",
)
SIZE_3 = (
    3,
    "45c088d4d939e9971298811f227d1295eaad57bbafae55cd71c171e7de48c25d",
    "655bb4871d15bc05032d67eece88900c4863a27f190393b99176391577f5def9"
    "71b023d9a418c3226b7b7ea47b33686d9b3849451dadc6b07c007c595af1ea0a",
)
SIZE_5 = (
    5,
    "42bb57ad06420afa4882c4a63ac6a1ec77480b330b2f20dfc53a0caa5f564e36",
    "0fc43899968b48b5150b0e8fe7ad07b17c21c7056a6fe381deb0cd19ece103d5"
    "9b2119b5dbe5d54d8a1262ce67f01245c5898b4b56f747495804a17a2eec0f0c",
)
A, B, C, D = (bytes.fromhex(f"2a0{number}") + bytes(30) for number in (1, 2, 3, 4))
E = bytes.fromhex("f9f50357e93def4078237b8aaea24ce1a3f5965a0f64ff26bebd99e30470d8b2")
F = bytes.fromhex("c2088815d65f60dbfa594d4e96504ab169cb6084bf0c132ab7c521fd2e0eba41")


def public(old, state, proof, origin=ORIGIN, spoil=0):
    size, root, signature = state
    raw = bytearray(bytes.fromhex(signature))
    raw[-1] ^= spoil
    body = Checkpoint(origin, size, bytes.fromhex(root)).text()
    return format_request(old, proof, f"{body}\n— {origin} {encode64(PUBLIC.key_id + bytes(raw))}\n")


def test_a_public_log_is_answered_as_another_witness_answers_it(tmp_path):
    witness = create_witness(tmp_path, "witness.example/w1")
    assert witness.trust(PUBLIC.text) == ORIGIN
    other = ORIGIN[:-1] + "1"
    steps = [
        (public(0, SIZE_1, []), 200, None),
        (public(1, SIZE_3, [A, B], spoil=1), 403, b"does not fit"),
        (public(1, SIZE_3, [A, B], origin=other), 404, b"not known"),
        (public(1, SIZE_3, []), 422, b"fewer hashes"),
        (public(1, SIZE_3, [A, B[:-1] + b"\x01"]), 422, b"other roots"),
        (public(1, SIZE_3, [A, B]), 200, None),
        (public(1, SIZE_5, [A, E, D]), 409, b"3\n"),
        (public(3, SIZE_5, [B, C, F, D]), 200, None),
        (public(3, SIZE_5, [B, C, F, D]), 409, b"5\n"),
        (public(5, SIZE_5, []), 200, None),
        (public(0, SIZE_1, [A] * 64), 400, b"more than 63"),
    ]
    for number, (body, status, said) in enumerate(steps):
        reply = witness.add_checkpoint(body)
        assert reply.status == status, (number, reply)
        assert said is None or said in reply.body, (number, reply)
        if status == 409:
            assert reply.headers == {"Content-Type": "text/x.tlog.size"}
    (log,) = witness.logs()
    assert (log["size"], base64.b64decode(log["root"]).hex()) == (5, SIZE_5[1])


# --- The rules, one by one.


def test_a_log_is_cosigned_as_it_grows_and_again_where_it_stands(witness):
    for old, new in [(0, 1), (1, 1), (1, 7), (7, 8), (8, 40), (40, 40)]:
        assert cosigned(witness, witness.add_checkpoint(request(OURS, old, new)), OURS, new)
    kept = witness.logs()[0]["note"]
    assert open_checkpoint(kept, [SIGNER.verifier])[0].size == 40
    assert len(cosignatures(kept, [parse_cosigner(witness.vkey)])) == 1


EMPTY, LEAF = merkle.EMPTY_ROOT, merkle.leaf_hash(b"leaf")


@pytest.mark.parametrize(
    ("before", "old", "new", "root", "proof", "status"),
    [
        (0, 0, 0, EMPTY, [], 200),
        (0, 0, 0, LEAF, [], 422),
        (0, 0, 0, bytes(32), [], 422),
        (0, 0, 0, EMPTY, [LEAF], 422),
        (0, 0, 1, LEAF, [], 200),
        (0, 0, 1, LEAF, [LEAF], 422),
        (1, 0, 1, LEAF, [LEAF], 409),
        (1, 1, 0, EMPTY, [], 400),
        (1, 1, 1, LEAF, [LEAF], 422),
        (1, 1, 1, EMPTY, [], 409),
        (1, 0, 0, EMPTY, [], 409),
    ],
)
def test_the_rules_of_size_zero_and_of_the_same_size(witness, before, old, new, root, proof, status):
    if before:
        assert witness.add_checkpoint(format_request(0, [], sign_checkpoint(SIGNER, 1, LEAF))).status == 200
    body = format_request(old, proof, sign_checkpoint(SIGNER, new, root))
    for again in range(2):
        reply = witness.add_checkpoint(body)
        if status == 200 and new and again:
            assert (reply.status, reply.body) == (409, b"1\n")
        else:
            assert reply.status == status, reply
        assert ("— ".encode() in reply.body) is (reply.status == 200)
    known = witness.logs()[0]
    assert known["size"] == (new if status == 200 else before)
    assert known["root"] == encode64(root if status == 200 else LEAF if before else EMPTY)


def malformed():
    good = request(OURS, 0, 7)
    note = note_of(OURS, 7).encode()
    hash_line = encode64(LEAF).encode() + b"\n"
    yield "nothing", b""
    yield "no old line", b"\n" + note
    yield "another word", good.replace(b"old", b"new", 1)
    yield "two blanks", good.replace(b"old 0", b"old  0", 1)
    yield "no number", good.replace(b"old 0", b"old", 1)
    yield "leading zero", good.replace(b"old 0", b"old 00", 1)
    yield "sign", good.replace(b"old 0", b"old +0", 1)
    yield "negative", good.replace(b"old 0", b"old -1", 1)
    yield "too large", good.replace(b"old 0", f"old {2**63}".encode(), 1)
    yield "other digits", good.replace(b"old 0", "old ٠".encode(), 1)
    yield "carriage returns", good.replace(b"\n", b"\r\n")
    yield "proof without padding", good.replace(b"old 0\n", b"old 0\n" + hash_line.replace(b"=", b""), 1)
    yield "proof of 31 bytes", good.replace(b"old 0\n", b"old 0\n" + encode64(LEAF[1:]).encode() + b"\n", 1)
    yield "64 lines of proof", b"old 0\n" + hash_line * 64 + b"\n" + note
    yield "no note", b"old 0\n\n"
    yield "no signature", good[: good.index("— ".encode())]
    yield "a spoiled signature line", good + b"x\n"
    yield "a short signature", good + "— x AAAA\n".encode()
    yield "no last newline", good[:-1]
    yield "not UTF-8", good.replace(b"example.org", b"ex\xffmple.org")
    yield "no checkpoint", format_request(0, [], SIGNER.sign(f"{SIGNER.name}\nno checkpoint\n"))
    yield "old above size", format_request(8, [], note_of(OURS, 7))
    yield "too long", b"old 0\n\n" + b"x" * MOST_REQUEST


@pytest.mark.parametrize("body", [case[1] for case in malformed()], ids=[case[0] for case in malformed()])
def test_a_malformed_request_is_400(witness, body):
    reply = witness.add_checkpoint(body)
    assert reply.status == 400, reply
    assert reply.body.strip()
    assert witness.logs()[0]["size"] == 0


@given(st.binary(max_size=300))
def test_no_bytes_make_the_reader_fail_otherwise(body):
    with pytest.raises(EvidenceError):
        parse_request(body)


@given(st.integers(0, 2**63 - 1), st.lists(st.binary(min_size=32, max_size=32), max_size=63))
def test_a_request_survives(old, proof):
    read = parse_request(format_request(old, proof, note_of(OURS, 7)))
    assert (read.old, list(read.proof), read.note) == (old, proof, note_of(OURS, 7))


def test_only_known_keys_count(witness):
    stranger = Signer(SIGNER.name, b"\x55" * 32)
    text = note_of(OURS, 7).split("\n\n")[0] + "\n"
    assert witness.add_checkpoint(format_request(0, [], stranger.sign(text))).status == 403
    elsewhere = Signer("example.org/elsewhere", b"\x56" * 32)
    assert witness.add_checkpoint(format_request(0, [], elsewhere.sign(text))).status == 403
    unknown = sign_checkpoint(elsewhere, 7, LEAF)
    assert witness.add_checkpoint(format_request(0, [], unknown)).status == 404
    # Signatures of others beside a good one are passed over, and not kept.
    note = note_of(OURS, 7) + elsewhere.signature_line(text)
    assert witness.add_checkpoint(format_request(0, [], note)).status == 200
    assert "elsewhere" not in witness.logs()[0]["note"]


def test_a_key_is_changed_and_a_stolen_one_shut_out(witness):
    new = Signer(SIGNER.name, b"\x57" * 32)
    assert witness.add_checkpoint(request(OURS, 0, 7)).status == 200
    assert witness.trust(new.vkey) == SIGNER.name
    assert witness.distrust(SIGNER.vkey)
    assert not witness.distrust(SIGNER.vkey)
    assert witness.add_checkpoint(request(OURS, 7, 9)).status == 403
    # Who trusts the new key does not begin anew.
    root = merkle.root_from_tiles(9, OURS.tile)
    proof = merkle.consistency_proof(7, 9, OURS.tile)
    assert witness.add_checkpoint(format_request(0, [], sign_checkpoint(new, 9, root))).body == b"7\n"
    assert witness.add_checkpoint(format_request(7, proof, sign_checkpoint(new, 9, root))).status == 200
    witness.trust(SIGNER.vkey)
    assert witness.logs()[0]["size"] == 9


def test_logs_are_kept_apart(witness):
    other = Signer("example.org/other", b"\x58" * 32)
    witness.trust(other.vkey)
    assert witness.add_checkpoint(request(OURS, 0, 30)).status == 200
    assert witness.add_checkpoint(format_request(0, [], sign_checkpoint(other, 1, LEAF))).status == 200
    assert {log["origin"]: log["size"] for log in witness.logs()} == {SIGNER.name: 30, other.name: 1}


def test_a_rewritten_log_is_refused_for_ever_and_kept(witness, tmp_path):
    assert witness.add_checkpoint(request(OURS, 0, 20)).status == 200
    for _ in range(2):
        assert witness.add_checkpoint(request(FORKED, 20, 20)).status == 409
        assert witness.add_checkpoint(request(FORKED, 20, 30)).status == 422
        assert witness.add_checkpoint(request(FORKED, 0, 30)).body == b"20\n"
        witness = open_witness(tmp_path / "home")
    assert witness.add_checkpoint(request(OURS, 20, 30)).status == 200
    assert witness.add_checkpoint(request(FORKED, 30, 40)).status == 422
    log = witness.logs()[0]
    assert [(item["convicts"], parse(item["note"]).size) for item in log["refused"]] == [
        (1, 20),
        (0, 30),
        (0, 40),
    ]
    convicting = parse(log["refused"][0]["note"])
    assert convicting.root != merkle.root_from_tiles(20, OURS.tile)


def parse(note):
    return open_checkpoint(note, [SIGNER.verifier])[0]


def test_what_is_refused_cannot_fill_the_disk_or_displace_what_convicts(witness):
    assert witness.add_checkpoint(request(OURS, 0, 3)).status == 200
    for number in range(130):
        note = sign_checkpoint(SIGNER, 4 + number, bytes([number]) * 32)
        assert witness.add_checkpoint(format_request(3, [], note)).status == 422
    assert witness.add_checkpoint(format_request(3, [], sign_checkpoint(SIGNER, 3, LEAF))).status == 409
    refused = witness.logs()[0]["refused"]
    assert [item["convicts"] for item in refused] == [0] * 100 + [1]
    assert parse(refused[0]["note"]).size == 4


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.data())
def test_whatever_is_asked_all_that_is_cosigned_is_one_history(tmp_path_factory, steps):
    witness = create_witness(tmp_path_factory.mktemp("witness"), "witness.example/w1")
    witness.trust(SIGNER.vkey)
    known, history = 0, None
    sizes = st.integers(0, LONGEST)
    for _ in range(steps.draw(st.integers(1, 12))):
        log = steps.draw(st.sampled_from([OURS, FORKED]))
        old, new = steps.draw(st.one_of(st.just(known), sizes)), steps.draw(sizes)
        proof = merkle.consistency_proof(old, new, log.tile) if 0 < old < new else []
        if proof and steps.draw(st.integers(0, 3)) == 0:
            proof = steps.draw(st.sampled_from([proof[:-1], [*proof, LEAF], [LEAF, *proof[1:]]]))
        true = proof == (merkle.consistency_proof(old, new, log.tile) if 0 < old < new else [])
        # Up to size 5 both logs are the same one.
        same = history in (None, log) or known <= 5
        if old > new:
            expected = {400}
        elif old != known:
            expected = {409}
        elif old == new:
            expected = {200} if same else {409}
        elif old == 0:
            expected = {200}
        else:
            expected = {200} if true and same else {422}
        reply = witness.add_checkpoint(format_request(old, proof, note_of(log, new)))
        assert reply.status in expected, (known, old, new)
        if reply.status == 200:
            known, history = new, (log if new > 5 else None)
        elif reply.status == 409:
            assert reply.body == f"{known}\n".encode()
    assert witness.logs()[0]["size"] == known


# --- Durable, and exclusive.


def test_of_many_requests_at_once_one_wins(witness):
    """Half of them lead to one history, half to another: never are both cosigned."""
    assert witness.add_checkpoint(request(OURS, 0, 10)).status == 200
    bodies = [request(log, 10, size) for size in range(11, 41) for log in (OURS, history("x", 41))]
    honest, gate = set(bodies[::2]), threading.Barrier(8)

    def send(number):
        gate.wait()
        return [(body in honest, witness.add_checkpoint(body)) for body in bodies[number::8]]

    with ThreadPoolExecutor(8) as pool:
        replies = [pair for found in pool.map(send, range(8)) for pair in found]
    won = [pair for pair in replies if pair[1].status == 200]
    assert len(won) == 1
    assert won[0][0]
    assert {reply.status for _, reply in replies} <= {200, 409, 422}
    assert witness.logs()[0]["size"] > 10


KILLED = """
import os, signal, sys
from pathlib import Path
from proofwatch.evidence.witness import open_witness
witness = open_witness(Path(sys.argv[1]))
for body in sys.stdin.buffer.read().split(b"----"):
    assert witness.add_checkpoint(body).status == 200
    print("answered", flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_was_answered_survives_a_kill(witness, tmp_path):
    bodies = [request(OURS, old, old + 4) for old in range(0, 20, 4)]
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path / "home")],
        input=b"----".join(bodies),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert done.stdout.split() == [b"answered"] * 5
    assert open_witness(tmp_path / "home").logs()[0]["size"] == 20


def test_nothing_is_cosigned_that_cannot_be_remembered(witness, tmp_path):
    held = sqlite3.connect(tmp_path / "home" / STATE, isolation_level=None)
    held.execute("BEGIN EXCLUSIVE")
    import proofwatch.evidence.witness as module

    patience, module.PATIENCE = module.PATIENCE, 0.1
    try:
        with pytest.raises(EvidenceError, match="using what the witness remembers") as caught:
            witness.add_checkpoint(request(OURS, 0, 7))
    finally:
        module.PATIENCE = patience
        held.execute("ROLLBACK")
        held.close()
    assert not caught.value.permanent
    assert witness.logs()[0]["size"] == 0


def test_a_witness_without_memory_or_key_does_not_start(witness, tmp_path):
    home = tmp_path / "home"
    with pytest.raises(EvidenceError, match="there is one already"):
        create_witness(home, "witness.example/w2")
    kept = (home / STATE).read_bytes()
    (home / STATE).unlink()
    with pytest.raises(EvidenceError, match="what it remembered is gone") as caught:
        open_witness(home)
    assert "new key" in caught.value.remedy
    with pytest.raises(EvidenceError, match="there is one already"):
        create_witness(home, "witness.example/w2")
    (home / STATE).write_bytes(kept)
    (home / KEY).chmod(0o640)
    with pytest.raises(EvidenceError, match="others may read it"):
        open_witness(home)
    (home / KEY).unlink()
    with pytest.raises(EvidenceError, match=r"witness init") as caught:
        open_witness(home)


def test_an_interrupted_beginning_is_finished(tmp_path):
    (tmp_path / STATE).touch()
    made = create_witness(tmp_path, "witness.example/w1")
    assert made.trust(SIGNER.vkey) == SIGNER.name


def test_key_and_memory_are_for_their_owner_only(witness, tmp_path):
    home = tmp_path / "home"
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert {stat.S_IMODE((home / name).stat().st_mode) for name in (KEY, STATE)} == {0o600}
    assert "PRIVATE" in (home / KEY).read_text()
    assert isinstance(witness, Witness) and "PRIVATE" not in repr(witness._key)
    assert {path.name for path in home.iterdir()} == {KEY, STATE}


@pytest.mark.parametrize("name", ["", "has space", "has+plus", "tab\there"])
def test_a_witness_needs_a_proper_name(tmp_path, name):
    with pytest.raises(EvidenceError, match="no key name"):
        create_witness(tmp_path / "home", name)
    assert not (tmp_path / "home").exists()


def test_the_key_of_a_witness_is_no_logs(witness):
    with pytest.raises(EvidenceError, match="not a key of a log"):
        witness.trust(Cosigner("witness.example/w2", b"\x06" * 32).vkey)
