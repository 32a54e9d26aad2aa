import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofwatch.evidence.checkpoint import sign_checkpoint
from proofwatch.evidence.objects import LocalObjects
from proofwatch.evidence.verify import verify_log
from tests.evidence.logs import SIGNER, MemoryLog, make_entry


def verify(log, objects=None, earlier=None):
    return verify_log(log, [SIGNER.vkey], objects, earlier)


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 700])
def test_a_whole_log_is_proven(size):
    report = verify(MemoryLog(map(make_entry, range(size))))
    assert report.wrong == []
    assert (
        f"the first {size} of {size} entries are exactly those that example.org/log signed" in report.proven
    )
    assert report.exit_code == 0


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 300), st.data())
def test_one_changed_byte_is_found(size, data):
    log = MemoryLog(map(make_entry, range(size)))
    index = data.draw(st.integers(0, size - 1))
    entry = bytearray(log.stored[index])
    place = data.draw(st.integers(0, len(entry) - 1))
    entry[place] ^= data.draw(st.integers(1, 255))
    log.stored[index] = bytes(entry)
    assert verify(log).exit_code == 1


@pytest.mark.parametrize("size", [3, 256, 300])
@pytest.mark.parametrize("act", ["remove first", "remove middle", "cut", "swap", "repeat", "add"])
def test_removal_reordering_truncation_and_addition_are_found(size, act):
    log = MemoryLog(map(make_entry, range(size)))
    entries = log.stored
    match act:
        case "remove first":
            del entries[0]
        case "remove middle":
            del entries[size // 2]
        case "cut":
            del entries[-1]
        case "swap":
            entries[0], entries[1] = entries[1], entries[0]
        case "repeat":
            entries.insert(1, entries[0])
        case "add":
            entries.insert(0, make_entry(-1))
    assert verify(log).exit_code == 1


@pytest.mark.parametrize(("level", "place"), [(0, 0), (0, 299), (1, 0)])
def test_a_changed_tile_is_found(level, place):
    log = MemoryLog(map(make_entry, range(300)))
    log.levels[level][place] = b"\x00" * 32
    assert any(text.startswith(f"tile {level}/") for text in verify(log).wrong)


def test_a_log_rewritten_and_signed_again_is_revealed_by_a_checkpoint_kept_elsewhere():
    kept = MemoryLog(map(make_entry, range(10))).note
    rewritten = MemoryLog(
        [*map(make_entry, range(5)), make_entry(5, other=True), *map(make_entry, range(6, 12))]
    )
    assert verify(rewritten).exit_code == 0
    report = verify(rewritten, earlier=kept)
    assert report.wrong == [
        "the log was rewritten: its first 10 entries are not those of the checkpoint kept"
    ]


def test_a_log_that_only_grew_agrees_with_a_checkpoint_kept_elsewhere():
    kept = MemoryLog(map(make_entry, range(10))).note
    report = verify(MemoryLog(map(make_entry, range(20))), earlier=kept)
    assert "nothing before entry 10 was changed since the checkpoint that was kept" in report.proven


def test_a_shorter_log_than_the_checkpoint_kept_is_found():
    kept = MemoryLog(map(make_entry, range(10))).note
    assert verify(MemoryLog(map(make_entry, range(9))), earlier=kept).exit_code == 1


def test_entries_after_the_checkpoint_are_said_to_be_unsigned():
    report = verify(MemoryLog(map(make_entry, range(10)), signed=7))
    assert "the last 3 entries: not signed yet" in report.unproven
    assert report.exit_code == 0


def test_without_a_signature_nothing_is_proven():
    log = MemoryLog(map(make_entry, range(3)))
    log.note = ""
    assert verify(log).exit_code == 3


def test_a_checkpoint_of_a_stranger_is_wrong():
    log = MemoryLog(map(make_entry, range(3)))
    log.note = sign_checkpoint(type(SIGNER)("example.org/log", b"\x09" * 32), 3, b"\x00" * 32)
    assert verify(log).exit_code == 1


def test_entries_that_go_back_in_time_are_found():
    report = verify(MemoryLog([make_entry(5), make_entry(4)]))
    assert report.wrong == ["entry 1: it is dated before the entry in front of it"]


@pytest.mark.parametrize("harm", ["change", "remove", "cut", "none"])
def test_objects_are_proven_through_those_that_name_them(tmp_path, harm):
    store = LocalObjects(tmp_path)
    base = store.put(b"PAR1 some bytes")
    manifest = store.put(json.dumps({"base": base}).encode())
    log = MemoryLog([make_entry(0, manifest=manifest)])
    path = tmp_path / base[:2] / base[2:]
    path.chmod(0o644)
    match harm:
        case "change":
            path.write_bytes(b"PAR1 same bytes")
        case "remove":
            path.unlink()
        case "cut":
            path.write_bytes(b"PAR1")
    report = verify(log, store)
    if harm == "none":
        assert "2 objects named by entries are there, each with the bytes it promises" in report.proven
    else:
        assert len(report.wrong) == 1
        assert report.wrong[0].startswith(f"entry 0: object {base}: ")


def test_a_sweep_without_an_end_is_named():
    def entry(number, kind, sweep):
        body = json.loads(make_entry(number, sweep=sweep))
        from proofwatch.evidence.entry import encode
        from tests.evidence.logs import START

        return encode(kind=kind, actor="a", at=START, data=body["data"])

    log = MemoryLog(
        [
            entry(0, "sweep.planned", "one"),
            entry(1, "sweep.planned", "two"),
            entry(2, "sweep.finished", "two"),
            entry(3, "sweep.planned", "three"),
        ]
    )
    assert any("sweep one ended" in text for text in verify(log).unproven)
    assert not any("sweep two ended" in text for text in verify(log).unproven)
