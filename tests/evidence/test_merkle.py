import base64
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofwatch.evidence import merkle
from proofwatch.evidence.base import EvidenceError
from tests.evidence.logs import levels

# The eight leaves and roots that RFC 6962's reference implementation is tested with.
LEAVES = [bytes.fromhex(text) for text in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
)]  # fmt: skip
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def naive_root(leaves):
    if len(leaves) <= 1:
        return leaves[0] if leaves else merkle.EMPTY_ROOT
    half = 1 << ((len(leaves) - 1).bit_length() - 1)
    return merkle.node_hash(naive_root(leaves[:half]), naive_root(leaves[half:]))


def leaf(number):
    return merkle.leaf_hash(number.to_bytes(4))


def tiles(size):
    found = levels([leaf(number) for number in range(size)])
    return lambda level, index, width: b"".join(found[level][index * 256 : index * 256 + width])


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_of_the_reference(size):
    assert merkle.root(merkle.leaf_hash(item) for item in LEAVES[:size]).hex() == ROOTS[size - 1]


def test_an_empty_tree_has_the_hash_of_nothing():
    assert merkle.root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@given(st.integers(0, 700))
def test_appending_gives_the_root_of_the_definition(size):
    leaves = [leaf(number) for number in range(size)]
    assert merkle.root(leaves) == naive_root(leaves) == merkle.root_from_tiles(size, tiles(size))


@given(st.integers(0, 70_000), st.integers(1, 40))
def test_a_stored_frontier_goes_on_as_if_it_had_never_stopped(size, more):
    size %= 700
    frontier = merkle.Frontier()
    for number in range(size):
        frontier.append(leaf(number))
    again = merkle.Frontier.from_bytes(size, frontier.to_bytes())
    for number in range(size, size + more):
        frontier.append(leaf(number))
        again.append(leaf(number))
    assert (again.root(), again.size) == (frontier.root(), frontier.size)


@pytest.mark.parametrize(("size", "data"), [(1, b""), (3, b"x" * 32), (0, b"x" * 32), (1, b"x" * 31)])
def test_a_frontier_that_does_not_fit_its_size_is_refused(size, data):
    with pytest.raises(EvidenceError, match="do not fit"):
        merkle.Frontier.from_bytes(size, data)


@given(st.integers(1, 1200), st.data())
def test_every_proof_is_accepted_and_every_change_of_it_refused(size, data):
    tile = tiles(size)
    index = data.draw(st.integers(0, size - 1))
    root = merkle.root_from_tiles(size, tile)
    proof = merkle.inclusion_proof(index, size, tile)
    merkle.verify_inclusion(leaf(index), index, size, proof, root)
    for wrong in changes(proof, data):
        with pytest.raises(EvidenceError):
            merkle.verify_inclusion(leaf(index), index, size, wrong, root)
    with pytest.raises(EvidenceError):
        merkle.verify_inclusion(leaf(size), index, size, proof, root)


@given(st.integers(1, 1200), st.data())
def test_every_consistency_proof_is_accepted_and_every_change_of_it_refused(new, data):
    tile = tiles(new)
    old = data.draw(st.integers(1, new))
    roots = merkle.root(leaf(n) for n in range(old)), merkle.root_from_tiles(new, tile)
    proof = merkle.consistency_proof(old, new, tile)
    merkle.verify_consistency(old, new, *roots, proof)
    for wrong in changes(proof, data):
        with pytest.raises(EvidenceError):
            merkle.verify_consistency(old, new, *roots, wrong)
    if old != new:
        with pytest.raises(EvidenceError):
            merkle.verify_consistency(old, new, *reversed(roots), proof)


def changes(proof, data):
    yield [*proof, b"\x00" * 32]
    yield [b"\x00" * 32, *proof]
    if proof:
        yield proof[:-1]
        place, bit = data.draw(st.integers(0, len(proof) - 1)), data.draw(st.integers(0, 255))
        flipped = (int.from_bytes(proof[place]) ^ (1 << bit)).to_bytes(32)
        yield [*proof[:place], flipped, *proof[place + 1 :]]
        yield [*proof[:place], proof[place][:31], *proof[place + 1 :]]


@pytest.mark.parametrize("sizes", [(0, 0), (0, 1), (2, 1), (-1, 1)])
def test_a_tree_of_no_entries_or_of_more_proves_nothing(sizes):
    with pytest.raises(EvidenceError):
        merkle.verify_consistency(*sizes, merkle.EMPTY_ROOT, merkle.EMPTY_ROOT, [])
    with pytest.raises(EvidenceError):
        merkle.consistency_proof(*sizes, tiles(4))


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 1)])
def test_a_leaf_outside_the_tree_has_no_proof(index, size):
    with pytest.raises(EvidenceError):
        merkle.inclusion_proof(index, size, tiles(4))
    with pytest.raises(EvidenceError):
        merkle.verify_inclusion(leaf(0), index, size, [], leaf(0))


def vectors(kind):
    shared = os.environ.get("PROOFWATCH_SHARED")
    found = sorted(Path(shared, "reference", "vectors", "rfc6962", kind).rglob("*.json")) if shared else []
    reason = (
        "PROOFWATCH_SHARED is not set: the vectors of transparency-dev/merkle are not part of the product"
    )
    return found or [pytest.param(None, marks=pytest.mark.skip(reason=reason))]


def decoded(text):
    return base64.b64decode(text or "")


@pytest.mark.shared
@pytest.mark.parametrize("path", vectors("inclusion"), ids=lambda path: path and "/".join(path.parts[-2:]))
def test_inclusion_vectors(path):
    case = json.loads(path.read_text("utf-8"))
    proof = [decoded(item) for item in case["proof"] or []]
    arguments = decoded(case["leafHash"]), case["leafIdx"], case["treeSize"], proof, decoded(case["root"])
    judge(case["wantErr"], merkle.verify_inclusion, arguments)


@pytest.mark.shared
@pytest.mark.parametrize("path", vectors("consistency"), ids=lambda path: path and "/".join(path.parts[-2:]))
def test_consistency_vectors(path):
    case = json.loads(path.read_text("utf-8"))
    proof = [decoded(item) for item in case["proof"] or []]
    arguments = case["size1"], case["size2"], decoded(case["root1"]), decoded(case["root2"]), proof
    judge(case["wantErr"], merkle.verify_consistency, arguments)


def judge(refused, verify, arguments):
    if refused:
        with pytest.raises(EvidenceError):
            verify(*arguments)
    else:
        verify(*arguments)


def naive_path(index, leaves):
    """PATH of RFC 6962 §2.1.1, word for word."""
    if len(leaves) == 1:
        return []
    half = 1 << ((len(leaves) - 1).bit_length() - 1)
    if index < half:
        return [*naive_path(index, leaves[:half]), naive_root(leaves[half:])]
    return [*naive_path(index - half, leaves[half:]), naive_root(leaves[:half])]


def naive_proof(old, leaves, whole=True):
    """SUBPROOF of RFC 6962 §2.1.2, word for word."""
    if old == len(leaves):
        return [] if whole else [naive_root(leaves)]
    half = 1 << ((len(leaves) - 1).bit_length() - 1)
    if old <= half:
        return [*naive_proof(old, leaves[:half], whole), naive_root(leaves[half:])]
    return [*naive_proof(old - half, leaves[half:], False), naive_root(leaves[:half])]


@given(st.integers(1, 700), st.data())
def test_proofs_are_those_of_the_definition(size, data):
    leaves = [leaf(number) for number in range(size)]
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    assert merkle.inclusion_proof(index, size, tiles(size)) == naive_path(index, leaves)
    assert merkle.consistency_proof(old, size, tiles(size)) == naive_proof(old, leaves)


@given(st.integers(1, 60), st.data())
def test_a_proof_of_another_place_or_size_is_refused(size, data):
    leaves = [leaf(number) for number in range(size)]
    root = naive_root(leaves)
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    for other in set(range(-1, size + 2)) - {index}:
        with pytest.raises(EvidenceError):
            merkle.verify_inclusion(leaves[index], other, size, naive_path(index, leaves), root)
    for other in set(range(-1, size + 2)) - {old}:
        with pytest.raises(EvidenceError):
            proof = naive_proof(old, leaves)
            merkle.verify_consistency(other, size, naive_root(leaves[:old]), root, proof)


def test_equal_sizes_need_equal_roots_and_no_proof():
    merkle.verify_consistency(1, 1, leaf(1), leaf(1), [])
    with pytest.raises(EvidenceError, match="rewritten"):
        merkle.verify_consistency(1, 1, leaf(1), leaf(2), [])
    with pytest.raises(EvidenceError, match="need no proof"):
        merkle.verify_consistency(1, 1, leaf(1), leaf(1), [leaf(2)])


@pytest.mark.parametrize("wrong", [b"", leaf(0)[:31], leaf(0) + b"\0"])
def test_hashes_of_another_length_are_refused(wrong):
    for act in (
        lambda: merkle.verify_inclusion(wrong, 0, 1, [], wrong),
        lambda: merkle.verify_inclusion(leaf(0), 0, 2, [wrong], leaf(0)),
        lambda: merkle.verify_consistency(1, 1, wrong, wrong, []),
        lambda: merkle.Frontier().append(wrong),
    ):
        with pytest.raises(EvidenceError, match="32 bytes"):
            act()


def test_a_tile_of_another_width_is_refused():
    with pytest.raises(EvidenceError, match="tile 0/0 has 32 bytes, not 96"):
        merkle.root_from_tiles(3, lambda level, index, width: b"\0" * 32)


def test_appending_tells_what_the_upper_tiles_gain():
    size = 256 * 256 + 300
    found, frontier = levels([leaf(number) for number in range(size)]), merkle.Frontier()
    grown = {}
    for number in range(size):
        grown |= {(level, at): value for level, at, value in frontier.append(leaf(number))}
    assert grown == {
        **{(1, number): found[1][number] for number in range(257)},
        (2, 0): found[2][0],
    }


def test_a_proof_reads_each_tile_once():
    size, seen = 70_000, []
    stored = tiles(size)

    def tile(level, index, width):
        seen.append((level, index))
        return stored(level, index, width)

    root = merkle.root_from_tiles(size, stored)
    for index in (0, 255, 256, 40_000, 65_535, 65_536, 69_999):
        seen.clear()
        proof = merkle.inclusion_proof(index, size, tile)
        merkle.verify_inclusion(leaf(index), index, size, proof, root)
        assert len(seen) == len(set(seen)) <= 6
