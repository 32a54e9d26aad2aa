"""Many proofs at once are judged exactly as one at a time, whatever was proven before them."""

import base64
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofwatch.evidence import merkle
from proofwatch.evidence.base import EvidenceError
from proofwatch.evidence.checkpoint import sign_checkpoint
from proofwatch.evidence.note import Signer
from proofwatch.evidence.proof import MOST_OPENED, format_proof, verify_proof, verify_proofs
from tests.evidence.logs import SIGNER, levels

LARGE = 70_000
LEAVES = [number.to_bytes(32, "big") for number in range(LARGE)]
LEVELS = levels(LEAVES)
KEYS = [SIGNER.verifier]


def tile(level, index, width):
    if level == 0:
        return b"".join(LEAVES[index * 256 : index * 256 + width])
    return b"".join(LEVELS[level][index * 256 : index * 256 + width])


@cache
def note_of(size):
    return sign_checkpoint(SIGNER, size, merkle.root_from_tiles(size, tile))


def proof_of(index, size, extra=b""):
    return format_proof(index, merkle.inclusion_proof(index, size, tile), note_of(size), extra)


def alone(text, leaf):
    try:
        return verify_proof(text, leaf, KEYS)
    except EvidenceError as error:
        return error.problem


def after(good, text, leaf):
    """Judge a proof after the good ones; return what came, or the problem without the reader's own words."""
    found = verify_proofs([*good, (text, leaf)], KEYS)
    for _ in good:
        next(found)
    try:
        return next(found)
    except EvidenceError as error:
        assert error.doing == f"verifying proof {len(good)}"
        return error.problem.rpartition(": ")[2]


@given(st.data(), st.sampled_from([1, 2, 3, 4095, 4096, 4097, 5000, 65_535, 65_536, 65_537, LARGE]))
def test_good_proofs_are_good_together(data, size):
    places = data.draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=20))
    proofs = [(proof_of(index, size, b"x" * (index % 2)), LEAVES[index]) for index in places]
    assert [item.size for item in verify_proofs(proofs, KEYS, SIGNER.name)] == [size] * len(places)


HARMS = ("index", "leaf", "bit", "dropped", "doubled", "swapped", "padding", "blank", "checkpoint", "none")


@settings(max_examples=300, deadline=None)
@given(st.data(), st.integers(1, LARGE), st.sampled_from(HARMS))
def test_a_spoiled_proof_is_judged_as_it_is_alone(data, size, harm):
    index = data.draw(st.integers(0, size - 1))
    path = merkle.inclusion_proof(index, size, tile)
    leaf, text = LEAVES[index], format_proof(index, path, note_of(size))
    # What was proven before: the same entry, its neighbours, others.
    near = {
        index,
        max(0, index - 1),
        min(size - 1, index + 1),
        index ^ 1 if index ^ 1 < size else 0,
        size - 1,
        0,
    }
    good = [(proof_of(place, size), LEAVES[place]) for place in near]
    place = data.draw(st.integers(0, max(0, len(path) - 1)))
    match harm:
        case "index":
            other = data.draw(st.integers(0, size + 1))
            text = format_proof(other, path, note_of(size))
        case "leaf":
            leaf = data.draw(st.sampled_from([LEAVES[(index + 1) % LARGE], leaf[:-1], leaf + b"x", b""]))
        case "bit" if path:
            spoiled = bytearray(path[place])
            spoiled[data.draw(st.integers(0, 31))] ^= 1 << data.draw(st.integers(0, 7))
            text = format_proof(index, [*path[:place], bytes(spoiled), *path[place + 1 :]], note_of(size))
        case "dropped" if path:
            text = format_proof(index, [*path[:place], *path[place + 1 :]], note_of(size))
        case "doubled" if path:
            text = format_proof(index, [*path[: place + 1], *path[place:]], note_of(size))
        case "swapped" if len(path) > 1:
            path[place], path[place - 1] = path[place - 1], path[place]
            text = format_proof(index, path, note_of(size))
        case "padding" if path:
            # The last digit before the padding has two bits of no meaning: only zero is canonical.
            line = base64.b64encode(path[place]).decode()
            digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
            text = text.replace(line, line[:-2] + digits[digits.index(line[-2]) + 1] + "=")
        case "blank" if path:
            line = base64.b64encode(path[place]).decode()
            text = text.replace(
                line, data.draw(st.sampled_from([line + " ", " " + line, line[:9] + "!" + line[9:]]))
            )
        case "checkpoint":
            other = data.draw(st.integers(1, LARGE))
            text = text.replace(note_of(size), note_of(other))
    told, expected = after(good, text, leaf), alone(text, leaf)
    if harm not in ("index", "leaf", "none") and text != proof_of(index, size):
        assert isinstance(expected, str), harm
    if isinstance(expected, str):
        assert isinstance(told, str), (told, expected)
    else:
        assert told == expected


def test_a_false_signature_is_never_opened_by_a_true_one():
    text = proof_of(5, 300)
    stranger = Signer(SIGNER.name, b"\x71" * 32)
    forged = text.replace(note_of(300), sign_checkpoint(stranger, 300, merkle.root_from_tiles(300, tile)))
    with pytest.raises(EvidenceError, match="no known key") as caught:
        list(verify_proofs([(text, LEAVES[5]), (forged, LEAVES[5])], KEYS))
    assert caught.value.doing == "verifying proof 1"
    with pytest.raises(EvidenceError, match="is of the log"):
        list(verify_proofs([(text, LEAVES[5])], KEYS, "example.org/elsewhere"))


def test_more_checkpoints_than_are_kept_open_are_verified():
    sizes = [*range(1, MOST_OPENED + 20), *range(1, 20)]
    proofs = ((proof_of(size - 1, size), LEAVES[size - 1]) for size in sizes)
    assert [item.size for item in verify_proofs(proofs, KEYS)] == sizes


def test_each_signature_is_verified_once(monkeypatch):
    import proofwatch.evidence.proof as module

    counted = []
    true = module.open_checkpoint
    monkeypatch.setattr(module, "open_checkpoint", lambda *given: counted.append(1) or true(*given))
    proofs = [(proof_of(index, 1000), LEAVES[index]) for index in range(1000)]
    assert len(list(verify_proofs(proofs, KEYS))) == 1000
    assert len(counted) == 1
