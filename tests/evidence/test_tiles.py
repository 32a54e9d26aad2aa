import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofwatch.evidence import merkle
from proofwatch.evidence.base import EvidenceError
from proofwatch.evidence.checkpoint import open_checkpoint, sign_checkpoint
from proofwatch.evidence.note import parse_vkey
from proofwatch.evidence.proof import format_proof, verify_proof
from proofwatch.evidence.tiles import DirectoryLog, decode_bundle, encode_bundle, tile_path, write_log
from proofwatch.evidence.verify import verify_log
from tests.evidence.logs import SIGNER, MemoryLog, make_entry

TESSERA = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        ((0, 0), "tile/0/000"),
        ((0, 0, 1), "tile/0/000.p/1"),
        ((63, 999, 255), "tile/63/999.p/255"),
        ((1, 1000), "tile/1/x001/000"),
        ((2, 1234067), "tile/2/x001/x234/067"),
        (("entries", 1234067, 8), "tile/entries/x001/x234/067.p/8"),
        (("entries", 1000000000), "tile/entries/x001/x000/x000/000"),
    ],
)
def test_paths_are_those_of_the_specification(tile, path):
    assert tile_path(*tile) == path


@pytest.mark.parametrize("tile", [(-1, 0), (64, 0), (0, -1), (0, 0, 0), (0, 0, 257), ("other", 0)])
def test_a_tile_that_cannot_be_has_no_path(tile):
    with pytest.raises(EvidenceError, match="there is no tile"):
        tile_path(*tile)


@given(st.lists(st.binary(max_size=300), max_size=256))
def test_a_bundle_survives(entries):
    assert decode_bundle(encode_bundle(entries), len(entries)) == entries


def test_a_bundle_takes_the_longest_entry_and_no_longer():
    assert encode_bundle([b"x" * 65535])[:2] == b"\xff\xff"
    assert decode_bundle(encode_bundle([b"x" * 65535]), 1) == [b"x" * 65535]
    with pytest.raises(EvidenceError, match="65536 bytes"):
        encode_bundle([b"x" * 65536])


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\x00\x01a\x00", "ends within entry 1"),
        (b"\x00\x01a\x00\x02b", "ends within entry 1"),
        (b"\x00\x01a", "it has 1 entries, not 2"),
        (b"\x00\x01a\x00\x01b\x00\x00", "it has 3 entries, not 2"),
        (b"", "it has 0 entries, not 2"),
    ],
)
def test_a_spoiled_bundle_is_refused(data, said):
    with pytest.raises(EvidenceError, match=said):
        decode_bundle(data, 2)


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 600, 66_000])
def test_a_log_survives_as_a_folder(tmp_path, size):
    log = MemoryLog(map(make_entry, range(size)))
    assert write_log(log, tmp_path) == size
    read = DirectoryLog(tmp_path)
    assert (read.size(), read.checkpoint()) == (size, log.note)
    assert list(read.entries(0, size)) == log.stored
    assert list(read.entries(size // 3, size // 2)) == log.stored[size // 3 : size // 2]
    assert merkle.root_from_tiles(size, read.tile) == merkle.root(map(merkle.leaf_hash, log.stored))
    if size:
        assert verify_log(read, [SIGNER.vkey]).exit_code == 0


def test_the_tiles_are_those_of_the_specification(tmp_path):
    write_log(MemoryLog([make_entry(number) for number in range(70_000)]), tmp_path)
    files = [
        path for path in (tmp_path / "tile").rglob("*") if path.is_file() and "entries" not in path.parts
    ]
    names = {str(path.relative_to(tmp_path)) for path in files}
    full = {f"tile/0/{number:03}" for number in range(273)}
    assert names == {*full, "tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"}


def test_a_folder_grows_with_its_log_and_keeps_what_it_has(tmp_path):
    entries = list(map(make_entry, range(600)))
    for size in (10, 300, 600, 600):
        write_log(MemoryLog(entries[:size]), tmp_path)
        assert verify_log(DirectoryLog(tmp_path), [SIGNER.vkey]).exit_code == 0
    with pytest.raises(EvidenceError, match="says something else"):
        write_log(MemoryLog([make_entry(9), *entries[1:]]), tmp_path)
    assert verify_log(DirectoryLog(tmp_path), [SIGNER.vkey]).exit_code == 0


def test_only_what_is_signed_is_written(tmp_path):
    write_log(MemoryLog(map(make_entry, range(10)), signed=7), tmp_path)
    assert DirectoryLog(tmp_path).size() == 7
    assert len(list(DirectoryLog(tmp_path).entries(0, 7))) == 7


def test_a_log_without_checkpoint_or_cut_is_not_written(tmp_path):
    log = MemoryLog(map(make_entry, range(10)))
    log.stored.pop()
    with pytest.raises(EvidenceError, match="over 10 entries"):
        write_log(log, tmp_path)
    log.note = ""
    with pytest.raises(EvidenceError, match="no checkpoint"):
        write_log(log, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_full_tile_stands_in_for_a_partial_one_that_is_gone(tmp_path):
    entries = list(map(make_entry, range(300)))
    write_log(MemoryLog(entries), tmp_path)
    (tmp_path / "checkpoint").write_text(MemoryLog(entries[:100]).note)
    read = DirectoryLog(tmp_path)
    assert list(read.entries(0, 100)) == entries[:100]
    assert merkle.root_from_tiles(100, read.tile) == merkle.root(map(merkle.leaf_hash, entries[:100]))


@pytest.mark.parametrize("harm", ["change", "cut", "lengthen", "remove"])
def test_every_harm_to_every_file_is_found(tmp_path, harm):
    write_log(MemoryLog(map(make_entry, range(300))), tmp_path)
    for path in [path for path in tmp_path.rglob("*") if path.is_file()]:
        whole = path.read_bytes()
        match harm:
            case "change":
                path.write_bytes(
                    whole[:-40] + bytes([whole[-40] ^ 1]) + whole[-39:] if len(whole) > 40 else b"x"
                )
            case "cut":
                path.write_bytes(whole[:-1])
            case "lengthen":
                path.write_bytes(whole + b"\n")
            case "remove":
                path.unlink()
        report = verify_log(DirectoryLog(tmp_path), [SIGNER.vkey])
        assert report.exit_code == 1, path
        path.write_bytes(whole)
    assert verify_log(DirectoryLog(tmp_path), [SIGNER.vkey]).exit_code == 0


def test_a_proof_made_from_the_files_is_verified_from_its_text_alone(tmp_path):
    entries = list(map(make_entry, range(300)))
    write_log(MemoryLog(entries), tmp_path)
    read = DirectoryLog(tmp_path)
    path = merkle.inclusion_proof(123, 300, read.tile)
    text = format_proof(123, path, read.checkpoint())
    leaf = merkle.leaf_hash(entries[123])
    assert verify_proof(text, leaf, [SIGNER.verifier], SIGNER.name).size == 300
    for wrong in (
        text.replace("index 123", "index 122"),
        text + "\n",
        "\n" + text,
        text.replace("\n", "\r\n"),
    ):
        with pytest.raises(EvidenceError):
            verify_proof(wrong, leaf, [SIGNER.verifier], SIGNER.name)


def test_a_folder_that_says_it_is_longer_is_found(tmp_path):
    write_log(MemoryLog(map(make_entry, range(5))), tmp_path)
    (tmp_path / "checkpoint").write_text(sign_checkpoint(SIGNER, 300, b"\0" * 32))
    report = verify_log(DirectoryLog(tmp_path), [SIGNER.vkey])
    assert any("tile/entries/000 is not there" in str(item) for item in report.wrong)


def tessera():
    shared = os.environ.get("PROOFWATCH_SHARED")
    if not shared:
        pytest.skip("PROOFWATCH_SHARED is not set: the log written by Tessera is not part of the product")
    return Path(shared, "reference", "vectors", "tiles-log", "testdata", "log")


@pytest.mark.shared
def test_the_log_of_a_foreign_implementation_is_read_at_each_of_its_sizes(tmp_path):
    key, read = parse_vkey(TESSERA), DirectoryLog(tessera())
    newest, _ = open_checkpoint(read.checkpoint(), [key], "example.com/log/testdata")
    roots = {}
    for size in range(16):
        found, _ = open_checkpoint(read.folder.joinpath(f"checkpoint.{size}").read_bytes(), [key])
        assert (found.size, merkle.root_from_tiles(size, read.tile)) == (size, found.root)
        roots[size] = found.root
    entries = list(read.entries(0, newest.size))
    for size in range(1, 16):
        for index in range(size):
            proof = merkle.inclusion_proof(index, size, read.tile)
            merkle.verify_inclusion(merkle.leaf_hash(entries[index]), index, size, proof, roots[size])
        for old in range(1, size + 1):
            proof = merkle.consistency_proof(old, size, read.tile)
            merkle.verify_consistency(old, size, roots[old], roots[size], proof)


@pytest.mark.shared
def test_a_folder_is_written_as_a_foreign_implementation_wrote_it(tmp_path):
    original = tessera()
    write_log(DirectoryLog(original), tmp_path)
    files = [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted(map(str, files)) == ["checkpoint", "tile/0/000.p/15", "tile/entries/000.p/15"]
    for path in files:
        assert (tmp_path / path).read_bytes() == (original / path).read_bytes()
