import os
import stat
from pathlib import Path

import pytest

from proofwatch.evidence.base import EvidenceError
from proofwatch.evidence.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint, sign_checkpoint
from proofwatch.evidence.keys import create_key, load_key
from proofwatch.evidence.note import Signer, open_note, parse_skey, parse_vkey
from proofwatch.evidence.proof import format_proof, parse_proof, verify_proof
from tests.evidence.logs import SIGNER

OTHER = Signer("example.org/other", b"\x08" * 32)
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"

# The example of the C2SP signed-note specification's reference implementation.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETERS_NOTE = (
    f"{TEXT}\n— PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def test_a_note_that_we_did_not_write_is_opened():
    assert open_note(PETERS_NOTE, [parse_vkey(PETER)]).signed_by == ("PeterNeumann",)


def test_keys_survive_as_text():
    assert parse_skey(SIGNER.skey()).vkey == SIGNER.vkey
    assert parse_vkey(SIGNER.vkey) == SIGNER.verifier
    assert "PRIVATE" not in repr(SIGNER)


def test_an_unknown_signature_is_ignored_and_named():
    note = SIGNER.sign(TEXT) + OTHER.signature_line(TEXT)
    opened = open_note(note, [SIGNER.verifier])
    assert opened.signed_by == ("example.org/log",)
    assert opened.unknown == (f"example.org/other+{OTHER.verifier.key_id.hex()}",)


def test_keys_of_one_name_are_told_apart():
    same = Signer("example.org/log", b"\x09" * 32)
    assert open_note(same.sign(TEXT) + SIGNER.signature_line(TEXT), [SIGNER.verifier]).unknown
    note = SIGNER.sign(TEXT) + same.signature_line(TEXT + TEXT)
    assert open_note(note, [SIGNER.verifier]).signed_by == ("example.org/log",)
    with pytest.raises(EvidenceError, match="does not fit"):
        open_note(note, [SIGNER.verifier, same.verifier])


def test_a_signature_given_twice_counts_once():
    note = SIGNER.sign(TEXT) + SIGNER.signature_line(TEXT)
    assert open_note(note, [SIGNER.verifier]).signed_by == ("example.org/log",)


@pytest.mark.parametrize("text", ["\n", "\n\n", "a\n\n\n", "é ∆ \x7f\n", "— not a signature\n\nmore\n"])
def test_any_text_that_may_be_signed_is_opened(text):
    assert open_note(SIGNER.sign(text).encode(), [SIGNER.verifier]).text == text


@pytest.mark.parametrize("text", ["", "no newline", "tab\t\n", "nul\0\n", "return\r\n"])
def test_text_that_may_not_be_signed_is_refused(text):
    with pytest.raises(EvidenceError, match="signing a note"):
        SIGNER.sign(text)


def spoiled():
    good = SIGNER.sign(TEXT)
    lines = good.split("\n")
    yield "changed text", good.replace("problem", "Problem", 1), "does not fit"
    yield "no signature", TEXT + "\n", "no signatures"
    yield "no blank line", good.replace("\n\n", "\n"), "no signatures"
    yield "hyphen for dash", good.replace("— ", "- "), "em dash"
    yield "no final newline", good[:-1], "no signatures"
    yield "control character", good.replace("answer", "ans\x07wer"), "control character"
    yield "carriage return", good.replace("\n", "\r\n"), "control character"
    yield "spoiled base64", good.replace(lines[3], lines[3][:-2] + "!!"), "base64"
    yield "short signature", TEXT + "\n— example.org/log AAAA\n", "too short"
    yield "stranger's only", OTHER.sign(TEXT), "no known key"
    yield "not UTF-8", good.encode().replace(b"answer", b"ans\xffer"), "not UTF-8"
    yield "half a surrogate", good.replace("answer", "\ud800"), "not UTF-8"
    yield "space in a name", good + "— example.org other AAAAAAA=\n", "base64"
    yield "no-break space in a name", good + "— example.org\u00a0other AAAAAAA=\n", "no key name"
    yield "plus in a name", good + "— example.org+other AAAAAAA=\n", "no key name"
    yield "no name", good + "—  AAAAAAA=\n", "no key name"
    yield "bits after base64", good[:-3] + "B=\n", "base64"
    yield "empty line after", good + "\n", "no signatures"
    yield "second signature wrong", good + good.split("\n")[3][:-5] + "AAAA=\n", "does not fit"
    yield "too long", "x" * 1_000_000 + good, "longer than"
    yield "too many", good + OTHER.signature_line(TEXT) * 100, "more than 100"


@pytest.mark.parametrize(
    ("note", "said"), [case[1:] for case in spoiled()], ids=[case[0] for case in spoiled()]
)
def test_a_spoiled_note_is_refused(note, said):
    with pytest.raises(EvidenceError, match=said):
        open_note(note, [SIGNER.verifier])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a+b",
        "name+00000000+AAAA",
        SIGNER.vkey.replace("example.org", "example.com"),
        SIGNER.vkey[:-4] + "AAAA",
    ],
)
def test_a_spoiled_key_is_refused(text):
    with pytest.raises(EvidenceError):
        parse_vkey(text)


@pytest.mark.parametrize("name", ["", "has space", "has+plus", "tab\there"])
def test_a_key_needs_a_proper_name(name):
    with pytest.raises(EvidenceError):
        Signer(name, b"\x01" * 32)


@pytest.mark.parametrize(
    "body",
    [
        "log\n1\n",
        "\n1\n" + "A" * 43 + "=\n",
        "log\n01\n" + "A" * 43 + "=\n",
        "log\n-1\n" + "A" * 43 + "=\n",
        "log\n1\n" + "A" * 42 + "\n",
        "log\n1\nnot base64\n",
        "log\n+1\n" + "A" * 43 + "=\n",
        "log\n1_0\n" + "A" * 43 + "=\n",
        "log\n\n" + "A" * 43 + "=\n",
        "log\n 1\n" + "A" * 43 + "=\n",
        f"log\n{2**63}\n" + "A" * 43 + "=\n",
        "log\n" + "9" * 5000 + "\n" + "A" * 43 + "=\n",
        "log\n1\n" + "A" * 42 + "B=\n",
        "log\n1\n" + "A" * 43 + "=\n\next\n",
        "log\n1\n" + "A" * 43 + "=",
        "log\n1\n" + "A" * 43 + "=\n\n",
        "log\n١\n" + "A" * 43 + "=\n",
    ],
)
def test_a_malformed_checkpoint_is_refused(body):
    with pytest.raises(EvidenceError):
        parse_checkpoint(body)


def test_a_checkpoint_survives_with_its_extensions():
    body = Checkpoint("log", 5, b"\x01" * 32, ("ext one", "ext two"))
    assert parse_checkpoint(body.text()) == body


def test_a_checkpoint_of_another_log_is_refused():
    note = sign_checkpoint(SIGNER, 1, b"\x01" * 32)
    assert open_checkpoint(note, [SIGNER.verifier], "example.org/log")[0].size == 1
    with pytest.raises(EvidenceError, match="is of the log"):
        open_checkpoint(note, [SIGNER.verifier], "example.org/elsewhere")


def test_a_proof_survives_and_proves():
    note = sign_checkpoint(SIGNER, 1, b"\x02" * 32)
    text = format_proof(0, [], note, b"extra")
    assert parse_proof(text).extra == b"extra"
    assert verify_proof(text, b"\x02" * 32, [SIGNER.verifier]).size == 1
    with pytest.raises(EvidenceError):
        verify_proof(text, b"\x03" * 32, [SIGNER.verifier])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("@v1", "@v2"),
        ("index 0", "index 00"),
        ("index 0", "index x"),
        ("index 0", "index -0"),
        ("index 0", "index " + "9" * 5000),
        ("index 0", "extra \nindex 0"),
        ("index 0", "extra YQ==\nextra YQ==\nindex 0"),
        ("index 0", "index 0\nextra YQ=="),
        ("index 0", "index 0" + ("\n" + "A" * 43 + "=") * 64),
        ("c2sp", " c2sp"),
        ("index 0", "index 0\nAAAA"),
        ("\n\n", "\n"),
    ],
)
def test_a_malformed_proof_is_refused(old, new):
    text = format_proof(0, [], sign_checkpoint(SIGNER, 1, b"\x02" * 32))
    with pytest.raises(EvidenceError):
        parse_proof(text.replace(old, new, 1))


def test_the_key_file_is_private_and_never_replaced(tmp_path):
    path = tmp_path / "keys" / "log.skey"
    made = create_key(path, "example.org/log")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_key(path).vkey == made.vkey
    with pytest.raises(EvidenceError, match="there is a key already"):
        create_key(path, "example.org/log")


def test_a_damaged_key_file_is_refused_without_showing_it(tmp_path):
    path = tmp_path / "log.skey"
    made = create_key(path, "example.org/log")
    path.write_text(made.skey().replace("example.org", "example.com"))
    with pytest.raises(EvidenceError, match=r"reading the signing key .*log\.skey") as caught:
        load_key(path)
    assert made.skey().split("+", 4)[4] not in str(caught.value)
    assert [item.name for item in tmp_path.iterdir()] == ["log.skey"]


def test_a_key_that_others_may_read_is_refused_without_showing_it(tmp_path):
    path = tmp_path / "log.skey"
    made = create_key(path, "example.org/log")
    path.chmod(0o644)
    with pytest.raises(EvidenceError, match="others may read it") as caught:
        load_key(path)
    assert made.skey().split("+", 4)[4] not in str(caught.value)


def tessera():
    shared = os.environ.get("PROOFWATCH_SHARED")
    if not shared:
        pytest.skip("PROOFWATCH_SHARED is not set: the log written by Tessera is not part of the product")
    return Path(shared, "reference", "vectors", "tiles-log", "testdata", "log")


@pytest.mark.shared
def test_the_checkpoints_and_tiles_of_a_foreign_log_are_read():
    from proofwatch.evidence import merkle

    folder = tessera()
    key = parse_vkey("example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx")
    for size in range(16):
        found, _ = open_checkpoint(folder.joinpath(f"checkpoint.{size}").read_text("utf-8"), [key])
        assert found.size == size
        if size:
            tile = folder.joinpath("tile/0/000.p", str(size)).read_bytes()
            assert merkle.root_from_tiles(size, lambda level, index, width, data=tile: data) == found.root
            bundle = folder.joinpath("tile/entries/000.p", str(size)).read_bytes()
            entries = []
            while bundle:
                length = int.from_bytes(bundle[:2])
                entries.append(bundle[2 : 2 + length])
                bundle = bundle[2 + length :]
            assert merkle.root(merkle.leaf_hash(item) for item in entries) == found.root
