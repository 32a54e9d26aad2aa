import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofwatch.evidence.base import EvidenceError
from proofwatch.evidence.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from proofwatch.evidence.cosignature import (
    Cosigner,
    add_lines,
    cosignatures,
    parse_cosigner,
    parse_cosigner_skey,
)
from proofwatch.evidence.note import encode64, parse_vkey
from tests.evidence.logs import SIGNER

WITNESS = Cosigner("witness.example/w1", b"\x05" * 32)
OTHER = Cosigner("witness.example/w2", b"\x06" * 32)
ROOT = b"\x11" * 32
BODY = Checkpoint(SIGNER.name, 42, ROOT).text()
NOTE = sign_checkpoint(SIGNER, 42, ROOT)
SECONDS = st.integers(0, 2**63 - 1)

# A checkpoint of a public Sigsum log of 1 August 2025, with what two public witnesses, run by others
# with software of others, said of it.
LOG = bytes.fromhex("0ec7e16843119b120377a73913ac6acbc2d03d82432e2c36b841b09a95841f25")
PUBLIC_ROOT = bytes.fromhex("4ccedda0c3e6afc83cfcddfad7df3d95cbd1e857ecf3cf0569b8f69ce32727f8")
PUBLIC = Checkpoint(f"sigsum.org/v1/tree/{hashlib.sha256(LOG).hexdigest()}", 12851, PUBLIC_ROOT).text()
AT = 1754020861
GLASKLAR = (
    "witness.glasklar.is",
    "b2106db9065ec97f25e09c18839216751a6e26d8ed8b41e485a563d3d1498536",
    "9ab58c0f6cbfd02549891b3b9d7e68fd7fefd42b6dc22fbbee7ed3119d1ed180"
    "7edc74c8b12fd430e4ee6084b59077d4c8eafe09eefdbbe31666828c34d24702",
)
MULLVAD = (
    "witness.mullvad.net",
    "15d6d0141543247b74bab3c1076372d9c894f619c376d64b29aa312cc00f61ad",
    "82f16ff572ba54e6f0b2f27e0e34fa729ab42d566b1d54a0b689d345c373fd0d"
    "87a61a6b6e81b4d17b3ca9f13f01a6c1325d701e6350ecddfa54b6b453691d0f",
)
# The vkey of a public witness, as others publish it.
REMORA = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"


def public_line(name, key, signature, at=AT):
    number = hashlib.sha256(f"{name}\n".encode() + b"\x04" + bytes.fromhex(key)).digest()[:4]
    stamped = at.to_bytes(8, "big") + bytes.fromhex(signature)
    vkey = f"{name}+{number.hex()}+{base64.b64encode(bytes([4]) + bytes.fromhex(key)).decode()}"
    return parse_cosigner(vkey), f"— {name} {base64.b64encode(number + stamped).decode()}\n"


@pytest.mark.parametrize("witness", [GLASKLAR, MULLVAD], ids=lambda item: item[0])
def test_the_cosignatures_of_public_witnesses_are_verified(witness):
    verifier, line = public_line(*witness)
    (found,) = cosignatures(f"{PUBLIC}\n{line}", [verifier])
    assert (found.name, found.at) == (witness[0], AT)
    assert f"{found.moment:%Y-%m-%dT%H:%M:%S}" == "2025-08-01T04:01:01"
    _, moved = public_line(*witness, at=AT + 1)
    with pytest.raises(EvidenceError, match="does not fit the text and the time"):
        cosignatures(f"{PUBLIC}\n{moved}", [verifier])


def test_the_key_of_a_public_witness_is_read():
    assert parse_cosigner(REMORA).text == REMORA


def test_the_form_is_that_of_the_specification():
    line = WITNESS.cosign(BODY, 1679315147)
    name, raw = line.removeprefix("— ").split(" ")
    data = base64.b64decode(raw)
    key = base64.b64decode(WITNESS.vkey.split("+", 2)[2])
    assert (name, key[0], len(data)) == ("witness.example/w1", 4, 4 + 8 + 64)
    assert data[:4] == hashlib.sha256(b"witness.example/w1\n" + key).digest()[:4]
    assert data[4:12] == b"\0\0\0\0\x64\x18\x50\xcb"
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    message = f"cosignature/v1\ntime 1679315147\n{BODY}".encode()
    Ed25519PublicKey.from_public_bytes(key[1:]).verify(data[12:], message)


@given(SECONDS, st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32), st.text("abc .", max_size=9))
def test_a_cosignature_survives_in_its_note(at, size, root, extension):
    extensions = (extension,) if extension else ()
    body = Checkpoint(SIGNER.name, size, root, extensions).text()
    note = add_lines(SIGNER.sign(body), [WITNESS.cosign(body, at), OTHER.cosign(body, at)])
    assert [(item.name, item.at) for item in cosignatures(note, [WITNESS.verifier])] == [(WITNESS.name, at)]
    assert open_checkpoint(note.encode(), [SIGNER.verifier])[0].size == size
    assert {item.name for item in cosignatures(note, [OTHER.verifier, WITNESS.verifier])} == {
        "witness.example/w1",
        "witness.example/w2",
    }


@given(st.data(), SECONDS)
def test_no_changed_bit_goes_unseen(data, at):
    line = WITNESS.cosign(BODY, at)
    raw = bytearray(base64.b64decode(line.split(" ")[2]))
    place = data.draw(st.integers(4 * 8, len(raw) * 8 - 1))
    raw[place // 8] ^= 1 << place % 8
    spoiled = f"— {WITNESS.name} {encode64(bytes(raw))}\n"
    with pytest.raises(EvidenceError, match=r"does not fit|not below"):
        cosignatures(add_lines(NOTE, [spoiled]), [WITNESS.verifier])


@pytest.mark.parametrize("change", [("42", "43"), (SIGNER.name, "example.org/other"), ("\n\n", "\nmore\n\n")])
def test_a_cosignature_is_of_one_text(change):
    note = add_lines(NOTE, [WITNESS.cosign(BODY, 7)])
    with pytest.raises(EvidenceError, match="does not fit"):
        cosignatures(note.replace(*change, 1), [WITNESS.verifier])


def test_keys_survive_as_text_and_are_never_shown():
    again = parse_cosigner_skey(WITNESS.skey())
    assert again.vkey == WITNESS.vkey
    assert parse_cosigner(WITNESS.vkey) == WITNESS.verifier
    secret = WITNESS.skey().split("+", 4)[4]
    assert secret not in repr(WITNESS) and secret not in str(WITNESS) and "PRIVATE" not in repr(WITNESS)
    for spoiled in (WITNESS.skey()[:-4] + "AAAA", WITNESS.skey().replace("w1", "w3"), SIGNER.skey()):
        with pytest.raises(EvidenceError) as caught:
            parse_cosigner_skey(spoiled)
        assert secret[:20] not in str(caught.value)


def test_keys_of_logs_and_of_witnesses_are_told_apart():
    with pytest.raises(EvidenceError, match=r"not a key of a log .*type 0x04, of a witness"):
        parse_vkey(WITNESS.vkey)
    with pytest.raises(EvidenceError, match=r"not a key of a witness .*type 0x01, of a log"):
        parse_cosigner(SIGNER.vkey)
    unknown = "name+00000000+" + encode64(b"\x63" + bytes(32))
    with pytest.raises(EvidenceError, match="type 0x63, which is not known"):
        parse_vkey(unknown)
    with pytest.raises(EvidenceError, match="it is empty"):
        parse_cosigner("name+00000000+")
    with pytest.raises(EvidenceError, match="32 bytes"):
        parse_cosigner("name+00000000+" + encode64(b"\x04" + bytes(31)))


def test_the_same_seed_makes_two_keys_of_different_use():
    """A key of a log with the seed of a witness cannot sign in its place."""
    from proofwatch.evidence.note import Signer

    same = Signer(WITNESS.name, b"\x05" * 32)
    note = NOTE + same.signature_line(BODY)
    assert cosignatures(note, [WITNESS.verifier]) == []
    assert open_checkpoint(add_lines(NOTE, [WITNESS.cosign(BODY, 7)]), [SIGNER.verifier])[1].unknown


def test_of_one_witness_the_newest_counts_and_a_line_stays_single():
    lines = [WITNESS.cosign(BODY, 8), WITNESS.cosign(BODY, 9), WITNESS.cosign(BODY, 7)]
    note = add_lines(NOTE, lines)
    assert [item.at for item in cosignatures(note, [WITNESS.verifier])] == [9]
    assert add_lines(note, lines) == note


@pytest.mark.parametrize(
    "line",
    [
        "",
        "no dash AAAAAAA=\n",
        "— name\n",
        "— name AAAA\n",
        "— a AAAAAAA=\n— b AAAAAAA=\n",
        "— a+b AAAAAAA=\n",
    ],
)
def test_what_is_no_signature_line_is_not_added(line):
    with pytest.raises(EvidenceError):
        add_lines(NOTE, [line])


@pytest.mark.parametrize("length", [0, 8, 63, 71, 73])
def test_a_cosignature_of_another_length_is_refused(length):
    line = f"— {WITNESS.name} {encode64(WITNESS.verifier.key_id + bytes(length) + b'x')}\n"
    if length != 71:
        with pytest.raises(EvidenceError, match="bytes, not 72"):
            cosignatures(add_lines(NOTE, [line]), [WITNESS.verifier])


@pytest.mark.parametrize("text", ["", "no checkpoint\n", "log\n1\nAAAA\n", BODY[:-1], BODY + "tab\t\n"])
def test_only_checkpoints_are_cosigned(text):
    with pytest.raises(EvidenceError):
        WITNESS.cosign(text, 7)


@pytest.mark.parametrize("at", [-1, 2**63])
def test_only_times_are_stated(at):
    with pytest.raises(EvidenceError, match="is no time"):
        WITNESS.cosign(BODY, at)
    assert WITNESS.cosign(BODY, 2**63 - 1)
