"""Time-stamps by a real authority (OpenSSL): what counts, what is refused, what outlives its certificate."""

import random
import subprocess
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from proofwatch.evidence.base import EvidenceError
from proofwatch.evidence.timestamp import Untrusted, ask, authority_of, read_answer, read_roots, verify_token
from tests.outside.authority import Authority
from tests.servers import shared

TST_INFO = "1.2.840.113549.1.9.16.1.4"
DATA = b"example.org/log\n812\nAAAA\n\nsigned\n"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tsa") / "a")


def stamped(authority, data=DATA):
    request = ask(data)
    return request, authority.answer(request.der)


def token_of(answer):
    done = subprocess.run(
        ["openssl", "ts", "-reply", "-in", "/dev/stdin", "-token_out"],
        input=answer, capture_output=True, check=True,
    )  # fmt: skip
    return done.stdout


def test_a_stamp_says_who_and_when(authority):
    before = datetime.now(UTC).replace(microsecond=0)
    request, answer = stamped(authority)
    stamp = read_answer(answer, request, DATA, [authority.root])
    assert before <= stamp.at <= datetime.now(UTC)
    assert (stamp.authority, stamp.policy, stamp.within) == ("CN=Stamps", "1.2.3.4.1", timedelta(seconds=1))
    assert stamp.serial > 0
    assert (
        stamp
        == verify_token(answer, DATA, [authority.root])
        == verify_token(token_of(answer), DATA, [authority.root])
    )
    assert authority_of(answer) == (stamp.authority, stamp.at)


@pytest.mark.parametrize(
    ("said", "within"),
    [
        ("", None),
        ("secs:2, millisecs:500, microsecs:7", timedelta(seconds=2, milliseconds=500, microseconds=7)),
    ],
)
def test_how_exact_it_is_is_known_only_if_it_is_said(tmp_path, said, within):
    exact = Authority(tmp_path / "exact", accuracy=said)
    assert verify_token(stamped(exact)[1], DATA, [exact.root]).within == within


def test_openssl_agrees(authority, tmp_path):
    _, answer = stamped(authority)
    (tmp_path / "answer.tsr").write_bytes(answer)
    (tmp_path / "data").write_bytes(DATA)
    done = subprocess.run(
        ["openssl", "ts", "-verify", "-in", "answer.tsr", "-data", "data", "-CAfile", str(authority.roots)],
        cwd=tmp_path, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_other_bytes_are_refused(authority):
    _, answer = stamped(authority)
    with pytest.raises(EvidenceError, match="it is of other bytes"):
        verify_token(answer, DATA + b" ", [authority.root])


def test_the_answer_to_another_question_is_refused(authority):
    _, answer = stamped(authority)
    with pytest.raises(EvidenceError, match="answer to another question"):
        read_answer(answer, ask(DATA), DATA, [authority.root])


def test_an_authority_that_nobody_named_is_not_trusted(authority, tmp_path):
    _, answer = stamped(authority)
    other = Authority(tmp_path / "b", "Others")
    for roots in ([], [other.root]):
        with pytest.raises(Untrusted):
            verify_token(answer, DATA, roots)
    assert verify_token(answer, DATA, [other.root, authority.root])


@pytest.mark.parametrize(
    ("usage", "critical"),
    [(None, True), (ExtendedKeyUsageOID.CODE_SIGNING, True), (ExtendedKeyUsageOID.TIME_STAMPING, False)],
    ids=["none", "code signing", "not critical"],
)
def test_a_certificate_for_something_else_is_refused(tmp_path, usage, critical):
    """OpenSSL does not stamp with such a certificate, so the good one is exchanged for it in the token."""
    good = Authority(tmp_path / "good")
    bad = Authority(tmp_path / "bad", usage=usage, critical=critical)
    (bad.folder / "good.pem").write_bytes((good.folder / "signer.pem").read_bytes())
    answer = signed_by(bad, tmp_path)
    with pytest.raises(EvidenceError, match=r"not one for time-stamps|purpose") as caught:
        verify_token(answer, DATA, [bad.root])
    assert not isinstance(caught.value, Untrusted)


def signed_by(authority, folder):
    """Return a token that OpenSSL's CMS signs with whatever certificate there is, over a real TSTInfo."""
    good = Authority(folder / "honest")
    _, answer = stamped(good)
    (folder / "token.der").write_bytes(token_of(answer))
    done = subprocess.run(
        ["openssl", "cms", "-verify", "-noverify", "-inform", "DER", "-in", "token.der", "-out", "tst.der"],
        cwd=folder, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    done = subprocess.run(
        [
            "openssl", "cms", "-sign", "-binary", "-nodetach", "-outform", "DER", "-in", "tst.der",
            "-out", "forged.der", "-econtent_type", TST_INFO, "-nosmimecap", "-md", "sha256",
            "-signer", str(authority.folder / "signer.pem"), "-inkey", str(authority.folder / "signer.key"),
        ],
        cwd=folder, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return (folder / "forged.der").read_bytes()


def test_a_token_signed_by_hand_with_the_right_certificate_counts(tmp_path):
    """So the refusals above are about the certificate, and not about how the token was made."""
    authority = Authority(tmp_path / "a")
    assert verify_token(signed_by(authority, tmp_path), DATA, [authority.root])


def test_a_forged_token_in_the_authoritys_name_is_wrong(authority, tmp_path):
    forged = signed_by(Authority(tmp_path / "forger"), tmp_path)
    assert authority_of(forged)[0] == authority_of(stamped(authority)[1])[0]
    with pytest.raises(EvidenceError, match="not by the authority that it names") as caught:
        verify_token(forged, DATA, [authority.root])
    assert not isinstance(caught.value, Untrusted)


def test_a_token_outlives_the_certificate_that_signed_it(tmp_path):
    short = Authority(tmp_path / "short", ends=datetime.now(UTC) + timedelta(seconds=3))
    request, answer = stamped(short)
    assert read_answer(answer, request, DATA, [short.root])
    while datetime.now(UTC) < short._ends + timedelta(seconds=1):
        time.sleep(0.2)
    stamp = verify_token(answer, DATA, [short.root])
    assert stamp.at <= stamp.ends < datetime.now(UTC)


@pytest.mark.parametrize("days", [-2, 2], ids=["ended before", "begins later"])
def test_a_certificate_that_was_not_valid_at_that_time_is_refused(tmp_path, days):
    now = datetime.now(UTC)
    begins = now - timedelta(days=9) if days < 0 else now + timedelta(days=days)
    ends = now + timedelta(days=days) if days < 0 else now + timedelta(days=9)
    wrong = Authority(tmp_path / "wrong", begins=begins, ends=ends)
    _, answer = stamped(wrong)
    with pytest.raises(
        EvidenceError, match=r"not good when it stamped: certificate (has expired|is not yet)"
    ):
        verify_token(answer, DATA, [wrong.root])


def test_a_chain_in_any_order_is_read(tmp_path):
    """Authorities send the certificates between root and signer in their own order, not in DER's."""
    for number in range(6):  # By chance the order is right in some of them.
        chained = Authority(tmp_path / str(number), chain=True)
        _, answer = stamped(chained)
        assert verify_token(answer, DATA, [chained.root]).authority == "CN=Stamps"


def test_what_is_cut_or_changed_is_refused(authority):
    _, answer = stamped(authority)
    good = verify_token(answer, DATA, [authority.root])
    chance = random.Random(3161)
    for end in range(0, len(answer), 7):
        with pytest.raises(EvidenceError):
            verify_token(answer[:end], DATA, [authority.root])
    with pytest.raises(EvidenceError):
        verify_token(answer + b"\x00", DATA, [authority.root])
    for _ in range(1500):
        changed = bytearray(answer)
        changed[chance.randrange(len(answer))] ^= 1 << chance.randrange(8)
        with suppress(EvidenceError):  # What is taken all the same was changed in what is not signed.
            assert verify_token(bytes(changed), DATA, [authority.root]) == good


@pytest.mark.parametrize(
    "data", [b"", b"\x30", b"<html>busy</html>", b"\x30\x80\x00\x00", b"\x30\x00", b"\x00" * 70000]
)
def test_what_is_no_token_is_refused(authority, data):
    for act in (lambda: verify_token(data, DATA, [authority.root]), lambda: authority_of(data)):
        with pytest.raises(EvidenceError, match="reading a time-stamp"):
            act()


def test_a_refusal_is_told_in_the_authoritys_words(authority):
    with pytest.raises(EvidenceError, match=r"the authority refused: status 2.*Bad request"):
        read_answer(authority.answer(b"no question"), ask(DATA), DATA, [authority.root])


def test_a_file_that_holds_no_certificates_is_said(authority):
    with pytest.raises(EvidenceError, match="not PEM with certificates"):
        read_roots([b"-----BEGIN NOTHING-----"])
    assert len(read_roots([authority.root, authority.root])) == 1


@pytest.mark.shared
def test_the_vector_made_by_others_is_verified():
    vectors = shared() / "reference" / "vectors"
    token = (vectors / "rfc3161" / "checkpoint.tsr").read_bytes()
    root = (vectors / "rfc3161" / "ca.pem").read_bytes()
    log = vectors / "tiles-log" / "testdata" / "log"
    stamp = verify_token(token, (log / "checkpoint").read_bytes(), [root])
    assert (stamp.authority, stamp.at.isoformat()) == (
        "CN=Timestamp Signer,O=Test TSA",
        "2026-11-22T18:46:38+00:00",
    )
    with pytest.raises(EvidenceError, match="it is of other bytes"):
        verify_token(token, (log / "checkpoint.14").read_bytes(), [root])
    with pytest.raises(Untrusted):
        verify_token(
            token, (log / "checkpoint").read_bytes(), [(vectors / "rfc3161" / "tsa.pem").read_bytes()]
        )
